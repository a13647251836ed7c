"""What a payment's record says after a decision about it. Pure: a record in, the next record out."""

from dataclasses import replace

from tickets.reasons import Reason
from tickets.till import Outcome, PaymentRecord


def anew(record: PaymentRecord) -> PaymentRecord:
    """Return the payment as if nothing had been decided about it; it keeps the order it was for."""
    return replace(record, outcome=Outcome.WAITING, reason=None, applied=0, owed=0)


def kept(record: PaymentRecord, order_id: str | None) -> PaymentRecord:
    """Return the payment as a part of an order's price, which is not reached yet."""
    return replace(record, order_id=order_id, outcome=Outcome.TOPPED_UP, reason=None, applied=record.amount, owed=0)


def paid(record: PaymentRecord, order_id: str, *, applied: int, rest: int) -> PaymentRecord:
    """Return the payment as money for an order's tickets; what is over goes back."""
    reason = Reason.OVERPAID if rest else None
    return replace(record, order_id=order_id, outcome=Outcome.MINTED, reason=reason, applied=applied, owed=rest)


def owed_back(record: PaymentRecord, order_id: str | None, reason: Reason) -> PaymentRecord:
    """Return the payment as money that goes back whole; to an order's buyer, if it was for one."""
    return replace(record, order_id=order_id, outcome=Outcome.OWED, reason=reason, applied=0, owed=record.amount)
