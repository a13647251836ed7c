"""Whatever a chain does above finality, the follower's memory is that chain, and stays small.

After each poll of an arbitrary history of extensions and forks, every link that is remembered stands on the true chain,
the newest ones without a gap; the payments held are those of the true chain, none twice; and what became final was
reported once, in order, and never changes.
"""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chains.blocks import DENSE, Link, thinned
from chains.port import Watch
from chains.position import read, write
from chains.testing import CHAIN, FakeChain

FINALITY = 6
OURS = "ours"
WATCH = Watch(active=frozenset({OURS}))

mined = st.tuples(st.just("mine"), st.integers(1, 9))
paid = st.tuples(st.just("pay"), st.integers(1, 3))
forked = st.tuples(st.just("fork"), st.integers(1, FINALITY - 1))
lost = st.tuples(st.just("lose"), st.integers(1, FINALITY - 1))
polled = st.tuples(st.just("poll"), st.just(0))
histories = st.lists(st.one_of(mined, paid, forked, lost, polled), min_size=1, max_size=40)


def act(chain: FakeChain, deed: str, number: int) -> None:
    depth = min(number, chain.height)
    match deed:
        case "mine":
            chain.mine(number)
        case "pay":
            chain.pay(OURS, number, times=number)
        case "fork":  # a longer branch, with the same transactions
            chain.fork_at(chain.height - depth).mine(depth + 1)
        case "lose":  # an equally high branch, without them
            chain.reorg(depth)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(history=histories, step=st.integers(1, 20))
def test_the_follower_is_always_on_the_true_chain_and_final_payments_never_change(history, step):
    asyncio.run(replay(history, step))


async def replay(history, step):
    chain = FakeChain(finality=FINALITY, blocks_per_poll=step)
    checkpoint, final = await chain.start(0), []
    for deed, number in [*history, ("poll", 0), ("mine", FINALITY), ("poll", 0)]:
        if deed != "poll":
            act(chain, deed, number)
            continue
        while True:
            sweep = await chain.poll(checkpoint, WATCH)
            checkpoint = sweep.checkpoint
            final += sweep.final
            position = read(checkpoint, CHAIN)
            true = {link.height: link for link in chain.links}
            assert all(true[link.height] == link for link in position.memory.links)
            assert write(position) == checkpoint
            if not sweep.behind:
                break
        heights = [link.height for link in position.memory.links]
        assert heights == list(range(heights[0], chain.height + 1))
        on_chain = [payment for payment in chain.payments if payment.destination == OURS]
        held = [*final, *(entry.payment for entry in sweep.pending)]
        assert held == on_chain
        assert len({payment.key for payment in held}) == len(held)


@given(heights=st.integers(1, 5_000), first=st.integers(0, 10_000), dense=st.integers(2, 64))
def test_thinning_step_by_step_or_at_once_is_the_same_and_small(heights, first, dense):
    links = [Link(height=first + ordinal, hash="", parent="", time=0) for ordinal in range(heights)]
    stepwise: tuple[Link, ...] = ()
    for link in links:
        stepwise = thinned((*stepwise, link), dense)
    assert stepwise == thinned(tuple(links), dense)
    assert len(stepwise) <= dense * (2 + heights.bit_length() / 2)
    assert stepwise[-dense:] == tuple(links[-dense:])


def test_the_memory_stays_small_while_finality_stalls():
    async def stall():
        chain = FakeChain(finality=10_000, blocks_per_poll=500)
        checkpoint = await chain.start(0)
        chain.mine(6_000)
        sweep = await chain.poll(checkpoint, WATCH)
        while sweep.behind:
            sweep = await chain.poll(sweep.checkpoint, WATCH)
        assert sweep.tip.height == 6_000
        assert len(read(sweep.checkpoint, CHAIN).memory.unfinal) < 5 * DENSE
        chain.fork_at(1_000).mine(5_000)  # far into the thinned part
        sweep = await chain.poll(sweep.checkpoint, WATCH)
        assert sweep.tip.height == 6_000

    asyncio.run(stall())
