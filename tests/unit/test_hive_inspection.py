"""`usher inspect` on Hive: stored answers of nodes, in all the shapes in which people have them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from chains.distrust import Distrusted
from chains.hive.inspection import ONLY_OPERATIONS, ONLY_TRANSACTIONS, inspect
from chains.inspection import Given
from chains.port import Watch
from tests.nodes.hive.chain import Emulation
from tests.nodes.hive.view import View
from tests.support.command_line import typed
from tests.support.hive_node import hive_chain

US = "usher-tickets"
WATCH = Watch(active=frozenset({US}))
CHAIN = hive_chain()
BLOCKS = json.loads((Path(__file__).parents[1] / "data" / "hive" / "blocks.json").read_text("utf-8"))


@pytest.fixture
def view():
    chain = Emulation()
    chain.account("alice", hive=10**6, hbd=10**6)
    chain.account(US)
    chain.mine(2)
    value = {"from": "alice", "to": US, "amount": "1.000 HIVE", "memo": "o:1"}
    chain.send("alice", ["transfer", value], ["transfer", {**value, "amount": "2.000 HBD"}])
    chain.send("alice", ["recurrent_transfer", {**value, "recurrence": 24, "executions": 2, "extensions": []}])
    chain.mine()
    return View(chain, chain.blocks)


def units(found):
    return [payment.amount for payment in found.payments]


def answers(view):
    """The same block, as different methods answer."""
    return {
        "block_api.get_block": {"block": view.head.modern},
        "block_api.get_block_range": {"blocks": [view.head.modern]},
        "condenser_api.get_block": view.condenser_block(view.head),
    }


@pytest.mark.parametrize("method", ["block_api.get_block", "block_api.get_block_range", "condenser_api.get_block"])
def test_a_block_is_read_in_every_shape(view, method):
    found = inspect(Given(block=answers(view)[method]), CHAIN, WATCH)
    assert units(found) == [1000, 2000]
    assert (found.height, found.hash, found.note) == (view.head.number, view.head.identity, ONLY_TRANSACTIONS)


@pytest.mark.parametrize("modern", [True, False])
def test_a_transaction_is_read_in_either_spelling(view, modern):
    found = inspect(Given(transaction=view.transaction(view.head, 0, modern=modern)), CHAIN, WATCH)
    assert (units(found), found.height) == ([1000, 2000], view.head.number)
    assert [payment.block for payment in found.payments] == [None, None]


@pytest.mark.parametrize("modern", [True, False])
def test_operations_show_recurrent_transfers_too(view, modern):
    told = view.operations(view.head, virtual=False, modern=modern)
    found = inspect(Given(block={"ops": told} if modern else told), CHAIN, WATCH)
    assert (units(found), found.note) == ([1000, 2000, 1000], ONLY_OPERATIONS)
    assert [payment.key.index for payment in found.payments] == ["0", "1", "recurrent.0"]


def test_keys_are_the_same_whichever_answer_they_were_read_from(view):
    block = inspect(Given(block=view.head.modern), CHAIN, WATCH)
    told = inspect(Given(block={"ops": view.operations(view.head, virtual=False, modern=True)}), CHAIN, WATCH)
    assert [one.key for one in block.payments] == [one.key for one in told.payments[:2]]


WRONG = {
    "a block of nothing": Given(block={}),
    "no block": Given(block={"blocks": []}),
    "a text": Given(block="block"),
    "operations of two blocks": Given(block=[{"block": 1, "op": ["vote", {}]}, {"block": 2, "op": ["vote", {}]}]),
    "no operations": Given(block={"ops": []}),
    "operations of another shape": Given(block=[7]),
    "a transaction of nothing": Given(transaction={}),
    "a transaction that is a text": Given(transaction="x"),
    "nothing at all": Given(),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_anything_else_is_not_believed(wrong):
    assert isinstance(inspect(WRONG[wrong], CHAIN, WATCH), Distrusted)


def test_a_transaction_that_was_tampered_with_is_not_believed(view):
    raw = view.transaction(view.head, 0, modern=True)
    raw["expiration"] = "2026-11-20T13:00:00"
    assert isinstance(inspect(Given(transaction=raw), CHAIN, WATCH), Distrusted)
    assert units(inspect(Given(transaction=raw), replace(CHAIN, checked_headers=False), WATCH)) == [1000, 2000]


def test_the_command_shows_what_is_in_a_file(view, tmp_path):
    file = tmp_path / "block.json"
    file.write_text(json.dumps({"jsonrpc": "2.0", "id": 1, "result": answers(view)["block_api.get_block"]}))
    result = typed(["inspect", "hive-testnet", "--block", str(file), "--watch", f"@{US}"])
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert [(one["amount"], one["currency"], one["memos"]) for one in shown["payments"]] == [
        ("1", "HIVE", ["o:1"]),
        ("2", "HBD", ["o:1"]),
    ]


def test_a_real_block_of_the_main_network_is_believed_and_pays_nobody_of_ours(tmp_path):
    file = tmp_path / "block.json"
    file.write_text(json.dumps(BLOCKS["whole"][1]))
    result = typed(["inspect", "hive", "--block", str(file), "--watch", "proctologic"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) | {"note": None} == {
        "chain": "hive:beeab0de000000000000000000000000", "height": 2_000_000,
        "hash": "001e84802fe2d042906f33a9cc4fd49f024c7eb9", "note": None, "payments": [],
    }  # fmt: skip
