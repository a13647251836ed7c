"""Proofs of a balance below a state root: real ones hold, and none that was bent does."""

import json
from pathlib import Path

import pytest

from chains.blocks import Link
from chains.distrust import Distrusted
from chains.evm.parse import check_header
from chains.evm.proof import LARGEST_NODE, MOST_NODES, balance_in
from config.keccak import keccak256

REAL = json.loads((Path(__file__).parents[1] / "data" / "evm" / "proof.json").read_text())  # Polygon, block 1000000
PROOF, ROOT, ADDRESS = REAL["proof"], REAL["header"]["stateRoot"], REAL["proof"]["address"]


def hashed(node):
    return "0x" + keccak256(bytes.fromhex(node[2:])).hex()


def test_a_real_proof_below_the_root_of_a_real_header_gives_the_balance():
    assert isinstance(check_header(REAL["header"]), Link)
    assert balance_in(PROOF, ADDRESS, ROOT) == int(PROOF["balance"], 16) == 1000010734299014624391


def test_what_the_answer_says_beside_its_proof_counts_for_nothing():
    assert balance_in(PROOF | {"balance": "0xffffffffffffffffffff"}, ADDRESS, ROOT) == int(PROOF["balance"], 16)


def test_an_address_to_which_no_path_leads_holds_nothing():
    branch = PROOF["accountProof"][:1]
    absent = [
        address
        for address in (f"0x{number:040x}" for number in range(500))
        if balance_in({"accountProof": branch}, address, ROOT) == 0
    ]
    assert absent  # an empty place in the branch proves it


def test_a_leaf_of_another_address_proves_that_ours_is_not_there():
    first = keccak256(bytes.fromhex(ADDRESS[2:]))[0] >> 4
    beside = next(
        address
        for address in (f"0x{number:040x}" for number in range(500))
        if keccak256(bytes.fromhex(address[2:]))[0] >> 4 == first
    )
    assert balance_in(PROOF, beside, ROOT) == 0


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("at", [4, 60, -70, -1])
def test_a_proof_with_one_digit_changed_is_none(place, at):
    nodes = list(PROOF["accountProof"])
    node = nodes[place]
    nodes[place] = node[:at] + ("1" if node[at] != "1" else "2") + (node[at:][1:] if at != -1 else "")
    assert isinstance(balance_in({"accountProof": nodes}, ADDRESS, ROOT), Distrusted)


def test_a_proof_below_another_root_is_none():
    assert isinstance(balance_in(PROOF, ADDRESS, hashed(PROOF["accountProof"][1])), Distrusted)


@pytest.mark.parametrize(
    "answer",
    [
        None, 5, "0x", [], {}, {"accountProof": None}, {"accountProof": [None]}, {"accountProof": ["0xzz"]},
        {"accountProof": []}, {"accountProof": PROOF["accountProof"][:1]}, {"accountProof": PROOF["accountProof"][1:]},
        {"accountProof": PROOF["accountProof"] * MOST_NODES},
    ],
)  # fmt: skip
def test_any_other_answer_proves_nothing(answer):
    assert isinstance(balance_in(answer, ADDRESS, ROOT), Distrusted)


@pytest.mark.parametrize(
    "node",
    [
        "", "00", "80", "c0", "c180", "c2c0c0", "c3808080", "f8", "f9ffff", "b8", "c28000", "c281", "d1" + "80" * 17,
        "c26080", "c2208180", "c220c0", "e2a0" + "20" * 32 + "80", "c2" * 30, "c1" * 55, "fb" + "ff" * 4,
    ],
)  # fmt: skip
def test_a_node_with_the_right_hash_and_any_content_is_read_or_refused(node):
    """Whoever can choose a root can choose its node: no content may do more than prove nothing."""
    raw = "0x" + node
    told = balance_in({"accountProof": [raw]}, ADDRESS, hashed(raw))
    assert isinstance(told, Distrusted) or told == 0


def test_a_node_that_is_larger_than_any_is_not_looked_into():
    raw = "0x" + "c1" * (LARGEST_NODE + 1)
    assert isinstance(balance_in({"accountProof": [raw]}, ADDRESS, hashed(raw)), Distrusted)
