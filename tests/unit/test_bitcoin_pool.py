"""What waits in the pool and what matures, sweep by sweep, without a node."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chains.bitcoin.pool import MATURITY, Held, News, Pool, read, with_pool
from chains.errors import PersistentError
from chains.port import Block, Payment, PaymentKey, Pending, Sweep, Tip, Watch
from chains.waiting import MOST_WAITING, Waiting

CHAIN = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"
MADE = datetime(2026, 11, 20, tzinfo=UTC)
COIN = b"\x11" * 36


def payment(txid, *, height=None, amount=5_000):
    block = None if height is None else Block(height=height, hash=f"{height:064x}", time=MADE)
    key = PaymentKey(chain=CHAIN, txid=txid, index="0")
    return Payment(
        key=key, asset="BTC", amount=amount, destination=f"to {txid}", sender=None, memos=(), block=block, direct=False
    )


def waiting(txid, *needs, amount=5_000, times=1):
    return Waiting(
        txid=txid, payments=(payment(txid, amount=amount),) * times, needs=tuple((output, txid) for output in needs)
    )


def sweep(*, tip=200, pending=(), final=(), gone=()):
    return Sweep(
        final=tuple(final),
        pending=tuple(Pending(payment=one, confirmations=tip - one.block.height + 1) for one in pending),
        gone=tuple(PaymentKey(chain=CHAIN, txid=txid, index="0") for txid in gone),
        tip=Tip(height=tip, hash=f"{tip:064x}", time=MADE),
        final_height=tip - 5,
        checkpoint={"version": 1},
    )


def seen(*ours, also=()):
    return Pool(ours=ours, txids=frozenset((*(one.txid for one in ours), *also)))


def held_after(swept):
    return read(json.loads(json.dumps(swept.checkpoint)), CHAIN)


def txids(swept):
    return [entry.payment.key.txid for entry in swept.pending]


def test_what_is_seen_in_the_pool_is_kept_until_it_is_in_a_block():
    first = with_pool(sweep(), Held(), News(), seen(waiting("a", COIN)))
    assert (txids(first), first.pending[0].confirmations) == (["a"], 0)
    without_looking = with_pool(sweep(tip=201), held_after(first), News(), None)
    assert txids(without_looking) == ["a"]
    mined = with_pool(sweep(tip=202, pending=[payment("a", height=202)]), held_after(without_looking), News(), seen())
    assert ([entry.confirmations for entry in mined.pending], mined.gone) == ([1], ())
    assert held_after(mined).waiting == ()


def test_another_spender_of_what_it_needs_proves_it_gone_and_its_own_spending_does_not():
    held = held_after(with_pool(sweep(), Held(), News(), seen(waiting("a", COIN))))
    assert with_pool(sweep(), held, News(spent={COIN: "a"}), None).gone == ()
    refuted = with_pool(sweep(), held, News(spent={COIN: "b"}), None)
    assert ([key.txid for key in refuted.gone], refuted.pending, held_after(refuted).waiting) == (["a"], (), ())


def test_of_what_spends_one_coin_only_the_newest_is_told_and_all_of_it_is_kept():
    first = held_after(with_pool(sweep(), Held(), News(), seen(waiting("a", COIN))))
    both = with_pool(sweep(), first, News(), seen(waiting("b", COIN), waiting("c", b"\x22" * 36)))
    assert (txids(both), both.gone) == (["b", "c"], ())  # nothing proves the first one gone
    assert [one.txid for one in held_after(both).waiting] == ["a", "b", "c"]
    refuted = with_pool(sweep(), held_after(both), News(spent={COIN: "b"}), None)
    assert [key.txid for key in refuted.gone] == ["a"]
    won = with_pool(sweep(pending=[payment("a", height=200)]), held_after(both), News(spent={COIN: "a"}), None)
    assert ([key.txid for key in won.gone], txids(won)) == (["b"], ["a", "c"])


def test_a_payment_that_is_displaced_from_its_block_and_waits_again_is_not_gone():
    returned = with_pool(sweep(gone=["a", "b"]), Held(), News(), seen(waiting("a", COIN)))
    assert ([key.txid for key in returned.gone], txids(returned)) == (["b"], ["a"])
    unlooked = with_pool(sweep(gone=["a"]), Held(), News(), None)
    assert [key.txid for key in unlooked.gone] == ["a"]


def test_a_payment_that_its_block_tells_otherwise_than_the_pool_is_gone_as_it_was():
    held = Held(waiting=(waiting("a", COIN),))
    mined = with_pool(sweep(pending=[payment("a", height=200, amount=6_000)]), held, News(), None)
    assert ([key.txid for key in mined.gone], txids(mined)) == (["a"], ["a"])
    same = with_pool(sweep(pending=[payment("a", height=200)]), held, News(), None)
    assert same.gone == ()


def test_what_the_pool_shows_though_it_is_in_a_block_already_does_not_wait():
    mined = with_pool(sweep(pending=[payment("a", height=200)]), Held(), News(), seen(waiting("a", COIN)))
    assert (txids(mined), held_after(mined).waiting) == (["a"], ())


def test_a_coinbase_is_told_of_without_its_block_until_it_can_be_spent_and_is_final_then_in_its_own():
    made = payment("c", height=150)
    news = News(coinbases=frozenset({"c"}))
    young = with_pool(sweep(tip=152, pending=[made]), Held(), news, None)
    assert young.pending == (Pending(payment=replace(made, block=None), confirmations=0),)
    buried = with_pool(sweep(tip=156, final=[made]), held_after(young), News(), None)
    assert (buried.final, buried.pending) == ((), young.pending)
    almost = with_pool(sweep(tip=150 + MATURITY - 2), held_after(buried), News(), None)
    assert (almost.final, almost.pending) == ((), young.pending)
    ripe = with_pool(sweep(tip=150 + MATURITY - 1), held_after(almost), News(), None)
    assert (ripe.final, ripe.pending, held_after(ripe)) == ((made,), (), Held())


def test_where_finality_stands_still_a_coinbase_is_told_of_in_its_block_once_it_is_mature():
    made = payment("c", height=150)
    stalled = with_pool(sweep(tip=150 + MATURITY, pending=[made]), Held(), News(coinbases=frozenset({"c"})), None)
    assert stalled.pending == (Pending(payment=made, confirmations=MATURITY + 1),)


def test_what_matures_is_told_before_what_stands_above_it():
    made, later = payment("c", height=150), payment("d", height=180)
    caught_up = with_pool(sweep(tip=260, final=[later]), Held(immature=(made,), coinbases=frozenset("c")), News(), None)
    assert caught_up.final == (made, later)


def test_addresses_of_what_is_held_are_looked_for_after_they_have_left_the_watch():
    held = Held(waiting=(waiting("a", COIN),), immature=(payment("c", height=1),))
    assert held.looked_for(Watch(active=frozenset({"x"}))).active == {"x", "to a", "to c"}


def many(count, prefix="t"):
    return [waiting(f"{prefix}{number}", bytes(32) + number.to_bytes(4, "little")) for number in range(count)]


def test_no_more_is_kept_than_the_bound_and_what_the_pool_has_lost_makes_room_first():
    full = with_pool(sweep(), Held(), News(), seen(*many(MOST_WAITING)))
    assert len(held_after(full).waiting) == MOST_WAITING
    beyond = with_pool(sweep(), held_after(full), News(), seen(waiting("late", COIN), also=map_ids(full)))
    assert "late" not in txids(beyond)
    room = with_pool(sweep(), held_after(full), News(), seen(waiting("late", COIN), also=map_ids(full)[1:]))
    assert (txids(room)[-1], len(room.pending), "t0" in txids(room)) == ("late", MOST_WAITING, False)
    assert room.gone == ()  # nothing was proved


def test_the_bound_counts_payments_and_what_does_not_fit_keeps_out_nothing_that_does():
    large = waiting("large", COIN, times=MOST_WAITING - 1)
    full = with_pool(sweep(), Held(), News(), seen(large, waiting("two", times=2), waiting("one")))
    assert map_ids(full) == ["large", "one"]
    replaced = with_pool(sweep(), held_after(full), News(), seen(waiting("larger", times=MOST_WAITING), also=["one"]))
    assert map_ids(replaced) == ["one"]
    alone = with_pool(sweep(), held_after(full), News(), seen(waiting("larger", times=MOST_WAITING)))
    assert map_ids(alone) == ["larger"]


def map_ids(swept):
    return [one.txid for one in held_after(swept).waiting]


def test_a_chain_that_was_just_begun_holds_nothing():
    assert read({"version": 1}, CHAIN) == Held()


@pytest.mark.parametrize(
    "broken",
    [
        {"pool": 7},
        {"pool": [{}]},
        {"pool": [{"txid": "a", "payments": [], "needs": [["xyz", "a"]]}]},
        {"immature": [7]},
    ],
)
def test_a_checkpoint_that_somebody_else_wrote_stops_the_chain(broken):
    with pytest.raises(PersistentError, match="cannot be read"):
        read(broken, CHAIN)
