"""Seated sessions, read again: ticket and event, and where a chain must go on naming their keys, that chain before it.

What comes of it is told to the rooms, which answer the sockets. What cannot be done now comes round again.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from gateway.deps import Deps
from gateway.gate import sessions, signers
from gateway.gate.kicks import DoorList
from gateway.gate.sessions import Kept, Signers
from gateway.http.codes import Code
from gateway.presence import seating
from gateway.presence.effects import Renew
from gateway.presence.hub import Hub
from store.engine import Work
from store.errors import StoreError
from verifier.verdict import Inconclusive

log = structlog.get_logger(__name__)

TRY_AGAIN = timedelta(seconds=1)
ASK_AGAIN = timedelta(seconds=2 * signers.WAIT_SECONDS)
"""When a renewal comes round again whose question got lost."""

Outcome = Callable[[Renew, Kept | None, Code | None, datetime], None]
"""Takes a renewal, its session as it was read, why it may not go on, and when."""


class Renewals:
    """The renewals of one gate."""

    def __init__(
        self,
        deps: Deps,
        *,
        hub: Hub,
        door_list: DoorList,
        tell: Outcome,
        in_background: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._deps = deps
        self._hub = hub
        self._door_list = door_list
        self._tell = tell
        self._in_background = in_background
        self._chains = signers.Renewals(deps.lookup, deps.registry)
        self._asking: set[asyncio.Task[None]] = set()

    async def renew(self, renewals: Sequence[Renew]) -> None:
        """Read these sessions again. Nobody's renewal, and no event's end, waits for a chain that others ask."""
        now = self._deps.clock()
        ids = {renewal.seat.session_id for renewal in renewals}
        kept = await self._read(renewals, partial(seating.renew, ids, self._deps.settings.network, now), now)
        if kept is None:
            return
        waiting: list[Renew] = []
        to_ask: dict[str, Signers] = {}
        for renewal in renewals:
            its = kept.get(renewal.seat.session_id)
            code = sessions.refusal(its, generation=renewal.seat.generation, now=now)
            if code is None and its is not None and its.signers is not None:
                waiting.append(renewal)
                to_ask[its.session.id] = its.signers
            else:
                self._tell(renewal, its, code, now)
        if waiting:
            self._hub.renew_again([renewal.connection for renewal in waiting], at=now + ASK_AGAIN)
            question = self._in_background(self._ask(waiting, to_ask))
            self._asking.add(question)
            question.add_done_callback(self._asking.discard)

    def stop(self) -> None:
        """Ask no chain any more."""
        for question in self._asking:
            question.cancel()

    async def _ask(self, renewals: Sequence[Renew], asked: Mapping[str, Signers]) -> None:
        """Renew, once their chain was asked, whose keys it must go on naming. Ticket and event are read behind that."""
        asked_at = self._deps.clock()
        heard = await self._chains.hear(asked)
        if unheard := sum(isinstance(verdict, Inconclusive) for verdict in heard.values()):
            log.warning("keys_unheard", sessions=unheard)
        now = self._deps.clock()
        read = partial(seating.renew_heard, heard, self._deps.settings.network, asked_at, now)
        kept = await self._read(renewals, read, now)
        if kept is None:
            return
        for renewal in renewals:
            its = kept.get(renewal.seat.session_id)
            code = sessions.refusal(its, generation=renewal.seat.generation, now=now)
            if code is None and its is not None:
                code = signers.refusal(its.signers, heard[its.session.id], now=now)
            self._tell(renewal, its, code, now)

    async def _read(
        self, renewals: Sequence[Renew], work: Work[dict[str, Kept]], now: datetime
    ) -> dict[str, Kept] | None:
        """Return the sessions as they are stored; None where this gate cannot say now."""
        if not self._door_list.blind(now):
            try:
                return await self._deps.store.transact(work)
            except StoreError as error:
                log.warning("renewal_put_off", reason=str(error), sockets=len(renewals))
        self._hub.renew_again([renewal.connection for renewal in renewals], at=now + TRY_AGAIN)
        return None
