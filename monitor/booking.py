"""What becomes final goes into the book: receipts, sales, what is owed back. The journal hears of nothing sooner."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from monitor.sitting import Sitting
from payouts import bookings, dues, journal
from payouts.dues import Due, DueState
from payouts.journal import Posting
from tickets.order import OrderState
from tickets.reasons import Reason
from tickets.schema import events, order_lines, orders
from tickets.till import Outcome, PaymentRecord, PaymentState


@dataclass(frozen=True, kw_only=True, slots=True)
class _Order:
    """What booking must know of an order."""

    state: OrderState
    event_id: int
    commission_bps: int
    wallets: tuple[str, ...]  # CAIP-10, of its tickets


def book(sitting: Sitting) -> int:
    """Book what the changed payments that are final came to; return how many postings are new.

    Per payment its receipt, and a due for as much as is owed beyond the dues it has; per paid order its sale, once
    all that pays for it is final. Every posting has the time of the money's own block: the book is the same whenever
    it is written.
    """
    final = [record for record in sitting.changed if record.state is PaymentState.FINAL and not record.internal]
    if not final:
        return 0
    known = _orders(sitting.conn, {record.order_id for record in final if record.order_id is not None})
    batch = [_receipt(record, known) for record in final if not record.booked]
    batch += _sales(sitting, final, known)
    new = _new_dues(sitting, final, known)
    batch += [posting for due in new if (posting := dues.posting(due)) is not None]
    dues.enter(sitting.conn, new)
    for record in final:
        sitting.put(replace(record, booked=True))
    return journal.post_all(sitting.conn, batch)


def _receipt(record: PaymentRecord, known: Mapping[str, _Order]) -> Posting:
    return bookings.receipt(
        payment_id=record.id,
        chain=record.key.chain,
        asset=record.asset,
        amount=record.amount,
        order_id=record.order_id,
        event_id=_event_of(record, known),
        at=_moment(record),
    )


def _sales(sitting: Sitting, final: Iterable[PaymentRecord], known: Mapping[str, _Order]) -> list[Posting]:
    order_ids = dict.fromkeys(
        record.order_id for record in final if record.order_id and record.outcome is Outcome.MINTED
    )
    sales = []
    for order_id in order_ids:
        order = known[order_id]
        paid = [record for record in sitting.of_order(order_id) if record.outcome is Outcome.MINTED]
        if order.state is OrderState.PAID and all(record.state is PaymentState.FINAL for record in paid):
            sale = bookings.sale(
                order_id=order_id,
                event_id=order.event_id,
                asset=paid[0].asset,
                paid=sum(record.applied for record in paid),
                commission_bps=order.commission_bps,
                at=max(_moment(record) for record in paid),
            )
            sales.append(sale)
    return sales


def _new_dues(sitting: Sitting, final: Sequence[PaymentRecord], known: Mapping[str, _Order]) -> list[Due]:
    owing = [record for record in final if record.owed]
    if not owing:
        return []
    before = dues.of_payments(sitting.conn, [record.id for record in owing])
    new = []
    for record in owing:
        parts = before.get(record.id, ())
        amount = record.owed - sum(due.amount for due in parts)
        if amount > 0:
            new.append(_due(sitting, record, known, part=len(parts) + 1, amount=amount))
    return new


def _due(sitting: Sitting, record: PaymentRecord, known: Mapping[str, _Order], *, part: int, amount: int) -> Due:
    terms, memo = sitting.terms, sitting.terms.read(record.memos).event
    same_family = memo is not None and memo.holder.family is terms.chain.family
    order = known.get(record.order_id or "")
    return Due(
        payment_id=record.id,
        part=part,
        asset=record.asset,
        amount=amount,
        reason=record.reason or Reason.OVERPAID,
        event_id=_event_of(record, known),
        order_id=record.order_id,
        state=DueState.DUST if amount < terms.dust(record.asset) else DueState.DUE,
        recipient=dues.recipient(
            chain=record.key.chain,
            sender=record.sender,
            memo_wallet=f"{record.key.chain}:{memo.wallet}" if memo and same_family else None,
            ticket_wallets=order.wallets if order else (),
        ),
        at=_moment(record),
    )


def _orders(conn: Connection, order_ids: Iterable[str]) -> dict[str, _Order]:
    wanted = list(order_ids)
    wallets: defaultdict[str, list[str]] = defaultdict(list)
    lines = select(order_lines.c.order_id, order_lines.c.account).where(order_lines.c.order_id.in_(wanted))
    for order_id, account in conn.execute(lines):
        wallets[order_id].append(account)
    query = (
        select(orders.c.id, orders.c.state, orders.c.event_id, events.c.commission_bps)
        .join(events, events.c.id == orders.c.event_id)
        .where(orders.c.id.in_(wanted))
    )
    return {
        row.id: _Order(
            state=OrderState(row.state),
            event_id=row.event_id,
            commission_bps=row.commission_bps,
            wallets=tuple(wallets[row.id]),
        )
        for row in conn.execute(query)
    }


def _event_of(record: PaymentRecord, known: Mapping[str, _Order]) -> int | None:
    order = known.get(record.order_id or "")
    return order.event_id if order else None


def _moment(record: PaymentRecord) -> datetime:
    """Return when the money came; a final payment stands in a block on every chain that has blocks."""
    return record.block_time or record.first_seen
