"""The order that takes a fallen one's place. Revoked tickets stay revoked; money that comes for them buys new ones."""

import secrets
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from memo.code import new_code
from monitor.sitting import Sitting
from tickets import tickets
from tickets.heirs import MARK
from tickets.ids import Randomness, new_id
from tickets.order import Hold, Order, OrderState
from tickets.schema import orders


def fallen(payer: str | None) -> str | None:
    """Return the order that an order with this payer has taken the place of, if it is an heir."""
    return payer.removeprefix(MARK) if payer and payer.startswith(MARK) else None


def has_fallen(conn: Connection, order: Order) -> bool:
    """Whether the order's tickets were revoked because its money did not return within the grace period."""
    return order.state is OrderState.EXPIRED and bool(tickets.of_order(conn, order.id))


def heir_of(sitting: Sitting, order: Order, *, at: datetime) -> Order:
    """Return the order that settles what is paid for this one: itself, unless it has fallen.

    An heir has the fallen order's lines and price, and no place kept. The fallen order is taken: there is one heir.
    """
    while has_fallen(sitting.conn, order):
        mark = f"{MARK}{order.id}"
        known = select(orders.c.id).where(
            orders.c.event_id == order.event_id, orders.c.asset == order.asset, orders.c.payer == mark
        )
        heir_id = sitting.conn.execute(known).scalar_one_or_none()
        if heir_id is None:
            until = max(at, sitting.event(order.event_id).sales_end)
            heir = _draft(order, mark, at=at, until=until)
            sitting.put_order(heir)
            return heir
        order = sitting.order(heir_id)
    return order


def _draft(
    fallen: Order, mark: str, *, at: datetime, until: datetime, randomness: Randomness = secrets.token_bytes
) -> Order:
    return replace(
        fallen,
        id=new_id(randomness),
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
