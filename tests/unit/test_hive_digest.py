"""What Hive hashes: held against blocks of the main network and against another library's bytes."""

import json
from pathlib import Path

import pytest

from chains.hive import digest
from chains.hive.binary import Form, varint
from chains.hive.kinds import OPERATIONS

DATA = Path(__file__).parents[1] / "data" / "hive"
BLOCKS = json.loads((DATA / "blocks.json").read_text("utf-8"))
WRITTEN = json.loads((DATA / "operations.json").read_text("utf-8"))["operations"]
HEADERS = {block["block_id"]: block for block in (*BLOCKS["whole"], *BLOCKS["headers"])}
# A transfer of block 80,021,416, which was signed in the older form.
TRANSFER = {
    "ref_block_num": 1959,
    "ref_block_prefix": 3625727107,
    "expiration": "2023-11-09T22:01:24",
    "operations": [
        {"type": "transfer_operation", "value": {"from": "oneplus7", "to": "kryptogames",
         "amount": {"amount": "300000", "precision": 3, "nai": "@@000000021"},
         "memo": "Roll under 50 4d434bd943616"}}
    ],
    "extensions": [],
    "signatures": [],
}  # fmt: skip
OLDER, NEWER = "7f34699e9eea49d1bcc10c88f96e38897839ece3", "3725c81634f152011e2043eb7119911b953d4267"


@pytest.mark.parametrize("identity", HEADERS)
def test_the_id_of_a_real_block_is_recomputed_from_its_header(identity):
    assert digest.block_id(HEADERS[identity]) == identity


@pytest.mark.parametrize("field", ["timestamp", "witness", "transaction_merkle_root", "extensions", "previous"])
def test_a_header_with_one_field_changed_has_another_id(field):
    block = BLOCKS["headers"][0]
    other = {"extensions": []}.get(field, BLOCKS["headers"][1][field])
    assert digest.block_id({**block, field: other}) not in {block["block_id"], None}


def test_header_extensions_are_the_same_in_both_spellings():
    block = BLOCKS["headers"][0]
    vote = block["extensions"][1]["value"]
    assert digest.block_id({**block, "extensions": [[1, "0.20.0"], [2, vote]]}) == block["block_id"]


def test_a_header_extension_of_a_later_hardfork_is_not_guessed_at():
    block = BLOCKS["headers"][0]
    for extension in ({"type": "automated_actions", "value": []}, [3, []], ["version", "1.28"], "", None, [1]):
        assert digest.block_id({**block, "extensions": [extension]}) is None


@pytest.mark.parametrize("place", range(len(BLOCKS["whole"])))
def test_the_root_over_a_real_blocks_transactions_is_that_of_its_header(place):
    block = BLOCKS["whole"][place]
    hashed = [
        digest.hashed(one, txid) for one, txid in zip(block["transactions"], block["transaction_ids"], strict=True)
    ]
    assert digest.merkle_root([one.leaf for one in hashed]) == block["transaction_merkle_root"]


@pytest.mark.parametrize("place", range(len(BLOCKS["transactions"])))
def test_a_real_transaction_has_the_id_it_was_listed_under(place):
    one = BLOCKS["transactions"][place]
    assert digest.hashed(one["transaction"], one["id"]).txid == one["id"]


@pytest.mark.parametrize(("form", "txid"), [(Form.LEGACY, OLDER), (Form.NAI, NEWER)])
def test_amounts_in_either_form_give_the_id_of_that_form(form, txid):
    assert digest.transaction_id(digest.unsigned(TRANSFER, form)) == txid
    assert digest.hashed(TRANSFER, txid).txid == txid


def test_both_spellings_of_a_transfer_are_the_same_transaction():
    value = {**TRANSFER["operations"][0]["value"], "amount": "300.000 HIVE"}
    spoken = {**TRANSFER, "operations": [["transfer", value]]}
    assert digest.unsigned(spoken, Form.LEGACY) == digest.unsigned(TRANSFER, Form.LEGACY)


def test_a_transaction_under_another_id_has_no_hashes():
    assert digest.hashed(TRANSFER, "00" * 20) is None


@pytest.mark.parametrize("written", WRITTEN, ids=[one["name"] for one in WRITTEN])
def test_every_operation_has_the_bytes_that_dhive_writes(written):
    place, write = OPERATIONS[written["name"]]
    assert (varint(place) + write(written["value"], Form.LEGACY)).hex() == written["bytes"]


def test_no_operation_was_left_out_of_that_comparison():
    assert {one["name"] for one in WRITTEN} == OPERATIONS.keys()


def test_operations_are_numbered_without_gaps_but_for_mining_and_over_production():
    assert set(range(50)) - {place for place, _ in OPERATIONS.values()} == {14, 16, 30}


def test_a_recurrent_transfer_with_a_pair_id_is_written_in_both_spellings_alike():
    _, write = OPERATIONS["recurrent_transfer"]
    value = next(one["value"] for one in WRITTEN if one["name"] == "recurrent_transfer")
    spellings = [[1, {"pair_id": 7}]], [{"type": "recurrent_transfer_pair_id", "value": {"pair_id": 7}}]
    written = {write({**value, "extensions": extensions}, Form.LEGACY) for extensions in spellings}
    assert [one[-3:].hex() for one in written] == ["010107"]


WRONG = {
    "no operations": {"operations": None},
    "an operation nobody knows": {"operations": [["open_portal", {}]]},
    "an operation that is no pair": {"operations": [["transfer"]]},
    "an amount of nothing known": {"operations": [["transfer", {"from": "a", "to": "b", "amount": "1 X", "memo": ""}]]},
    "a memo that is no text": {
        "operations": [["transfer", {"from": "a", "to": "b", "amount": "1.000 HIVE", "memo": 7}]]
    },
    "a time with a zone": {"expiration": "2023-11-09T22:01:24+02:00"},
    "no time": {"expiration": "soon"},
    "a number that is too large": {"ref_block_num": 65536},
    "a truth for a number": {"ref_block_num": True},
    "an extension nobody knows": {"extensions": [[1, {}]]},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_written_is_said_and_never_raises(wrong):
    assert digest.unsigned({**TRANSFER, **WRONG[wrong]}, Form.LEGACY) is None


@pytest.mark.parametrize("identity", ["", "00", "00" * 21, "zz" * 20, "00 " * 20, "0" * 39])
def test_only_twenty_bytes_of_hex_have_a_height(identity):
    with pytest.raises(ValueError, match=r"block id|hexadecimal"):
        digest.height_of(identity)
    assert digest.block_id({**BLOCKS["headers"][0], "previous": identity}) is None
