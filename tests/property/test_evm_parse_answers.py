"""Any JSON that a node sends for a block, its logs, a receipt or a proof is checked or distrusted, and never raises.

One value of a good answer is replaced by anything; what passes the checks still gives payments of whole positive
amounts, in text and times that can be stored.
"""

import json
from functools import partial
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from chains.evm.address import display
from chains.evm.header import NO_TRANSACTIONS
from chains.evm.ours import TRANSFER, Ours, topic_of
from chains.evm.parse import (
    Distrusted,
    check_block,
    check_execution,
    check_header,
    native_candidates,
    payments_in,
    token_candidates,
)
from chains.evm.proof import balance_in
from chains.port import Watch
from config.keccak import keccak256
from tests.support.bending import places, replaced
from tests.support.chains_drivers import evm_chain, with_token

US = "0x" + "90" * 20
COIN = "0x" + "5f" * 20
TXID, BLOCK = "0x" + "11" * 32, "0x" + "aa" * 32
OURS = Ours.of(Watch(active=frozenset({display(bytes.fromhex(US[2:]))})), with_token(evm_chain(1), COIN))

LOG = {
    "address": COIN, "topics": [TRANSFER, topic_of(COIN), topic_of(US)], "data": f"0x{9:064x}", "blockHash": BLOCK,
    "transactionHash": TXID, "removed": False,
}  # fmt: skip
RECEIPT = {"transactionHash": TXID, "transactionIndex": "0x0", "blockHash": BLOCK, "status": "0x1", "logs": [LOG]}
RAW = {
    "number": "0x10", "hash": BLOCK, "parentHash": "0x" + "bb" * 32, "timestamp": "0x69000000",
    "logsBloom": "0x" + "ff" * 256, "transactionsRoot": "0x" + "cc" * 32,
    "transactions": [
        {"hash": TXID, "from": COIN, "to": US, "value": "0x5", "input": "0x6869", "transactionIndex": "0x0"}
    ],
}  # fmt: skip

REAL = json.loads((Path(__file__).parents[1] / "data" / "evm" / "proof.json").read_text())
PROOF, ROOT = REAL["proof"], REAL["header"]["stateRoot"]

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6)
leaves |= st.sampled_from(["0x", "0xzz", "-0x5", "0x-5", "0x" + "f" * 80, NO_TRANSACTIONS, TXID, US, "0x1_0"])
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))


def broken(answer):
    """Return good answers with one value replaced."""
    return st.builds(partial(replaced, answer), st.sampled_from(list(places(answer))), values)


@given(raw=st.just(RAW) | broken(RAW), logs=st.just([LOG]) | broken([LOG]), receipt=st.just(RECEIPT) | broken(RECEIPT))
def test_any_answer_is_checked_or_distrusted_and_never_raises(raw, logs, receipt):
    check_header(raw)
    block = check_block(raw, recompute=False)
    if isinstance(block, Distrusted):
        return
    native = native_candidates(block, OURS)
    tokens = token_candidates(block, logs, OURS) if isinstance(logs, list) else []
    assert isinstance(native, Distrusted) or all(isinstance(txid, str) for txid in native)
    assert isinstance(tokens, Distrusted) or all(isinstance(txid, str) for txid, _ in tokens)
    execution = check_execution(block, TXID, receipt, OURS)
    if isinstance(execution, Distrusted):
        return
    payments = payments_in(block, [execution], OURS)
    for payment in () if isinstance(payments, Distrusted) else payments:
        assert 0 < payment.amount < 2**256
        assert json.dumps([payment.key.txid, payment.sender, payment.memos, payment.block.time.isoformat()])


@given(answer=broken(PROOF), nodes=st.lists(st.binary(max_size=80), max_size=4))
def test_any_proof_gives_the_balance_or_proves_nothing_and_never_raises(answer, nodes):
    """Of a proof below a true root, whatever is changed in it: it proves the truth, or nothing."""
    told = balance_in(answer, PROOF["address"], ROOT)
    assert isinstance(told, Distrusted) or told == int(PROOF["balance"], 16)
    chosen = {"accountProof": ["0x" + node.hex() for node in nodes]}
    root = "0x" + keccak256(nodes[0] if nodes else b"").hex()
    told = balance_in(chosen, PROOF["address"], root)
    assert isinstance(told, Distrusted) or told >= 0
