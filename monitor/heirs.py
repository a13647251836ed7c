"""The order that takes a fallen one's place. Revoked tickets stay revoked; money that comes for them buys new ones."""

import secrets
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from memo.code import new_code
from tickets import order_store, tickets
from tickets.event import Event
from tickets.order import Hold, Order, OrderState
from tickets.orders import Randomness
from tickets.schema import orders


def has_fallen(conn: Connection, order: Order) -> bool:
    """Whether the order's tickets were revoked because its money did not return within the grace period."""
    return order.state is OrderState.EXPIRED and bool(tickets.of_order(conn, order.id))


def heir_of(
    conn: Connection, fallen: Order, event: Event, *, at: datetime, randomness: Randomness = secrets.token_bytes
) -> Order:
    """Return, locked, the order that settles what is still paid for a fallen one: its lines and price, no place kept.

    It answers to the fallen one's address and code. The caller holds the fallen order's lock: there is one heir.
    """
    mark = f"heir:{fallen.id}"
    known = select(orders.c.id).where(
        orders.c.event_id == fallen.event_id, orders.c.asset == fallen.asset, orders.c.payer == mark
    )
    heir_id = conn.execute(known).scalar_one_or_none()
    heir = None if heir_id is None else order_store.by_id(conn, heir_id, lock=True)
    if heir is None:
        heir = _write_down(conn, fallen, event, mark, at=at, randomness=randomness)
    elif has_fallen(conn, heir):
        heir = heir_of(conn, heir, event, at=at, randomness=randomness)
    return replace(heir, address=fallen.address, code=fallen.code)


def _write_down(
    conn: Connection, fallen: Order, event: Event, mark: str, *, at: datetime, randomness: Randomness
) -> Order:
    until = max(at, event.sales_end)
    heir = replace(
        fallen,
        id=randomness(16).hex(),
        code=new_code(randomness(8)),
        state=OrderState.OPEN,
        hold=Hold.NONE,
        implicit=True,
        payer=mark,
        client=None,
        address=None,
        created_at=at,
        expires_at=until,
        expires_cap=until,
        grace_until=None,
        version=1,
        updated_at=at,
    )
    order_store.add(conn, heir)
    return heir
