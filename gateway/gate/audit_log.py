"""The audit log of what must not wait for it: sockets, renewals, credentials, budgets. What is asked, `audit` knows.

Rows and counts gather while a commit is under way and go together into the next one. Where the database is away they
wait for the next thing that happens, so many of them at most.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial

import structlog
from aiohttp import web
from sqlalchemy import Connection

from gateway.gate import audit
from gateway.gate.audit import Entry, Stranger
from store.engine import Store
from store.errors import StoreError

log = structlog.get_logger(__name__)

WAITING = 10_000
"""Rows, and counted kinds of refusal, that may wait; of more the oldest are lost, and the program's own log says so."""
AT_ONCE = 500


class AuditLog:
    """Takes rows and counts at once, and writes them soon."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._entries: deque[Entry] = deque()
        self._strangers: dict[str, tuple[Stranger, int]] = {}
        self._writing: asyncio.Task[None] | None = None

    def note(self, entry: Entry) -> None:
        """Have a row written for somebody who proved a wallet or a session."""
        if len(self._entries) >= WAITING:
            log.error("audit_row_lost", action=self._entries.popleft().action)
        self._entries.append(entry)
        self._begin()

    def count(self, stranger: Stranger) -> None:
        """Have one more counted who proved nothing."""
        if stranger.row_id not in self._strangers and len(self._strangers) >= WAITING:
            log.error("audit_count_lost", action=stranger.action)
            return
        _, times = self._strangers.get(stranger.row_id, (stranger, 0))
        self._strangers[stranger.row_id] = (stranger, times + 1)
        self._begin()

    async def settled(self) -> None:
        """Wait until what was noted is written, or could not be."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    def _begin(self) -> None:
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._entries or self._strangers:
                await self._write_some()
        except StoreError as error:
            log.warning("audit_put_off", reason=str(error), rows=len(self._entries), counts=len(self._strangers))
        finally:
            self._writing = None

    async def _write_some(self) -> None:
        entries = [self._entries.popleft() for _ in range(min(AT_ONCE, len(self._entries)))]
        counts, self._strangers = self._strangers, {}
        try:
            await self._store.transact(partial(_written, entries, counts))
        except StoreError:
            self._entries.extendleft(reversed(entries))
            for row_id, (stranger, times) in counts.items():
                _, since = self._strangers.get(row_id, (stranger, 0))
                self._strangers[row_id] = (stranger, times + since)
            raise


AUDIT: web.AppKey[AuditLog] = web.AppKey("audit", AuditLog)


def _written(entries: Sequence[Entry], counts: Mapping[str, tuple[Stranger, int]], conn: Connection) -> None:
    if entries:
        audit.record(conn, entries)
    if counts:
        audit.count_times(conn, list(counts.values()))
