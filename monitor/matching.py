"""Which order or event each payment speaks of. Looks up and locks; what follows from it is decided in `decide`."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, select

from monitor.reading import Reading
from monitor.sitting import Terms
from tickets.order import Order, OrderState
from tickets.orders import by_id
from tickets.schema import orders
from tickets.till import AT_ONCE, PaymentRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What a payment is about, as far as it was looked up for all of a sweep at once."""

    reading: Reading
    order_id: str | None  # named by its address or its code
    purse: str  # the same for all payments towards one purchase
    may_replace: bool  # an order of the same payer is suspended, and may be waiting for this payment


def match(conn: Connection, terms: Terms, records: Iterable[PaymentRecord]) -> dict[str, Subject]:
    """Return what each payment is about, by payment id, in three statements for all of them."""
    read = [(record, terms.read(record.memos)) for record in records]
    on_chain = orders.c.chain == terms.chain.id
    by_address = _ids(conn, orders.c.address, {record.destination for record, _ in read}, on_chain)
    by_code = _ids(conn, orders.c.code, {reading.codes[0] for _, reading in read if len(reading.codes) == 1})
    suspended = select(orders.c.payer).where(on_chain, orders.c.state == OrderState.SUSPENDED, orders.c.implicit)
    bereft = set(conn.execute(suspended).scalars()) if read else set()
    subjects = {}
    for record, reading in read:
        order_id = by_address.get(record.destination)
        if order_id is None and len(reading.codes) == 1:
            order_id = by_code.get(reading.codes[0])
        subjects[record.id] = Subject(
            reading=reading,
            order_id=order_id,
            purse=order_id or _purse(record, reading),
            may_replace=record.sender in bereft,
        )
    return subjects


def _purse(record: PaymentRecord, reading: Reading) -> str:
    memo = reading.event
    return f"{record.sender}|{memo.holder}|{memo.event}" if memo else record.id


def _ids(
    conn: Connection, column: ColumnElement[str], values: Iterable[str], *conditions: ColumnElement[bool]
) -> dict[str, str]:
    wanted = sorted(values)
    found: dict[str, str] = {}
    for start in range(0, len(wanted), AT_ONCE):
        some = select(column, orders.c.id).where(column.in_(wanted[start : start + AT_ONCE]), *conditions)
        found.update((value, order_id) for value, order_id in conn.execute(some))
    return found


def lock(conn: Connection, order_ids: Iterable[str | None]) -> None:
    """Lock orders before any tier is touched, in the order of their ids, so that nobody waits in a circle."""
    wanted = {order_id for order_id in order_ids if order_id is not None}
    if wanted:
        conn.execute(select(orders.c.id).where(orders.c.id.in_(wanted)).order_by(orders.c.id).with_for_update()).all()


def suspended_order(conn: Connection, record: PaymentRecord, reading: Reading, event_id: int) -> Order | None:
    """Return, locked, the suspended order that a bare memo's payment replaces: the same buyer's, whose payment is gone.

    A transaction sent again with a higher fee is another transaction; the place kept for the first is for this buyer.
    """
    memo = reading.event
    if memo is None or record.sender is None:
        return None
    kept = (
        select(orders.c.id)
        .where(orders.c.event_id == event_id, orders.c.asset == record.asset, orders.c.payer == record.sender)
        .where(orders.c.state == OrderState.SUSPENDED, orders.c.implicit)
        .order_by(orders.c.created_at, orders.c.id)
    )
    for order_id in conn.execute(kept).scalars().all():
        order = by_id(conn, order_id, lock=True)
        if order and order.state is OrderState.SUSPENDED and all(line.holder == memo.holder for line in order.lines):
            return order
    return None
