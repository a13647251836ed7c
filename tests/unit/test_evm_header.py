"""Real headers of each chain hash to the hash they carry, whatever quirks their chains and nodes have."""

import json
from pathlib import Path

import pytest

from chains.blocks import Link
from chains.distrust import Distrusted
from chains.evm.header import NO_TRANSACTIONS, header_hash, unknown_fields
from chains.evm.parse import check_header

HEADERS = json.loads((Path(__file__).parents[1] / "data" / "evm" / "headers.json").read_text())
POLYGON, BNB, SEPOLIA = "Polygon 34155965", "BNB Smart Chain 51006562", "Sepolia 11856337"


@pytest.mark.parametrize("name", HEADERS)
def test_a_real_header_hashes_to_what_it_says(name):
    header = HEADERS[name]
    assert header_hash(header) == header["hash"]
    assert isinstance(check_header(header, height=int(name.split()[-1])), Link)
    assert unknown_fields(header) == []


@pytest.mark.parametrize(("name", "least"), [(POLYGON, 97), ("Polygon 61448039", 180), (BNB, 280)])
def test_extra_data_is_as_long_as_its_chain_makes_it(name, least):
    """Seals and votes stand there: 65 bytes of signature at least, where Ethereum allows 32 in all."""
    assert (len(HEADERS[name]["extraData"]) - 2) // 2 >= least


@pytest.mark.parametrize("name", HEADERS)
def test_extra_data_with_one_digit_changed_is_found_out(name):
    extra = HEADERS[name]["extraData"]
    bent = extra[:10] + ("0" if extra[10] != "0" else "1") + extra[11:]
    assert isinstance(check_header(HEADERS[name] | {"extraData": bent}), Distrusted)


def test_polygons_headers_name_no_miner_and_nodes_that_tell_who_sealed_them_are_understood():
    told = HEADERS[POLYGON] | {"miner": "0x794e44d1334a56fea7f4df12633b88820d0c5888"}
    assert isinstance(check_header(told), Link)


def test_the_miner_of_a_chain_whose_headers_name_one_is_part_of_the_hash():
    told = HEADERS[BNB] | {"miner": "0x794e44d1334a56fea7f4df12633b88820d0c5888"}
    assert isinstance(check_header(told), Distrusted)


def without(name, *fields):
    return {field: value for field, value in HEADERS[name].items() if field not in fields}


@pytest.mark.parametrize("field", ["baseFeePerGas", "blobGasUsed", "requestsHash"])
def test_a_field_of_a_fork_that_is_left_out_is_found_out(field):
    assert isinstance(check_header(without(BNB, field)), Distrusted)


def test_the_root_of_no_withdrawals_may_be_left_out_where_a_chain_has_none():
    assert HEADERS[BNB]["withdrawalsRoot"] == NO_TRANSACTIONS
    assert isinstance(check_header(without(BNB, "withdrawalsRoot")), Link)
    assert isinstance(check_header(without(SEPOLIA, "withdrawalsRoot")), Distrusted)


def test_a_field_that_no_known_fork_brought_is_named():
    """What an operator reads at the next fork, before this file knows it."""
    future = HEADERS[SEPOLIA] | {"hash": "0x" + "11" * 32, "somethingNew": "0x1"}
    answer = check_header(future)
    assert isinstance(answer, Distrusted)
    assert "somethingNew" in answer.reason
    assert "checked_headers" in answer.reason
