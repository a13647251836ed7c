"""What the gate forgets, and when. It runs in every gate; whoever comes second finds nothing left to do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import structlog
from aiohttp import web
from sqlalchemy import Connection

from gateway import audit, idempotency, proofs
from gateway.background import BACKGROUND
from gateway.deps import DEPS, Deps
from store.errors import StoreError
from tickets import attendance

log = structlog.get_logger(__name__)

EVERY_SECONDS = 600
AUDIT_KEPT = timedelta(days=30)
"""It holds keyed hashes of addresses."""


def forget(conn: Connection, *, now: datetime) -> None:
    """Drop answers, spent proofs and audit rows whose time is over; nobody stays in the room of an event that is."""
    attendance.end(conn, now=now)
    idempotency.prune(conn, now=now)
    proofs.prune(conn, now=now)
    audit.prune(conn, before=now - AUDIT_KEPT)


async def keep_house(app: web.Application) -> AsyncIterator[None]:
    """Forget now and then for as long as the application runs (a cleanup context)."""
    task = asyncio.create_task(_repeat(app[DEPS]))
    app[BACKGROUND].watch([task])
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _repeat(deps: Deps) -> None:
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            await deps.store.transact(partial(forget, now=deps.clock()))
        except StoreError as error:
            log.warning("store_unavailable", reason=error.detail)
