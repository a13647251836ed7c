"""Reading from the database what decides about somebody at the door. What it comes to is decided in `checks`."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, select

from chains.account import Account
from chains.accounts import parse_caip10
from config.registry import Network
from gateway.gate.checks import EventAtDoor, Role, Standing, TicketAtDoor, best_first
from gateway.schema import bans
from tickets.event import EventStatus
from tickets.schema import events, tickets
from tickets.ticket import TicketState

Who = tuple[int, str]
"""An event's row id and a holder key as text."""

EVENT_COLUMNS = (
    events.c.id.label("event_id"),
    events.c.status,
    events.c.creator,
    events.c.doors_at,
    events.c.ends_at,
    events.c.relay_only,
)
TICKET_COLUMNS = (
    tickets.c.id.label("ticket_id"),
    tickets.c.state,
    tickets.c.paid_on,
    tickets.c.generation,
    tickets.c.token,
)
BANNED = bans.c.holder.is_not(None).label("banned")

_TICKETS: Select[Any] = (
    select(tickets.c.event_id, tickets.c.holder, BANNED, *TICKET_COLUMNS)
    .outerjoin_from(tickets, bans, and_(bans.c.event_id == tickets.c.event_id, bans.c.holder == tickets.c.holder))
    .where(  # two lists, not one of pairs: SQLite searches no index for pairs
        tickets.c.event_id.in_(bindparam("events", expanding=True)),
        tickets.c.holder.in_(bindparam("holders", expanding=True)),
    )
    .order_by(tickets.c.issued_at, tickets.c.id)
)
_TICKETS_LOCKED = _TICKETS.with_for_update(of=tickets)  # a state read here still holds when the session is written
_EVENTS: Select[Any] = select(*EVENT_COLUMNS).where(events.c.id.in_(bindparam("ids", expanding=True)))


def read(conn: Connection, who: Collection[Who], *, network: Network, lock: bool = False) -> Mapping[Who, Standing]:
    """Return how each of them stands. `lock`: keep their tickets as they are until the transaction ends."""
    held: dict[Who, list[TicketAtDoor]] = defaultdict(list)
    banned: set[Who] = set()
    wanted = {"events": sorted({event for event, _ in who}), "holders": sorted(holder for _, holder in who)}
    for event_id, holder, is_banned, *ticket in conn.execute(_TICKETS_LOCKED if lock else _TICKETS, wanted):
        held[event_id, holder].append(_ticket(*ticket))
        if is_banned:
            banned.add((event_id, holder))
    known = {row.event_id: event_of(row) for row in conn.execute(_EVENTS, {"ids": wanted["events"]})}
    return {
        one: _standing(known[one[0]], one[1], held.get(one, ()), banned=one in banned, network=network) for one in who
    }


def event_of(row: Row[Any]) -> EventAtDoor:
    """Return the event in a row that has EVENT_COLUMNS."""
    return EventAtDoor(
        id=row.event_id,
        status=EventStatus(row.status),
        creator=row.creator,
        doors_at=row.doors_at,
        ends_at=row.ends_at,
        relay_only=row.relay_only,
    )


def ticket_of(row: Row[Any]) -> TicketAtDoor:
    """Return the ticket in a row that has TICKET_COLUMNS."""
    return _ticket(row.ticket_id, row.state, row.paid_on, row.generation, row.token)


@lru_cache(1024)
def role_of(creator: str, holder: str, network: Network) -> Role:
    """Return what a holder is at an event: its creator is the host, where the creator is named by a CAIP-10 account."""
    account = parse_caip10(creator, network)
    return Role.HOST if isinstance(account, Account) and str(account.holder) == holder else Role.ATTENDEE


def _ticket(ticket_id: str, state: str, paid_on: str | None, generation: int, token: str) -> TicketAtDoor:
    """Return a ticket from what TICKET_COLUMNS select."""
    return TicketAtDoor(id=ticket_id, state=TicketState(state), paid_on=paid_on, generation=generation, token=token)


def _standing(
    event: EventAtDoor, holder: str, held: Sequence[TicketAtDoor], *, banned: bool, network: Network
) -> Standing:
    role = role_of(event.creator, holder, network)
    tickets_at_door = best_first(held) if role is Role.ATTENDEE else ()
    return Standing(event=event, role=role, tickets=tickets_at_door, banned=banned)
