"""What must hold in the whole book at any time; each broken rule is told in one sentence. Repairs nothing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from payouts import bookings
from payouts.dues import DueState
from payouts.journal import Entry, Place, balances, sums
from payouts.schema import dues, entries, postings
from tickets.schema import payments
from tickets.till import PaymentState


def faults(conn: Connection) -> tuple[str, ...]:
    """Return a sentence for every rule the book breaks; nothing for a sound one."""
    return (
        *unbalanced_postings(conn),
        *missing_numbers(conn),
        *chains_that_differ(conn),
        *claims_that_differ(conn),
        *payments_given_away_twice(conn),
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
    """What the journal says came in on a chain is the sum of the final payments recorded there."""
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


def _differences(conn: Connection, prefix: str, expected: Mapping[Place, int], source: str) -> list[str]:
    booked = {place: amount for place, amount in balances(conn).items() if place.account.startswith(prefix)}
    return [
        f"{place.account} in {place.asset}: the journal has {in_book}, {source} {outside}"
        for place in sorted(expected.keys() | booked.keys())
        if (in_book := booked.get(place, 0)) != (outside := expected.get(place, 0))
    ]


def _final_income(conn: Connection) -> Sequence[Row[Any]]:
    income = select(payments).where(payments.c.state == PaymentState.FINAL, payments.c.internal.is_(False))
    return conn.execute(income).all()
