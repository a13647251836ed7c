"""`usher inspect` on Solana: blocks of the real network, and the same block in every encoding."""

import json

import pytest

from chains.distrust import Distrusted
from chains.inspection import Given
from chains.solana.inspection import inspect
from config.loader import load_registry
from tests.nodes.solana.ledger import Ledger
from tests.nodes.solana.node import Node
from tests.nodes.solana.rpc import answer
from tests.support.command_line import typed
from tests.support.solana_node import hands, memo, solana_chain, wallet
from tests.support.sweeps import watching
from tests.support.vectors import vector_file, vectors

MAINNET = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
USDC = f"{MAINNET}/token:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
STRANGER = "mvines9iiHiQTysrwkJjGf2gb9Ex9jXJX8ns3qwf2kN"
RECEIVER = "9RuqAN42PTUi9ya59k9suGATrkqzvb9gk2QABJtQzGP5"  # gains 0.053517 USDC in the versioned transaction
FOLDER = "blocks/solana"


@pytest.fixture(scope="module")
def chain():
    return load_registry().chain(MAINNET)


@pytest.mark.parametrize(
    ("name", "hash_"),
    [
        ("block_241043141_v2", "7UVhKXDoFXfQWHRRMNaXiEXiQsabDvU7oz4TRLHFuzd8"),
        ("block_v2", "GdY1gj7F8vq1nCy4dgCZK42WV19bkfQ4cp2e9evK18ry"),
        ("block_with_versioned_tx", "FQUbe5QqZN2RqeViRThTFfFqGA2QLUeAqZDbbrMSmac9"),
        ("transaction_err", "GdY1gj7F8vq1nCy4dgCZK42WV19bkfQ4cp2e9evK18ry"),
    ],
)
def test_a_real_block_pays_a_stranger_nothing(chain, name, hash_):
    found = inspect(Given(block=vectors(f"{FOLDER}/{name}.json")), chain, watching(STRANGER))
    assert (found.hash, found.height, list(found.payments)) == (hash_, None, [])
    assert found.note.startswith("getBlock does not tell the slot; it is above ")


def everybody(block):
    """Every account that a block names, and every owner of tokens in it."""
    for entry in block["transactions"]:
        for key in entry["transaction"]["message"]["accountKeys"]:
            yield key["pubkey"] if isinstance(key, dict) else key
        for balance in (entry["meta"] or {}).get("postTokenBalances") or ():
            yield balance.get("owner", STRANGER)


@pytest.mark.parametrize("name", ["block_241043141_v2", "block_v2", "transaction_err"])
def test_votes_and_failed_transactions_pay_nobody(chain, name):
    block = vectors(f"{FOLDER}/{name}.json")
    assert list(inspect(Given(block=block), chain, watching(*everybody(block))).payments) == []


def test_tokens_that_arrived_through_programs_and_lookup_tables_are_found_by_the_balances(chain):
    block = vectors(f"{FOLDER}/block_with_versioned_tx.json")
    [payment] = inspect(Given(block=block), chain, watching(RECEIVER)).payments
    assert (payment.asset, payment.amount, payment.destination) == (USDC, 53517, RECEIVER)
    assert (payment.sender, payment.internal, payment.key.index) == (None, False, "internal.29")


def test_a_block_of_transactions_without_their_outcome_is_said_to_be_one(chain):
    found = inspect(Given(block=vectors(f"{FOLDER}/block_no_preBalances.json")), chain, watching(STRANGER))
    assert found.note.endswith("1 transactions came without their outcome (meta): what they paid cannot be seen")


def test_the_command_line_reads_a_real_block(chain):
    file = vector_file(f"{FOLDER}/block_with_versioned_tx.json")
    result = typed(["inspect", "solana", "--block", str(file), "--watch", RECEIVER])
    assert result.exit_code == 0, result.output
    [payment] = json.loads(result.stdout)["payments"]
    assert (payment["amount"], payment["currency"], payment["index"]) == ("0.053517", "USDC", "internal.29")


# --- the emulation's blocks ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told():
    """A block with a payment in coins and one in tokens among others, in every encoding; whom it pays; the token."""
    ledger = Ledger()
    payer = hands(ledger)
    mint, ours, other = payer.mint(), wallet(payer), wallet(payer)
    payer.stock(mint, 10**6)
    account = payer.account(ours, mint)
    payer.done(payer.opened(ours, mint))
    table = payer.table(ours)
    ledger.mine()
    for transaction in (
        payer.sign(payer.give(other, 1)),
        payer.sign(payer.give(ours, 5), memo("one"), version=None),
        payer.sign(payer.pass_on(mint, account, 9), memo("two")),  # names our token account alone
        payer.sign(payer.give(ours, 7), tables=[table]),
        payer.sign(payer.give(other, 2)),
    ):
        ledger.send(transaction)
    ledger.mine()
    options = {"commitment": "confirmed", "maxSupportedTransactionVersion": 0}
    blocks = {
        encoding: answer(Node(ledger), "getBlock", [ledger.tip.slot, {**options, "encoding": encoding}])
        for encoding in ("json", "jsonParsed", "base64", "base58")
    }
    bare = answer(Node(ledger), "getBlock", [ledger.tip.slot, {**options, "transactionDetails": "signatures"}])
    one = answer(Node(ledger), "getTransaction", [ledger.tip.landed[1].signature, {**options, "encoding": "base64"}])
    return {"blocks": blocks, "bare": bare, "one": one, "ours": str(ours), "mint": mint, "slot": ledger.tip.slot}


@pytest.mark.parametrize("encoding", ["json", "jsonParsed", "base64", "base58"])
def test_a_block_is_read_the_same_in_every_encoding(told, encoding):
    found = inspect(Given(block=told["blocks"][encoding]), solana_chain(told["mint"]), watching(told["ours"]))
    assert [(payment.amount, payment.memos) for payment in found.payments] == [(5, ("one",)), (9, ("two",)), (7, ())]


def test_a_transaction_alone_says_its_slot_and_not_its_block(told):
    found = inspect(Given(transaction=told["one"]), solana_chain(), watching(told["ours"]))
    assert ([payment.amount for payment in found.payments], found.height, found.hash) == ([5], told["slot"], None)


def test_a_block_without_its_transactions_is_refused_with_what_to_ask_for(told):
    refused = inspect(Given(block=told["bare"]), solana_chain(), watching(told["ours"]))
    assert refused == Distrusted(reason='this block came without its transactions: ask with transactionDetails "full"')


@pytest.mark.parametrize("raw", [5, "x", [], {}, {"blockhash": 5}, {"blockhash": "x", "parentSlot": -1}])
def test_what_is_no_block_is_refused(raw):
    assert isinstance(inspect(Given(block=raw), solana_chain(), watching(STRANGER)), Distrusted)


def test_a_transaction_that_lies_makes_its_block_distrusted_only_if_it_names_us(told):
    block = json.loads(json.dumps(told["blocks"]["json"]))
    block["transactions"][0]["meta"]["postBalances"] = [-1]
    assert not isinstance(inspect(Given(block=block), solana_chain(), watching(told["ours"])), Distrusted)
    block["transactions"][1]["meta"]["postBalances"] = [-1]
    assert isinstance(inspect(Given(block=block), solana_chain(), watching(told["ours"])), Distrusted)
