"""Who was in the room and when: one row per session, first and last access on the ticket. It lets nobody in."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex

from sqlalchemy import Connection, bindparam, case, func, select, update

from chains.account import HolderKey
from store.upsert import insert_into
from tickets.schema import attendance, events, tickets

FORGOTTEN_AT_ONCE = 1000

_ACCESS = (
    update(tickets)
    .where(tickets.c.id == bindparam("wanted"))
    .values(
        first_access=func.coalesce(tickets.c.first_access, bindparam("at", type_=tickets.c.first_access.type)),
        last_access=bindparam("at", type_=tickets.c.last_access.type),
        access_count=tickets.c.access_count + 1,
    )
)
_BACK = (
    update(attendance)
    .where(attendance.c.session_id == bindparam("session"), attendance.c.left_at.is_not(None))
    .values(left_at=None)
)
_LEAVE = (
    update(attendance)
    .where(attendance.c.session_id == bindparam("session"), attendance.c.left_at.is_(None))
    .values(left_at=bindparam("at"))
    .returning(attendance.c.ticket_id)
)
_LEAVE_ALL = (
    update(attendance)
    .where(attendance.c.session_id.in_(bindparam("sessions", expanding=True)), attendance.c.left_at.is_(None))
    .values(left_at=bindparam("at"))
)
_OVER = select(events.c.id).where(events.c.ends_at <= bindparam("at", type_=events.c.ends_at.type))
_END = (
    update(attendance)
    .where(attendance.c.left_at.is_(None), attendance.c.event_id.in_(_OVER))
    .values(left_at=select(events.c.ends_at).where(events.c.id == attendance.c.event_id).scalar_subquery())
)
_NAMED = (
    select(attendance.c.event_id, attendance.c.holder)
    .where(attendance.c.joined_at < bindparam("before"), attendance.c.holder.not_like("anonymous:%"))
    .distinct()
    .order_by(attendance.c.event_id, attendance.c.holder)
    .limit(bindparam("most"))
)
_UNNAME = (
    update(attendance)
    .where(
        attendance.c.event_id == bindparam("event"),
        attendance.c.holder == bindparam("known"),
        attendance.c.joined_at < bindparam("before"),
    )
    .values(holder=bindparam("unknown"), ticket_id=None)
)
_SEEN = update(tickets).where(tickets.c.id == bindparam("wanted")).values(last_access=bindparam("at"))
_COUNTS = select(
    func.count().label("visits"),
    func.count(func.distinct(attendance.c.holder)).label("visitors"),
    func.count(func.distinct(case((attendance.c.left_at.is_(None), attendance.c.holder)))).label("present"),
).where(attendance.c.event_id == bindparam("event"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How well an event is visited."""

    present: int  # holders in the room now
    visitors: int  # different holders so far
    visits: int  # sessions so far


def arrive(
    conn: Connection, *, session_id: str, event_id: int, ticket_id: str | None, holder: HolderKey, now: datetime
) -> bool:
    """Note that a session is in the room; True the first time. A session that had left is back, not a second visit."""
    row = {
        "session_id": session_id,
        "event_id": event_id,
        "ticket_id": ticket_id,
        "holder": str(holder),
        "joined_at": now,
    }
    visit = insert_into(conn, attendance).values(row).on_conflict_do_nothing().returning(attendance.c.session_id)
    if conn.execute(visit).one_or_none() is None:
        conn.execute(_BACK, {"session": session_id})
        return False
    if ticket_id is not None:
        conn.execute(_ACCESS, {"wanted": ticket_id, "at": now})
    return True


def leave(conn: Connection, *, session_id: str, now: datetime) -> bool:
    """Note that a session left; False if it was not there."""
    row = conn.execute(_LEAVE, {"session": session_id, "at": now}).one_or_none()
    if row is None:
        return False
    if row.ticket_id is not None:
        conn.execute(_SEEN, {"wanted": row.ticket_id, "at": now})
    return True


def leave_all(conn: Connection, session_ids: Collection[str], *, now: datetime) -> int:
    """Note that these sessions are in no room any more, whatever became of their gate; return how many were."""
    return conn.execute(_LEAVE_ALL, {"sessions": sorted(session_ids), "at": now}).rowcount if session_ids else 0


def end(conn: Connection, *, now: datetime) -> int:
    """Let everybody who is still noted as present leave with their event's end; return how many did.

    A gate that died wrote nothing of the sort itself.
    """
    return conn.execute(_END, {"at": now}).rowcount


def forget(conn: Connection, *, before: datetime, random: Callable[[], str] = token_hex) -> int:
    """Make older visits nobody's and return how many people's; how many came, and how often each, stays known.

    An event's visitor gets one name at random, which is written down nowhere else. FORGOTTEN_AT_ONCE people at most.
    """
    people = conn.execute(_NAMED, {"before": before, "most": FORGOTTEN_AT_ONCE}).all()
    changes = [
        {"event": row.event_id, "known": row.holder, "before": before, "unknown": f"anonymous:{random()}"}
        for row in people
    ]
    if changes:
        conn.execute(_UNNAME, changes)
    return len(changes)


def counts(conn: Connection, event_id: int) -> Counts:
    """Return how many came and how many are there."""
    row = conn.execute(_COUNTS, {"event": event_id}).one()
    return Counts(present=row.present, visitors=row.visitors, visits=row.visits)
