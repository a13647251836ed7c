"""Blocks of a real regtest: what the daemon tells of them is believed only if their bytes hash to it."""

from dataclasses import replace

import pytest

from chains.blocks import Link
from chains.distrust import Distrusted
from chains.monero.block import LATEST, check_block, check_header, check_headers
from tests.support.monero_values import blocks

BLOCKS = blocks()
GENESIS = "418015bb9ae982a1975da7d79277c2705727a56894ba0fb246adaabb1f4632e3"
"""Of the main network; a regtest begins with the same block."""


def link_of(block):
    return check_header(block["block_header"], height=block["block_header"]["height"])


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{len(block['tx_hashes'])} transactions")
def test_a_block_hashes_to_its_header_and_proves_its_transactions(block):
    checked = check_block(block, link_of(block))
    assert checked.txids == {block["miner_tx_hash"], *block["tx_hashes"]}
    assert checked.link.hash == block["block_header"]["hash"]


def test_the_main_networks_first_block_hashes_to_its_known_hash():
    assert check_block(BLOCKS[0], link_of(BLOCKS[0])).link.hash == GENESIS


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{len(block['tx_hashes'])} transactions")
def test_every_byte_of_a_block_counts(block):
    link, blob = link_of(block), bytearray.fromhex(block["blob"])
    for at in range(len(blob)):
        blob[at] ^= 1
        assert isinstance(check_block({"blob": blob.hex()}, link), Distrusted), f"byte {at}"
        blob[at] ^= 1


def test_without_the_hash_a_block_would_prove_a_transaction_that_is_in_another():
    """Negative control: the check of the bytes against the header is what holds a transaction in its block."""
    one, other = BLOCKS[2], BLOCKS[3]
    lie = {**one, "blob": other["blob"]}
    assert isinstance(check_block(lie, link_of(one)), Distrusted)
    believed = check_block(lie, replace(link_of(one), hash=link_of(other).hash))
    assert set(other["tx_hashes"]) <= believed.txids


@pytest.mark.parametrize(
    "block",
    [None, {}, {"blob": 5}, {"blob": "zz"}, {"blob": "abc"}, {"blob": ""}, {"blob": "ff" * 50}, [], "blob"],
)
def test_what_is_no_block_is_not_believed(block):
    assert isinstance(check_block(block, link_of(BLOCKS[1])), Distrusted)


def test_something_behind_a_block_is_not_believed():
    block = BLOCKS[1]
    longer = check_block({"blob": block["blob"] + "00"}, link_of(block))
    assert "follows" in longer.reason


HEADER = BLOCKS[1]["block_header"]


def test_a_header_is_a_link():
    assert check_header(HEADER) == Link(
        height=HEADER["height"], hash=HEADER["hash"], parent=HEADER["prev_hash"], time=HEADER["timestamp"]
    )


@pytest.mark.parametrize(
    "broken",
    [
        {"height": -1},
        {"height": "5"},
        {"height": 5},
        {"hash": "0x" + "ab" * 32},
        {"hash": "AB" * 32},
        {"hash": None},
        {"prev_hash": ""},
        {"timestamp": -1},
        {"timestamp": LATEST + 1},
        {"timestamp": 1.5},
        {"orphan_status": True},
    ],
    ids=str,
)
def test_a_header_with_one_field_broken_is_not_believed(broken):
    assert isinstance(check_header({**HEADER, **broken}, height=HEADER["height"]), Distrusted)


@pytest.mark.parametrize("field", ["height", "hash", "prev_hash", "timestamp"])
def test_a_header_that_lacks_a_field_is_not_believed(field):
    assert isinstance(check_header({key: HEADER[key] for key in HEADER if key != field}), Distrusted)


def header(height, parent):
    return {"height": height, "hash": f"{height:064x}", "prev_hash": f"{parent:064x}", "timestamp": height}


def test_headers_of_a_range_stand_on_each_other():
    answer = {"headers": [header(height, height - 1) for height in (5, 6, 7)]}
    assert [link.height for link in check_headers(answer, 5, 7)] == [5, 6, 7]


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        [header(5, 4), header(6, 5)],
        [header(5, 4), header(7, 6), header(6, 5)],
        [header(5, 4), header(6, 4), header(7, 6)],
        [header(5, 4), header(6, 5), None],
    ],
    ids=["none", "empty", "in part", "out of order", "with another parent", "with a gap"],
)
def test_headers_that_are_no_range_are_not_believed(headers):
    assert isinstance(check_headers({"headers": headers}, 5, 7), Distrusted)
    assert isinstance(check_headers(headers, 5, 7), Distrusted)
