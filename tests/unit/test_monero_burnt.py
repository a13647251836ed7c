"""Outputs whose one-time key was used twice: what proves that a payment brings nothing, and what does not."""

import json

import pytest

from chains.distrust import Distrusted
from chains.monero.burnt import buried, burnt, owners_of
from chains.monero.pool import Look, Seen, check_transactions, queue, with_pool
from chains.monero.rings import keys_of
from chains.port import Sweep, Tip
from chains.position import moment
from chains.waiting import Waiting
from tests.support.monero_values import ours, transactions, transfer

FINAL = 50
PAYMENT, OTHER = ours().payment(transfer(), None), ours().payment(transfer(minor=2), None)
TXID, ANOTHER = PAYMENT.key.txid, "cd" * 32
ONE = Waiting(txid=TXID, payments=(PAYMENT,), needs=((b"\xaa" * 32, TXID),))
BOTH = Waiting(txid=TXID, payments=(PAYMENT, OTHER), needs=((b"\xaa" * 32, TXID),))


NEEDED = ("pubkey", "tx_hash", "subaddr_index")


def mined(*keys, height=FINAL):
    return {TXID: Seen(in_pool=False, images=(), rings=(), height=height, keys=frozenset(keys))}


def output(**changed):
    return {"pubkey": "k1", "tx_hash": TXID, "subaddr_index": {"major": 0, "minor": 1}, "amount": 5} | changed


@pytest.mark.parametrize(
    ("seen", "waits"),
    [
        ({}, False),
        ({TXID: Seen(in_pool=True, images=(), rings=())}, False),
        (mined(height=FINAL + 1), False),
        (mined(height=FINAL), True),
        (mined(height=1), True),
    ],
    ids=["nobody has it", "in a pool", "in a block that can change", "in the newest final block", "far below"],
)
def test_what_stands_in_a_final_block_untold_is_asked_about(seen, waits):
    assert buried([ONE], seen, FINAL) == ((ONE,) if waits else ())


@pytest.mark.parametrize(
    ("keys", "owners", "gone"),
    [
        (["k1"], {"k1": (ANOTHER, 1)}, [PAYMENT.key]),
        (["k1", "change"], {"k1": (ANOTHER, 3)}, [PAYMENT.key]),
        (["k1"], {}, []),
        (["k1"], {"k9": (ANOTHER, 1)}, []),
        (["k1"], {"k1": (TXID, 1)}, []),
        (["k1", "k2"], {"k1": (ANOTHER, 1), "k2": (TXID, 1)}, []),
        ([], {"k1": (ANOTHER, 1)}, []),
    ],
    ids=[
        "its key is counted for another one",
        "or for another address",
        "the wallet knows nothing: it proves nothing",
        "another key of another one",
        "its key is counted for itself",
        "one of two outputs to the address is counted",
        "the daemon shows no keys",
    ],
)
def test_burnt_is_what_has_a_key_that_is_counted_for_another_one(keys, owners, gone):
    assert burnt([ONE], mined(*keys), owners) == frozenset(gone)


def test_another_address_that_the_transaction_paid_keeps_its_payment():
    owners = {"k1": (ANOTHER, 1), "k2": (TXID, 2)}
    assert burnt([BOTH], mined("k1", "k2"), owners) == {PAYMENT.key}


def test_what_is_burnt_is_gone_and_gives_its_place_away():
    sweep = Sweep(
        final=(),
        pending=(),
        gone=(),
        tip=Tip(height=60, hash="00" * 32, time=moment(9)),
        final_height=FINAL,
        checkpoint={},
    )
    waits = queue([BOTH], (), (), ())
    look = Look(seen=mined("k1"), double_spent=frozenset(), burnt=frozenset({PAYMENT.key}))
    after, [left] = with_pool(sweep, waits, look)
    assert (after.gone, left.payments) == ((PAYMENT.key,), (OTHER,))
    assert [entry.payment for entry in after.pending] == [OTHER]
    after, kept = with_pool(sweep, queue([ONE], (), (), ()), look)
    assert (after.gone, after.pending, kept) == ((PAYMENT.key,), (), ())


def test_the_wallets_outputs_are_told_by_their_keys():
    assert owners_of({}) == {}
    assert owners_of({"transfers": [output(), output(pubkey="k2", tx_hash=ANOTHER)]}) == {
        "k1": (TXID, 1),
        "k2": (ANOTHER, 1),
    }


@pytest.mark.parametrize(
    "answer",
    [None, [], {"transfers": None}, {"transfers": [5]}, *({"transfers": [output(**{key: None})]} for key in NEEDED)],
)
def test_outputs_without_key_or_transaction_are_not_believed(answer):
    assert isinstance(owners_of(answer), Distrusted)


@pytest.mark.parametrize(
    ("outputs", "keys"),
    [
        ([{"amount": 0, "target": {"tagged_key": {"key": "k1", "view_tag": "85"}}}], {"k1"}),
        ([{"amount": 0, "target": {"key": "k1"}}, {"target": {"key": "k2"}}], {"k1", "k2"}),
        ([{"target": {"script": 5}}, 5, None], set()),
        ({}, set()),
        (None, set()),
    ],
)
def test_one_time_keys_are_read_where_there_are_any(outputs, keys):
    assert keys_of(json.dumps({"vin": [], "vout": outputs})) == keys


@pytest.mark.parametrize("as_json", [None, 5, "", "{", "[]", "{}"])
def test_what_is_no_transaction_has_no_keys(as_json):
    assert keys_of(as_json) == frozenset()


def test_a_transaction_in_a_block_is_told_with_its_height_and_in_the_pool_without():
    [first, *_] = transactions()["txs"]
    [mined_there] = check_transactions({"txs": [first]}).values()
    assert mined_there.height == first["block_height"]
    [waiting] = check_transactions({"txs": [{**first, "in_pool": True}]}).values()
    assert waiting.height is None
