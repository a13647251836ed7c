"""Tickets as they are kept: mint, suspend, restore, revoke, grant, find. Each change of worth tells the door."""

import secrets
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, case, func, insert, select, update

from chains.account import Account, HolderKey
from store.batch import Batch
from tickets import door, inventory
from tickets.batches import batches, insert_all
from tickets.door import DoorAction
from tickets.event import Event, Tier
from tickets.ids import Randomness, is_id, new_id
from tickets.keys import Signer
from tickets.order import Order
from tickets.schema import tickets
from tickets.ticket import TICKET_STATES, Ticket, TicketState, ticket_id
from tickets.tokens import TicketClaims, sign_ticket

__all__ = [
    "TICKET_STATES",
    "Sale",
    "Ticket",
    "TicketQuery",
    "TicketState",
    "by_id",
    "grant",
    "held_by",
    "last_expiry",
    "mint",
    "next_generation",
    "of_order",
    "restore",
    "revoke",
    "search",
    "suspend",
]

_VALID_FIRST = case((tickets.c.state == TicketState.VALID, 0), else_=1)
_BY_ID = select(tickets).where(tickets.c.id == bindparam("wanted"))
_OF_ORDER = (
    select(tickets)
    .where(tickets.c.order_id == bindparam("wanted"))
    .order_by(tickets.c.tier_id, tickets.c.holder, tickets.c.id)
)
_STANDING = select(tickets.c.id, tickets.c.order_id).where(
    tickets.c.order_id.in_(bindparam("of_orders", expanding=True))
)
_MINT = Batch(
    table=tickets,
    columns=(
        "id", "event_id", "tier_id", "order_id", "holder", "account", "paid_on", "state", "token",
        "issued_at", "expires_at", "generation", "access_count", "updated_at",
    ),
    unless_there=True,
)  # fmt: skip
_values = itemgetter(*_MINT.columns)
_HELD_BY = (
    select(tickets)
    .where(tickets.c.event_id == bindparam("event"), tickets.c.holder == bindparam("of_holder"))
    .order_by(_VALID_FIRST, tickets.c.issued_at, tickets.c.id)
)
_NEXT_GENERATION = (
    update(tickets)
    .where(tickets.c.id == bindparam("wanted"), tickets.c.state == TicketState.VALID)
    .values(generation=tickets.c.generation + 1)
    .returning(tickets.c.generation)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketQuery:
    """Which tickets to list; None: all."""

    event_id: int | None = None
    holder: HolderKey | None = None
    state: TicketState | None = None
    order_id: str | None = None
    after: str | None = None  # the last id of the page before
    limit: int = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Sale:
    """An order whose places are sold, and what paid for it."""

    order: Order
    event: Event
    paid_on: str  # CAIP-2
    payments: tuple[str, ...]  # ids


def mint(conn: Connection, sales: Sequence[Sale], *, signer: Signer, now: datetime) -> None:
    """Make the tickets of paid orders where they were not yet, and restore them where they were suspended.

    Repeating it changes nothing: ids follow from the order, and a token is stored once. The caller has locked the
    orders and sold their places.
    """
    standing: dict[str, str] = {}  # ticket -> order
    for some in batches(sale.order.id for sale in sales):
        standing.update((row.id, row.order_id) for row in conn.execute(_STANDING, {"of_orders": some}))
    rows = (row for sale in sales for row in _minted(sale, standing, signer=signer, now=now))
    insert_all(conn, _MINT, map(_values, rows))
    for some in batches(standing.values()):
        _move(conn, tickets.c.order_id.in_(some), TicketState.VALID, DoorAction.RESTORED, reason="paid", now=now)


def grant(
    conn: Connection,
    event: Event,
    account: Account,
    tier: Tier,
    *,
    signer: Signer,
    now: datetime,
    randomness: Randomness = secrets.token_bytes,
) -> Ticket | None:
    """Give a ticket without money (the guest list); it takes a place like any other. None if there is no room."""
    if not inventory.sell(conn, tier.id, 1):
        return None
    row = _row(
        new_id(randomness),
        event,
        tier,
        order_id=None,
        holder=account.holder,
        account=str(account),
        paid_on=account.chain,
        payments=(),
        signer=signer,
        now=now,
    )
    conn.execute(insert(tickets), row)
    return by_id(conn, row["id"])


def suspend(conn: Connection, order_id: str, *, reason: str, now: datetime) -> tuple[str, ...]:
    """Make an order's valid tickets worth nothing for now; return their ids."""
    mine = tickets.c.order_id == order_id
    return _move(conn, mine, TicketState.SUSPENDED, DoorAction.SUSPENDED, reason=reason, now=now)


def restore(conn: Connection, order_id: str, *, reason: str = "returned", now: datetime) -> tuple[str, ...]:
    """Make an order's suspended tickets valid again; return their ids. What was revoked stays revoked."""
    mine = tickets.c.order_id == order_id
    return _move(conn, mine, TicketState.VALID, DoorAction.RESTORED, reason=reason, now=now)


def revoke(conn: Connection, wanted: str, *, reason: str, now: datetime) -> bool:
    """Take one ticket back for good; False if it is not there to be taken.

    A granted ticket frees its place. A bought one does not: its order still owns the place, and its money is a question
    of refunds.
    """
    if not is_id(wanted) or not _move(
        conn, tickets.c.id == wanted, TicketState.REVOKED, DoorAction.REVOKED, reason=reason, now=now
    ):
        return False
    ticket = by_id(conn, wanted)
    if ticket is not None and ticket.order_id is None:
        inventory.give_back(conn, ticket.tier_id, 1)
    return True


def by_id(conn: Connection, wanted: str) -> Ticket | None:
    """Return the ticket with this id; whatever cannot be one is nobody's."""
    if not is_id(wanted):
        return None
    row = conn.execute(_BY_ID, {"wanted": wanted}).one_or_none()
    return None if row is None else _ticket(row)


def of_order(conn: Connection, order_id: str) -> tuple[Ticket, ...]:
    """Return the tickets that an order became."""
    return tuple(_ticket(row) for row in conn.execute(_OF_ORDER, {"wanted": order_id}))


def held_by(conn: Connection, event_id: int, holder: HolderKey) -> tuple[Ticket, ...]:
    """Return the tickets of a holder at an event, valid ones first."""
    rows = conn.execute(_HELD_BY, {"event": event_id, "of_holder": str(holder)})
    return tuple(_ticket(row) for row in rows)


def next_generation(conn: Connection, wanted: str) -> int | None:
    """Open the next generation of a valid ticket's sessions and return its number; None if the ticket is not valid."""
    generation: int | None = conn.execute(_NEXT_GENERATION, {"wanted": wanted}).scalar_one_or_none()
    return generation


def search(conn: Connection, query: TicketQuery) -> tuple[Ticket, ...]:
    """Return a page of tickets in the order of their ids."""
    asked: tuple[tuple[Any, Any], ...] = (
        (tickets.c.event_id, query.event_id),
        (tickets.c.holder, None if query.holder is None else str(query.holder)),
        (tickets.c.state, query.state),
        (tickets.c.order_id, query.order_id),
    )
    wanted = select(tickets).where(*(column == value for column, value in asked if value is not None))
    if query.after is not None:
        wanted = wanted.where(tickets.c.id > query.after)
    return tuple(_ticket(row) for row in conn.execute(wanted.order_by(tickets.c.id).limit(query.limit)))


def last_expiry(conn: Connection) -> datetime | None:
    """Return when the last token is over: until then the keys that signed tickets must verify."""
    last: datetime | None = conn.execute(select(func.max(tickets.c.expires_at))).scalar_one()
    return last


def _move(
    conn: Connection,
    condition: ColumnElement[bool],
    state: TicketState,
    action: DoorAction,
    *,
    reason: str,
    now: datetime,
) -> tuple[str, ...]:
    """Change the worth of the tickets that may change so, and tell the door about each."""
    moved = conn.execute(
        update(tickets)
        .where(condition, tickets.c.state.in_(TICKET_STATES.before(state)))
        .values(state=state, reason=reason[:64], updated_at=now)
        .returning(tickets.c.id, tickets.c.event_id)
    ).all()
    for row in sorted(moved, key=lambda row: row.id):
        door.announce(conn, event_id=row.event_id, ticket_id=row.id, action=action, reason=reason, now=now)
    return tuple(sorted(row.id for row in moved))


def _minted(sale: Sale, standing: Container[str], *, signer: Signer, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the rows of an order's tickets, except those that stand already."""
    for number, line in enumerate(sale.order.lines):
        tier = sale.event.tier_by_id(line.tier_id)
        if tier is None:
            raise ValueError(f"order {sale.order.id} is not for event {sale.event.id}")
        for ordinal in range(line.quantity):
            if (one := ticket_id(sale.order.id, number, ordinal)) not in standing:
                yield _row(
                    one,
                    sale.event,
                    tier,
                    order_id=sale.order.id,
                    holder=line.holder,
                    account=line.account,
                    paid_on=sale.paid_on,
                    payments=sale.payments,
                    signer=signer,
                    now=now,
                )


def _row(
    new_id: str,
    event: Event,
    tier: Tier,
    *,
    order_id: str | None,
    holder: HolderKey,
    account: str,
    paid_on: str,
    payments: Sequence[str],
    signer: Signer,
    now: datetime,
) -> dict[str, Any]:
    claims = TicketClaims(
        account=account,
        event_id=event.id,
        ticket_id=new_id,
        tier=tier.name,
        issued_at=now,
        expires_at=event.ends_at,
        payments=tuple(payments),
    )
    return {
        "id": new_id,
        "event_id": event.id,
        "tier_id": tier.id,
        "order_id": order_id,
        "holder": str(holder),
        "account": account,
        "paid_on": paid_on,
        "state": TicketState.VALID,
        "token": sign_ticket(signer, claims),
        "issued_at": now,
        "expires_at": event.ends_at,
        "generation": 0,
        "access_count": 0,
        "updated_at": now,
    }


def _ticket(row: Row[Any]) -> Ticket:
    values = dict(row._mapping)  # noqa: SLF001  SQLAlchemy's public name for it
    return Ticket(**values | {"holder": HolderKey.parse(row.holder), "state": TicketState(row.state)})
