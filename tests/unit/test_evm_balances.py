"""Balances of accounts read in one call, searched for rises, and remembered: the parts that need no node."""

import pytest

from chains.blocks import Link
from chains.distrust import Distrusted
from chains.evm.balances import Balances, EvmBlock, Range, carried, looked_at, read, remembered, write
from chains.evm.holdings import CODE, Holding, answered, question, told_singly
from chains.evm.ours import Ours
from chains.evm.search import Rise, Span, rises
from chains.port import Watch
from tests.support.chains_drivers import evm_chain

A, B = "0x" + "0a" * 20, "0x" + "0b" * 20


def answer(number, *words):
    return "0x" + f"{number:064x}" + "".join(f"{word:032x}" for word in words)


def test_a_question_is_its_code_and_the_addresses_behind_it():
    assert question([A, B]) == {"data": "0x" + CODE + "0a" * 20 + "0b" * 20}


def test_an_answer_tells_balance_and_code_of_each_address():
    told = answered(answer(7, 5, (1 << 127) | 6), [A, B], 7)
    assert told == {A: Holding(wei=5), B: Holding(wei=6, coded=True)}


@pytest.mark.parametrize(
    "wrong",
    [
        None, "", "0x", "0x1", 5, [], {"wei": 5}, answer(7, 5), answer(7, 5, 6, 7), answer(8, 5, 6), "0xzz",
        answer(7, 5, 6) + "\n00",
    ],
)  # fmt: skip
def test_any_other_answer_is_distrusted(wrong):
    assert isinstance(answered(wrong, [A, B], 7), Distrusted)


@pytest.mark.parametrize(
    ("balance", "code", "holding"),
    [
        ("0x5", "0x", Holding(wei=5)),
        ("0x0", "0x6001", Holding(wei=0, coded=True)),
        ("0x5", "0xef0100" + "aa" * 20, Holding(wei=5, coded=True)),
    ],
    ids=["a key", "a contract", "a key that lent itself to one (EIP-7702)"],
)
def test_single_answers_tell_the_same(balance, code, holding):
    assert told_singly(balance, code) == holding


@pytest.mark.parametrize(
    ("balance", "code"), [(None, "0x"), ("0x5", None), ("5", "0x"), ("-0x5", "0x"), ("0x" + "f" * 65, "0x"), (5, 5)]
)
def test_single_answers_of_another_shape_are_distrusted(balance, code):
    assert isinstance(told_singly(balance, code), Distrusted)


# --- the search -------------------------------------------------------------------------------------------------


def found(spans, values, *, unreadable=()):
    """Run the search over `values` (by address, a list by height); return rises and what was asked."""
    search, asked = rises(spans), []
    try:
        wanted = next(search)
        while True:
            asked.append({height: set(addresses) for height, addresses in wanted.items()})
            told = {
                height: None if height in unreadable else {address: values[address][height] for address in addresses}
                for height, addresses in wanted.items()
            }
            wanted = search.send(told)
    except StopIteration as done:
        return done.value, asked


def whole(address, values, **extra):
    return Span(address=address, lower=0, below=values[0], upper=len(values) - 1, above=values[-1], **extra)


def test_what_did_not_rise_is_asked_nothing_about():
    assert found([whole(A, [5] * 100)], {A: [5] * 100}) == ((), [])


def test_one_rise_in_a_hundred_blocks_takes_seven_questions_at_most():
    values = [0] * 63 + [9] * 38
    told, asked = found([whole(A, values)], {A: values})
    assert told == (Rise(height=63, address=A, amount=9),)
    assert len(asked) <= 7
    assert all(len(heights) == 1 for heights in asked)


def test_all_addresses_are_searched_in_the_same_rounds():
    values = {A: [0] * 50 + [4] * 51, B: [1] * 20 + [3] * 60 + [8] * 21}
    told, asked = found([whole(address, held) for address, held in values.items()], values)
    assert told == (
        Rise(height=20, address=B, amount=2),
        Rise(height=50, address=A, amount=4),
        Rise(height=80, address=B, amount=5),
    )
    assert len(asked) == 7


def test_what_falls_is_no_rise():
    assert found([whole(A, [9, 9, 4, 4])], {A: [9, 9, 4, 4]}) == ((), [])


def test_what_may_fall_is_asked_at_every_height():
    values = [5, 9, 5, 5, 7, 5]
    told, asked = found([whole(A, values, wavers=True)], {A: values})
    assert told == (Rise(height=1, address=A, amount=4), Rise(height=4, address=A, amount=2))
    assert sorted(height for heights in asked for height in heights) == [1, 2, 3, 4]


def test_where_the_lower_blocks_cannot_be_read_the_first_that_can_has_the_rise():
    values = [0, 0, 6, 6, 6, 6, 6, 6, 9]
    told, _ = found([whole(A, values)], {A: values}, unreadable=range(1, 5))
    assert told == (Rise(height=5, address=A, amount=6, exact=False), Rise(height=8, address=A, amount=3))


def test_what_began_unsure_is_unsure_in_the_first_block_only():
    values = [0, 4, 6]
    told, _ = found([whole(A, values, sure=False)], {A: values})
    assert [(rise.height, rise.exact) for rise in told] == [(1, False), (2, True)]


# --- the memory -------------------------------------------------------------------------------------------------


def span(*spent, below=10):
    """Return a range of one block."""
    link = Link(height=below + 1, hash="0x" + "aa" * 32, parent="0x" + "bb" * 32, time=0)
    return Range.of([EvmBlock(link=link, spent=tuple(spent))], ours())


def ours(active=(A, B), retired=()):
    return Ours.of(Watch(active=frozenset(active), retired=frozenset(retired)), evm_chain(1))


def test_the_memory_survives_the_checkpoint():
    balances = Balances(read=7, turn=3, of={A: 5, B: -2})
    assert read({"balances": write(balances)}, "eip155:1") == balances
    assert read({}, "eip155:1") == Balances()


def test_what_was_read_replaces_what_was_expected_and_nothing_is_kept_of_empty_accounts():
    before = Balances(read=10, of={A: 5, B: 7})
    after = remembered(before, {A: Holding(wei=9), B: Holding(wei=0)}, {}, span((B, 7)))
    assert after == Balances(read=11, turn=1, of={A: 9})


@pytest.mark.parametrize("coded", [False, True])
def test_less_than_expected_is_believed_of_accounts_with_code_only(coded):
    before = Balances(read=10, of={A: 5})
    after = remembered(before, {A: Holding(wei=2, coded=coded)}, {}, span())
    assert after.of == {A: 2 if coded else 5}


def test_what_is_doubted_stays_as_it_was_expected():
    before = Balances(read=10, of={A: 5})
    after = remembered(before, {A: Holding(wei=9), B: Holding(wei=3)}, {}, span(), doubted={A})
    assert after == Balances(read=10, of={A: 5, B: 3})


def test_what_moved_is_expected_where_nothing_could_be_read():
    before = Balances(read=10, turn=2, of={A: 5})
    after = carried(carried(before, span((A, 5))), span((B, 3), below=11))
    assert after == Balances(read=10, turn=2, of={A: 0, B: -3})
    assert carried(Balances(), span((A, 5))) == Balances()


def test_retired_addresses_take_turns_and_all_have_one():
    retired = [f"0x{number:040x}" for number in range(1, 5000)]
    balances = Balances(read=5)
    seen = set()
    for turn in range(16):
        due = looked_at(Balances(read=5, turn=turn), ours(retired=retired))
        assert {A, B} <= set(due)
        assert len(due) <= 320
        seen |= set(due)
    assert seen == {A, B, *retired}
    assert len(looked_at(Balances(), ours(retired=retired))) == 5001  # the first time, all of them
    assert balances.turn == 0
