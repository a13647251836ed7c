"""Notices to every gate, numbered in commit order: who has read n missed nothing below it. It closes no socket."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import Connection, bindparam, func, insert, select

from store.counters import next_value
from tickets.schema import door_notices

COUNTER = "door_notices"
BATCH = 1000

_SINCE = (
    select(door_notices)
    .where(door_notices.c.sequence > bindparam("after"))
    .order_by(door_notices.c.sequence)
    .limit(BATCH)
)
_LATEST = select(func.coalesce(func.max(door_notices.c.sequence), 0))


class DoorAction(StrEnum):
    """What happened to somebody's right to be in the room."""

    SUSPENDED = "suspended"
    RESTORED = "restored"
    REVOKED = "revoked"
    REFUNDED = "refunded"
    BANNED = "banned"
    ENDED = "ended"
    SUPERSEDED = "superseded"  # a newer session of the same ticket was opened


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorNotice:
    """One numbered notice."""

    sequence: int
    event_id: int
    ticket_id: str | None  # None: everybody in the event
    holder: str | None  # a ban names the holder
    action: str  # a DoorAction, unless a newer program announced it
    reason: str
    at: datetime


ACTIONS: Mapping[str, DoorAction] = MappingProxyType({action.value: action for action in DoorAction})


def announce(
    conn: Connection,
    *,
    event_id: int,
    action: DoorAction,
    reason: str,
    now: datetime,
    ticket_id: str | None = None,
    holder: str | None = None,
) -> int:
    """Store a notice and return its number; the counter's row stays locked until the transaction ends."""
    sequence = next_value(conn, COUNTER)
    conn.execute(
        insert(door_notices).values(
            sequence=sequence,
            event_id=event_id,
            ticket_id=ticket_id,
            holder=holder,
            action=action,
            reason=reason[:64],
            at=now,
        )
    )
    return sequence


def since(conn: Connection, sequence: int) -> tuple[DoorNotice, ...]:
    """Return the notices after `sequence` in order, at most BATCH of them."""
    return tuple(
        DoorNotice(
            sequence=row.sequence,
            event_id=row.event_id,
            ticket_id=row.ticket_id,
            holder=row.holder,
            action=ACTIONS.get(row.action, row.action),
            reason=row.reason,
            at=row.at,
        )
        for row in conn.execute(_SINCE, {"after": sequence})
    )


def latest(conn: Connection) -> int:
    """Return the highest number given out, 0 before the first."""
    sequence: int = conn.execute(_LATEST).scalar_one()
    return sequence
