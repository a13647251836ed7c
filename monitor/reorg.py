"""What happens when a chain takes a payment back, when it returns in time, and when it does not (DESIGN section 3)."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from monitor import booking
from monitor.decide import tolerance
from monitor.sitting import Sitting
from monitor.verdicts import anew, owed_back
from tickets import tickets
from tickets.order import Order, OrderState, moved
from tickets.reasons import Reason
from tickets.schema import orders as orders_table
from tickets.till import Outcome, PaymentRecord

REORG = "reorg"
GRACE_OVER = "grace_over"


REPLACEABLE = frozenset({Reason.ORDER_PAID, Reason.OVERPAID})
"""Why money goes back that an order had no need of, so long as all of it stood."""


def undo(sitting: Sitting, undone: Iterable[PaymentRecord]) -> None:
    """Suspend the orders that vanished payments paid for, keeping their places; what bought nothing yet starts anew.

    So does what such an order had no need of before, unless it is in the book: it may stand in for what vanished.
    """
    for record in undone:
        if record.internal:
            continue
        if record.outcome is not Outcome.MINTED or record.order_id is None:
            sitting.put(anew(record))
            continue
        order = sitting.order(record.order_id)
        if order.state is OrderState.PAID:
            tickets.suspend(sitting.conn, order.id, reason=REORG, now=sitting.now)
            until = sitting.now + sitting.terms.grace
            sitting.put_order(moved(order, OrderState.SUSPENDED, now=sitting.now, grace_until=until))
            for part in sitting.of_order(order.id):
                if part.standing and not part.booked and part.reason in REPLACEABLE:
                    sitting.put(anew(part))


def bring_back(sitting: Sitting, returned: Iterable[PaymentRecord]) -> None:
    """Make the tickets valid again whose payments all stand again; everything else is decided about like new."""
    back = (record.order_id for record in returned if record.outcome is Outcome.MINTED)
    for order_id in dict.fromkeys(back):
        if order_id is not None and (order := sitting.order(order_id)).state is OrderState.SUSPENDED:
            _bring_back_order(sitting, order)


def _bring_back_order(sitting: Sitting, order: Order) -> None:
    """Restore an order that is paid again; where another payment has taken a part of its place, decide it anew."""
    parts = sitting.of_order(order.id)
    paid = [part for part in parts if part.outcome is Outcome.MINTED]
    if not all(part.standing for part in paid):
        return
    needed = order.amount - tolerance(order.amount, sitting.terms.dust(order.asset))
    if sum(part.applied for part in paid) < needed:
        for part in paid:
            if not part.booked:
                sitting.put(anew(part))
        return
    tickets.restore(sitting.conn, order.id, now=sitting.now)
    sitting.put_order(moved(order, OrderState.PAID, now=sitting.now))
    for part in parts:
        if part.standing and part.outcome is Outcome.TOPPED_UP:
            sitting.put(owed_back(part, order.id, Reason.ORDER_PAID))


def forget_undone(sitting: Sitting, order: Order) -> None:
    """Let other money take the place of an order's vanished payments: should they return, they buy nothing here."""
    for part in sitting.of_order(order.id):
        if not part.standing:
            sitting.put(anew(part))


def end_grace(sitting: Sitting, *, until: datetime) -> int:
    """Revoke what was suspended for too long: places are given back, what stands of the money is owed back.

    `until`: the moment up to which the chain was read; what returned before it is known to have returned.
    """
    due = (
        select(orders_table.c.id)
        .where(orders_table.c.chain == sitting.terms.chain.id, orders_table.c.state == OrderState.SUSPENDED)
        .where(orders_table.c.grace_until <= until)
    )
    ended = 0
    order_ids = sitting.conn.execute(due).scalars().all()
    sitting.take(order_ids)
    for order_id in order_ids:
        order = sitting.order(order_id)
        if order.state is OrderState.SUSPENDED:
            _fall_apart(sitting, order)
            ended += 1
    booking.close(sitting)
    return ended


def _fall_apart(sitting: Sitting, order: Order) -> None:
    for ticket in tickets.of_order(sitting.conn, order.id):
        tickets.revoke(sitting.conn, ticket.id, reason=GRACE_OVER, now=sitting.now)
    sitting.put_order(moved(order, OrderState.EXPIRED, now=sitting.now))
    for part in sitting.of_order(order.id):
        if not part.standing:
            sitting.put(anew(part))
        elif part.applied:
            sitting.put(owed_back(part, order.id, Reason.FELL_APART))
