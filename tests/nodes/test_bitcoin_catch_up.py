"""Catching up on a real Bitcoin node: blocks are asked for raw, in batches, several in flight, and none twice."""

from collections import Counter

import pytest

from chains.bitcoin.reader import BLOCKS_PER_BATCH
from chains.port import Watch
from tests.support.bitcoind_proxy import lying_bitcoind
from tests.support.chains_drivers import follow
from tests.support.driver_bitcoin import bitcoin_chain, bitcoin_source, shared_bitcoind

pytestmark = pytest.mark.xdist_group("chain bitcoin")

BLOCKS, FINALITY = 300, 6


@pytest.fixture
def node():
    running = shared_bitcoind()
    yield running
    running.mine()


async def caught_up(node, ours, **faults):
    """Follow 300 blocks with ten payments; return what was found, how often which call was made, and the proxy."""
    checkpoint_of = bitcoin_source(bitcoin_chain(blocks=FINALITY), node.url)
    checkpoint = await checkpoint_of.start()
    await checkpoint_of.aclose()
    for part in range(10):
        node.pay((ours, 1_000 + part))
        node.mine(BLOCKS // 10)
    blocks = []

    def note(method, params, result):
        if method == "getblock":
            blocks.append(tuple(params))
        return result

    async with lying_bitcoind(node.url, twist=note, **faults) as proxy:
        source = bitcoin_source(bitcoin_chain(blocks=FINALITY), proxy.url)
        final, last = await follow(source, checkpoint, Watch(active=frozenset({ours})))
        await source.aclose()
    found = [payment.amount for payment in final] + [entry.payment.amount for entry in last.pending]
    return found, blocks, proxy


async def test_an_outage_costs_a_request_for_every_few_blocks_and_none_is_decoded_by_the_node(node):
    found, blocks, proxy = await caught_up(node, node.address())
    assert found == [1_000 + part for part in range(10)]
    assert Counter(verbosity for _, verbosity in blocks) == {0: len(blocks)}
    assert BLOCKS <= len(blocks) <= BLOCKS + 5 * FINALITY
    assert proxy.requests < len(blocks) / BLOCKS_PER_BATCH + 60
    assert len(proxy.asked) > 2 * proxy.requests


async def test_a_node_that_takes_no_batches_is_asked_one_by_one(node):
    found, blocks, proxy = await caught_up(node, node.address(), most_calls=1)
    assert found == [1_000 + part for part in range(10)]
    assert proxy.requests >= len(blocks) >= BLOCKS
