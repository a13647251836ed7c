"""What must hold in the whole book at any time; each broken rule is told in one sentence. Repairs nothing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from chains.port import Payment
from chains.schema import checkpoints
from payouts import bookings
from payouts.dues import DueState
from payouts.journal import Entry, Place, balances, sums
from payouts.schema import dues, entries, postings
from tickets import till
from tickets.event import EventStatus
from tickets.order import ENDS
from tickets.schema import events, orders, payments
from tickets.till import PaymentState, facts_of


def faults(conn: Connection) -> tuple[str, ...]:
    """Return a sentence for every rule the book breaks; nothing for a sound one."""
    return (
        *unbalanced_postings(conn),
        *missing_numbers(conn),
        *chains_that_differ(conn),
        *claims_that_differ(conn),
        *payments_given_away_twice(conn),
        *buyers_left_with_money(conn),
        *payments_lost(conn),
    )


def unbalanced_postings(conn: Connection) -> list[str]:
    """Every posting sums to zero in every asset."""
    lines: defaultdict[int, list[Entry]] = defaultdict(list)
    for row in conn.execute(select(entries)):
        lines[row.posting_id].append(Entry(account=row.account, asset=row.asset, amount=row.amount))
    return [
        f"posting {number} does not sum to zero: {totals}"
        for number, totals in ((number, sums(posting)) for number, posting in sorted(lines.items()))
        if any(totals.values())
    ]


def missing_numbers(conn: Connection) -> list[str]:
    """Postings are numbered from 1 without a gap: none was taken out."""
    numbers = conn.execute(select(postings.c.id).order_by(postings.c.id)).scalars().all()
    expected = next((i for i, number in enumerate(numbers, start=1) if number != i), None)
    return [] if expected is None else [f"posting {expected} is missing"]


def chains_that_differ(conn: Connection) -> list[str]:
    """What the journal says came in on a chain is the sum of the payments that were ever final there."""
    received: defaultdict[Place, int] = defaultdict(int)
    for row in _final_income(conn):
        received[Place(bookings.chain_account(row.chain), row.asset)] += row.amount
    return _differences(conn, "chain:", received, "the payments")


def claims_that_differ(conn: Connection) -> list[str]:
    """What stands on `owed:` accounts is what the dues say."""
    listed: defaultdict[Place, int] = defaultdict(int)
    for row in conn.execute(select(dues).where(dues.c.state == DueState.DUE)):
        listed[Place(bookings.owed_account(row.payment_id), row.asset)] -= row.amount
    return _differences(conn, "owed:", listed, "the dues")


def payments_given_away_twice(conn: Connection) -> list[str]:
    """What a final payment pays for and what goes back of it are never more than it brought."""
    return [
        f"payment {row.id} brought {row.amount}, but {row.applied} are used and {row.owed} owed back"
        for row in _final_income(conn)
        if row.applied < 0 or row.owed < 0 or row.applied + row.owed > row.amount
    ]


def buyers_left_with_money(conn: Connection) -> list[str]:
    """A buyer's account is empty once the tickets are sold for good, and when an ended order's event is over.

    The latter once the chain was read past the event's end and the parts of what was never paid in full were returned.
    """
    sold = select(postings.c.order_id).where(postings.c.kind == "sale")
    ended = (
        select(orders.c.id)
        .join(events, events.c.id == orders.c.event_id)
        .join(checkpoints, checkpoints.c.chain == orders.c.chain)
        .where(orders.c.state.in_(ENDS), events.c.status == EventStatus.COMPLETED)
        .where(checkpoints.c.tip_time > events.c.ends_at)
    )
    settled = {bookings.buyer_account(order_id) for order_id in conn.execute(sold.union(ended)).scalars()}
    return [
        f"{place.account} has {amount} in {place.asset} left, though nothing more can come of it"
        for place, amount in sorted(balances(conn).items())
        if place.account in settled
    ]


def payments_lost(conn: Connection) -> list[str]:
    """Every payment in the book is on its chain."""
    lost = select(payments.c.id, payments.c.chain).where(payments.c.state == PaymentState.LOST)
    return [
        f"payment {row.id} is in the book and no longer on {row.chain}"
        for row in conn.execute(lost.order_by(payments.c.id))
    ]


def payments_told_otherwise(conn: Connection, told: Iterable[Payment]) -> list[str]:
    """What is recorded as final is what its chain told last when it said so."""
    last = {payment.key.payment_id: payment for payment in told}
    final = [record for record in till.by_ids(conn, last).values() if record.state is PaymentState.FINAL]
    return [
        f"payment {record.id} is recorded with {record.amount} of {record.asset}, told was {last[record.id]}"
        for record in final
        if record.facts != facts_of(last[record.id])
    ]


def _differences(conn: Connection, prefix: str, expected: Mapping[Place, int], source: str) -> list[str]:
    booked = {place: amount for place, amount in balances(conn).items() if place.account.startswith(prefix)}
    return [
        f"{place.account} in {place.asset}: the journal has {in_book}, {source} {outside}"
        for place in sorted(expected.keys() | booked.keys())
        if (in_book := booked.get(place, 0)) != (outside := expected.get(place, 0))
    ]


def _final_income(conn: Connection) -> Sequence[Row[Any]]:
    booked = payments.c.state.in_((PaymentState.FINAL, PaymentState.LOST))
    return conn.execute(select(payments).where(booked, payments.c.internal.is_(False))).all()
