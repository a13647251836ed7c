"""`usher verify` and `usher inspect` on what real nodes hold."""

import json

import pytest

from chains.evm.transaction import follow, native_transaction
from chains.evm.uri import native_uri, parse
from tests.support.command_line import typed
from tests.support.verifier_wallets import ALICE, MALLORY, Safes, personal_digest

MESSAGE = "Access event 42 at 1795435200000"
DIGEST = personal_digest(MESSAGE)
US = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.fixture
def chain(anvils):
    with anvils(1).lent() as node:
        yield node


def verdict(account, signature, *words):
    asked = ["verify", account, "--message", MESSAGE, "--signature", f"0x{signature.hex()}", "--json", *words]
    result = typed(asked)
    return result.exit_code, json.loads(result.stdout)["verdict"]


def test_a_contract_account_is_judged_by_the_node_that_was_named(chain):
    safes = Safes.on(chain)
    safe = safes.create(ALICE)
    url = ("--chain-url", f"eip155:1={chain.url}")
    assert verdict(safe, safes.sign(safe, DIGEST, ALICE), *url) == (0, "valid")
    assert verdict(safe, safes.sign(safe, DIGEST, MALLORY), *url) == (1, "invalid")
    assert verdict(safe, safes.sign(safe, DIGEST, ALICE)) == (1, "invalid")  # without a node it is taken for a key


def test_where_the_node_knows_no_contract_another_keys_signature_is_invalid(chain):
    url = ("--chain-url", f"eip155:1={chain.url}")
    assert verdict(ALICE.address, MALLORY.sign(DIGEST), *url) == (1, "invalid")
    assert verdict(ALICE.address, ALICE.sign(DIGEST), *url) == (0, "valid")


def test_a_wallet_that_sends_what_we_hand_it_is_seen_in_the_nodes_own_block(chain, tmp_path):
    with_memo = native_transaction(address=US, chain_id=1, wei=5 * 10**16, memo="event:7:wallet:alice")
    by_link = follow(parse(native_uri(US, 1, 3)), chain_id=1)
    for transaction in (with_memo, by_link):
        chain.rpc("eth_sendTransaction", {**transaction, "from": chain.accounts[0]})
    chain.mine()
    for method, file in (("eth_getBlockByNumber", "block"), ("eth_getBlockReceipts", "receipts")):
        parameters = ("latest", True) if file == "block" else ("latest",)
        (tmp_path / file).write_text(json.dumps({"jsonrpc": "2.0", "id": 1, "result": chain.rpc(method, *parameters)}))
    files = ["--block", str(tmp_path / "block"), "--receipts", str(tmp_path / "receipts")]
    result = typed(["inspect", "ethereum", *files, "--watch", US])
    assert sorted((payment["amount"], payment["memos"]) for payment in json.loads(result.stdout)["payments"]) == [
        ("0.000000000000000003", []),
        ("0.05", ["event:7:wallet:alice"]),
    ]
