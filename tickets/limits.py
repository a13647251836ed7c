"""How much one wallet may buy, and how much strangers may keep from others without showing a wallet (DESIGN §5).

The caller has locked the event's row, so that what is counted stays true until the order is stored.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, case, func, select

from chains.account import HolderKey
from tickets.batches import batches
from tickets.event import Event, Tier
from tickets.order import Hold, Order, OrderState
from tickets.schema import events, order_lines, orders

UNPROVED_PER_CLIENT = 2
"""Places that one client network may hold at an event without proving a wallet."""

ADDRESSES_PER_CLIENT = 5
"""Addresses of their own that orders of one client network at an event may take in a while without proving a wallet."""
ADDRESS_WHILE = timedelta(hours=1)
"""An address is taken for ever, so letting go of its order, or of its time, gives no other one back sooner."""

COUNTING = (OrderState.OPEN, OrderState.PAID, OrderState.SUSPENDED)
"""States in which an order's tickets are there, or about to be."""

_COUNTED = (
    select(func.coalesce(func.sum(order_lines.c.quantity), 0))
    .join(orders, orders.c.id == order_lines.c.order_id)
    .where(
        orders.c.event_id == bindparam("event"),
        order_lines.c.holder == bindparam("holder"),
        orders.c.proved,
        orders.c.state.in_(COUNTING),
    )
)
_TOOK_ADDRESSES = select(func.count()).where(
    orders.c.event_id == bindparam("event"),
    orders.c.created_at > bindparam("since"),
    orders.c.address.is_not(None),
    orders.c.state != OrderState.PAID,
    ~orders.c.proved,
)
_TOOK_ADDRESSES_BY = _TOOK_ADDRESSES.where(orders.c.client == bindparam("client"))
_TOOK_ADDRESSES_BY_NOBODY = _TOOK_ADDRESSES.where(orders.c.client.is_(None))
_UNPROVED = (
    select(
        func.coalesce(
            func.sum(
                case((orders.c.client.is_not_distinct_from(bindparam("client")), order_lines.c.quantity), else_=0)
            ),
            0,
        ).label("by_client"),
        func.coalesce(
            func.sum(case((order_lines.c.tier_id == bindparam("tier"), order_lines.c.quantity), else_=0)), 0
        ).label("in_tier"),
    )
    .join(orders, orders.c.id == order_lines.c.order_id)
    .where(
        orders.c.event_id == bindparam("event"),
        orders.c.state == OrderState.OPEN,
        orders.c.hold == Hold.HELD,
        ~orders.c.proved,
    )
)


_LIMITED = (
    select(events.c.id)
    .where(events.c.id.in_(bindparam("of_events", expanding=True)), events.c.purchase_limit.is_not(None))
    .order_by(events.c.id)
    .with_for_update(key_share=True)
)


def lock(conn: Connection, event_ids: Iterable[int]) -> None:
    """Lock the rows of those of the events that have a purchase limit, before any of their orders is."""
    for some in batches(event_ids):
        conn.execute(_LIMITED, {"of_events": some}).all()


def beyond_purchase_limit(conn: Connection, event: Event, holder: HolderKey, n: int) -> bool:
    """Whether `n` more tickets are more than one wallet may have."""
    return event.purchase_limit is not None and counted(conn, event.id, holder) + n > event.purchase_limit


def counted(conn: Connection, event_id: int, holder: HolderKey) -> int:
    """Return how many tickets a wallet has or is about to have by its own proof; gifts and strangers' orders not."""
    count: int = conn.execute(_COUNTED, {"event": event_id, "holder": str(holder)}).scalar_one()
    return count


def share(order: Order, event_id: int, holder: HolderKey) -> int:
    """Return how many of an order's tickets count so."""
    if order.event_id != event_id or not order.proved or order.state not in COUNTING:
        return 0
    return sum(line.quantity for line in order.lines if line.holder == holder)


def may_hold_unproved(conn: Connection, event: Event, tier: Tier, client: str | None, n: int) -> bool:
    """Whether somebody who proved no wallet may have `n` more places of a tier kept."""
    row = conn.execute(_UNPROVED, {"event": event.id, "client": client, "tier": tier.id}).one()
    return may_hold(left=tier.left, in_tier=row.in_tier, by_client=row.by_client, n=n)


def may_take_address(conn: Connection, event: Event, client: str | None, now: datetime) -> bool:
    """Whether an order of somebody who proved no wallet may have an address of its own; paid ones do not count."""
    statement = _TOOK_ADDRESSES_BY_NOBODY if client is None else _TOOK_ADDRESSES_BY
    asked = {"event": event.id, "since": now - ADDRESS_WHILE} | ({} if client is None else {"client": client})
    count: int = conn.execute(statement, asked).scalar_one()
    return count < ADDRESSES_PER_CLIENT


def may_hold(*, left: int | None, in_tier: int, by_client: int, n: int) -> bool:
    """Whether `n` more places may be held without a wallet's proof.

    `left`: free places of the tier, None where there is no end to them. `in_tier`, `by_client`: places held so already,
    in this tier by anybody and at this event from this client's network. Together they may hold half of what is left.
    """
    if by_client + n > UNPROVED_PER_CLIENT:
        return False
    return left is None or 2 * (in_tier + n) <= left + in_tier
