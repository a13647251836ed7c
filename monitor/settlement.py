"""What a sweep comes to, carried out in the caller's transaction. What each payment becomes is decided in `decide`.

    payments seen -> those undone -> those back -> those deep enough, in the chain's order -> holds -> the book

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
from monitor import booking, heirs, matching, reorg
from monitor.changes import Changes, changes
from monitor.decide import Decision, Mint, Open, Owe, TopUp, decide, tolerance
from monitor.matching import Subject
from monitor.maturity import Stake, Stakes, ripe_at
from monitor.sitting import Sitting, Terms
from monitor.verdicts import kept, owed_back, paid
from tickets import inventory, orders, tickets, till
from tickets.event import Event
from tickets.lateness import Timing, judge
from tickets.order import Order, OrderState
from tickets.till import Outcome, PaymentRecord, PaymentState


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """What one sweep came to, for logs and metrics."""

    changes: Changes
    settled: tuple[PaymentRecord, ...]  # decided now, as they stand at the end
    postings: int


def settle(conn: Connection, sweep: Sweep, terms: Terms, now: datetime) -> Settlement:
    """Carry out everything that a sweep means, except storing its checkpoint."""
    shown = [payment.key for payment in sweep.final] + [pending.payment.key for pending in sweep.pending]
    known = till.by_ids(conn, (key.payment_id for key in (*shown, *sweep.gone)))
    happened = changes({record.key: record for record in known.values()}, sweep, now)
    sitting = Sitting(conn, terms, now, known.values())
    for record in happened.records:
        sitting.put(record)
    reorg.undo(sitting, happened.gone)
    reorg.bring_back(sitting, happened.returned)
    waiting = _waiting(sitting, shown)
    subjects = matching.match(conn, terms, waiting)
    for record in waiting:
        sitting.put(replace(record, order_id=subjects[record.id].order_id))
    ripe = _ripe(sitting, sweep, subjects)
    matching.lock(conn, (subjects[payment_id].order_id for payment_id in ripe))
    for payment_id in ripe:
        _settle_one(sitting, sitting.payment(payment_id), subjects[payment_id])
    _extend_holds(sitting, subjects)
    postings = booking.book(sitting)
    sitting.save()
    return Settlement(changes=happened, settled=tuple(map(sitting.payment, ripe)), postings=postings)


def _waiting(sitting: Sitting, shown: Iterable[PaymentKey]) -> list[PaymentRecord]:
    """Return the payments of the sweep that are still to be decided about, in its order."""
    records = (sitting.payment(key.payment_id) for key in dict.fromkeys(shown))
    return [record for record in records if record.outcome is Outcome.WAITING]


class _Ripe(NamedTuple):
    """A payment that may settle."""

    payment_id: str
    since: int  # height of the tip at which it was deep enough
    height: float  # of its own block


def _ripe(sitting: Sitting, sweep: Sweep, subjects: Mapping[str, Subject]) -> Sequence[str]:
    """Return the waiting payments that may settle now, in the order in which the chain made them ripe."""
    chain, tip = sitting.terms.chain, sweep.tip.height
    stakes = _stakes(sitting, sweep, subjects)
    together = Stakes(stakes.values())
    ripe = []
    for payment_id in subjects:
        record, stake, since = sitting.payment(payment_id), stakes.get(payment_id), math.inf
        if stake is not None:
            steps = chain.steps_for(record.asset)
            since = ripe_at(stake, together, steps, finality=chain.finality.blocks)
        if since <= tip or record.state is PaymentState.FINAL:
            height = till.chain_order(record)[0]
            ripe.append(_Ripe(payment_id=payment_id, since=int(min(since, tip)), height=height))
    return [entry.payment_id for entry in sorted(ripe, key=_turn)]


def _turn(ripe: _Ripe) -> tuple[float, ...]:
    """Return what settles first; what is alike keeps the order of the sweep."""
    return (ripe.since, ripe.height)


def _stakes(sitting: Sitting, sweep: Sweep, subjects: Mapping[str, Subject]) -> dict[str, Stake]:
    """Return what each payment of the sweep puts at risk, those that were settled before included."""
    shown = (*sweep.final, *(pending.payment for pending in sweep.pending))
    stakes = {}
    for payment in shown:
        payment_id = payment.key.payment_id
        if payment.block is not None and not payment.internal:
            subject, record = subjects.get(payment_id), sitting.payment(payment_id)
            purse = subject.purse if subject else record.order_id or payment_id
            stakes[payment_id] = Stake(
                height=payment.block.height, asset=payment.asset, amount=payment.amount, purse=purse
            )
    return stakes


def _settle_one(sitting: Sitting, record: PaymentRecord, subject: Subject) -> None:
    """Decide about one payment and carry the decision out."""
    order, event = _order_and_event(sitting, record, subject)
    decision = _decide(sitting, record, subject, order, event)
    if isinstance(decision, Open):
        order = _open(sitting, record, decision)
        decision = _decide(sitting, record, subject, order, event)
    record = replace(record, order_id=order.id if order else None)
    match decision:
        case Mint() if order is not None and event is not None:
            _mint(sitting, record, order, event, decision)
        case TopUp():
            sitting.put(kept(record))
        case Owe(reason=reason):
            sitting.put(owed_back(record, reason))


def _order_and_event(sitting: Sitting, record: PaymentRecord, subject: Subject) -> tuple[Order | None, Event | None]:
    """Return the order that the payment settles in, locked, and the event it is about."""
    if subject.order_id is not None:
        order = orders.by_id(sitting.conn, subject.order_id, lock=True)
        event = None if order is None else sitting.event(order.event_id)
        if order is not None and event is not None and heirs.has_fallen(sitting.conn, order):
            order = heirs.heir_of(sitting.conn, order, event, at=record.first_seen)
        return order, event
    memo = subject.reading.event
    event = None if memo is None else sitting.event(memo.event)
    if event is None or not subject.may_replace:
        return None, event
    return matching.suspended_order(sitting.conn, record, subject.reading, event.id), event


def _decide(
    sitting: Sitting, record: PaymentRecord, subject: Subject, order: Order | None, event: Event | None
) -> Decision:
    return decide(
        record,
        subject.reading,
        event=event,
        order=order,
        held=0 if order is None else _held(sitting, order),
        at=record.first_seen,
        dust=sitting.terms.dust(record.asset),
    )


def _held(sitting: Sitting, order: Order) -> int:
    """Return what stands towards an order on its chain."""
    return sum(record.applied for record in sitting.of_order(order.id) if record.standing)


def _open(sitting: Sitting, record: PaymentRecord, wanted: Open) -> Order:
    """Write down the order of a bare memo, or find the one that it adds to."""
    terms, memo = sitting.terms, wanted.memo
    at_home = memo.holder.family is terms.chain.family
    account = account_of(memo.wallet, network=terms.network, chain=terms.chain if at_home else None)
    return orders.implicit(
        sitting.conn,
        event=wanted.event,
        tier=wanted.tier,
        quantity=wanted.quantity,
        holder=memo.holder,
        account=str(account),
        asset=record.asset,
        chain=terms.chain.id,
        payer=record.sender or f"payment:{record.id}",  # from nobody we know: nothing adds to it
        at=record.first_seen,
        proved=record.direct and at_home and record.sender == memo.wallet,
    )


def _mint(sitting: Sitting, record: PaymentRecord, order: Order, event: Event, decision: Mint) -> None:
    """Take the places and make the tickets; where they are gone, everything paid for the order goes back."""
    parts = [part for part in sitting.of_order(order.id) if part.applied and part.standing]
    if not inventory.sell_order(sitting.conn, order):
        for part in (*parts, record):
            sitting.put(owed_back(part, decision.if_gone))
        if order.state is OrderState.OPEN:
            orders.change(sitting.conn, order, OrderState.REFUSED, now=sitting.now)
        return
    reorg.forget_undone(sitting, order)
    for part in parts:
        sitting.put(paid(part, applied=part.applied, rest=part.owed))
    sitting.put(paid(record, applied=decision.applied, rest=decision.rest))
    tickets.mint(
        sitting.conn,
        order,
        event,
        paid_on=sitting.terms.chain.id,
        payments=[part.id for part in (*parts, record)],
        signer=sitting.terms.signer,
        now=sitting.now,
    )
    orders.change(sitting.conn, order, OrderState.PAID, now=sitting.now)


def _extend_holds(sitting: Sitting, subjects: Mapping[str, Subject]) -> None:
    """Give orders time whose price is covered by what was seen in time, though not deep enough yet."""
    coming: defaultdict[str, list[PaymentRecord]] = defaultdict(list)
    for payment_id, subject in subjects.items():
        record = sitting.payment(payment_id)
        if subject.order_id is not None and record.outcome is Outcome.WAITING:
            coming[subject.order_id].append(record)
    for order_id in sorted(coming):
        order = orders.by_id(sitting.conn, order_id)
        if order is None or order.state is not OrderState.OPEN:
            continue
        in_time = [record for record in coming[order_id] if judge(order, record.first_seen) is Timing.IN_TIME]
        covered = _held(sitting, order) + sum(record.amount for record in in_time)
        if covered >= order.amount - tolerance(order.amount, sitting.terms.dust(order.asset)):
            orders.extend(sitting.conn, order, now=sitting.now)
