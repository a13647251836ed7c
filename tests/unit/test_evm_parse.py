"""What is a payment on an EVM chain and what only looks like one, told from raw answers; no node."""

import copy

import pytest
import rlp

from chains.evm.header import NO_TRANSACTIONS, admits, bloom_mask, encode_header, header_hash
from chains.evm.ours import TRANSFER, Ours, address_in, topic_of
from chains.evm.parse import (
    NOBODY,
    CheckedBlock,
    Distrusted,
    Execution,
    check_block,
    check_execution,
    check_header,
    native_candidates,
    payments_in,
    presume_success,
    spent_in,
    token_candidates,
)
from chains.port import Watch
from tests.support.chains_drivers import evm_chain, with_token
from tests.support.vectors import vectors

OURS = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
RETIRED = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
BUYER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
COIN = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
FAKE_COIN = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
TXID = "0x" + "11" * 32
CHAIN = with_token(evm_chain(1), COIN)
WATCH = Watch(active=frozenset({OURS}), retired=frozenset({RETIRED}))
EVERY_BIT = "0x" + "ff" * 256


def ours(watch=WATCH):
    return Ours.of(watch, CHAIN)


def transaction(**changes):
    return {
        "hash": TXID,
        "from": BUYER.lower(),
        "to": OURS.lower(),
        "value": "0x5",
        "input": "0x",
        "transactionIndex": "0x0",
    } | changes


def log(**changes):
    return {
        "address": COIN.lower(),
        "topics": [TRANSFER, topic_of(BUYER.lower()), topic_of(OURS.lower())],
        "data": "0x" + f"{9:064x}",
        "blockHash": "0x" + "aa" * 32,
        "transactionHash": TXID,
        "removed": False,
    } | changes


def raw_block(*transactions, bloom=EVERY_BIT):
    return {
        "number": "0x10",
        "hash": "0x" + "aa" * 32,
        "parentHash": "0x" + "bb" * 32,
        "timestamp": "0x69000000",
        "logsBloom": bloom,
        "transactionsRoot": "0x" + "cc" * 32 if transactions else NO_TRANSACTIONS,
        "transactions": list(transactions),
    }


def block(*transactions, bloom=EVERY_BIT):
    checked = check_block(raw_block(*transactions, bloom=bloom), recompute=False)
    assert isinstance(checked, CheckedBlock)
    return checked


def receipt(*logs, **changes):
    return {
        "transactionHash": TXID,
        "transactionIndex": "0x0",
        "blockHash": "0x" + "aa" * 32,
        "status": "0x1",
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x3",
        "logs": list(logs),
    } | changes


def payments(raw, *logs, watch=WATCH, **changes):
    """Return what is seen in a block with this one transaction and these logs in its receipt."""
    checked = block(raw)
    execution = check_execution(checked, TXID, receipt(*logs, **changes), ours(watch))
    assert isinstance(execution, Execution)
    return payments_in(checked, [execution], ours(watch))


def test_native_value_is_a_payment_with_the_memo_from_its_calldata():
    [payment] = payments(transaction(input="0x" + b"event:42:wallet:0xabc".hex()))
    assert (payment.key.index, payment.amount, payment.asset) == ("v", 5, CHAIN.native.id)
    assert (payment.destination, payment.sender) == (OURS, BUYER)
    assert payment.memos == ("event:42:wallet:0xabc",)
    assert (payment.block.height, payment.internal, payment.direct) == (16, False, True)


def test_a_retired_address_is_still_ours():
    [payment] = payments(transaction(to=RETIRED.lower()))
    assert payment.destination == RETIRED


@pytest.mark.parametrize("spelled", [OURS, OURS.lower()], ids=["EIP-55", "lower case"])
def test_addresses_are_found_in_both_spellings_that_nodes_use(spelled):
    assert native_candidates(block(transaction(to=spelled)), ours()) == [TXID]
    [payment] = payments(transaction(to=spelled))
    assert payment.destination == OURS


def test_a_creation_without_a_receiver_hides_no_payment_beside_it():
    creation = {name: value for name, value in transaction(hash="0x" + "22" * 32).items() if name != "to"}
    assert native_candidates(block(creation, transaction(transactionIndex="0x1")), ours()) == [TXID]


@pytest.mark.parametrize(
    "changes",
    [{"value": "0x0"}, {"to": None}, {"to": BUYER.lower()}],
    ids=["zero value", "contract creation", "to somebody else"],
)
def test_these_transactions_pay_us_nothing(changes):
    assert payments(transaction(**changes)) == ()
    assert native_candidates(block(transaction(**changes)), ours()) == []


def test_a_failed_transaction_pays_nothing_whatever_it_says():
    assert payments(transaction(), log(), status="0x0") == ()


def test_value_from_our_own_address_is_internal():
    [payment] = payments(transaction(**{"from": RETIRED.lower()}))
    assert payment.internal


def spent(raw, **changes):
    checked = block(raw)
    execution = check_execution(checked, TXID, receipt(**changes), ours())
    return spent_in(checked, [execution], ours())


@pytest.mark.parametrize(
    ("changes", "told", "cost"),
    [
        ({}, {}, 5 + 3 * 21_000),
        ({}, {"status": "0x0"}, 3 * 21_000),
        ({"to": None}, {}, 5 + 3 * 21_000),
        ({"gasPrice": "0x7"}, {"effectiveGasPrice": None}, 5 + 7 * 21_000),
        ({}, {"blobGasUsed": "0x20000", "blobGasPrice": "0x2"}, 5 + 3 * 21_000 + 2 * 131_072),
    ],
    ids=["sent", "failed", "a creation", "a node of old", "with blobs"],
)
def test_our_own_transactions_cost_their_value_and_their_fee(changes, told, cost):
    own = transaction(**{"from": OURS.lower(), "to": BUYER.lower()} | changes)
    assert native_candidates(block(own), ours()) == [TXID]
    assert spent(own, **told) == ((OURS.lower(), cost),)


def test_the_transactions_of_others_cost_us_nothing():
    assert spent(transaction()) == ()


def test_the_cost_of_our_own_transaction_has_to_be_told():
    own = transaction(**{"from": OURS.lower()})
    assert isinstance(check_execution(block(own), TXID, receipt(gasUsed=None), ours()), Distrusted)


def test_calldata_that_is_no_text_is_no_memo():
    [payment] = payments(transaction(input="0xdeadbeef"))
    assert payment.memos == ()


def token_transaction(memo="", **changes):
    call = "0xa9059cbb" + topic_of(OURS.lower())[2:] + f"{9:064x}" + memo.encode().hex()
    return transaction(to=COIN.lower(), value="0x0", input=call, **changes)


def test_a_transfer_of_an_accepted_token_is_a_payment_with_the_memo_behind_its_arguments():
    [payment] = payments(token_transaction("event:42:wallet:0xabc"), log())
    assert (payment.key.index, payment.amount, payment.asset) == ("0", 9, CHAIN.tokens[0].id)
    assert (payment.destination, payment.sender, payment.memos) == (OURS, BUYER, ("event:42:wallet:0xabc",))


def test_bytes_behind_the_arguments_are_no_memo_unless_the_token_itself_was_called():
    raw = token_transaction("event:42:wallet:0xabc") | {"to": FAKE_COIN.lower()}
    [payment] = payments(raw, log())
    assert payment.memos == ()


def test_bytes_of_another_call_are_no_memo():
    raw = token_transaction("event:42:wallet:0xabc")
    [payment] = payments(raw | {"input": "0x23b872dd" + raw["input"][10:]}, log())
    assert payment.memos == ()


def test_several_transfers_in_one_transaction_are_several_payments_by_their_place_in_the_receipt():
    foreign = log(address=FAKE_COIN.lower())
    found = payments(token_transaction(), foreign, log(), foreign, log(data="0x" + f"{3:064x}"))
    assert [(payment.key.index, payment.amount) for payment in found] == [("1", 9), ("3", 3)]


def test_native_value_and_a_transfer_in_one_transaction_are_two_payments():
    assert [payment.key.index for payment in payments(transaction(), log())] == ["v", "0"]


def test_the_sender_of_a_token_is_the_one_in_the_log():
    sender = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"
    [payment] = payments(token_transaction(), log(topics=[TRANSFER, topic_of(sender.lower()), topic_of(OURS.lower())]))
    assert payment.sender == sender


def test_a_token_moved_from_our_own_address_is_internal():
    [payment] = payments(token_transaction(), log(topics=[TRANSFER, topic_of(RETIRED.lower()), topic_of(OURS.lower())]))
    assert payment.internal


TO_US = [TRANSFER, topic_of(BUYER.lower()), topic_of(OURS.lower())]


@pytest.mark.parametrize(
    "changes",
    [
        {"address": FAKE_COIN.lower()},
        {"topics": TO_US[:2]},
        {"topics": [*TO_US, "0x" + "00" * 31 + "07"]},
        {"topics": ["0x" + "12" * 32, *TO_US[1:]]},
        {"topics": [*TO_US[:2], "0x01" + topic_of(OURS.lower())[4:]]},
        {"topics": [*TO_US[:2], topic_of(BUYER.lower())]},
        {"data": "0x"},
        {"data": "0x" + f"{9:064x}" * 2},
        {"data": "0x" + f"{0:064x}"},
        {"removed": True},
    ],
    ids=[
        "a look-alike token", "too few topics", "a token id (ERC-721)", "another event", "no address in the topic",
        "to somebody else", "no amount", "too much data", "zero", "removed",
    ],
)  # fmt: skip
def test_these_logs_are_no_payments(changes):
    assert payments(token_transaction(), log(**changes)) == ()
    assert token_candidates(block(token_transaction()), [log(**changes)], ours()) == []


def test_payments_come_in_the_order_of_their_transactions():
    other = "0x" + "22" * 32
    checked = block(transaction(), transaction(hash=other, transactionIndex="0x1", value="0x6"))
    executions = [
        check_execution(checked, other, receipt(transactionHash=other, transactionIndex="0x1"), ours()),
        check_execution(checked, TXID, receipt(), ours()),
    ]
    assert [payment.amount for payment in payments_in(checked, executions, ours())] == [5, 6]


# --- distrust -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"blockHash": "0x" + "dd" * 32},
        {"transactionHash": "0x" + "22" * 32},
        {"transactionIndex": "0x7"},
        {"status": None},
        {"logs": None},
        {"logs": [{"address": None}]},
    ],
)
def test_a_receipt_that_does_not_belong_to_its_transaction_is_distrusted(changes):
    assert isinstance(check_execution(block(transaction()), TXID, receipt() | changes, ours()), Distrusted)


@pytest.mark.parametrize("answer", [None, [], "0x", 5])
def test_an_answer_that_is_no_receipt_is_distrusted(answer):
    assert isinstance(check_execution(block(transaction()), TXID, answer, ours()), Distrusted)


@pytest.mark.parametrize(
    "changes",
    [
        {"hash": text}
        for text in ("0x" + "AB" * 32, "0x" + "11" * 200, "11" * 32, f"{TXID}\0", "\0", "0x\udcff", None, 7)
    ]
    + [{"from": text} for text in ("0x" + "22" * 200, "0x" + "22" * 10, "0x\0", "0x22 " + "22" * 19)],
)
def test_a_hash_or_address_that_is_none_is_distrusted_and_never_stored(changes):
    """No database has a place for such a text, and in capitals it would be the key of a second payment."""
    raw = transaction(**changes)
    checked = block(raw)
    found = native_candidates(checked, ours())
    if not isinstance(found, Distrusted):
        execution = check_execution(checked, raw["hash"], receipt(), ours())
        found = payments_in(checked, [execution], ours())
    assert isinstance(found, Distrusted)


@pytest.mark.parametrize("field", ["hash", "parentHash"])
def test_a_block_by_another_name_than_a_hash_is_distrusted_where_it_is_not_hashed_either(field):
    assert isinstance(check_block(raw_block() | {field: "0x" + "AB" * 32}, recompute=False), Distrusted)


def test_a_log_that_the_blocks_bloom_denies_is_distrusted():
    checked = block(token_transaction(), bloom="0x" + "00" * 256)
    assert isinstance(check_execution(checked, TXID, receipt(log()), ours()), Distrusted)


def test_polygons_state_sync_stands_in_no_root_and_pays_nothing_that_the_header_does_not_know():
    """Else anybody could stop the chain for us by bridging a coin to one of our addresses."""
    sync = token_transaction() | {"from": NOBODY}
    checked = block(sync, bloom="0x" + "00" * 256)
    execution = check_execution(checked, TXID, receipt(log()), ours())
    assert payments_in(checked, [execution], ours()) == ()
    committed = block(sync)
    execution = check_execution(committed, TXID, receipt(log()), ours())
    assert [payment.amount for payment in payments_in(committed, [execution], ours())] == [9]


@pytest.mark.parametrize(("sender", "believed"), [(NOBODY, True), (BUYER.lower(), False)])
def test_a_block_that_denies_all_transactions_may_hold_none_but_the_chains_own(sender, believed):
    raw = raw_block(transaction(**{"from": sender})) | {"transactionsRoot": NO_TRANSACTIONS}
    assert isinstance(check_block(raw, recompute=False), CheckedBlock) is believed


def test_logs_of_another_block_are_distrusted():
    assert isinstance(token_candidates(block(transaction()), [log(blockHash="0x" + "dd" * 32)], ours()), Distrusted)


def test_a_checked_block_cannot_be_made_without_checking():
    checked = block()
    with pytest.raises(TypeError, match="check_block"):
        CheckedBlock(link=checked.link, bloom=0, transactions=(), seal=None)


# --- real blocks --------------------------------------------------------------------------------------------

REAL = ("13998626", "4370006")  # London with a base fee; Byzantium
FOLDER = "blocks/ethereum/ethereum_mainnet"


@pytest.fixture(params=REAL)
def real(request):
    return vectors(f"{FOLDER}_{request.param}_getBlockByNumber_full.json")


def test_the_hash_of_a_real_header_is_the_keccak_of_its_fields(real):
    assert header_hash(real) == real["hash"]
    assert rlp.encode(rlp.decode(encode_header(real))) == encode_header(real)


HEADER_FIELDS = (
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty",
    "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce",
)  # fmt: skip


@pytest.mark.parametrize("field", HEADER_FIELDS)
def test_a_real_block_with_one_field_changed_is_distrusted(real, field):
    broken = copy.deepcopy(real)
    last = broken[field][-1]
    broken[field] = broken[field][:-1] + ("0" if last != "0" else "1")
    assert isinstance(check_block(broken), Distrusted)


@pytest.mark.parametrize("field", [*HEADER_FIELDS, "hash", "transactions"])
def test_a_real_block_with_one_field_missing_is_distrusted(real, field):
    broken = {name: value for name, value in real.items() if name != field}
    assert isinstance(check_block(broken), Distrusted)


def test_a_block_without_its_transactions_is_distrusted(real):
    assert isinstance(check_block({**real, "transactions": []}), Distrusted)
    assert isinstance(check_block({**real, "transactions": real["transactions"][1:]}), Distrusted)


def test_a_block_of_another_height_is_distrusted(real):
    assert isinstance(check_block(real, height=int(real["number"], 16) + 1), Distrusted)


def test_without_the_hash_check_links_are_all_that_is_believed(real):
    stranger = {**real, "someFutureRoot": "0x00", "extraData": "0x"}
    assert "someFutureRoot" in check_header(stranger).reason
    assert check_header(stranger, recompute=False).hash == real["hash"]


@pytest.mark.parametrize("number", REAL)
def test_every_log_of_a_real_block_is_admitted_by_its_bloom(number):
    real = vectors(f"{FOLDER}_{number}_getBlockByNumber_full.json")
    receipts = vectors(f"{FOLDER}_{number}_receipts.json")
    bloom = int(real["logsBloom"], 16)
    logs = [entry for one in receipts for entry in one["logs"]]
    assert logs
    for entry in logs:
        items = [bytes.fromhex(item[2:]) for item in (entry["address"], *entry["topics"])]
        assert admits(bloom, [bloom_mask(*items)])


@pytest.mark.parametrize("number", REAL)
def test_the_payments_to_each_receiver_in_a_real_block_are_its_value_and_its_transfers(number):
    """Watch every receiver in turn: what is found equals what the raw block and receipts say, told independently."""
    real = vectors(f"{FOLDER}_{number}_getBlockByNumber_full.json")
    receipts = {one["transactionHash"]: one for one in vectors(f"{FOLDER}_{number}_receipts.json")}
    checked = check_block(real)
    assert isinstance(checked, CheckedBlock)
    contracts = {entry["address"] for one in receipts.values() for entry in one["logs"]}
    chain = with_token(evm_chain(1), *sorted(contracts))
    expected = {}
    for raw in real["transactions"]:
        done = receipts[raw["hash"]]
        if int(done["status"], 16) != 1:
            continue
        if raw["to"] and int(raw["value"], 16):
            expected.setdefault(raw["to"], set()).add((raw["hash"], "v", int(raw["value"], 16)))
        for ordinal, entry in enumerate(done["logs"]):
            if entry["topics"][:1] == [TRANSFER] and len(entry["topics"]) == 3 and int(entry["data"], 16):
                to = "0x" + entry["topics"][2][-40:]
                expected.setdefault(to, set()).add((raw["hash"], str(ordinal), int(entry["data"], 16)))
    assert expected
    for receiver, movements in expected.items():
        mine = Ours.of(Watch(active=frozenset({receiver})), chain)
        executions = [check_execution(checked, txid, one, mine) for txid, one in receipts.items()]
        found = payments_in(checked, executions, mine)
        assert {(payment.key.txid, payment.key.index, payment.amount) for payment in found} == movements


def test_a_block_can_be_looked_at_without_its_receipts():
    checked = block(transaction())
    [payment] = payments_in(checked, presume_success(checked), ours())
    assert payment.amount == 5


def test_a_topic_holds_an_address_or_none():
    assert address_in(topic_of(OURS.lower())) == OURS.lower()
    assert address_in("0x" + "ff" * 32) is None
    assert address_in("0x") is None
