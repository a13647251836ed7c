"""The double-entry book. A posting that does not sum to zero per asset is refused, and none is ever rewritten.

What is booked for which occasion stands in `bookings`; whether the whole book is sound, in `invariants`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from payouts.schema import entries, postings
from store import counters
from store.batch import Batch
from tickets.batches import batches, insert_all

_BOOKED = select(postings.c.reference).where(postings.c.reference.in_(bindparam("wanted", expanding=True)))
_POST = Batch(table=postings, columns=tuple(column.name for column in postings.c))
_posted = attrgetter(*(name for name in _POST.columns if name != "id"))
_ENTER = Batch(table=entries, columns=tuple(column.name for column in entries.c))


class Place(NamedTuple):
    """An account in one asset: what a balance belongs to."""

    account: str  # chain:<caip2> | buyer:<order> | creator:<event> | owed:<payment> | commission | dust
    asset: str  # CAIP-19


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line of a posting."""

    account: str
    asset: str  # CAIP-19
    amount: int  # smallest unit; debit above zero, credit below


@dataclass(frozen=True, kw_only=True, slots=True)
class Posting:
    """One occasion, booked once for ever under its reference."""

    reference: str  # e.g. receipt:<payment id>
    kind: str
    at: datetime  # when the money was final: the block's time
    entries: tuple[Entry, ...]
    event_id: int | None = None
    order_id: str | None = None
    payment_id: str | None = None

    def __post_init__(self) -> None:
        if not self.entries or any(sums(self.entries).values()):
            raise UnbalancedError(self.reference, sums(self.entries))


class UnbalancedError(ValueError):
    """A posting's entries do not sum to zero in every asset."""

    def __init__(self, reference: str, totals: Mapping[str, int]) -> None:
        super().__init__(f"{reference} sums to {dict(totals)}")


def sums(lines: Iterable[Entry]) -> dict[str, int]:
    """Return the total per asset."""
    totals: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        totals[line.asset] += line.amount
    return dict(totals)


def post(conn: Connection, posting: Posting) -> bool:
    """Book a posting; False where its reference is in the book already."""
    return post_all(conn, (posting,)) == 1


def post_all(conn: Connection, batch: Sequence[Posting]) -> int:
    """Book those postings whose reference is not in the book yet, in their order; return how many.

    Whoever may book a reference holds the lock of its order, or the lease of its chain: two never book it at once.
    The numbers are taken last, since their counter stays locked until the transaction ends.
    """
    wanted = {posting.reference: posting for posting in batch}
    for some in batches(tuple(wanted)):
        for reference in conn.execute(_BOOKED, {"wanted": some}).scalars():
            del wanted[reference]
    if not wanted:
        return 0
    first = counters.next_value(conn, "postings", count=len(wanted))
    numbered = tuple(enumerate(wanted.values(), first))
    insert_all(conn, _POST, ((number, *_posted(posting)) for number, posting in numbered))
    insert_all(conn, _ENTER, (row for number, posting in numbered for row in _lines(number, posting)))
    return len(numbered)


def balances(conn: Connection, accounts: Sequence[str] | None = None) -> dict[Place, int]:
    """Return each account's balance per asset, without those that are zero; of all accounts where none is named.

    Summed here and not by the database: SQLite cannot add amounts beyond 64 bits.
    """
    query = select(entries.c.account, entries.c.asset, entries.c.amount)
    if accounts is not None:
        query = query.where(entries.c.account.in_(accounts))
    totals: defaultdict[Place, int] = defaultdict(int)
    for account, asset, amount in conn.execute(query):
        totals[Place(account, asset)] += amount
    return {place: total for place, total in totals.items() if total}


def _lines(number: int, posting: Posting) -> Iterator[tuple[object, ...]]:
    for line, entry in enumerate(posting.entries):
        yield number, line, entry.account, entry.asset, entry.amount
