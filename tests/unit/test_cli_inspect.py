"""`usher inspect`: what Usher would see in a raw block."""

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chains.evm.header import bloom_mask, header_hash
from chains.evm.ours import TRANSFER, topic_of
from chains.evm.transaction import native_transaction, token_transaction
from tests.support.command_line import typed
from tests.support.vectors import vector_file

US = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
PAYER = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
MEMO = "event:7:wallet:alice"
NATIVE = native_transaction(address=US, chain_id=1, wei=5 * 10**16, memo=MEMO)
TOKEN = token_transaction(contract=USDC, chain_id=1, recipient=US, units=25_000_000, memo=MEMO)
TOKEN_LOG = {"address": USDC.lower(), "topics": [TRANSFER, topic_of(PAYER.lower()), topic_of(US.lower())],
             "data": f"0x{25_000_000:064x}"}  # fmt: skip
REAL = "blocks/ethereum/ethereum_mainnet_4370006"


@pytest.fixture
def folder(tmp_path):
    """A block with a payment in ether, one in USDC and one that failed, and its receipts."""
    sent = [
        {"hash": f"0x{place:064x}", "transactionIndex": hex(place), "from": PAYER.lower(), "input": wanted["data"],
         "to": wanted["to"].lower(), "value": wanted["value"]}
        for place, wanted in enumerate((NATIVE, TOKEN, NATIVE))
    ]  # fmt: skip
    bloom = bloom_mask(*(bytes.fromhex(item[2:]) for item in (TOKEN_LOG["address"], *TOKEN_LOG["topics"])))
    word = "0x" + "11" * 32
    header = {
        **dict.fromkeys(("parentHash", "sha3Uncles", "stateRoot", "transactionsRoot", "receiptsRoot", "mixHash"), word),
        "miner": PAYER.lower(), "logsBloom": f"0x{bloom:0512x}", "difficulty": "0x0", "number": "0x10",
        "nonce": "0x" + "00" * 8, "gasLimit": "0x1", "gasUsed": "0x1", "timestamp": "0x6380a5c0",
        "extraData": "0x", "transactions": sent,
    }  # fmt: skip
    header["hash"] = header_hash(header)
    receipts = [
        {"transactionHash": transaction["hash"], "transactionIndex": transaction["transactionIndex"],
         "blockHash": header["hash"], "status": "0x0" if place == 2 else "0x1", "gasUsed": "0x5208",
         "effectiveGasPrice": "0x1", "logs": [TOKEN_LOG] if place == 1 else []}
        for place, transaction in enumerate(sent)
    ]  # fmt: skip
    (tmp_path / "block.json").write_text(json.dumps({"jsonrpc": "2.0", "id": 1, "result": header}))
    (tmp_path / "receipts.json").write_text(json.dumps(receipts))
    return tmp_path


def seen(folder, *words, chain="eip155:1", watch=US, receipts=True):
    files = [
        "--block",
        str(folder / "block.json"),
        *(["--receipts", str(folder / "receipts.json")] if receipts else []),
    ]
    result = typed(["inspect", chain, *files, "--watch", watch, *words])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_payments_in_the_coin_and_in_tokens_are_seen_and_the_failed_one_is_not(folder):
    found = seen(folder)
    assert (found["chain"], found["height"], found["note"]) == ("eip155:1", 16, None)
    assert [
        {key: payment[key] for key in ("index", "amount", "currency", "units", "destination", "sender", "memos")}
        for payment in found["payments"]
    ] == [
        {"index": "v", "amount": "0.05", "currency": "ETH", "units": "50000000000000000", "destination": US,
         "sender": PAYER, "memos": [MEMO]},
        {"index": "0", "amount": "25", "currency": "USDC", "units": "25000000", "destination": US,
         "sender": PAYER, "memos": [MEMO]},
    ]  # fmt: skip


def test_without_receipts_it_says_that_only_native_value_is_judged(folder):
    found = seen(folder, receipts=False)
    assert "only native value" in found["note"]
    assert [payment["currency"] for payment in found["payments"]] == ["ETH", "ETH"]


def test_the_chain_may_be_named_and_several_addresses_watched(folder):
    assert (
        seen(folder, chain="Ethereum")
        == seen(folder)
        == seen(folder, PAYER.lower(), watch=US.lower()) | {"payments": seen(folder)["payments"]}
    )
    assert all(payment["internal"] for payment in seen(folder, PAYER)["payments"])


def test_a_block_that_was_tampered_with_is_not_believed(folder):
    text = (folder / "block.json").read_text().replace("0x6380a5c0", "0x6380a5c1")
    (folder / "block.json").write_text(text)
    result = typed(["inspect", "ethereum", "--block", str(folder / "block.json"), "--watch", US])
    assert (result.exit_code, "does not hash" in result.stderr) == (1, True)


def test_a_transaction_without_its_receipt_is_named(folder):
    receipts = json.loads((folder / "receipts.json").read_text())
    (folder / "receipts.json").write_text(json.dumps(receipts[1:]))
    files = ["--block", str(folder / "block.json"), "--receipts", str(folder / "receipts.json")]
    result = typed(["inspect", "ethereum", *files, "--watch", US])
    assert (result.exit_code, "no receipt of" in result.stderr) == (1, True)


def transaction_of(folder, place):
    """Write one transaction of the block and its receipt to files of their own; return the words that name them."""
    block = json.loads((folder / "block.json").read_text())["result"]
    receipt = json.loads((folder / "receipts.json").read_text())[place]
    (folder / "transaction.json").write_text(json.dumps({"result": block["transactions"][place]}))
    (folder / "receipt.json").write_text(json.dumps({"result": receipt}))
    return ["--transaction", str(folder / "transaction.json")], ["--receipts", str(folder / "receipt.json")]


def inspected_alone(*words):
    result = typed(["inspect", "ethereum", *words, "--watch", US])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("place", "units"), [(0, [str(5 * 10**16)]), (1, ["25000000"]), (2, [])], ids=["ether", "USDC", "failed"]
)
def test_a_transaction_alone_is_read_with_its_receipt_and_said_to_stand_in_no_block(folder, place, units):
    transaction, receipt = transaction_of(folder, place)
    found = inspected_alone(*transaction, *receipt)
    assert [payment["units"] for payment in found["payments"]] == units
    assert all(payment["memos"] == [MEMO] for payment in found["payments"])
    assert (found["height"], found["hash"]) == (None, None)
    assert found["note"] == "a transaction without its block: nothing shows that it stands on the chain"


@pytest.mark.parametrize(("place", "units"), [(0, [str(5 * 10**16)]), (1, []), (2, [str(5 * 10**16)])])
def test_a_transaction_without_its_receipt_is_judged_by_its_value_alone_and_that_is_said(folder, place, units):
    transaction, _ = transaction_of(folder, place)
    found = inspected_alone(*transaction)
    assert [payment["units"] for payment in found["payments"]] == units
    assert "without its block" in found["note"]
    assert "failed transactions cannot be told from others" in found["note"]


def test_a_transaction_with_the_receipt_of_another_one_is_not_believed(folder):
    _, receipt = transaction_of(folder, 1)
    transaction, _ = transaction_of(folder, 0)
    (folder / "receipt.json").write_text(json.dumps(json.loads((folder / "receipts.json").read_text())[1]))
    result = typed(["inspect", "ethereum", *transaction, *receipt, "--watch", US])
    assert (result.exit_code, "is another one's" in result.stderr) == (1, True)


@pytest.mark.parametrize("transaction", [7, [], {}, "0x00", {"hash": "0x1", "to": US, "value": "0x5"}])
def test_a_transaction_that_is_none_is_told_in_a_line(folder, transaction):
    (folder / "transaction.json").write_text(json.dumps(transaction))
    result = typed(["inspect", "ethereum", "--transaction", str(folder / "transaction.json"), "--watch", US])
    assert result.exit_code == 1
    assert result.stderr.startswith("usher: ")


@pytest.mark.parametrize("option", ["--block", "--transaction"])
def test_what_a_node_did_not_know_is_told_as_such(folder, option):
    (folder / "nothing.json").write_text('{"result": null}')
    result = typed(["inspect", "ethereum", option, str(folder / "nothing.json"), "--watch", US])
    assert (result.exit_code, "the node knew nothing of this" in result.stderr) == (2, True)


@pytest.mark.parametrize("receipts", [None, 7, {}, [7], [{}], [{"transactionHash": []}], [None]])
def test_receipts_that_are_none_are_told_in_a_line(folder, receipts):
    (folder / "receipts.json").write_text(json.dumps(receipts))
    files = ["--block", str(folder / "block.json"), "--receipts", str(folder / "receipts.json")]
    result = typed(["inspect", "ethereum", *files, "--watch", US])
    assert result.exit_code in (1, 2)
    assert result.stderr.startswith("usher: ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_block_with_any_one_value_broken_is_judged_or_refused_in_a_line(folder, data):
    block = json.loads((folder / "block.json").read_text())["result"]
    victim = data.draw(st.sampled_from([block, *block["transactions"]]))
    victim[data.draw(st.sampled_from(sorted(victim)))] = data.draw(
        st.none() | st.integers() | st.text(max_size=8) | st.sampled_from([[], {}, "0x", "0xzz", [[]], {"a": 1}])
    )
    if data.draw(st.booleans()):
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            block["hash"] = header_hash(block)
    (folder / "broken.json").write_text(json.dumps(block))
    receipts = data.draw(st.sampled_from([[], ["--receipts", str(folder / "receipts.json")]]))
    result = typed(["inspect", "ethereum", "--block", str(folder / "broken.json"), *receipts, "--watch", US])
    assert result.exit_code in (0, 1, 2)
    assert result.exit_code == 0 or result.stderr.startswith("usher: "), result.exception


@pytest.mark.parametrize(
    "answer", ["", "{", "[]", "null", '{"result":null}', '{"transactions":[]}', '{"error":{"code":1}}']
)
def test_a_file_that_holds_no_block_is_told_in_a_line(tmp_path, answer):
    (tmp_path / "block.json").write_text(answer)
    result = typed(["inspect", "ethereum", "--block", str(tmp_path / "block.json"), "--watch", US])
    assert result.exit_code in (1, 2)
    assert result.stderr.startswith("usher: ")


@pytest.mark.parametrize(
    "words",
    [["nowhere", "--watch", US], ["ethereum", "--watch", "alice"], ["ethereum", "--watch", US[:-1]], ["ethereum"]],
)
def test_what_names_no_chain_or_address_is_a_usage_error(folder, words):
    assert typed(["inspect", *words, "--block", str(folder / "block.json")]).exit_code == 2


def test_a_payment_in_a_real_block_without_receipts_is_seen_with_the_reservation():
    block = vector_file("blocks/ethereum/ethereum_mainnet_13998626_getBlockByNumber_full.json")
    transaction = next(
        one for one in json.loads(block.read_text())["transactions"] if one["to"] and int(one["value"], 16)
    )
    result = typed(["inspect", "ethereum", "--block", str(block), "--watch", transaction["to"]])
    found = json.loads(result.stdout)
    assert found["height"] == 13998626
    assert transaction["hash"] in [payment["txid"] for payment in found["payments"]]
    assert "without receipts" in found["note"]


def test_a_payment_in_a_real_block_is_seen():
    files = ["--block", str(vector_file(f"{REAL}_getBlockByNumber_full.json"))]
    files += ["--receipts", str(vector_file(f"{REAL}_receipts.json"))]
    result = typed(["inspect", "eip155:1", *files, "--watch", "0xd1f34dc6b5d55e8040db54f55fd1e180d3b54f93"])
    (payment,) = json.loads(result.stdout)["payments"]
    assert (payment["amount"], payment["currency"]) == ("0.003", "ETH")
    assert payment["txid"] == "0x61d92893c9a9972a82d08176d7b23df68812a9aadede88e19d3be23e542eeaf9"
