"""Invariant: whatever is booked, every posting and so the whole book sums to zero per asset."""

from collections import defaultdict
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from payouts import bookings
from payouts.journal import sums

NOW = datetime(2026, 11, 20, tzinfo=UTC)
amounts = st.integers(min_value=1, max_value=2**256 - 1)
assets = st.sampled_from(("eip155:1/slip44:60", "eip155:137/slip44:966"))
order_ids = st.sampled_from((None, "o1", "o2"))

receipts = st.builds(
    bookings.receipt,
    payment_id=st.sampled_from("abc"),
    chain=st.just("eip155:1"),
    asset=assets,
    amount=amounts,
    order_id=order_ids,
    event_id=st.just(1),
    at=st.just(NOW),
)
sales = st.builds(
    bookings.sale,
    order_id=st.sampled_from(("o1", "o2")),
    event_id=st.just(1),
    asset=assets,
    paid=amounts,
    commission_bps=st.integers(min_value=0, max_value=10_000),
    at=st.just(NOW),
)
owed = st.builds(
    bookings.owed,
    payment_id=st.sampled_from("abc"),
    part=st.integers(min_value=1, max_value=3),
    asset=assets,
    amount=amounts,
    dust=st.booleans(),
    order_id=st.sampled_from(("o1", "o2")),
    event_id=st.just(1),
    at=st.just(NOW),
)


@given(st.lists(st.one_of(receipts, sales, owed)))
def test_every_booking_and_every_book_of_them_sums_to_zero(postings):
    book = defaultdict(int)
    for posting in postings:
        assert not any(sums(posting.entries).values())
        for entry in posting.entries:
            book[entry.asset] += entry.amount
    assert not any(book.values())


@given(sales)
def test_a_sale_never_takes_anything_from_the_creator(sale):
    creator = [entry.amount for entry in sale.entries if entry.account.startswith("creator:")]
    assert creator[0] <= 0
