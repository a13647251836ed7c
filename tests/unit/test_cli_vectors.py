"""Published vectors through the doors that people use: `usher verify --jsonl` and `usher inspect`."""

import json

import pytest
from solders.pubkey import Pubkey
from typer.testing import CliRunner

from tests.support.vectors import vector_file, vectors
from usher.cli.app import app

BITCOIN, SOLANA, MONERO, STAGENET = (
    "bip122:000000000019d6689c085ae165831e93",
    "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
    "monero:418015bb9ae982a1975da7d79277c270",
    "monero:76ee3cc98646292206cd3e86f74d88b4",
)


def verdicts(cases):
    """Return what `usher verify --jsonl` says of each (account, message, signature)."""
    lines = [json.dumps(dict(zip(("account", "message", "signature"), case, strict=True))) for case in cases]
    ran = CliRunner().invoke(app, ["verify", "--jsonl"], input="\n".join(lines) + "\n")
    assert ran.exit_code == 0, ran.output
    return [json.loads(line)["verdict"] for line in ran.stdout.splitlines()]


def test_bip137s_vectors_come_out_as_they_say():
    cases = vectors("bip137/cases.json")
    told = verdicts((case["address"], case["message"], case["signature"]) for case in cases)
    assert told == ["valid" if case["valid"] else "invalid" for case in cases]


def test_bip322s_simple_signatures_are_valid_in_every_form_and_for_no_other_text():
    cases = [
        (case["address"], case["message"], signature)
        for case in vectors("bip322/basic.json")["simple"]
        for signature in case["bip322_signatures"]
    ]
    assert cases
    assert set(verdicts(cases)) == {"valid"}
    assert set(verdicts((address, f"{message}!", signature) for address, message, signature in cases)) == {"invalid"}


def test_bip322s_erroneous_signatures_are_never_valid():
    told = verdicts(
        (case["address"], case["message"], case["signature"]) for case in vectors("bip322/basic.json")["error"]
    )
    assert told
    assert "valid" not in told


def inspected(chain, option, file, watch):
    ran = CliRunner().invoke(app, ["inspect", chain, option, str(vector_file(file)), "--watch", watch])
    return ran.exit_code, ran.stdout or ran.output


def test_a_real_bitcoin_block_is_read_and_its_payment_found():
    file = "blocks/bitcoin/getblock_verbosity2_200000.json"
    block = vectors(file)
    block = block.get("result", block)
    [output, *_] = (
        output
        for one in block["tx"][1:]
        for output in one["vout"]
        if output["scriptPubKey"].get("type") == "pubkeyhash"
    )
    script = output["scriptPubKey"]
    address = script.get("address") or script["addresses"][0]
    status, told = inspected(BITCOIN, "--block", file, address)
    assert status == 0, told
    found = json.loads(told)
    assert found["height"] == 200000
    assert address in {payment["destination"] for payment in found["payments"]}


BROKEN = {
    "": "version, merkleroot, bits, nonce",
    "_withinconsistenthash": "version, merkleroot, time, bits, nonce",
    "_withouthash": "hash, version, merkleroot, time, bits, nonce",
    "_withouttxs": "hash, height, tx, version, merkleroot, time, bits, nonce, previousblockhash",
    "_withoutprevhash": "version, merkleroot, time, bits, nonce, previousblockhash",
    "_withoutheight": "height, version, merkleroot, time, bits, nonce",
}
"""What each answer lacks. The first has all that its authors' program wants; nothing in it can be held to its hash."""


@pytest.mark.parametrize("name", BROKEN)
def test_a_bitcoin_block_that_lacks_fields_is_refused_and_they_are_named(name):
    file = f"blocks/bitcoin-broken/btc_getblockresponse{name}.json"
    status, told = inspected(BITCOIN, "--block", file, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
    assert (status, told.splitlines()) == (
        1,
        [f"usher: a node would not be believed: the block comes without {BROKEN[name]}"],
    )


STRANGER = "7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv"
VERSIONED = "block_with_versioned_tx.json"
SLOTS = {
    "block_241043141_v2.json": "it is above 241043140",
    "block_v2.json": "it is above 99999999",
    VERSIONED: "it is above 154808472",
    "block_no_preBalances.json": "1 transactions came without their outcome (meta)",
    "transaction_err.json": "it is above 99999999",
}


@pytest.mark.parametrize("file", SLOTS)
def test_a_real_solana_block_is_read_and_pays_a_stranger_nothing(file):
    status, told = inspected(SOLANA, "--block", f"blocks/solana/{file}", STRANGER)
    assert status == 0, told
    found = json.loads(told)
    assert (found["payments"], found["hash"]) == ([], vectors(f"blocks/solana/{file}")["blockhash"])
    assert SLOTS[file] in found["note"]


def gained(entry):
    """Yield how much of each token whoever holds it has more than before, as the node's balances say."""
    before = {one["accountIndex"]: int(one["uiTokenAmount"]["amount"]) for one in entry["meta"]["preTokenBalances"]}
    for held in entry["meta"]["postTokenBalances"]:
        gain = int(held["uiTokenAmount"]["amount"]) - before.get(held["accountIndex"], 0)
        yield held["owner"], held["mint"], gain


def test_what_a_real_versioned_transaction_brought_is_told_to_each_who_gained():
    usdc = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
    [entry] = vectors(f"blocks/solana/{VERSIONED}")["transactions"]
    wallets = [one for one in gained(entry) if Pubkey.from_string(one[0]).is_on_curve()]
    moved = {owner: gain for owner, mint, gain in wallets if mint == usdc}
    assert {gain > 0 for gain in moved.values()} == {True, False}
    for owner, gain in moved.items():
        status, told = inspected(SOLANA, "--block", f"blocks/solana/{VERSIONED}", owner)
        assert status == 0, told
        paid = [payment["units"] for payment in json.loads(told)["payments"] if payment["currency"] == "USDC"]
        assert paid == ([str(gain)] if gain > 0 else []), owner


DONATIONS = "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A"
TRANSFERS = ("30", "31b52", "55e75", "7ab84")


@pytest.mark.parametrize("name", TRANSFERS)
def test_a_monero_wallets_transfer_is_told_as_it_came(name):
    file = f"blocks/monero/tests.data.test_jsonrpcwallet.test_incoming_by_tx_id-{name}-get_transfer_by_txid.json"
    transfer = vectors(file)["result"]["transfer"]
    network = STAGENET if transfer["address"][0] in "57" else MONERO
    status, told = inspected(network, "--transaction", file, transfer["address"])
    assert status == 0, told
    index = transfer["subaddr_index"]
    assert [
        (payment["txid"], payment["index"], payment["units"], payment["destination"])
        for payment in json.loads(told)["payments"]
    ] == [(transfer["txid"], f"{index['major']},{index['minor']}", str(transfer["amount"]), transfer["address"])]
    assert json.loads(told)["height"] == (transfer["height"] or None)


def test_a_wallets_refusal_is_told_in_words():
    file = "blocks/monero/tests.data.test_jsonrpcwallet.test_incoming_by_tx_id-e0b15-get_transfer_by_txid.json"
    assert "error" in vectors(file)
    status, told = inspected(MONERO, "--transaction", file, DONATIONS)
    assert status != 0
    assert "answered with an error" in told


def test_a_monero_wallets_spend_is_no_income():
    for name in ("test_multiple_destinations-incoming", "test_incoming_from_self__issue_71-1a75f-get_transfer_by_txid"):
        file = f"blocks/monero/tests.data.test_jsonrpcwallet.{name}.json"
        given = vectors(file)["result"]
        [spent] = given.get("out") or [given["transfer"]]
        network = STAGENET if spent["address"][0] in "57" else MONERO
        option = "--block" if "out" in given else "--transaction"
        status, told = inspected(network, option, file, spent["address"])
        assert status == 0, told
        assert json.loads(told)["payments"] == [], name
