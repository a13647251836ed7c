"""Top-ups that never reached their price go back once nothing can complete them any more (DESIGN section 5)."""

from datetime import datetime

from sqlalchemy import Connection, Select, exists, or_, select

from monitor import booking, extent
from monitor.sitting import Sitting, Terms
from monitor.verdicts import owed_back
from tickets.event import EventStatus
from tickets.order import ENDS
from tickets.reasons import Reason
from tickets.schema import events, payments
from tickets.schema import orders as orders_table
from tickets.till import Outcome


def return_topups(conn: Connection, terms: Terms, now: datetime) -> int:
    """Owe back the parts of orders whose sale is over; return for how many orders.

    A sale is over for a chain only once the chain was read past its end, and nothing that was seen before is still
    undecided: what was paid in time counts, whenever we get to read it.
    """
    sitting = Sitting(conn, terms, now)
    returned = 0
    order_ids = conn.execute(_candidates(conn, terms, now)).scalars().all()
    sitting.take(order_ids)
    for order_id in order_ids:
        order = sitting.order(order_id)
        if order.state not in ENDS:
            continue
        cancelled = sitting.event(order.event_id).status is EventStatus.CANCELLED
        reason = Reason.CANCELLED if cancelled else Reason.SHORT
        for part in sitting.of_order(order_id):
            if part.outcome is Outcome.TOPPED_UP:
                sitting.put(owed_back(part, order_id, reason))
        returned += 1
    booking.close(sitting)
    return returned


def _candidates(conn: Connection, terms: Terms, now: datetime) -> Select[str]:
    """Return the query for orders with top-ups whose event is cancelled, or whose sale the chain was read past."""
    over = events.c.status == EventStatus.CANCELLED
    if (until := extent.decided_until(conn, terms, now)) is not None:
        over = or_(over, events.c.sales_end < until)
    kept = exists().where(payments.c.order_id == orders_table.c.id, payments.c.outcome == Outcome.TOPPED_UP)
    return (
        select(orders_table.c.id)
        .join(events, events.c.id == orders_table.c.event_id)
        .where(orders_table.c.chain == terms.chain.id, orders_table.c.state.in_(ENDS), kept, over)
        .order_by(orders_table.c.id)
    )
