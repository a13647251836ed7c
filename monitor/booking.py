"""What becomes final goes into the book: receipts, sales, what is owed back. The journal hears of nothing sooner."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from chains.accounts import can_be_on
from monitor.sitting import Sitting
from payouts import bookings, dues, journal
from payouts.dues import Due, DueState
from payouts.journal import Posting
from tickets import order_store
from tickets.order import Order, OrderState
from tickets.reasons import Reason
from tickets.till import Outcome, PaymentRecord, PaymentState


def close(sitting: Sitting) -> int:
    """Save the sitting, and book what its payments that are final came to; return how many postings are new.

    Per payment its receipt, and a due for as much as is owed beyond the dues it has; per paid order its sale, once
    all that pays for it is final. Every posting has the time of the money's own block: the book is the same whenever
    it is written. It is written last, since the counter of its numbers stays locked until the transaction ends.
    """
    final = [record for record in sitting.changed if record.state is PaymentState.FINAL and not record.internal]
    batch = [_receipt(sitting, record) for record in final if not record.booked]
    batch += _sales(sitting, final)
    new = _new_dues(sitting, final)
    batch += [posting for due in new if (posting := dues.posting(due)) is not None]
    for record in final:
        sitting.put(replace(record, booked=True))
    sitting.save()
    dues.enter(sitting.conn, new)
    return journal.post_all(sitting.conn, batch)


def _receipt(sitting: Sitting, record: PaymentRecord) -> Posting:
    order = _order_of(sitting, record)
    return bookings.receipt(
        payment_id=record.id,
        chain=record.key.chain,
        asset=record.asset,
        amount=record.amount,
        order_id=record.order_id,
        event_id=order.event_id if order else None,
        at=_moment(record),
    )


def _sales(sitting: Sitting, final: Iterable[PaymentRecord]) -> list[Posting]:
    order_ids = dict.fromkeys(
        record.order_id for record in final if record.order_id and record.outcome is Outcome.MINTED
    )
    sales = []
    for order_id in order_ids:
        order = sitting.order(order_id)
        paid = [record for record in sitting.of_order(order_id) if record.outcome is Outcome.MINTED]
        if order.state is OrderState.PAID and all(record.state is PaymentState.FINAL for record in paid):
            sale = bookings.sale(
                order_id=order_id,
                event_id=order.event_id,
                asset=paid[0].asset,
                paid=sum(record.applied for record in paid),
                commission_bps=sitting.event(order.event_id).commission_bps,
                at=max(_moment(record) for record in paid),
            )
            sales.append(sale)
    return sales


def _new_dues(sitting: Sitting, final: Iterable[PaymentRecord]) -> list[Due]:
    owing = [record for record in final if record.owed]
    if not owing:
        return []
    before = dues.of_payments(sitting.conn, [record.id for record in owing])
    new = []
    for record in owing:
        parts = before.get(record.id, ())
        amount = record.owed - sum(due.amount for due in parts)
        if amount > 0:
            new.append(_due(sitting, record, part=len(parts) + 1, amount=amount))
    return new


def _due(sitting: Sitting, record: PaymentRecord, *, part: int, amount: int) -> Due:
    terms, memo = sitting.terms, sitting.terms.read(record.memos).event
    here = memo is not None and can_be_on(memo.wallet, memo.holder.family, terms.chain)
    memo_wallet = f"{record.key.chain}:{memo.wallet}" if memo and here else None
    order = _order_of(sitting, record)
    return Due(
        payment_id=record.id,
        part=part,
        asset=record.asset,
        amount=amount,
        reason=record.reason or Reason.OVERPAID,
        event_id=order.event_id if order else None,
        order_id=record.order_id,
        state=DueState.DUST if amount < terms.dust(record.asset) else DueState.DUE,
        recipient=dues.recipient(
            chain=record.key.chain,
            sender=record.sender if record.direct else None,
            memo_wallet=memo_wallet,
            memo_signed=bool(memo and memo_wallet and order_store.has_signed(sitting.conn, memo.holder, memo_wallet)),
            ticket_wallets=[line.account for line in order.lines] if order else (),
        ),
        at=_moment(record),
    )


def _order_of(sitting: Sitting, record: PaymentRecord) -> Order | None:
    return None if record.order_id is None else sitting.order(record.order_id)


def _moment(record: PaymentRecord) -> datetime:
    """Return when the money came; a final payment stands in a block on every chain that has blocks."""
    return record.block_time or record.first_seen
