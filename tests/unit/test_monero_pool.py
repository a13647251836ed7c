"""Rings, key images, and what becomes of payments that wait in the pool."""

import json

import pytest

from chains.distrust import Distrusted
from chains.monero.pool import (
    Look,
    Seen,
    check_spent,
    check_transactions,
    double_spent,
    queue,
    with_pool,
)
from chains.monero.rings import images_of, is_own, outputs_of, rings_of
from chains.port import Pending, Sweep, Tip
from chains.position import moment
from chains.waiting import MOST_NEEDED, MOST_WAITING, Waiting
from tests.support.monero_values import ours, transactions, transfer

ANSWER = transactions()
PAYMENT = ours().payment(transfer(), None)
KEY = PAYMENT.key
NEXT = ours().payment(transfer(txid="cd" * 32), None)
IMAGE, ANOTHER = b"\xaa" * 32, b"\xcc" * 32


def waiting_for(payment, *images):
    return Waiting(
        txid=payment.key.txid, payments=(payment,), needs=tuple((image, payment.key.txid) for image in images)
    )


HELD = waiting_for(PAYMENT, IMAGE)


def spending(*rings, images=("11" * 32,), **changed):
    """A transaction as the daemon decodes it, each ring as the distances between its members."""
    inputs = [
        {"key": {"amount": 0, "key_offsets": list(ring), "k_image": image}}
        for ring, image in zip(rings, images * 9, strict=False)
    ]
    return json.dumps({"version": 2, "vin": inputs, **changed})


def sweep(*gone):
    return Sweep(
        final=(),
        pending=(),
        gone=gone,
        tip=Tip(height=9, hash="00" * 32, time=moment(9)),
        final_height=1,
        checkpoint={},
    )


def in_pool(*images):
    return Seen(in_pool=True, images=images, rings=())


# --- rings -----------------------------------------------------------------------------------------------


def test_a_rings_members_are_told_as_distances():
    assert rings_of(spending([1, 3, 6], [5])) == [{1, 4, 10}, {5}]


def test_the_rings_of_real_transactions_have_sixteen_members():
    for one in ANSWER["txs"]:
        assert {len(ring) for ring in rings_of(one["as_json"])} == {16}
        assert [len(image) for image in images_of(one["as_json"])] == [32] * len(rings_of(one["as_json"]))


@pytest.mark.parametrize(
    ("rings", "mine", "own"),
    [
        ([{1, 4}, {7, 9}], {4, 9}, True),
        ([{1, 4}, {7, 9}], {4}, False),
        ([{1, 4}], {5}, False),
        ([], {5}, False),
        ([{1, 4}], set(), False),
    ],
    ids=["each ring has one of ours", "one ring has none", "no ring has one", "a coinbase", "nothing is ours"],
)
def test_a_spend_is_ours_if_every_ring_holds_an_output_of_ours(rings, mine, own):
    assert is_own([frozenset(ring) for ring in rings], frozenset(mine)) is own


def test_if_one_ring_were_enough_strangers_who_took_our_output_for_a_decoy_would_pay_internally():
    """Negative control: `any` instead of `all` would take a stranger's payment for our own change."""
    rings, mine = [frozenset({1, 4}), frozenset({7, 9})], frozenset({4})
    assert any(ring & mine for ring in rings)
    assert not is_own(rings, mine)


def test_inputs_from_before_ringct_are_nobodys():
    old = json.dumps({"vin": [{"key": {"amount": 1000, "key_offsets": [4], "k_image": "11" * 32}}]})
    assert rings_of(old) == [frozenset()]
    assert not is_own(rings_of(old), frozenset({4}))


def test_a_coinbase_has_no_rings_and_no_images():
    coinbase = json.dumps({"vin": [{"gen": {"height": 5}}]})
    assert (rings_of(coinbase), images_of(coinbase)) == ([], ())


@pytest.mark.parametrize(
    "as_json",
    [None, 5, "", "{", "[]", "{}", '{"vin": {}}', '{"vin": [5]}', '{"vin": [{"key": {}}]}', '{"vin": [{"spell": {}}]}',
     '{"vin": [{"key": {"amount": 0, "key_offsets": ["1"]}}]}', spending([1] * 5000)],
)  # fmt: skip
def test_inputs_that_cannot_be_read_are_not_believed(as_json):
    assert isinstance(rings_of(as_json), Distrusted)
    assert isinstance(images_of(as_json), tuple | Distrusted)


@pytest.mark.parametrize("image", [None, 5, "", "11" * 31, "11" * 33, "gg" * 32, "AA" * 32])
def test_a_key_image_that_is_none_is_not_believed(image):
    """Of what spends nothing that is known, nobody could ever prove that it was spent elsewhere."""
    as_json = spending([1], images=(image,))
    assert isinstance(images_of(as_json), Distrusted)
    [first, *_] = ANSWER["txs"]
    assert isinstance(check_transactions({"txs": [{**first, "as_json": as_json}]}), Distrusted)


def test_outputs_are_known_by_their_place_on_the_chain():
    assert outputs_of({"transfers": [{"global_index": 5}, {"global_index": 9}]}) == {5, 9}
    assert outputs_of({}) == frozenset()


@pytest.mark.parametrize(
    "answer", [None, [], {"transfers": None}, {"transfers": [5]}, {"transfers": [{"global_index": "5"}]}]
)
def test_outputs_without_their_place_are_not_believed(answer):
    assert isinstance(outputs_of(answer), Distrusted)


# --- what daemons say -----------------------------------------------------------------------------------------


def test_transactions_are_told_with_what_they_spend():
    seen = check_transactions(ANSWER)
    assert set(seen) == {one["tx_hash"] for one in ANSWER["txs"]}
    assert {one.in_pool for one in seen.values()} == {False}
    assert check_transactions({"missed_tx": ["ab" * 32], "status": "OK"}) == {}


@pytest.mark.parametrize("broken", [{"tx_hash": None}, {"in_pool": 1}, {"as_json": ""}, {"as_json": None}])
def test_a_transaction_with_one_field_broken_is_not_believed(broken):
    [first, *_] = ANSWER["txs"]
    assert isinstance(check_transactions({"txs": [{**first, **broken}]}), Distrusted)


@pytest.mark.parametrize("answer", [None, [], {"txs": {}}, {"txs": [None]}])
def test_what_is_no_list_of_transactions_is_not_believed(answer):
    assert isinstance(check_transactions(answer), Distrusted)


def test_a_key_image_is_spent_by_a_block_and_not_by_a_pool():
    assert check_spent({"spent_status": [0, 1, 2]}, [b"a", b"b", b"c"]) == {b"b"}


@pytest.mark.parametrize("answer", [None, {}, {"spent_status": [1]}, {"spent_status": "11"}])
def test_key_images_that_are_answered_in_part_are_not_believed(answer):
    assert isinstance(check_spent(answer, [b"a", b"b"]), Distrusted)


def test_one_that_is_missing_is_double_spent_only_if_a_block_spent_its_images():
    spent = frozenset({IMAGE})
    assert double_spent([HELD], {}, spent) == {KEY.txid}
    assert double_spent([HELD], {}, frozenset()) == frozenset()
    assert double_spent([HELD], {KEY.txid: in_pool()}, spent) == frozenset()


# --- what is told -----------------------------------------------------------------------------------------


def told(*, waiting=(), sighted=(), fallen=(), in_blocks=(), gone=(), look=None):
    return with_pool(sweep(*gone), queue(waiting, sighted, fallen, in_blocks), look)


def looked(*, double=(), **seen):
    return Look(seen={KEY.txid: in_pool(IMAGE), NEXT.key.txid: in_pool(ANOTHER)} | seen, double_spent=frozenset(double))


def test_what_the_wallet_sights_waits_if_a_daemon_has_it_too():
    after, waiting = told(sighted=[PAYMENT], look=looked())
    assert after.pending == (Pending(payment=PAYMENT, confirmations=0),)
    assert waiting == (HELD,)


@pytest.mark.parametrize("seen", [{}, {KEY.txid: Seen(in_pool=False, images=(), rings=())}], ids=["none", "in a block"])
def test_what_no_pool_has_does_not_wait(seen):
    after, waiting = told(sighted=[PAYMENT], look=Look(seen=seen, double_spent=frozenset()))
    assert (after.pending, waiting) == ((), ())


def test_what_is_in_a_block_waits_no_more():
    after, waiting = told(waiting=[HELD], sighted=[PAYMENT], in_blocks={KEY}, look=looked())
    assert (after.pending, waiting, after.gone) == ((), (), ())


def test_what_fell_back_into_the_pool_is_not_gone_but_waits():
    stood = ours().payment(transfer(), None)
    after, waiting = told(fallen=[stood], gone=[KEY], look=looked())
    assert (after.gone, [payment.block for one in waiting for payment in one.payments]) == ((), [None])


def test_what_fell_out_of_a_block_and_is_in_no_pool_is_gone():
    after, waiting = told(fallen=[PAYMENT], gone=[KEY], look=Look(seen={}, double_spent=frozenset()))
    assert (after.gone, waiting, after.pending) == ((KEY,), (), ())


def test_what_vanished_from_the_pool_still_waits():
    after, waiting = told(waiting=[HELD], look=Look(seen={}, double_spent=frozenset()))
    assert (after.pending, after.gone, waiting) == ((Pending(payment=PAYMENT, confirmations=0),), (), (HELD,))


def test_what_was_double_spent_is_gone():
    after, waiting = told(waiting=[HELD], look=Look(seen={}, double_spent=frozenset({KEY.txid})))
    assert (after.gone, after.pending, waiting) == ((KEY,), (), ())


def test_where_no_daemon_answers_what_waited_waits_and_nothing_new_is_told():
    after, waiting = told(waiting=[HELD], sighted=[NEXT], fallen=[NEXT], gone=[NEXT.key], look=None)
    assert (waiting, after.gone) == ((HELD,), (NEXT.key,))


def test_one_that_was_seen_before_keeps_its_place_and_its_images():
    after, waiting = told(waiting=[HELD], sighted=[PAYMENT, NEXT], look=looked())
    assert waiting == (HELD, waiting_for(NEXT, ANOTHER))
    assert [entry.confirmations for entry in after.pending] == [0, 0]


def test_no_more_wait_than_can_be_kept():
    flood = [ours().payment(transfer(txid=f"{number:064x}"), None) for number in range(MOST_WAITING + 5)]
    seen = {one.key.txid: in_pool() for one in flood}
    there = Look(seen={**seen, KEY.txid: in_pool(IMAGE)}, double_spent=frozenset())
    after, waiting = told(waiting=[HELD], sighted=flood, look=there)
    assert (len(waiting), len(after.pending), waiting[0]) == (MOST_WAITING, MOST_WAITING, HELD)


def test_of_what_is_too_much_that_goes_first_which_no_pool_has():
    """Or whoever fills the places with what he never lets be mined would keep them for ever."""
    flood = [ours().payment(transfer(txid=f"{number:064x}"), None) for number in range(MOST_WAITING)]
    vanished = [waiting_for(one) for one in flood]
    after, waiting = told(waiting=vanished, sighted=[NEXT], look=looked())
    assert (len(waiting), waiting[-1], after.pending[-1].payment) == (MOST_WAITING, waiting_for(NEXT, ANOTHER), NEXT)
    assert after.gone == ()
    _, deaf = told(waiting=vanished, sighted=[NEXT], look=None)
    assert deaf == tuple(vanished)


@pytest.mark.parametrize(("more", "waits"), [(0, True), (1, False)])
def test_what_spends_too_much_to_be_kept_is_told_of_when_it_is_in_a_block(more, waits):
    """Or one daemon's word on one transaction could make the checkpoint as large as an answer may be."""
    images = [number.to_bytes(32) for number in range(MOST_NEEDED + more)]
    after, waiting = told(sighted=[PAYMENT], look=Look(seen={KEY.txid: in_pool(*images)}, double_spent=frozenset()))
    assert (after.pending, waiting) == (
        ((Pending(payment=PAYMENT, confirmations=0),), (waiting_for(PAYMENT, *images),)) if waits else ((), ())
    )


# --- several that spend the same -------------------------------------------------------------------------------

RIVAL = ours().payment(transfer(txid="ef" * 32, minor=2), None)
RIVALS = {KEY.txid: in_pool(IMAGE), RIVAL.key.txid: in_pool(ANOTHER, IMAGE)}


def contested(*, waiting=(), sighted=(), fallen=(), gone=(), **more):
    look = Look(seen=RIVALS, double_spent=frozenset(more.pop("double", ())))
    after, kept = told(waiting=waiting, sighted=sighted, fallen=fallen, gone=gone, look=look, **more)
    return [entry.payment for entry in after.pending], kept, after.gone


def test_of_two_that_spend_the_same_only_the_one_that_was_seen_last_is_told():
    pending, kept, gone = contested(waiting=[HELD], sighted=[RIVAL])
    assert (pending, gone) == ([RIVAL], ())
    assert [one.txid for one in kept] == [KEY.txid, RIVAL.key.txid]  # for nothing proves the first one gone


def test_one_that_fell_back_into_the_pool_is_told_and_not_the_one_that_waits_in_vain():
    rival = waiting_for(RIVAL, ANOTHER, IMAGE)
    pending, kept, gone = contested(waiting=[rival], fallen=[PAYMENT], gone=[KEY])
    assert (pending, gone) == ([PAYMENT], ())
    assert [one.txid for one in kept] == [RIVAL.key.txid, KEY.txid]


def test_one_that_fell_back_is_told_no_more_once_another_one_wants_its_money():
    _, fallen, _ = contested(fallen=[PAYMENT], gone=[KEY])
    pending, kept, gone = contested(waiting=fallen, sighted=[RIVAL])
    assert (pending, len(kept), gone) == ([RIVAL], 2, ())


def test_the_earlier_one_is_gone_when_the_later_one_is_mined_and_stays_when_it_is_not():
    rival = waiting_for(RIVAL, ANOTHER, IMAGE)
    pending, kept, gone = contested(waiting=[HELD, rival], in_blocks={RIVAL.key}, double={KEY.txid})
    assert (pending, kept, gone) == ([], (), (KEY,))
    pending, kept, gone = contested(waiting=[HELD, rival], in_blocks={KEY}, double={RIVAL.key.txid})
    assert (pending, kept, gone) == ([], (), (RIVAL.key,))


def test_both_payments_of_one_transaction_are_told_and_no_rivals():
    other = ours().payment(transfer(minor=3), None)
    pending, [kept], _ = contested(waiting=[HELD], sighted=[PAYMENT, other])
    assert (pending, kept.payments) == ([PAYMENT, other], (PAYMENT, other))
    pending, [left], _ = contested(waiting=[kept], in_blocks={KEY})
    assert (pending, left.payments) == ([other], (other,))


def test_however_many_spend_one_coin_one_of_them_is_told():
    """Or one coin would keep the places of many orders: all of them are kept, for each may yet be mined."""
    rivals = [
        waiting_for(ours().payment(transfer(txid=f"{number:064x}"), None), number.to_bytes(32, "big"), IMAGE)
        for number in range(9)
    ]
    pending, kept, _ = contested(waiting=rivals)
    assert (len(kept), pending) == (9, [*rivals[-1].payments])
