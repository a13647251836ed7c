"""A trace is read for what moved and stood, in both shapes alike; any other answer says little, and never raises.

For any tree of calls: exactly those inner calls, creations and destructions are noted that moved value to us, from
another account, and that neither failed nor stand below one that did. For any JSON, be it a trace in which one value
was replaced by anything or no trace at all: what is noted is on an address that was asked about, names a transaction
and a sender as they are spelt, and is no more than may be kept. A payment with notes is the same payment as without.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from chains.evm.address import display
from chains.evm.trace import MOST_NOTES, notes_in
from chains.port import Block, Note, Payment, PaymentKey
from tests.support.bending import places, replaced
from tests.support.evm_traces import BLOCK, CONTRACT, INNER, PAYER, THEM, TXID, US, flat, frame, nested
from tickets.till import facts_of

ASKED = {US, THEM}
KINDS = ["CALL", "CALL", "DELEGATECALL", "STATICCALL", "CALLCODE", "CREATE", "CREATE2", "SELFDESTRUCT"]
parties = st.sampled_from([US, THEM, CONTRACT, INNER])
trees = st.recursive(
    st.builds(frame, st.sampled_from(KINDS), parties, parties, st.integers(0, 2)),
    lambda inner: st.builds(
        lambda kind, sender, to, value, calls, error: frame(kind, sender, to, value, *calls, error=error),
        st.sampled_from(KINDS),
        parties,
        parties,
        st.integers(0, 2),
        st.lists(inner, max_size=3),
        st.sampled_from([None, None, "execution reverted"]),
    ),
    max_leaves=12,
)


def moved(told, *, outermost=True):
    """Return (receiver, sender) of all that moved and stood, found by plain recursion."""
    if "error" in told:
        return
    moves = told["type"] in {"CREATE", "CREATE2", "SELFDESTRUCT"} or (told["type"] == "CALL" and not outermost)
    if moves and int(told["value"], 16) and told["to"] in ASKED and told["to"] != told["from"]:
        yield told["to"], told["from"]
    for inner in told.get("calls", ()):
        yield from moved(inner, outermost=False)


@given(trees)
def test_exactly_what_moved_and_stood_is_noted_whoever_tells_it(tree):
    expected = {}
    for receiver, sender in moved(tree):
        expected.setdefault(receiver, {})[Note(txid=TXID, sender=display(bytes.fromhex(sender[2:])))] = None
    expected = {receiver: tuple(notes) for receiver, notes in expected.items()}
    assert notes_in(nested(tree), BLOCK, ASKED) == expected
    assert notes_in(flat(tree), BLOCK, ASKED) == expected


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6)
leaves |= st.sampled_from(["0x", "0xzz", "-0x5", "0x" + "f" * 80, BLOCK, TXID, US, "CALL", "call", "suicide", "\ud800"])
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["calls", "action", "result", "type", "to", "error"]), inner)
    ),
)


@st.composite
def spoilt(draw):
    """Return a trace in which one value was replaced by anything."""
    shape, tree = draw(st.sampled_from([nested, flat])), draw(trees)
    told = shape(frame("CALL", PAYER, CONTRACT, 1, tree))
    return replaced(told, draw(st.sampled_from(sorted(places(told), key=repr))), draw(values))


@given(spoilt() | values)
def test_any_answer_says_little_and_in_order(answer):
    found = notes_in(answer, BLOCK, ASKED)
    assert found.keys() <= ASKED
    for notes in found.values():
        assert 0 < len(notes) <= MOST_NOTES
        for note in notes:
            assert re.fullmatch("0x[0-9a-f]{64}", note.txid)
            assert note.sender == display(bytes.fromhex(note.sender[2:]))


@given(st.lists(st.builds(Note, txid=st.text(), sender=st.text())))
def test_a_payment_with_notes_is_the_same_payment(notes):
    bare = Payment(
        key=PaymentKey(chain="eip155:1", txid=f"{BLOCK}:{US}", index="internal"),
        asset="eip155:1/slip44:60",
        amount=1,
        destination=US,
        sender=None,
        memos=(),
        block=Block(height=1, hash=BLOCK, time=datetime(2026, 11, 20, tzinfo=UTC)),
        direct=False,
    )
    told = replace(bare, noted=tuple(notes))
    assert (told, hash(told), facts_of(told)) == (bare, hash(bare), facts_of(bare))
