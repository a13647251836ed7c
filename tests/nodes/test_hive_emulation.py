"""The emulation of hived: it executes what is signed by those who may, and refuses the rest in hived's words."""

import json
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from datetime import timedelta

import pytest

from chains.hive import digest
from chains.hive.amounts import HBD, HIVE
from chains.hive.binary import Form
from tests.nodes.hive.chain import TEST, Emulation
from tests.nodes.hive.server import Node
from tests.nodes.hive.state import Refused
from tests.nodes.hive.view import View
from tests.support.programs import free_port


def transfer(amount="1.000 HIVE", sender="alice", to="bob", memo=""):
    return ["transfer", {"from": sender, "to": to, "amount": amount, "memo": memo}]


def authority(keys, threshold=1, accounts=()):
    return {"weight_threshold": threshold, "account_auths": sorted(accounts), "key_auths": sorted(keys)}


def update(name, memo_key, **roles):
    return ["account_update", {"account": name, **roles, "memo_key": memo_key, "json_metadata": ""}]


@pytest.fixture
def chain():
    made = Emulation()
    for name in ("alice", "bob", "carol"):
        made.account(name, hive=10_000, hbd=10_000)
    made.mine(3)
    return made


def liquid(chain, name, nai=HIVE):
    return chain.head.state.account(name).liquid[nai]


def signed(chain, operation, *secrets, **changes):
    return chain.sign({**chain.transaction(operation), **changes}, *secrets)


def active(chain, name):
    return chain.keys[name].secret("active")


# --- ids, roots, heads ----------------------------------------------------------------------------------------


def test_blocks_stand_on_each_other_under_ids_and_roots_of_their_own(chain):
    for place in range(5):
        for amount in range(1, place + 1):
            chain.send("alice", transfer(f"0.00{amount} HIVE"))
        chain.mine()
    for below, block in zip(chain.blocks[1:], chain.blocks[2:], strict=False):
        raw = block.modern
        leaves = [digest.hashed(*one).leaf for one in zip(raw["transactions"], raw["transaction_ids"], strict=True)]
        assert (digest.block_id(raw), raw["previous"]) == (raw["block_id"], below.identity)
        assert digest.merkle_root(leaves) == raw["transaction_merkle_root"]
        assert raw["witness_signature"][:2] in {"1f", "20"}


def test_blocks_become_irreversible_after_so_many_and_stay_so(chain):
    chain.irreversible_after = 2
    chain.mine(5)
    assert (chain.head.number, chain.head.irreversible) == (8, 6)


def test_a_microfork_replaces_blocks_and_loses_their_transactions_or_lets_them_wait(chain):
    txid = chain.send("alice", transfer())
    chain.mine()
    lost = chain.head.identity
    chain.reorg(1)
    assert (chain.head.identity == lost, liquid(chain, "bob")) == (False, 10_000)
    chain.push(signed(chain, transfer(), active(chain, "alice")))
    chain.mine()
    chain.reorg(1, keep=True)
    assert liquid(chain, "bob") == 11_000
    assert txid not in [one.txid for one in chain.head.transactions]


def test_time_passes_by_blocks_and_can_be_set(chain):
    before = chain.head.time
    chain.mine(2)
    assert chain.head.time == before + 2 * 3
    chain.pass_time(timedelta(hours=1))
    chain.mine()
    assert chain.head.time == before + 6 + 3600


# --- who may --------------------------------------------------------------------------------------------------


def test_money_moves_when_the_active_key_signed(chain):
    chain.send("alice", transfer("1.234 HIVE"), transfer("2.000 HBD"))
    chain.mine()
    assert (liquid(chain, "alice"), liquid(chain, "bob")) == (8_766, 11_234)
    assert (liquid(chain, "alice", HBD), liquid(chain, "bob", HBD)) == (8_000, 12_000)


def test_the_owner_key_may_too_and_either_form_of_amounts_is_signed(chain):
    for form in (Form.LEGACY, Form.NAI):
        raw = chain.sign(chain.transaction(transfer()), chain.keys["alice"].secret("owner"), form=form)
        assert chain.push(raw) == digest.transaction_id(digest.unsigned(raw, form))
    chain.mine()
    assert liquid(chain, "bob") == 12_000


REFUSED = {
    "the posting key": (lambda c: signed(c, transfer(), c.keys["alice"].secret("posting")), "Missing Active Authority"),
    "somebody else's key": (lambda c: signed(c, transfer(), active(c, "bob")), "Missing Active Authority alice"),
    "no signature": (lambda c: signed(c, transfer()), "Missing Active Authority alice"),
    "a signature too many": (
        lambda c: signed(c, transfer(), active(c, "alice"), active(c, "bob")), "Unnecessary signature",
    ),
    "the same signature twice": (
        lambda c: signed(c, transfer(), active(c, "alice"), active(c, "alice")), "Duplicate Signature",
    ),
    "a signature of another chain": (
        lambda c: Emulation(chain_id="18" * 32).sign(c.transaction(transfer()), active(c, "alice")), "Missing Active",
    ),
    "a signature of something else": (
        lambda c: {**signed(c, transfer(), active(c, "alice")), "operations": [transfer("9.000 HIVE")]}, "Missing",
    ),
    "no signature at all": (lambda c: {**signed(c, transfer()), "signatures": ["00"]}, "not canonical"),
    "more than there is": (lambda c: signed(c, transfer("99.000 HIVE"), active(c, "alice")), "sufficient funds"),
    "nothing": (lambda c: signed(c, transfer("0.000 HIVE"), active(c, "alice")), "negative amount"),
    "to nobody": (lambda c: signed(c, transfer(to="nobody"), active(c, "alice")), "Account nobody doesn't exist"),
    "by nobody": (lambda c: signed(c, transfer(sender="nobody"), active(c, "alice")), "Account nobody doesn't exist"),
    "a memo too long": (lambda c: signed(c, transfer(memo="x" * 2048), active(c, "alice")), "Memo is too large"),
    "power": (lambda c: signed(c, transfer("1.000000 VESTS"), active(c, "alice")), "asset is not allowed"),
    "what is not emulated": (
        lambda c: signed(c, ["account_witness_vote", {"account": "alice", "witness": "bob", "approve": True}],
                         active(c, "alice")), "not emulated",
    ),
    "too late": (
        lambda c: signed(c, transfer(), active(c, "alice"), expiration="2026-11-20T12:00:00"), "has expired",
    ),
    "much too early": (
        lambda c: signed(c, transfer(), active(c, "alice"), expiration="2026-11-22T12:00:00"), "too far in the future",
    ),
    "about another block": (lambda c: signed(c, transfer(), active(c, "alice"), ref_block_prefix=1), "tapos"),
    "about a block to come": (lambda c: signed(c, transfer(), active(c, "alice"), ref_block_num=60_000), "tapos"),
    "no operation": (lambda c: signed(c, transfer(), operations=[]), "at least one operation"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_hived_would_refuse_is_refused(chain, case):
    made, words = REFUSED[case]
    with pytest.raises(Refused, match=words):
        chain.push(made(chain))
    chain.mine()
    assert (liquid(chain, "alice"), liquid(chain, "bob")) == (10_000, 10_000)


def test_a_transaction_is_taken_once(chain):
    raw = signed(chain, transfer(), active(chain, "alice"))
    chain.push(raw)
    with pytest.raises(Refused, match="Duplicate transaction"):
        chain.push(raw)
    chain.mine()
    with pytest.raises(Refused, match="Duplicate transaction"):
        chain.push(raw)


def test_a_transaction_refers_to_blocks_up_to_sixteen_bits_back(chain):
    chain.mine(20)
    early = chain.blocks[2]
    prefix = int.from_bytes(bytes.fromhex(early.identity)[4:8], "little")
    chain.push(signed(chain, transfer(), active(chain, "alice"), ref_block_num=2, ref_block_prefix=prefix))
    chain.mine()
    assert liquid(chain, "bob") == 11_000


# --- keys and accounts ----------------------------------------------------------------------------------------


def test_a_key_that_was_changed_signs_no_more_and_the_new_one_does(chain):
    new, memo = chain.keys["carol"].public("active"), chain.keys["alice"].public("memo")
    chain.send("alice", update("alice", memo, active=authority([[new, 1]])))
    chain.mine()
    with pytest.raises(Refused, match="Missing Active Authority alice"):
        chain.send("alice", transfer())
    chain.push(signed(chain, transfer(), active(chain, "carol")))
    assert View(chain, chain.blocks).accounts_of_key(new) == ["alice", "carol"]


def test_the_owner_authority_changes_by_the_owner_key_alone(chain):
    new, memo = chain.keys["carol"].public("owner"), chain.keys["alice"].public("memo")
    operation = update("alice", memo, owner=authority([[new, 1]]))
    with pytest.raises(Refused, match="Missing Owner Authority"):
        chain.send("alice", operation)
    chain.send("alice", operation, role="owner")


def test_weights_add_up_to_the_threshold(chain):
    keys = [[chain.keys[name].public("active"), 1] for name in ("alice", "bob", "carol")]
    chain.send("alice", update("alice", chain.keys["alice"].public("memo"), active=authority(keys, threshold=2)))
    chain.mine()
    with pytest.raises(Refused, match="Missing Active"):
        chain.push(signed(chain, transfer(), active(chain, "alice")))
    chain.push(signed(chain, transfer(), active(chain, "alice"), active(chain, "carol")))


def test_an_account_lends_its_authority_to_another(chain):
    held = authority([[chain.keys["alice"].public("active"), 1]], accounts=[["bob", 1]])
    chain.send("alice", update("alice", chain.keys["alice"].public("memo"), active=held))
    chain.mine()
    chain.push(signed(chain, transfer(to="carol"), active(chain, "bob")))


def test_accounts_are_made_for_a_fee_or_out_of_a_claim(chain):
    keys = Emulation().account("dave.shop-1", password="d")
    roles = {role: authority([[keys.public(role), 1]]) for role in ("owner", "active", "posting")}
    made = {"creator": "alice", **roles, "memo_key": keys.public("memo"), "json_metadata": ""}
    chain.send("alice", ["account_create", {"fee": "3.000 HIVE", "new_account_name": "dave.shop-1", **made}])
    with pytest.raises(Refused, match="no claimed accounts"):
        chain.send("alice", ["create_claimed_account", {"new_account_name": "erin", **made, "extensions": []}])
    chain.send("alice", ["claim_account", {"creator": "alice", "fee": "3.000 HIVE", "extensions": []}])
    chain.send("alice", ["create_claimed_account", {"new_account_name": "erin", **made, "extensions": []}])
    chain.mine()
    assert liquid(chain, "alice") == 4_000
    assert {"dave.shop-1", "erin"} <= chain.head.state.accounts.keys()
    for name in ("Dave", "x", "erin"):
        with pytest.raises(Refused, match=r"invalid|Duplicate account"):
            chain.send("alice", ["account_create", {"fee": "0.000 HIVE", "new_account_name": name, **made}])


# --- savings and recurrent transfers --------------------------------------------------------------------------


def test_savings_come_back_after_three_days(chain):
    chain.send("alice", ["transfer_to_savings", transfer(to="bob")[1]])
    chain.mine()
    assert (liquid(chain, "bob"), chain.head.state.account("bob").savings[HIVE]) == (10_000, 1_000)
    back = {"from": "bob", "request_id": 1, "to": "carol", "amount": "0.400 HIVE", "memo": "m"}
    chain.send("bob", ["transfer_from_savings", back])
    chain.send("bob", ["transfer_from_savings", {**back, "request_id": 2}])
    chain.mine()
    chain.send("bob", ["cancel_transfer_from_savings", {"from": "bob", "request_id": 2}])
    chain.pass_time(timedelta(days=3))
    chain.mine()
    assert (liquid(chain, "carol"), chain.head.state.account("bob").savings[HIVE]) == (10_400, 600)


def test_a_recurrent_transfer_is_filled_at_once_and_again_until_it_ends(chain):
    value = {**transfer()[1], "recurrence": 24, "executions": 3, "extensions": []}
    chain.send("alice", ["recurrent_transfer", value])
    for _ in range(5):
        chain.mine()
        chain.pass_time(timedelta(hours=24))
    assert liquid(chain, "bob") == 13_000
    assert chain.head.state.recurrent == {}


def test_a_recurrent_transfer_that_cannot_be_paid_fails_and_is_given_up(chain):
    value = {**transfer("6.000 HIVE")[1], "recurrence": 24, "executions": 100, "extensions": []}
    chain.send("alice", ["recurrent_transfer", value])
    failures = 0
    for _ in range(15):
        chain.mine()
        chain.pass_time(timedelta(hours=24))
        failures += sum(one.operation.name == "failed_recurrent_transfer" for one in chain.head.virtual)
    assert (liquid(chain, "bob"), failures, chain.head.state.recurrent) == (16_000, 10, {})


def test_pairs_keep_several_recurrent_transfers_apart_and_nothing_ends_one(chain):
    value = {**transfer()[1], "recurrence": 24, "executions": 3}
    for pair in ([], [[1, {"pair_id": 1}]], [{"type": "recurrent_transfer_pair_id", "value": {"pair_id": 2}}]):
        chain.send("alice", ["recurrent_transfer", {**value, "extensions": pair}])
    chain.mine()
    assert (liquid(chain, "bob"), len(chain.head.state.recurrent)) == (13_000, 3)
    chain.send("alice", ["recurrent_transfer", {**value, "amount": "0.000 HIVE", "extensions": []}])
    chain.mine()
    assert len(chain.head.state.recurrent) == 2


@pytest.mark.parametrize(("change", "words"), [({"recurrence": 23}, "less than 24"), ({"executions": 1}, "at least 2"),
                                               ({"to": "alice"}, "to yourself"), ({"amount": "0.000 HIVE"}, "0 amount"),
                                               ({"amount": "99.000 HIVE"}, "sufficient funds")])  # fmt: skip
def test_a_recurrent_transfer_out_of_bounds_is_refused(chain, change, words):
    value = {**transfer()[1], "recurrence": 24, "executions": 2, "extensions": [], **change}
    with pytest.raises(Refused, match=words):
        chain.send("alice", ["recurrent_transfer", value])


# --- interfaces -----------------------------------------------------------------------------------------------


def asked(node, method, params=None):
    answer = node.answer({"jsonrpc": "2.0", "id": 1, "method": method, "params": params if params is not None else []})
    return answer.get("result", answer.get("error"))


def test_both_styles_of_calling_get_the_same(chain):
    node = Node(chain)
    by_call = asked(node, "call", ["condenser_api", "get_dynamic_global_properties", []])
    assert by_call == asked(node, "condenser_api.get_dynamic_global_properties")
    assert by_call["head_block_number"] == 3
    assert asked(node, "database_api.get_version", {})["chain_id"] == TEST


def test_amounts_are_spelt_as_each_interface_spells_them(chain):
    node = Node(chain)
    [older] = asked(node, "condenser_api.get_accounts", [["alice"]])
    [newer] = asked(node, "database_api.find_accounts", {"accounts": ["alice"]})["accounts"]
    assert (older["balance"], newer["balance"]) == (
        "10.000 HIVE", {"amount": "10000", "precision": 3, "nai": "@@000000021"},
    )  # fmt: skip
    assert older["active"] == newer["active"]


def test_the_history_of_an_account_begins_with_its_making(chain):
    chain.send("alice", transfer(memo="m"))
    chain.mine()
    history = asked(Node(chain), "condenser_api.get_account_history", ["bob", -1, 10])
    assert [(number, entry["op"][0]) for number, entry in history] == [(0, "account_created"), (1, "transfer")]


def test_virtual_operations_are_enumerated_in_pages_and_by_their_bits(chain):
    node = Node(chain)
    chain.mine(10)
    every = {"block_range_begin": 1, "block_range_end": 14, "include_reversible": True, "filter": 0x4000}
    pages, begin, resume = [], 1, 0
    while True:
        page = asked(node, "account_history_api.enum_virtual_ops",
                     {**every, "block_range_begin": begin, "operation_begin": resume, "limit": 4})  # fmt: skip
        pages += page["ops"]
        begin, resume = page["next_block_range_begin"], page["next_operation_begin"]
        if not resume:
            break
    assert [one["block"] for one in pages] == list(range(1, 14))
    assert pages == asked(node, "account_history_api.enum_virtual_ops", every)["ops"]
    assert asked(node, "account_history_api.enum_virtual_ops", {**every, "filter": 1})["ops"] == []
    irreversible = asked(node, "account_history_api.enum_virtual_ops", {**every, "include_reversible": False})["ops"]
    assert len(irreversible) == chain.head.irreversible


def test_a_broadcast_comes_in_through_either_door_and_its_fate_is_told(chain):
    node = Node(chain)
    raw = signed(chain, transfer(), active(chain, "alice"))
    assert asked(node, "condenser_api.broadcast_transaction", [raw]) == {}
    txid = chain.pool[0].txid
    find = {"transaction_id": txid}
    assert asked(node, "transaction_status_api.find_transaction", find)["status"] == "within_mempool"
    chain.mine()
    assert asked(node, "transaction_status_api.find_transaction", find)["status"] == "within_reversible_block"
    assert asked(node, "condenser_api.get_transaction", [txid])["operations"] == [transfer()]
    refused = asked(node, "network_broadcast_api.broadcast_transaction", {"trx": raw})
    assert (refused["code"], "Duplicate" in refused["message"]) == (-32003, True)


def test_authority_can_be_tried_without_sending(chain):
    node = Node(chain)
    good, bad = (signed(chain, transfer(), active(chain, name)) for name in ("alice", "bob"))
    assert asked(node, "database_api.verify_authority", {"trx": good}) == {"valid": True}
    assert "missing required active authority" in asked(node, "condenser_api.verify_authority", [bad])["message"]
    assert chain.pool == []


def test_a_plugin_that_is_left_out_and_a_method_nobody_knows_are_told_as_hived_does(chain):
    node = Node(chain, without={"account_history_api"})
    for method, words in (("account_history_api.get_ops_in_block", "Could not find API account_history_api"),
                          ("block_api.get_everything", "Could not find method get_everything")):  # fmt: skip
        error = asked(node, method, {"block_num": 1})
        assert (error["code"], words in error["message"]) == (-32002, True)


@pytest.mark.parametrize("params", [{}, [], {"block_num": "x"}, {"block_num": None}, 7])
def test_parameters_that_cannot_be_read_are_told_so(chain, params):
    assert asked(Node(chain), "block_api.get_block", params)["code"] == -32002


def test_a_node_that_lags_or_stayed_on_a_fork_shows_another_chain(chain):
    node, stuck = Node(chain, lag=2), Node(chain)
    stuck.stay()
    chain.reorg(1)
    assert asked(node, "condenser_api.get_dynamic_global_properties")["head_block_number"] == 1
    known = asked(stuck, "database_api.get_dynamic_global_properties", {})
    assert (known["head_block_number"], known["head_block_id"] == chain.head.identity) == (3, False)


def test_on_a_network_built_for_tests_symbols_and_prefix_are_its_own():
    chain = Emulation(symbols_of_test=True)
    chain.account("alice", hive=10_000)
    chain.account("bob")
    chain.send("alice", transfer("1.000 TESTS"))
    chain.mine()
    node = Node(chain)
    [bob] = asked(node, "condenser_api.get_accounts", [["bob"]])
    assert (bob["balance"], bob["memo_key"][:3]) == ("1.000 TESTS", "TST")
    assert asked(node, "database_api.get_config", {})["HIVE_ADDRESS_PREFIX"] == "TST"


# --- a process of its own -------------------------------------------------------------------------------------


def post(url, method, **params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=10) as response:  # noqa: S310  loopback
        return json.load(response)


@contextmanager
def running(*words):
    """The URL of an emulation in a process of its own."""
    command = [sys.executable, "-m", "tests.nodes.hive", "--port", str(free_port()), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def test_it_runs_as_a_node_of_its_own_that_is_steered_over_http():
    with running() as url:
        made = post(url, "emulator_account", name="alice", hive="5.000 HIVE", password="secret")["result"]
        assert made["private"]["active"].startswith("5")
        assert post(url, "emulator_account", name="alice")["result"] == made
        post(url, "emulator_account", name="bob")
        txid = post(url, "emulator_transfer", **transfer(memo="o:1")[1])["result"]["id"]
        before = post(url, "emulator_state")["result"]["head"]
        assert post(url, "emulator_mine", blocks=2)["result"]["head"] == before + 2
        told = post(url, "condenser_api.get_transaction", id=txid)["result"]
        assert (told["block_num"], told["operations"]) == (before + 1, [transfer(memo="o:1")])
        refused = post(url, "emulator_transfer", **transfer("99.000 HIVE")[1])["error"]
        assert "sufficient funds" in refused["message"]
        post(url, "emulator_reorg", depth=2)
        post(url, "emulator_drop", apis=["account_history_api"])
        assert "error" in post(url, "condenser_api.get_transaction", id=txid)
        assert "error" in post(url, "account_history_api.get_ops_in_block", block_num=1)
        assert post(url, "emulator_clock", time="2026-12-24T18:00:00")["result"]["head"] == before + 2
        post(url, "emulator_mine")
        assert post(url, "database_api.get_dynamic_global_properties")["result"]["time"] == "2026-12-24T18:00:00"
