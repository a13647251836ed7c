"""Published vectors through the doors that people use: `usher verify --jsonl` and `usher inspect`."""

import json

import pytest
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


@pytest.mark.parametrize(
    "name", ["withinconsistenthash", "withouthash", "withouttxs", "withoutprevhash", "withoutheight"]
)
def test_a_bitcoin_block_with_one_field_broken_is_refused_in_words(name):
    file = f"blocks/bitcoin-broken/btc_getblockresponse_{name}.json"
    status, told = inspected(BITCOIN, "--block", file, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
    assert status != 0
    assert "Traceback" not in told


@pytest.mark.parametrize(
    "file",
    [
        "block_241043141_v2.json",
        "block_v2.json",
        "block_with_versioned_tx.json",
        "block_no_preBalances.json",
        "transaction_err.json",
    ],
)
def test_a_real_solana_block_is_read_or_refused_in_words(file):
    status, told = inspected(SOLANA, "--block", f"blocks/solana/{file}", "7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv")
    assert status in {0, 1}, told
    assert "Traceback" not in told
    if status == 0:
        assert json.loads(told)["payments"] == []


DONATIONS = "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A"
TRANSFERS = ("30", "31b52", "55e75", "7ab84")


@pytest.mark.parametrize("name", TRANSFERS)
def test_a_monero_wallets_transfer_is_told_as_it_came(name):
    file = f"blocks/monero/tests.data.test_jsonrpcwallet.test_incoming_by_tx_id-{name}-get_transfer_by_txid.json"
    transfer = vectors(file)["result"]["transfer"]
    network = STAGENET if transfer["address"][0] in "57" else MONERO
    status, told = inspected(network, "--transaction", file, transfer["address"])
    assert status == 0, told
    assert {payment["txid"] for payment in json.loads(told)["payments"]} == {transfer["txid"]}


def test_a_wallets_refusal_is_told_in_words():
    file = "blocks/monero/tests.data.test_jsonrpcwallet.test_incoming_by_tx_id-e0b15-get_transfer_by_txid.json"
    assert "error" in vectors(file)
    status, told = inspected(MONERO, "--transaction", file, DONATIONS)
    assert status != 0
    assert "answered with an error" in told
