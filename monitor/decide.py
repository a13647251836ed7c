"""What a payment that is deep enough becomes (DESIGN section 5). Pure: what is known goes in, a decision comes out.

Rules, in their order: our own money is never settled; the order that a payment's address or code names wins over an
event memo beside it; two different orders or two different memos decide nothing; one order is paid in one asset; the
sum that reaches the price buys, less waits for more, what is over goes back.
"""

from dataclasses import dataclass
from datetime import datetime

from memo.grammar import EventMemo
from monitor.reading import Reading
from tickets.event import Event, EventStatus, Sale, Tier
from tickets.lateness import Timing, judge
from tickets.order import Order, OrderState
from tickets.reasons import Reason
from tickets.till import PaymentRecord

TOLERANCE_PARTS = 200
"""A shortfall is forgiven where it is worth less than sending it, and at most one part in so many of the price."""
MOST_TICKETS = 100
"""More tickets than this are not sold for one memo: their number costs the payer nothing and us a row each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Open:
    """A bare memo asks for something that is sold: write its order down at today's price, then decide by that."""

    event: Event
    tier: Tier
    quantity: int
    memo: EventMemo


@dataclass(frozen=True, kw_only=True, slots=True)
class Mint:
    """The price is reached: take the places and make the tickets."""

    applied: int  # what this payment pays of the price
    rest: int  # what it brought beyond; goes back as OVERPAID
    if_gone: Reason  # why all of the order's money goes back should there be no place when this is carried out


@dataclass(frozen=True, kw_only=True, slots=True)
class TopUp:
    """It is less than the price: keep it until the rest comes or the sale ends."""

    missing: int  # smallest unit


@dataclass(frozen=True, kw_only=True, slots=True)
class Owe:
    """It buys nothing: all of it goes back."""

    reason: Reason


Decision = Open | Mint | TopUp | Owe


def decide(
    payment: PaymentRecord,
    memo: Reading,
    *,
    event: Event | None,
    order: Order | None,
    held: int,
    at: datetime,
    dust: int = 0,
) -> Decision:
    """Decide about a payment that is deep enough.

    `order`: the one its address or its code names, or else the one that bare memos like this add up in. `event`: the
    order's, else the one the memo names. `held`: what stands towards the order without this payment. `at`: the earlier
    of first sighting and block time. `dust`: the smallest sum of the asset that is worth sending.
    """
    if reason := _misnamed(payment, memo, order):
        return Owe(reason=reason)
    if order is not None:
        return _towards(order, payment, event=event, held=held, at=at, dust=dust)
    if memo.event is None:
        return Owe(reason=Reason.UNKNOWN_ORDER)
    return _asked_for(memo.event, event, payment.asset, at)


def _asked_for(memo: EventMemo, event: Event | None, asset: str, at: datetime) -> Open | Owe:
    """Decide about a bare memo whose order is not written down yet."""
    if event is None:
        return Owe(reason=Reason.UNKNOWN_EVENT)
    if reason := not_sold(event, at):
        return Owe(reason=reason)
    tier = event.tier(memo.tier)
    if tier is None:
        return Owe(reason=Reason.UNKNOWN_TIER)
    if asset not in tier.prices:
        return Owe(reason=Reason.WRONG_ASSET)
    if memo.qty > MOST_TICKETS:
        return Owe(reason=Reason.BAD_QUANTITY)
    return Open(event=event, tier=tier, quantity=memo.qty, memo=memo)


def not_sold(event: Event, at: datetime) -> Reason | None:
    """Return why no ticket of the event could be bought at a moment, None if one could."""
    if event.status is EventStatus.COMPLETED:
        return Reason.CLOSED
    return {Sale.CANCELLED: Reason.CANCELLED, Sale.NOT_YET: Reason.NOT_OPEN_YET, Sale.OVER: Reason.CLOSED}.get(
        event.sale(at)
    )


def tolerance(price: int, dust: int) -> int:
    """Return the shortfall that is forgiven."""
    return min(dust, price // TOLERANCE_PARTS)


def _misnamed(payment: PaymentRecord, memo: Reading, order: Order | None) -> Reason | None:
    """Return why the payment names no one purchase; an order's own address is only contradicted by another's code."""
    if order is None or order.address != payment.destination:
        return memo.trouble
    return Reason.CONFLICTING_MEMOS if any(code != order.code for code in memo.codes) else None


def _towards(
    order: Order, payment: PaymentRecord, *, event: Event | None, held: int, at: datetime, dust: int
) -> Decision:
    """Decide about a payment for an order that is written down."""
    late = order.state is not OrderState.SUSPENDED and judge(order, at) is Timing.LATE
    if event is None or event.status is EventStatus.CANCELLED:
        return Owe(reason=Reason.CANCELLED)
    if payment.asset != order.asset:
        return Owe(reason=Reason.WRONG_ASSET)
    if order.state is OrderState.PAID:
        return Owe(reason=Reason.ORDER_PAID)
    if order.state is OrderState.REFUSED:
        return Owe(reason=Reason.SOLD_OUT)
    if (late or order.implicit) and (reason := not_sold(event, at)):
        return Owe(reason=reason)
    return _by_sum(payment.amount, order.amount, held, dust, if_gone=Reason.LATE if late else Reason.SOLD_OUT)


def _by_sum(amount: int, price: int, held: int, dust: int, *, if_gone: Reason) -> Mint | TopUp:
    missing = price - held
    if amount < missing - tolerance(price, dust):
        return TopUp(missing=missing - amount)
    applied = min(amount, max(missing, 0))
    return Mint(applied=applied, rest=amount - applied, if_gone=if_gone)
