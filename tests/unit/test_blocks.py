"""Following a chain of blocks: a drawing above each case. Letters are blocks, `|` is finality, ours above theirs."""

import pytest

from chains.blocks import (
    DENSE,
    Contradiction,
    DeepReorg,
    Extended,
    Link,
    Memory,
    Verdict,
    extend,
    final_height,
    finalise,
    fork_point,
    judge,
    thinned,
)


def chain(drawing: str, below: str = "") -> list[Link]:
    """Return links named by the letters of a drawing, on top of the last letter of `below`."""
    start = len(below)
    names = ("·", *below, *drawing)
    return [
        Link(height=start + place, hash=letter, parent=names[start + place], time=start + place)
        for place, letter in enumerate(drawing)
    ]


def memory(drawing: str) -> Memory:
    """Return the memory that `ab|cd` draws: b is final, c and d are not."""
    final, unfinal = drawing.split("|")
    links = chain(final + unfinal)
    return Memory(final=links[len(final) - 1], unfinal=tuple(links[len(final) :]))


def drawn(remembered: Memory) -> str:
    return f"{remembered.final.hash}|{''.join(link.hash for link in remembered.unfinal)}"


def hashes(links) -> dict[int, str]:
    return {link.height: link.hash for link in links}


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        # a|b c
        # a-b-c
        ("a|bc", "abc", Verdict.COMMON),
        # a|b c
        # a-b-c-d
        ("a|bc", "abcd", Verdict.BETTER),
        # a|b c
        # a-b-x       as high as ours: the endpoint has made up its mind otherwise
        ("a|bc", "abx", Verdict.BETTER),
        # a|b c
        # a-b         an endpoint that lags
        ("a|bc", "ab", Verdict.WORSE),
        # a|b c
        # a-x         lower and different: proves nothing yet
        ("a|bc", "ax", Verdict.WORSE),
    ],
)
def test_a_tip_is_common_better_or_worse(ours, theirs, verdict):
    assert judge(memory(ours), chain(theirs)[-1]) is verdict


@pytest.mark.parametrize(
    ("ours", "theirs", "fork"),
    [
        # a|b c d
        # a-b-c-d-e   they go on
        ("a|bcd", "abcde", "d"),
        # a|b c d
        # a-b-x-y     they replaced two
        ("a|bcd", "abxy", "b"),
        # a b|c d
        # a-b-x-y     everything unfinal was replaced
        ("ab|cd", "abxy", "b"),
        # a b|c d
        # a-x-y-z     our final block is not theirs
        ("ab|cd", "axyz", None),
    ],
)
def test_the_fork_is_the_highest_block_that_both_have(ours, theirs, fork):
    point = fork_point(memory(ours), hashes(chain(theirs)))
    assert point == DeepReorg(ours=memory(ours).final, theirs="x") if fork is None else point.hash == fork


@pytest.mark.parametrize(
    ("ours", "fork", "branch", "after", "orphaned"),
    [
        # a|b c
        #       d e         the ordinary case
        ("a|bc", "abc", "de", "a|bcde", ""),
        # a|b c
        #   b'x y           c is replaced
        ("a|bc", "ab", "xy", "a|bxy", "c"),
        # a|b c d
        #   x y z           as high as ours is enough
        ("a|bcd", "a", "xyz", "a|xyz", "bcd"),
        # a|b c d
        #     c d e         read again from below: what is the same stays
        ("a|bcd", "ab", "cde", "a|bcde", ""),
    ],
)
def test_a_branch_replaces_what_stood_above_its_fork(ours, fork, branch, after, orphaned):
    extended = extend(memory(ours), chain(fork)[-1], chain(branch, below=fork))
    assert isinstance(extended, Extended)
    assert drawn(extended.memory) == after
    assert "".join(link.hash for link in extended.orphaned) == orphaned


@pytest.mark.parametrize(
    ("ours", "fork", "branch"),
    [
        ("a|bcd", chain("ab")[-1], chain("x", below="ab")),  # ends below our tip
        ("a|bc", chain("abc")[-1], []),  # nothing
        ("a|bc", chain("abc")[-1], chain("e", below="abcd")),  # leaves a block out
        ("a|bc", chain("abc")[-1], chain("de", below="abx")),  # stands on another block
        ("a|bc", chain("abc")[-1], [*chain("d", below="abc"), *chain("f", below="abce")]),  # breaks in the middle
    ],
)
def test_a_branch_that_does_not_link_up_or_is_too_low_changes_nothing(ours, fork, branch):
    assert isinstance(extend(memory(ours), fork, branch), Contradiction)


def test_finality_moves_up_and_forgets_what_is_below():
    # a|b c d e   ->   c|d e
    assert drawn(finalise(memory("a|bcde"), chain("bc", below="a"))) == "c|de"


def test_finality_may_reach_the_tip():
    assert drawn(finalise(memory("a|bc"), chain("bc", below="a"))) == "c|"


@pytest.mark.parametrize(
    "again",
    [
        chain("bx", below="a"),  # another c than ours
        chain("c", below="ab"),  # b left out
        chain("bcde", below="a"),  # above what we have followed
    ],
)
def test_a_second_reading_that_differs_makes_nothing_final(again):
    assert isinstance(finalise(memory("a|bcd"), again), Contradiction)


@pytest.mark.parametrize(
    ("tagged", "depth", "height"),
    [
        (None, 1, 5),  # one confirmation: the tip itself
        (None, 3, 3),
        (None, 6, 1),  # deeper than what is unfinal: as it was
        (4, 6, 4),  # the node's word comes first
        (9, 6, 5),  # never above what was read
        (0, 1, 1),  # never falls
    ],
)
def test_finality_follows_the_tag_or_else_the_depth(tagged, depth, height):
    # ·a|b c d e f     heights 0 to 5, a is at 0 and b at 1 is final
    assert final_height(memory("ab|cdef"), tagged=tagged, depth=depth) == height


def test_the_memory_thins_out_below_its_dense_part():
    links = tuple(Link(height=height, hash=str(height), parent="", time=0) for height in range(10 * DENSE))
    kept = [link.height for link in thinned(links)]
    assert kept[-DENSE:] == list(range(9 * DENSE, 10 * DENSE))
    assert len(kept) < 4 * DENSE
