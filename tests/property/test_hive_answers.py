"""Any JSON that a node sends for a block, its own operations or an account is checked or distrusted, and never raises.

One value of a good answer is replaced by anything; what passes the checks still gives payments of whole positive
amounts, in text and times that can be stored, and with headers checked never another payment than there was.
"""

import json

from hypothesis import given
from hypothesis import strategies as st

from chains.distrust import Distrusted
from chains.hive import authorities, digest
from chains.hive.binary import Form
from chains.hive.inspection import inspect
from chains.hive.memo import MemoKey
from chains.hive.ours import Ours
from chains.hive.parse import check_block, payments_in
from chains.hive.virtual import payments_of
from chains.inspection import Given, Inspected
from chains.port import Watch
from chains.position import read_payment, write_payment
from tests.nodes.hive.chain import Emulation
from tests.nodes.hive.view import View
from tests.support.bending import places, replaced, without
from tests.support.hive_node import MEMO_BY_JS, MEMO_RECIPIENT, hive_chain
from verifier.port import KeyAuthorities

US = "usher-tickets"
CHAIN = hive_chain()
OURS = Ours.of(Watch(active=frozenset({US})), CHAIN, memo_key=MemoKey.of(MEMO_RECIPIENT))


def made():
    chain = Emulation()
    chain.account("alice", hive=10**6, hbd=10**6)
    chain.account(US)
    chain.mine(2)
    value = {"from": "alice", "to": US, "amount": "1.000 HIVE", "memo": MEMO_BY_JS}
    chain.send("alice", ["transfer", value], ["transfer", {**value, "amount": "2.000 HBD", "memo": "o:1"}])
    chain.send("alice", ["recurrent_transfer", {**value, "recurrence": 24, "executions": 2, "extensions": []}])
    chain.mine()
    return View(chain, chain.blocks)


VIEW = made()
BLOCKS = [VIEW.head.modern, VIEW.condenser_block(VIEW.head)]
HISTORY = [VIEW.operations(VIEW.head, virtual=False, modern=modern) for modern in (True, False)]
TRANSACTION = VIEW.transaction(VIEW.head, 0, modern=True)
ACCOUNT = {"accounts": [VIEW.account("alice", modern=True)]}
CHECKED = check_block(BLOCKS[0])
TRUE = payments_in(CHECKED, OURS)

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6)
leaves |= st.sampled_from(["00" * 20, "zz", "2026-11-20T12:00:09", "1.000 HIVE", "-1.000 HIVE", US, "transfer", 2**70])
leaves |= st.sampled_from(["transfer_operation", "fill_recurrent_transfer_operation", "#1", VIEW.head.identity])
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))


@st.composite
def broken(draw, answers):
    """A good answer with one value replaced by anything, or one field left out."""
    answer = draw(st.sampled_from(answers))
    path = draw(st.sampled_from(list(places(answer))))
    if draw(st.booleans()) and not (path and isinstance(path[-1], int)):
        return without(answer, path)
    return replaced(answer, path, draw(values))


def storable(payments):
    for payment in payments:
        assert type(payment.amount) is int
        assert payment.amount > 0
        assert payment.destination == US
        stored = json.loads(json.dumps(write_payment(payment)))
        assert read_payment(stored, CHAIN.id) == payment


@given(raw=broken(BLOCKS), recompute=st.booleans())
def test_a_broken_block_is_distrusted_or_gives_payments_that_can_be_stored(raw, recompute):
    block = check_block(raw, recompute=recompute)
    payments = block if isinstance(block, Distrusted) else payments_in(block, OURS, recompute=recompute)
    if isinstance(payments, Distrusted):
        assert payments.reason
        return
    storable(payments)
    assert not recompute or payments in {TRUE, ()}


@given(told=broken(HISTORY))
def test_a_broken_history_is_distrusted_or_gives_payments_that_can_be_stored(told):
    found = payments_of(told, [CHECKED], OURS) if isinstance(told, list) else Distrusted(reason="no list")
    if isinstance(found, Distrusted):
        assert found.reason
    else:
        storable(payment for payments in found.values() for payment in payments)


@given(raw=broken([*BLOCKS, *HISTORY, {"ops": HISTORY[0]}, {"block": BLOCKS[0]}, {"blocks": BLOCKS[:1]}, TRANSACTION]))
def test_a_broken_file_is_inspected_or_distrusted(raw):
    for given_ in (Given(block=raw), Given(transaction=raw)):
        found = inspect(given_, CHAIN, OURS.watch)
        assert isinstance(found, Inspected | Distrusted)
        if isinstance(found, Inspected):
            storable(found.payments)


@given(answer=broken([ACCOUNT]))
def test_a_broken_account_is_distrusted_or_has_keys_of_thirty_three_bytes(answer):
    found = authorities.of_account(answer, "alice")
    if isinstance(found, KeyAuthorities):
        for part in (found.posting, found.active):
            assert all(len(key) == 33 and weight >= 0 for key, weight in part.keys.items())
            assert part.threshold >= 0
    else:
        assert found is None or found.reason


@given(raw=broken([BLOCKS[0]["transactions"][0], BLOCKS[1]["transactions"][0]]), form=st.sampled_from(Form))
def test_a_broken_transaction_is_written_or_not_and_never_raises(raw, form):
    written = digest.unsigned(raw, form)
    assert written is None or len(digest.transaction_id(written)) == 40
    assert digest.hashed(raw, VIEW.head.transactions[0].txid) is None or written is None or isinstance(raw, dict)


@given(leaves=st.lists(st.binary(min_size=32, max_size=32), max_size=40))
def test_a_root_changes_with_any_leaf_left_out(leaves):
    root = digest.merkle_root(leaves)
    assert len(root) == 40
    for place in range(len(leaves)):
        assert digest.merkle_root(leaves[:place] + leaves[place + 1 :]) != root or leaves.count(leaves[place]) > 1
