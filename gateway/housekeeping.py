"""What the gate forgets, and when. It runs in every gate; whoever comes second finds nothing left to do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import structlog
from aiohttp import web
from sqlalchemy import Connection, bindparam, delete, func, select, update

from gateway.background import BACKGROUND
from gateway.deps import DEPS, Deps
from gateway.gate import audit, proofs
from gateway.http import idempotency
from gateway.schema import bans, sessions
from store.errors import StoreError
from tickets import attendance
from tickets.schema import door_notices, events, orders

log = structlog.get_logger(__name__)

EVERY_SECONDS = 600
AUDIT_KEPT = timedelta(days=30)
"""It holds keyed hashes of addresses."""
CLIENTS_KEPT = timedelta(days=30)
"""An order's keyed hash of its client's network counts unproved holds, which last minutes."""
VISITS_KEPT = timedelta(days=90)
"""How long it is known who was there (DESIGN section 8)."""

_NO_CLIENT = (
    update(orders)
    .where(orders.c.client.is_not(None), orders.c.created_at < bindparam("before"))
    .values(client=None)  # no change that a buyer sees: the version stays
)
_OVER = select(events.c.id).where(events.c.ends_at < bindparam("before", type_=events.c.ends_at.type))
_OLD_SESSIONS = delete(sessions).where(sessions.c.opened_at < bindparam("before"), sessions.c.event_id.in_(_OVER))
_OLD_BANS = delete(bans).where(bans.c.at < bindparam("before"), bans.c.event_id.in_(_OVER))
_NEWEST = select(func.max(door_notices.c.sequence)).scalar_subquery()
_OLD_NOTICES = delete(door_notices).where(
    door_notices.c.at < bindparam("before"),
    door_notices.c.sequence < _NEWEST,  # by which gates know where the list ends
)
_NAMELESS = (
    update(door_notices)
    .where(door_notices.c.at < bindparam("before"), door_notices.c.holder.is_not(None))
    .values(holder=None)
)


def forget(conn: Connection, *, now: datetime) -> None:
    """Drop answers, spent proofs and what tells of people once its time is over; end the visits of past events."""
    attendance.end(conn, now=now)
    idempotency.prune(conn, now=now)
    proofs.prune(conn, now=now)
    audit.prune(conn, before=now - AUDIT_KEPT)
    conn.execute(_NO_CLIENT, {"before": now - CLIENTS_KEPT})
    attendance.forget(conn, before=now - VISITS_KEPT)
    for statement in (_OLD_SESSIONS, _OLD_BANS, _OLD_NOTICES, _NAMELESS):
        conn.execute(statement, {"before": now - VISITS_KEPT})


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
