"""What a payment that is deep enough becomes (DESIGN section 5). Pure: what is known goes in, a decision comes out.

Rules, in their order: our own money is never settled; the order that a payment's address or code names wins over an
event memo beside it; two different orders or two different memos decide nothing; one order is paid in one asset; the
sum that reaches the price buys, less waits for more, what is over goes back.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from config.registry import Family
from memo.grammar import EventMemo
from monitor.reading import Reading
from tickets.event import Event, EventStatus, Sale, Tier
from tickets.lateness import Timing, judge
from tickets.order import ENDS, Order, OrderState
from tickets.reasons import Reason
from tickets.till import PaymentRecord
from verifier.verify import supports

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
    counted: int = 0,
    families: Collection[Family] = frozenset(Family),
) -> Decision:
    """Decide about a payment that is deep enough.

    `order`: the one its address or its code names, or else the one that bare memos like this add up in. `event`: the
    order's, else the one the memo names. `held`: what stands towards the order without this payment. `at`: the earlier
    of first sighting and block time. `dust`: the smallest sum of the asset that is worth sending. `counted`: how many
    tickets of the event the holder's wallet has, or is about to have, by its own proof, apart from this order.
    `families`: of the chains that this deployment can ask.
    """
    if reason := _misnamed(payment, memo, order):
        return Owe(reason=reason)
    if order is not None:
        if reason := _closed(order, payment, event=event, at=at, counted=counted):
            return Owe(reason=reason)
        late = _late(order, at)
        return _by_sum(payment.amount, order.amount, held, dust, if_gone=Reason.LATE if late else Reason.SOLD_OUT)
    if memo.event is None:
        return Owe(reason=Reason.UNKNOWN_ORDER)
    return _asked_for(memo.event, event, payment, at=at, counted=counted, families=families)


def proves(payment: PaymentRecord, memo: EventMemo) -> bool:
    """Whether a payment shows by itself that the wallet of its memo made it."""
    return payment.direct and payment.sender == memo.wallet


def _asked_for(
    memo: EventMemo,
    event: Event | None,
    payment: PaymentRecord,
    *,
    at: datetime,
    counted: int,
    families: Collection[Family],
) -> Open | Owe:
    """Decide about a bare memo whose order is not written down yet."""
    if event is None:
        return Owe(reason=Reason.UNKNOWN_EVENT)
    if reason := not_sold(event, at):
        return Owe(reason=reason)
    tier = event.tier(memo.tier)
    if tier is None:
        return Owe(reason=Reason.UNKNOWN_TIER)
    if not supports(memo.holder.family, families):
        return Owe(reason=Reason.WALLET_NOT_SUPPORTED)
    if reason := _refused(memo, event, tier, payment, counted):
        return Owe(reason=reason)
    return Open(event=event, tier=tier, quantity=memo.qty, memo=memo)


def _refused(memo: EventMemo, event: Event, tier: Tier, payment: PaymentRecord, counted: int) -> Reason | None:
    """Return why these tickets are not sold to this payer for this asset."""
    if payment.asset not in tier.prices:
        return Reason.WRONG_ASSET
    if memo.qty > MOST_TICKETS:
        return Reason.BAD_QUANTITY
    return Reason.PURCHASE_LIMIT if proves(payment, memo) and _beyond_limit(event, counted + memo.qty) else None


def not_sold(event: Event, at: datetime) -> Reason | None:
    """Return why no ticket of the event could be bought at a moment, None if one could."""
    return {Sale.CANCELLED: Reason.CANCELLED, Sale.NOT_YET: Reason.NOT_OPEN_YET, Sale.OVER: Reason.CLOSED}.get(
        event.sale(at)
    )


def tolerance(price: int, dust: int) -> int:
    """Return the shortfall that is forgiven."""
    return min(dust, price // TOLERANCE_PARTS)


def _misnamed(payment: PaymentRecord, memo: Reading, order: Order | None) -> Reason | None:
    """Return why the payment names no one purchase; an order's own address is only contradicted by another's code."""
    if order is None or order.address not in payment.locators:
        return memo.trouble
    return Reason.CONFLICTING_MEMOS if any(code != order.code for code in memo.codes) else None


def _closed(order: Order, payment: PaymentRecord, *, event: Event | None, at: datetime, counted: int) -> Reason | None:
    """Return why an order that is written down takes no such payment any more.

    What replaces the vanished payment of a suspended order is like its return: those places were sold in time.
    """
    if event is None or event.status is EventStatus.CANCELLED:
        return Reason.CANCELLED
    if payment.asset != order.asset:
        return Reason.WRONG_ASSET
    if order.state in _SETTLED:
        return _SETTLED[order.state]
    if reason := _out_of_time(order, event, at):
        return reason
    taken_up_again = order.proved and order.state in ENDS
    return Reason.PURCHASE_LIMIT if taken_up_again and _beyond_limit(event, counted + order.quantity) else None


_SETTLED = {
    OrderState.SUSPENDED: None,
    OrderState.PAID: Reason.ORDER_PAID,
    OrderState.REFUSED: Reason.SOLD_OUT,
}


def _out_of_time(order: Order, event: Event, at: datetime) -> Reason | None:
    if event.over(at):
        return Reason.CLOSED
    return not_sold(event, at) if order.implicit or _late(order, at) else None


def _late(order: Order, at: datetime) -> bool:
    return order.state is not OrderState.SUSPENDED and judge(order, at) is Timing.LATE


def _beyond_limit(event: Event, tickets: int) -> bool:
    return event.purchase_limit is not None and tickets > event.purchase_limit


def _by_sum(amount: int, price: int, held: int, dust: int, *, if_gone: Reason) -> Mint | TopUp:
    missing = price - held
    if amount < missing - tolerance(price, dust):
        return TopUp(missing=missing - amount)
    applied = min(amount, max(missing, 0))
    return Mint(applied=applied, rest=amount - applied, if_gone=if_gone)
