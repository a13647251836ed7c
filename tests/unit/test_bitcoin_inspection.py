"""Stored answers of a Bitcoin node, read as its source would read them."""

import copy

import pytest

from chains.bitcoin.inspection import ALONE, WITHOUT_HEIGHT, WITHOUT_ORIGINS, inspect
from chains.distrust import Distrusted
from chains.inspection import Given, Inspected
from chains.port import Watch
from config.loader import load_registry
from tests.support.bitcoin_blocks import block, coinbase, name_of, payment
from tests.support.bitcoind import op_return
from tests.support.vectors import vector_file, vectors

MAIN = load_registry().chain("bip122:000000000019d6689c085ae165831e93")
PAID = "15BMcDM7Hm4Dynzip5LbaWZ18FP3CemRnK"
MULE = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
SCRIPT = bytes.fromhex("0014751e76e8199196d454941c45d1b3a323f1433bd6")


def told(name):
    return copy.deepcopy(vectors(f"blocks/bitcoin/{name}"))


def inspected(*watched, **given):
    return inspect(Given(**given), MAIN, Watch(active=frozenset(watched)))


def refusal(**given):
    found = inspected(PAID, **given)
    assert isinstance(found, Distrusted), found
    return found.reason


def test_a_block_of_the_main_network_tells_its_payments():
    found = inspected(PAID, block=told("getblock_verbosity2_91880.json"))
    [payment_] = found.payments
    assert (payment_.amount, payment_.destination, payment_.key.index) == (1_767_000_000, PAID, "0")
    assert payment_.key.txid == "bc9423e0a8b3571181d8545c0091600d8fc421c380457c45c1ca8c0698f765b8"
    assert (found.height, found.hash, found.note) == (
        91_880,
        "00000000000743f190a18c5577a3c2d2a1f610ae9601ac046a38084ccb7cd721",
        WITHOUT_ORIGINS,
    )


def test_a_block_with_origins_tells_senders_and_own_money():
    block_ = told("getblock_verbosity2_91880.json")
    origin = {"scriptPubKey": {"hex": "76a914d7895813489a508c334e881546e919b1cbd80b0888ac"}}
    block_["tx"][1]["vin"][0]["prevout"] = origin
    sender = "1Leep5MQXYXds4hCqmq1Z4YL3v5DMnPMBT"
    [stranger] = inspected(PAID, block=block_).payments
    assert (stranger.sender, stranger.direct, stranger.internal) == (sender, True, False)
    both = inspected(PAID, sender, block=block_)
    assert (both.note, [one.internal for one in both.payments]) == (None, [True, True])


def test_raw_bytes_tell_everything_but_the_height_and_the_senders():
    raw = block(coinbase((SCRIPT, 50)), payment((SCRIPT, 7), (op_return(b"o:ABC"), 0)))
    found = inspected(MULE, block=raw.hex())
    assert [(one.amount, one.memos) for one in found.payments] == [(50, ()), (7, ("o:ABC",))]
    assert (found.height, found.hash, found.note) == (None, name_of(raw), WITHOUT_HEIGHT)


def test_a_transaction_alone_is_in_no_block():
    decoded = told("getblock_verbosity2_91880.json")["tx"][1]
    for given in (decoded, decoded["hex"]):
        found = inspected(PAID, transaction=given)
        assert ([(one.amount, one.block) for one in found.payments], found.note) == ([(1_767_000_000, None)], ALONE)


@pytest.mark.parametrize("name", ["getblock_verbosity2_91880.json", "getblock_verbosity2_200000.json"])
@pytest.mark.parametrize(
    "field", ["hash", "height", "version", "previousblockhash", "merkleroot", "time", "bits", "nonce", "tx"]
)
def test_a_block_that_lacks_a_field_or_has_another_one_is_refused_with_the_reason(name, field):
    lacking, bent = told(name), told(name)
    del lacking[field]
    assert f"comes without {field}" in refusal(block=lacking)
    if field == "height":
        return  # nothing in the header says it
    value = bent[field]
    bent[field] = value + 1 if isinstance(value, int) else value[:-1] if field == "tx" else value[:-2] + "ab"
    assert "hash to" in refusal(block=bent)


@pytest.mark.parametrize("value", ["91880", None, -1, True, 1.5])
def test_a_height_that_is_no_number_is_refused(value):
    block_ = told("getblock_verbosity2_91880.json") | {"height": value}
    assert "height is no number" in refusal(block=block_)


def test_transactions_that_do_not_agree_with_their_bytes_are_refused():
    block_ = told("getblock_verbosity2_91880.json")
    block_["tx"][1]["txid"] = "ab" * 32
    assert "under another id" in refusal(block=block_)
    assert "under another id" in refusal(transaction=block_["tx"][1])
    del block_["tx"][1]["hex"]
    assert "comes without its bytes" in refusal(block=block_)
    assert "comes without its bytes" in refusal(transaction=block_["tx"][1])


@pytest.mark.parametrize(
    "name",
    ["", "_withinconsistenthash", "_withouthash", "_withoutheight", "_withoutprevhash", "_withouttxs"],
)
def test_the_published_broken_answers_are_refused(name):
    block_ = vectors(f"blocks/bitcoin-broken/btc_getblockresponse{name}.json")
    assert "comes without" in refusal(block=block_)


@pytest.mark.parametrize(
    "given", [7, [], {}, "", "zz", "00", None, True, {"tx": 7}, [{"hex": 7}], {"hex": 7}, {"hex": None}]
)
def test_what_is_no_answer_at_all_is_refused(given):
    assert refusal(transaction=given)
    if given is not None:
        assert refusal(block=given)


def test_an_answer_of_the_right_fields_and_the_wrong_kinds_is_refused():
    block_ = told("getblock_verbosity2_91880.json")
    for field in ("version", "previousblockhash", "merkleroot", "time", "bits", "nonce", "tx"):
        for wrong in (None, "x", -1, 2**40, [], {}, [7], ["x"]):
            found = inspected(PAID, block=block_ | {field: wrong})
            assert isinstance(found, Distrusted), (field, wrong)


def test_every_vector_file_is_read_in_the_way_that_others_were():
    folder = vector_file("blocks/bitcoin")
    for path in folder.glob("*.json"):
        assert isinstance(inspected(PAID, block=told(path.name)), Inspected), path.name
