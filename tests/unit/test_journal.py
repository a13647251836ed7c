"""The book: what it takes, what it refuses, and what its own checks find."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from payouts import bookings, invariants
from payouts.journal import Entry, Place, Posting, UnbalancedError, balances, post, post_all
from payouts.schema import entries, postings

ETH, USDC = "eip155:1/slip44:60", "eip155:1/erc20:0xa0b8"


@pytest.fixture
def receipt(now):
    def make(payment="p1", amount=1000, order="o1", asset=ETH):
        return bookings.receipt(
            payment_id=payment, chain="eip155:1", asset=asset, amount=amount, order_id=order, event_id=1, at=now
        )

    return make


def sale(now, paid=1000):
    return bookings.sale(order_id="o1", event_id=1, asset=ETH, paid=paid, commission_bps=2000, at=now)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (Entry(account="a", asset=ETH, amount=1),),
        (Entry(account="a", asset=ETH, amount=1), Entry(account="b", asset=USDC, amount=-1)),
    ],
)
def test_a_posting_that_does_not_sum_to_zero_in_every_asset_cannot_be_made(now, lines):
    with pytest.raises(UnbalancedError):
        Posting(reference="r", kind="k", at=now, entries=lines)


async def test_an_occasion_is_booked_once(store, receipt):
    assert await store.transact(lambda conn: post(conn, receipt()))
    assert not await store.transact(lambda conn: post(conn, receipt()))
    assert not await store.transact(lambda conn: post(conn, receipt(amount=5)))
    assert await store.read(balances) == {Place("chain:eip155:1", ETH): 1000, Place("buyer:o1", ETH): -1000}


async def test_a_sale_leaves_nothing_with_the_buyer(store, receipt, now):
    assert await store.transact(lambda conn: post_all(conn, [receipt(), sale(now), sale(now)])) == 2
    assert await store.read(lambda conn: balances(conn, ["buyer:o1"])) == {}
    assert await store.read(lambda conn: balances(conn, ["commission", "creator:1"])) == {
        Place("commission", ETH): -200,
        Place("creator:1", ETH): -800,
    }


async def test_postings_are_numbered_without_gaps_even_where_a_transaction_failed(store, receipt):
    await store.transact(lambda conn: post(conn, receipt("p1")))

    def fails(conn):
        post(conn, receipt("p2"))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await store.transact(fails)
    await store.transact(lambda conn: post(conn, receipt("p3")))
    assert await store.read(invariants.missing_numbers) == []


async def test_what_was_owed_whole_needs_no_second_posting_unless_it_is_dust(store, receipt, now):
    await store.transact(lambda conn: post(conn, receipt(order=None, amount=3)))
    dust = bookings.owed(payment_id="p1", part=1, asset=ETH, amount=3, dust=True, order_id=None, event_id=None, at=now)
    await store.transact(lambda conn: post(conn, dust))
    assert await store.read(lambda conn: balances(conn, ["owed:p1", "dust"])) == {Place("dust", ETH): -3}


async def test_the_checks_find_a_posting_that_was_bent(store, receipt):
    await store.transact(lambda conn: post(conn, receipt()))
    bent = update(entries).where(entries.c.account == "buyer:o1").values(amount=-999)
    await store.transact(lambda conn: conn.execute(bent).rowcount)
    assert len(await store.read(invariants.unbalanced_postings)) == 1


async def test_the_checks_find_a_posting_that_was_taken_out(store, receipt):
    await store.transact(lambda conn: post_all(conn, [receipt("p1"), receipt("p2")]))

    def take_out(conn):
        conn.execute(delete(entries).where(entries.c.posting_id == 1))
        return conn.execute(delete(postings).where(postings.c.id == 1)).rowcount

    assert await store.transact(take_out) == 1
    assert await store.read(invariants.missing_numbers) == ["posting 1 is missing"]


async def test_the_checks_find_money_in_the_book_that_no_payment_brought(store, receipt):
    await store.transact(lambda conn: post(conn, receipt()))
    [fault] = await store.read(invariants.faults)
    assert fault == f"chain:eip155:1 in {ETH}: the journal has 1000, the payments 0"


async def test_times_and_amounts_come_back_as_they_were(store, receipt, now):
    late = now + timedelta(microseconds=7)
    amount = 2**256 - 1
    booked = bookings.receipt(
        payment_id="p", chain="eip155:1", asset=ETH, amount=amount, order_id="o", event_id=None, at=late
    )
    await store.transact(lambda conn: post(conn, booked))
    assert (await store.read(balances))[Place("buyer:o", ETH)] == -amount
