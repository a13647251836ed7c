"""Top-ups that never reached their price go back once nothing can complete them any more (DESIGN section 5)."""

from datetime import datetime

from sqlalchemy import Connection, Select, exists, func, or_, select

from chains import progress
from chains.progress import Status
from monitor import booking
from monitor.sitting import Sitting, Terms
from monitor.verdicts import owed_back
from tickets import orders
from tickets.event import EventStatus
from tickets.order import OrderState
from tickets.reasons import Reason
from tickets.schema import events, payments
from tickets.schema import orders as orders_table
from tickets.till import Outcome, PaymentState

OVER = (OrderState.EXPIRED, OrderState.RELEASED, OrderState.REFUSED)
"""States in which an order waits for nothing."""


def return_topups(conn: Connection, terms: Terms, now: datetime) -> int:
    """Owe back the parts of orders whose sale is over; return for how many orders.

    A sale is over for a chain only once the chain was read past its end, and nothing that was seen before is still
    undecided: what was paid in time counts, whenever we get to read it.
    """
    sitting = Sitting(conn, terms, now)
    returned = 0
    for order_id, status in conn.execute(_candidates(conn, terms.chain.id, now)).all():
        order = orders.by_id(conn, order_id, lock=True)
        if order is None or order.state not in OVER:
            continue
        reason = Reason.CANCELLED if status == EventStatus.CANCELLED else Reason.SHORT
        for part in sitting.of_order(order_id):
            if part.outcome is Outcome.TOPPED_UP:
                sitting.put(owed_back(part, reason))
        returned += 1
    booking.book(sitting)
    sitting.save()
    return returned


def _candidates(conn: Connection, chain: str, now: datetime) -> Select[str, str]:
    """Return the query for orders with top-ups whose event is cancelled, or whose sale the chain was read past."""
    read = progress.load(conn, chain)
    read_until = min(now, read.tip_time) if read is not None and read.status is Status.FOLLOWING else None
    undecided = select(func.min(payments.c.first_seen)).where(
        payments.c.chain == chain, payments.c.state == PaymentState.PENDING, payments.c.outcome == Outcome.WAITING
    )
    oldest = conn.execute(undecided).scalar_one_or_none()
    known_until = min(read_until, oldest) if read_until is not None and oldest is not None else read_until
    over = events.c.status == EventStatus.CANCELLED
    if known_until is not None:
        over = or_(over, events.c.sales_end < known_until)
    kept = exists().where(payments.c.order_id == orders_table.c.id, payments.c.outcome == Outcome.TOPPED_UP)
    return (
        select(orders_table.c.id, events.c.status)
        .join(events, events.c.id == orders_table.c.event_id)
        .where(orders_table.c.chain == chain, orders_table.c.state.in_(OVER), kept, over)
        .order_by(orders_table.c.id)
    )
