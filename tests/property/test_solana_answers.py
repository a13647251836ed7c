"""Any JSON that a node sends for a transaction or a block is read or distrusted, never raises, and makes no money.

One value of a good answer is replaced by anything. What is still read gives payments of whole positive amounts of no
more than our balances gained, in text that can be stored, each with a place of its own.
"""

import base64
import json
from collections import Counter
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from chains.distrust import Distrusted
from chains.inspection import Given
from chains.port import Watch
from chains.position import read_payment, write_payment
from chains.solana.inspection import inspect
from chains.solana.ours import Ours
from chains.solana.parse import check_header, payments_in
from chains.solana.reference import references
from chains.solana.transaction import Executed, read
from tests.nodes.solana.ledger import Ledger
from tests.nodes.solana.node import Node
from tests.nodes.solana.rpc import answer
from tests.support.bending import places, replaced, without
from tests.support.solana_node import CHAIN, hands, memo, solana_chain, wallet

ENCODINGS = ("json", "jsonParsed", "base64")
REFERENCE = references(b"x", CHAIN, 0, 1)[0]


def _answers():
    """A transaction with everything in it, in each encoding, and the block that holds it."""
    ledger = Ledger()
    payer = hands(ledger)
    ours, mint = wallet(payer), payer.mint()
    payer.stock(mint, 10**6)
    table = payer.table(ours)
    ledger.mine()
    transaction = payer.sign(
        payer.opened(ours, mint), payer.pass_on(mint, payer.account(ours, mint), 9),
        memo("event:7:wallet:alice"), payer.give(ours, 5, REFERENCE), tables=[table],
    )  # fmt: skip
    txid = ledger.send(transaction)
    ledger.mine()
    node = Node(ledger)
    options = {"commitment": "confirmed", "maxSupportedTransactionVersion": 0}
    told = {
        encoding: (
            answer(node, "getTransaction", [txid, {**options, "encoding": encoding}]),
            answer(node, "getBlock", [ledger.tip.slot, {**options, "encoding": encoding}]),
        )
        for encoding in ENCODINGS
    }
    return told, str(ours), str(mint)


ANSWERS, OURS, MINT = _answers()
WATCH = Watch(active=frozenset({OURS, REFERENCE}))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
LEAVES |= st.sampled_from([OURS, MINT, REFERENCE, "1" * 100, "2" * 3000, "A" * 1000, 2**64, -1, 255, "9" * 50])
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))


def broken(told):
    """Return good answers with one value replaced, or left out."""
    where = st.sampled_from(list(places(told)))
    return st.builds(partial(replaced, told), where, VALUES) | st.builds(partial(without, told), where)


def gained(executed):
    """What our balances gained, by asset."""
    gains = Counter()
    for place, key in enumerate(executed.keys):
        if key == OURS:
            gains["native"] += max(0, executed.after[place] - executed.before[place])
    for key, held in executed.tokens_after.items():
        if held.owner in (OURS, None) and held.mint == MINT:
            before = executed.tokens_before.get(key)
            counts = before is not None and before.owner in (OURS, None) and before.mint == MINT
            gains["token"] += max(0, held.amount - (before.amount if counts else 0))
    return gains


def judge(executed):
    """See that the payments in a transaction can be stored, and are borne out by balances."""
    ours = Ours.of(WATCH, solana_chain(Pubkey.from_string(MINT)))
    payments = payments_in(executed, ours, None)
    paid = Counter()
    for payment in payments:
        assert payment.amount > 0
        assert payment.destination == OURS
        assert read_payment(json.loads(json.dumps(write_payment(payment))), CHAIN) == payment
        paid["native" if payment.asset == ours.native else "token"] += payment.amount
    assert len({payment.key for payment in payments}) == len(payments)
    if OURS not in executed.signers:
        assert all(paid[kind] <= gained(executed)[kind] for kind in ("native", "token"))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_good_answer_is_read(encoding):
    executed = read(ANSWERS[encoding][0])
    assert isinstance(executed, Executed)
    judge(executed)
    assert gained(executed) == {"native": 5, "token": 9}


@settings(max_examples=400)
@given(raw=st.sampled_from(ENCODINGS).flatmap(lambda encoding: broken(ANSWERS[encoding][0])))
def test_any_answer_about_a_transaction_is_read_or_distrusted(raw):
    executed = read(raw)
    if executed is None:
        return
    if isinstance(executed, Distrusted):
        assert executed.reason
        return
    judge(executed)


@given(raw=st.sampled_from(ENCODINGS).flatmap(lambda encoding: broken(ANSWERS[encoding][1])))
def test_any_answer_about_a_block_is_read_or_distrusted(raw):
    check_header(raw, 9)
    found = inspect(Given(block=raw), solana_chain(Pubkey.from_string(MINT)), WATCH)
    assert isinstance(found, Distrusted) or all(payment.amount > 0 for payment in found.payments)


@given(raw=VALUES)
def test_any_json_at_all_is_read_or_distrusted(raw):
    assert isinstance(read(raw), (Executed, Distrusted, type(None)))
    chain = solana_chain(Pubkey.from_string(MINT))
    for given_ in (Given(block=raw if raw is not None else {}), Given(transaction=raw)):
        inspect(given_, chain, WATCH)


@settings(max_examples=400)
@given(
    edits=st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=8), st.integers(0, 8)), min_size=1, max_size=4)
)
def test_any_bytes_in_the_place_of_a_signed_transaction_are_refused_unless_they_are_the_same(edits):
    told = ANSWERS["base64"][0]
    wire = good = base64.b64decode(told["transaction"][0])
    for anywhere, put, cut in edits:
        at = anywhere % (len(wire) + 1)
        wire = wire[:at] + put + wire[at + cut :]
    executed = read({**told, "transaction": [base64.b64encode(wire).decode(), "base64"]})
    assert isinstance(executed, Distrusted) or wire.startswith(good)
