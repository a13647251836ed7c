"""What traces say of value inside calls, in both shapes in which nodes tell it: each case is told in both."""

import sys
import tracemalloc

import pytest

from chains.evm.address import display
from chains.evm.trace import MOST_NOTES, notes_in
from chains.port import Note
from tests.support.evm_traces import BLOCK, CONTRACT, INNER, OTHER, PAYER, THEM, TXID, US, flat, frame, nested


def call(*inner, error=None):
    """Return a transaction that calls a contract."""
    return frame("CALL", PAYER, CONTRACT, 5, *inner, error=error)


PAID, HEIRS = frame("CALL", CONTRACT, US), frame("SELFDESTRUCT", CONTRACT, US)
LOST = frame("CALL", CONTRACT, INNER, 1, frame("CALL", INNER, US), error="Reverted")
CASES = {
    "handed on": (call(PAID), [CONTRACT]),
    "handed on in turn": (call(frame("CALL", CONTRACT, INNER, 1, frame("CALL", INNER, US))), [INNER]),
    "below a call without value": (call(frame("DELEGATECALL", CONTRACT, INNER, 1, PAID)), [CONTRACT]),
    "left behind by a contract": (call(HEIRS), [CONTRACT]),
    "left behind where it was made": (frame("CREATE", PAYER, CONTRACT, 1, HEIRS), [CONTRACT]),
    "given to a contract at our address as it is made": (call(frame("CREATE2", CONTRACT, US)), [CONTRACT]),
    "by a transaction that makes a contract at our address": (frame("CREATE", PAYER, US), [PAYER]),
    "twice by one contract": (call(PAID, PAID), [CONTRACT]),
    "by two contracts": (call(PAID, frame("CALL", INNER, US)), [CONTRACT, INNER]),
    "beside a call that failed": (call(frame("CALL", CONTRACT, INNER, 1, error="out of gas"), PAID), [CONTRACT]),
    "the transaction's own value": (frame("CALL", PAYER, US, 5), []),
    "nothing": (call(frame("CALL", CONTRACT, US, 0)), []),
    "to somebody else": (call(frame("CALL", CONTRACT, THEM)), []),
    "in a call that failed": (call(frame("CALL", CONTRACT, US, 1, error="execution reverted")), []),
    "below a call that failed": (call(LOST), []),
    "in a transaction that failed": (call(frame("CALL", CONTRACT, INNER, 1, PAID), error="out of gas"), []),
    "with the code of another (its value does not move)": (call(frame("DELEGATECALL", CONTRACT, US)), []),
    "with the old call for another's code": (call(frame("CALLCODE", CONTRACT, US)), []),
    "without leave to move anything": (call(frame("STATICCALL", CONTRACT, US)), []),
    "from us to us": (call(frame("CALL", US, US)), []),
}  # fmt: skip


def noted(*senders, txid=TXID):
    return {US: tuple(Note(txid=txid, sender=display(bytes.fromhex(one[2:]))) for one in senders)} if senders else {}


@pytest.mark.parametrize("shape", [nested, flat])
@pytest.mark.parametrize(("told", "senders"), CASES.values(), ids=CASES)
def test_value_that_came_inside_a_call_is_noted_with_who_handed_it_on(shape, told, senders):
    assert notes_in(shape(told), BLOCK, {US}) == noted(*senders)


@pytest.mark.parametrize("shape", [nested, flat])
def test_every_transaction_of_the_block_is_looked_at_and_each_address_has_its_own_notes(shape):
    told = [*shape(call(PAID)), *shape(call(frame("CALL", CONTRACT, THEM)), call(PAID), txid=OTHER)]
    found = notes_in(told, BLOCK, {US, THEM})
    assert {address: [note.txid for note in notes] for address, notes in found.items()} == {
        US: [TXID, OTHER],
        THEM: [OTHER],
    }


@pytest.mark.parametrize("shape", [nested, flat])
def test_however_hexadecimal_is_spelt_it_is_the_same(shape):
    shouted = shape(call(frame("CALL", CONTRACT.upper().replace("X", "x"), display(bytes.fromhex(US[2:])))), txid=TXID)
    assert notes_in(shouted, BLOCK, {US}) == noted(CONTRACT)


@pytest.mark.parametrize("shape", [nested, flat])
def test_notes_are_few_however_many_transactions_there_are(shape):
    told = [entry for number in range(99) for entry in shape(call(PAID), txid=f"0x{number:064x}")]
    assert len(notes_in(told, BLOCK, {US})[US]) == MOST_NOTES


@pytest.mark.parametrize(("failed", "expected"), [("0xfa", noted(CONTRACT)), (TXID, {})])
def test_what_fails_in_one_transaction_undoes_nothing_in_another(failed, expected):
    told = flat(call(PAID)) + flat(call(error="Reverted"), txid=failed)
    assert notes_in(told, BLOCK, {US}) == expected


def test_flat_traces_may_come_in_any_order():
    assert notes_in(flat(call(LOST))[::-1], BLOCK, {US}) == {}


def test_a_list_of_another_block_says_nothing():
    """It is asked for by height; frames are asked for by the block's hash."""
    assert notes_in(flat(call(PAID), block=OTHER), BLOCK, {US}) == {}


def test_rewards_and_traces_without_a_transaction_say_nothing():
    reward = {"type": "reward", "action": {"author": US, "value": "0x1", "rewardType": "block"}, "blockHash": BLOCK}
    nameless = [entry | {"transactionHash": None} for entry in flat(call(PAID))]
    assert notes_in([reward, *nameless], BLOCK, {US}) == {}
    assert notes_in([{"result": call(PAID)}], BLOCK, {US}) == {}  # as nodes told it before they named transactions


def test_an_error_that_is_none_is_none():
    assert notes_in(nested(call(PAID | {"error": None}) | {"error": ""}), BLOCK, {US}) == noted(CONTRACT)


def test_depth_is_no_danger():
    deep = PAID
    for _ in range(200_000):
        deep = frame("CALL", CONTRACT, INNER, 0, deep)
    assert notes_in(nested(deep), BLOCK, {US}) == noted(CONTRACT)
    while "calls" in deep:  # taken apart by hand, as it was built
        deep = deep.pop("calls")[0]


def test_failed_places_that_repeat_each_other_are_no_danger():
    """Each failed call stands a thousand deep: looked at one by one, they would take minutes."""
    place = list(range(1000))
    [_, one] = flat(call(PAID))
    told = [one | {"traceAddress": [*place, number]} for number in range(2000)]
    told += [trace | {"error": "Reverted"} for trace in told]
    assert notes_in(told, BLOCK, {US}) == {}


def test_a_place_of_a_million_steps_takes_no_more_room_than_it_came_in():
    """As a tree of its steps it took a hundred times as much, and seconds in which no chain was read."""
    [_, one] = flat(call(PAID))
    place = [0] * 1_000_000
    tracemalloc.start()
    assert notes_in([one | {"traceAddress": place, "error": "Reverted"}], BLOCK, {US}) == {}
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2 * sys.getsizeof(place)


@pytest.mark.parametrize("place", [["0"], [-1], [2**70], [0.5], "0", {}])
def test_a_place_that_is_none_undoes_its_whole_transaction(place):
    told = flat(call(PAID))
    assert notes_in([*told, told[1] | {"traceAddress": place, "error": "Reverted"}], BLOCK, {US}) == {}
