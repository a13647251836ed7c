"""The memory of a Solana chain: what of each account is remembered, and what a checkpoint keeps."""

import json
from datetime import UTC, datetime

import pytest

from chains.errors import PersistentError
from chains.port import Block, Payment, PaymentKey, Watch
from chains.solana.position import (
    MOST_KNOWN,
    OVERLAP,
    Account,
    Position,
    Seen,
    Spot,
    displaced,
    looked_for,
    ordered,
    read,
    sweep_of,
    write,
)

CHAIN = "solana:UsherLocaLnet1111111111111111111"
NEW = Account(address="a", wallet="a", floor=1000)
FINAL, TIP = Spot(slot=100, hash="f", time=1_795_176_000), Spot(slot=140, hash="t", time=1_795_176_016)


def payment(amount, *, slot=120, digest="b", txid="x", index="0", destination="us", asset="sol"):
    block = Block(height=slot, hash=digest, time=datetime(2026, 11, 20, 12, tzinfo=UTC))
    return Payment(
        key=PaymentKey(chain=CHAIN, txid=txid, index=index), asset=asset, amount=amount, destination=destination,
        sender="them", memos=("m",), block=block, references=("r",),
    )  # fmt: skip


def seen(*payments, slot=120, digest="b", txid="x", place=0):
    return Seen(txid=txid, spot=Spot(slot=slot, hash=digest, time=1_795_176_000), place=place, payments=payments)


def test_an_account_that_was_never_read_asks_for_all_above_its_floor():
    assert (NEW.hint, NEW.required) == (None, frozenset())
    assert [NEW.complete([slot]) for slot in (1001, 1000, 999)] == [False, False, True]


def test_what_was_read_within_the_overlap_must_be_shown_again_and_what_stands_below_it_ends_the_listing():
    account = NEW.after([(990, "older"), (995, "old"), (1010, "b"), (1500, "d"), (1400, "c")], [], 1600)
    assert account.floor == 1600 - OVERLAP
    assert (account.known, account.ends) == (((1400, "c"), (1500, "d")), ((995, "old"), (1010, "b")))
    assert account.hint == "old"
    assert account.required == {(1010, "b"), (1400, "c"), (1500, "d")}
    assert [account.complete([slot]) for slot in (1400, 1010, 1009)] == [False, False, True]


def test_time_alone_forgets_all_but_two():
    account = NEW.after([(1010, "b"), (1400, "c"), (1500, "d")], [], 1600).after([], [], 10_000)
    assert (account.known, account.ends, account.firm) == ((), ((1400, "c"), (1500, "d")), True)
    assert (account.hint, account.required) == ("c", {(1500, "d")})


def test_of_signatures_in_one_slot_none_ends_a_listing_before_the_others():
    account = NEW.after([(1010, "b"), (1010, "c")], [], 9000)
    assert (account.ends, account.hint) == (((1010, "c"),), None)
    account = account.after([(900, "a")], [], 9000)
    assert (account.ends, account.hint) == (((900, "a"), (1010, "c")), "a")


def test_a_busy_account_has_a_shorter_overlap_and_slots_are_remembered_in_full():
    many = [(1500 + number // 2, f"{number:04}") for number in range(2 * MOST_KNOWN + 1)]
    account = NEW.after(many, [], 1500 + MOST_KNOWN)
    assert len(account.known) <= MOST_KNOWN
    assert set(account.known) == {entry for entry in many if entry[0] > account.floor}
    assert account.ends[-1][0] == account.floor


def test_a_slot_with_more_than_can_be_remembered_is_left_behind_as_a_whole():
    account = NEW.after([(1500, f"{number:04}") for number in range(MOST_KNOWN + 9)], [], 1510)
    assert account.floor == 1500
    assert account.after([(1505, "x")], [], 1510).known == ((1505, "x"),)


def test_failed_ones_move_the_end_of_a_listing_on_and_are_never_asked_for_again():
    account = NEW.after([(1010, "b")], [], 1011).after([], [(1020, "f"), (1030, "g"), (1400, "h")], 1400)
    assert (account.known, account.ends, account.firm) == ((), ((1020, "f"), (1030, "g")), False)
    assert (account.hint, account.required) == ("f", frozenset())
    account = account.after([(1390, "c")], [(1400, "h")], 1750)
    assert (account.ends, account.firm) == (((1390, "c"), (1400, "h")), False)
    assert account.after([(1401, "d")], [], 1750).firm
    assert account.after([(1401, "d")], [], 1750).after([], [], 9000).firm


def test_the_floor_never_falls():
    account = NEW.after([], [], 5000)
    assert account.after([(4000, "late")], [], 4100).floor == account.floor


def test_a_checkpoint_is_read_back_as_it_was():
    position = Position(
        final=FINAL,
        tip=TIP,
        accounts={"a": NEW.after([(900, "a"), (1010, "b")], [(950, "f")], 1011)},
        seen=(seen(payment(5), payment(2**64 - 1, index="internal.3")), seen(txid="y", place=4)),
        agreed=frozenset({"b"}),
        began=7,
        discovered=90,
    )
    assert read(json.loads(json.dumps(write(position))), CHAIN) == position


@pytest.mark.parametrize("spoilt", [{}, {"version": 0}, {"version": 1}, {"version": 1, "final": 5}])
def test_what_is_no_checkpoint_of_ours_stops_the_chain(spoilt):
    with pytest.raises(PersistentError):
        read(spoilt, CHAIN)


@pytest.mark.parametrize("key", ["final", "tip", "accounts", "seen", "agreed", "began", "discovered"])
def test_a_checkpoint_without_one_of_its_parts_stops_the_chain(key):
    stored = dict(write(Position(final=FINAL, tip=TIP, accounts={})))
    del stored[key]
    with pytest.raises(PersistentError, match="cannot be read"):
        read(stored, CHAIN)


def test_what_is_held_stays_watched():
    position = Position(final=FINAL, tip=TIP, accounts={}, seen=(seen(payment(5, destination="gone from the watch")),))
    assert looked_for(position, Watch(active=frozenset({"w"}))).active == {"w", "gone from the watch"}


def test_transactions_stand_in_the_order_of_slot_and_place():
    one, two, three = seen(slot=9, place=2, txid="b"), seen(slot=9, place=1, txid="c"), seen(slot=8, place=7, txid="a")
    assert ordered([one, two, three]) == (three, two, one)


def test_a_payment_that_only_moved_is_not_displaced_and_one_with_other_facts_is():
    held = payment(5), payment(6, index="1")
    told = payment(5, slot=130, digest="c"), payment(7, slot=130, digest="c", index="1")
    assert displaced(held, told) == (held[1],)


def test_confirmations_never_reach_what_finality_takes():
    position = Position(
        final=FINAL, tip=TIP, accounts={}, seen=(seen(payment(1, slot=139), slot=139), seen(payment(2, slot=101)))
    )
    sweep = sweep_of(position, depth=32)
    assert [entry.confirmations for entry in sweep.pending] == [2, 31]
    assert (sweep.final_height, sweep.tip.height, sweep.tip.time.second) == (100, 140, 16)


def test_a_large_sum_in_a_block_that_nobody_confirmed_counts_for_nothing():
    position = Position(
        final=FINAL, tip=TIP, accounts={}, seen=(seen(payment(60), payment(50, index="1")), seen(payment(9, slot=121)))
    )
    unsure = sweep_of(position, depth=32, limits={"sol": 100})
    assert [(entry.confirmations, entry.payment.block is None) for entry in unsure.pending] == [
        (0, True), (0, True), (0, True)
    ]  # fmt: skip
    agreed = sweep_of(
        Position(final=FINAL, tip=TIP, accounts={}, seen=position.seen, agreed=frozenset({"b"})),
        depth=32,
        limits={"sol": 100},
    )
    assert [entry.confirmations for entry in agreed.pending] == [21, 21, 20]
