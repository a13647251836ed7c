"""What a sweep comes to, carried out in the caller's transaction. What each payment becomes is decided in `decide`.

    payments seen -> what they name, locked -> those undone -> those back -> those deep enough, in the chain's order
    -> holds -> the book

Running it twice changes nothing, and however a history is cut into sweeps, the same tables come of it.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from chains.accounts import account_of
from chains.port import PaymentKey, Sweep
from monitor import allowance, booking, heirs, matching, reorg
from monitor.changes import Changes, changes
from monitor.decide import Decision, Mint, Open, Owe, TopUp, decide, proves, tolerance
from monitor.matching import Subject
from monitor.maturity import Stake, Stakes, ripe_at
from monitor.resume import read_since
from monitor.sitting import Sitting, Terms
from monitor.verdicts import kept, owed_back, paid
from tickets import limits, notes, orders, till
from tickets.event import Event
from tickets.lateness import Timing, judge
from tickets.order import Order, OrderState, extended, moved
from tickets.tickets import Sale
from tickets.till import Outcome, PaymentRecord, PaymentState


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """What one sweep came to, for logs and metrics."""

    changes: Changes
    settled: tuple[PaymentRecord, ...]  # decided now, as they stand at the end
    postings: int


def settle(conn: Connection, sweep: Sweep, terms: Terms, now: datetime) -> Settlement:
    """Carry out everything that a sweep means, except storing its checkpoint.

    Nobody else settles the same chain meanwhile: the caller guards its lease, and the sitting its checkpoint.
    """
    sitting = Sitting(conn, terms, now)
    shown = [payment.key for payment in sweep.final] + [pending.payment.key for pending in sweep.pending]
    happened = _changes(sitting, sweep, shown)
    _undo(sitting, happened)
    waiting = _waiting(sitting, shown)
    subjects = matching.match(conn, terms, waiting)
    limits.lock(conn, {subject.event_id for subject in subjects.values() if subject.event_id is not None})
    _take(sitting, happened, subjects)
    for record in waiting:
        subject = subjects[record.id]
        if (record.order_id, record.purse) != (subject.order_id, subject.purse):
            sitting.put(replace(record, order_id=subject.order_id, purse=subject.purse))
    ripe = _ripe(sitting, sweep, subjects)
    settling = _heirs(sitting, ripe, subjects)
    sitting.lock_tiers(_wanted(sitting, settling, (subjects[payment_id] for payment_id in ripe)))
    for payment_id in ripe:
        subject = subjects[payment_id]
        _settle_one(sitting, sitting.payment(payment_id), subject, _order_of(sitting, subject, settling))
    _extend_holds(sitting, subjects)
    postings = booking.close(sitting)
    notes.keep(conn, sweep.final)
    return Settlement(changes=happened, settled=tuple(map(sitting.payment, ripe)), postings=postings)


def _changes(sitting: Sitting, sweep: Sweep, shown: Iterable[PaymentKey]) -> Changes:
    """Return what the sweep changes about the payments that it shows, and those that it ought to show."""
    since = read_since(sitting.progress, sitting.terms.chain, sweep)
    missed = till.to_be_shown(sitting.conn, sitting.terms.chain.id, since=since, until=sweep.final_height)
    known = sitting.learn((*(key.payment_id for key in (*shown, *sweep.gone)), *missed))
    return changes(known, sweep, sitting.now, since=since)


def _undo(sitting: Sitting, happened: Changes) -> None:
    """Keep what happened on the chain, take back what undone payments bought, and bring back what stands again."""
    first_seen_so = {record.id for record in happened.displaced}
    for record in (*happened.records, *happened.displaced):
        sitting.put(record)
    sitting.take(record.order_id for record in (*happened.undone, *happened.returned))
    reorg.undo(sitting, happened.undone)
    for record in happened.recorded:
        if record.id in first_seen_so:
            sitting.put(record)
    reorg.bring_back(sitting, happened.returned)


def _waiting(sitting: Sitting, shown: Iterable[PaymentKey]) -> list[PaymentRecord]:
    """Return the payments of the sweep that are still to be decided about, in its order."""
    records = (sitting.payment(key.payment_id) for key in dict.fromkeys(shown))
    return [record for record in records if record.outcome is Outcome.WAITING]


def _take(sitting: Sitting, happened: Changes, subjects: Mapping[str, Subject]) -> None:
    """Lock every further order that this sweep may change or book, all at once, and read what is known about them."""
    booked = (record.order_id for record in happened.finalised)
    named = (order_id for subject in subjects.values() for order_id in (subject.order_id, *subject.beside))
    sitting.take((*booked, *named))
    sitting.read_events({subject.event_id for subject in subjects.values() if subject.event_id is not None})


class _Ripe(NamedTuple):
    """A payment that may settle."""

    payment_id: str
    since: int  # height of the tip at which it was deep enough
    height: float  # of its own block


def _ripe(sitting: Sitting, sweep: Sweep, subjects: Mapping[str, Subject]) -> Sequence[str]:
    """Return the waiting payments that may settle now, in the order in which the chain made them ripe."""
    chain, tip = sitting.terms.chain, sweep.tip.height
    stakes = _stakes(sitting, sweep)
    together = Stakes(stakes.values())
    depths: dict[tuple[int, str, str], int] = {}  # what differs in its amount only is ripe at the same time
    ripe = []
    for payment_id in subjects:
        record, stake, since = sitting.payment(payment_id), stakes.get(payment_id), math.inf
        if stake is not None and not chain.finality.tag_only:
            place = stake.height, stake.asset, stake.purse
            if place not in depths:
                steps = chain.steps_for(record.asset)
                depths[place] = ripe_at(stake, together, steps, finality=chain.finality.blocks)
            since = depths[place]
        if since <= tip or record.state is PaymentState.FINAL:
            height = till.chain_order(record)[0]
            ripe.append(_Ripe(payment_id=payment_id, since=int(min(since, tip)), height=height))
    return [entry.payment_id for entry in sorted(ripe, key=_turn)]


def _turn(ripe: _Ripe) -> tuple[float, ...]:
    """Return what settles first; what is alike keeps the order of the sweep."""
    return (ripe.since, ripe.height)


def _stakes(sitting: Sitting, sweep: Sweep) -> dict[str, Stake]:
    """Return what each payment of the sweep puts at risk, those that were settled before included.

    What stands in no block that counts is not there: neither is it deep, nor does it make anything else wait.
    """
    shown = (*sweep.final, *(pending.payment for pending in sweep.pending))
    stakes = {}
    for payment in shown:
        payment_id = payment.key.payment_id
        if payment.block is not None and not payment.internal:
            purse = sitting.payment(payment_id).purse or payment_id
            stakes[payment_id] = Stake(
                height=payment.block.height, asset=payment.asset, amount=payment.amount, purse=purse
            )
    return stakes


def _heirs(sitting: Sitting, ripe: Iterable[str], subjects: Mapping[str, Subject]) -> dict[str, str]:
    """Return which order settles for each that payments name: itself, or the one that took its place."""
    settling: dict[str, str] = {}
    for payment_id in ripe:
        order_id = subjects[payment_id].order_id
        if order_id is not None and order_id not in settling:
            at = sitting.payment(payment_id).first_seen
            settling[order_id] = heirs.heir_of(sitting, sitting.order(order_id), at=at).id
    return settling


def _wanted(sitting: Sitting, settling: Mapping[str, str], subjects: Iterable[Subject]) -> set[int]:
    """Return the tiers whose places the payments may buy."""
    named = {tier_id for order_id in settling.values() for tier_id in sitting.order(order_id).places}
    return named | {subject.asked.tier_id for subject in subjects if subject.asked}


def _order_of(sitting: Sitting, subject: Subject, settling: Mapping[str, str]) -> Order | None:
    """Return the order that a payment settles in, so far as there is one; an heir answers to its address and code."""
    if subject.order_id is not None:
        named = sitting.order(subject.order_id)
        return replace(sitting.order(settling[named.id]), address=named.address, code=named.code)
    return sitting.purse(subject.asked.key, OrderState.SUSPENDED) if subject.asked else None


def _settle_one(sitting: Sitting, record: PaymentRecord, subject: Subject, order: Order | None) -> None:
    """Decide about one payment and carry the decision out."""
    event_id = order.event_id if order else subject.event_id
    event = None if event_id is None else sitting.event(event_id)
    decision = _decide(sitting, record, subject, order, event)
    if isinstance(decision, Open):
        order = _open(sitting, record, subject, decision)
        decision = _decide(sitting, record, subject, order, event)
    order_id = order.id if order else None
    match decision:
        case Mint() if order is not None and event is not None:
            _mint(sitting, record, order, event, decision)
        case TopUp():
            sitting.put(kept(record, order_id))
        case Owe(reason=reason):
            sitting.put(owed_back(record, order_id, reason))


def _decide(
    sitting: Sitting, record: PaymentRecord, subject: Subject, order: Order | None, event: Event | None
) -> Decision:
    return decide(
        record,
        subject.reading,
        event=event,
        order=order,
        held=0 if order is None else sitting.held(order.id),
        at=record.first_seen,
        dust=sitting.terms.dust(record.asset),
        counted=0 if event is None else _counted(sitting, subject, order, event),
        families=sitting.terms.families,
    )


def _counted(sitting: Sitting, subject: Subject, order: Order | None, event: Event) -> int:
    """Return what the holder's wallet has used up of its limit without the order that this payment adds to."""
    memo = subject.reading.event
    holder = order.lines[0].holder if order else memo.holder if memo else None
    adds_to = order or (sitting.purse(subject.asked.key, OrderState.OPEN) if subject.asked else None)
    return allowance.counted(sitting, event, holder, besides=adds_to.id if adds_to else None) if holder else 0


def _open(sitting: Sitting, record: PaymentRecord, subject: Subject, wanted: Open) -> Order:
    """Return the order that a bare memo adds to, or a new one."""
    if subject.asked and (order := sitting.purse(subject.asked.key, OrderState.OPEN)):
        return order
    terms, memo = sitting.terms, wanted.memo
    account = account_of(memo.wallet, network=terms.network, chain=terms.chain)
    order = orders.implicit(
        event=wanted.event,
        tier=wanted.tier,
        quantity=wanted.quantity,
        holder=memo.holder,
        account=str(account),
        asset=record.asset,
        chain=terms.chain.id,
        payer=matching.payer_of(record),
        at=record.first_seen,
        proved=proves(record, memo),
    )
    sitting.put_order(order)
    return order


def _mint(sitting: Sitting, record: PaymentRecord, order: Order, event: Event, decision: Mint) -> None:
    """Take the places and make the tickets; where they are gone, everything paid for the order goes back."""
    parts = [part for part in sitting.of_order(order.id) if part.applied and part.standing]
    sold = sitting.places.sell(sitting.order(order.id))
    if sold is None:
        for part in (*parts, record):
            sitting.put(owed_back(part, order.id, decision.if_gone))
        if order.state is OrderState.OPEN:
            sitting.put_order(moved(sitting.order(order.id), OrderState.REFUSED, now=sitting.now))
        return
    reorg.forget_undone(sitting, order)
    for part in parts:
        sitting.put(paid(part, order.id, applied=part.applied, rest=part.owed))
    sitting.put(paid(record, order.id, applied=decision.applied, rest=decision.rest))
    payments = tuple(part.id for part in (*parts, record))
    paid_order = moved(sold, OrderState.PAID, now=sitting.now)
    sitting.sell(Sale(order=paid_order, event=event, paid_on=sitting.terms.chain.id, payments=payments))


def _extend_holds(sitting: Sitting, subjects: Mapping[str, Subject]) -> None:
    """Give orders time whose price is covered by what was seen in time, though not deep enough yet.

    Only what would count towards the order once it is deep enough keeps its places: the right asset, and no memo that
    says otherwise.
    """
    coming: defaultdict[str, int] = defaultdict(int)
    for payment_id, subject in subjects.items():
        record = sitting.payment(payment_id)
        if subject.order_id is not None and record.outcome is Outcome.WAITING:
            order = sitting.order(subject.order_id)
            decision = _decide(sitting, record, subject, order, sitting.event(order.event_id))
            if isinstance(decision, Mint | TopUp) and judge(order, record.first_seen) is Timing.IN_TIME:
                coming[order.id] += record.amount
    for order_id in sorted(coming):
        order = sitting.order(order_id)
        covered = sitting.held(order_id) + coming[order_id]
        if covered >= order.amount - tolerance(order.amount, sitting.terms.dust(order.asset)):
            sitting.put_order(extended(order, now=sitting.now))
