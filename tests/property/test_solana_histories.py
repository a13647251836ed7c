"""Whatever happens above finality, what becomes final is what stands on the ledger: each payment once, in its order.

Blocks are replaced or skipped, transactions are lost and sent again, listings come late, the reader is restarted, polls
read little at a time. A payment that was shown and did not become final was told to be gone.
"""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chains.errors import TransientError
from chains.port import Watch
from chains.solana import position
from tests.nodes.solana.ledger import Ledger
from tests.nodes.solana.node import truth
from tests.nodes.solana.server import serving
from tests.support.natures import FINALITY
from tests.support.solana_node import Hands, hands, solana_chain, solana_source, wallet

STEPS = st.one_of(
    st.tuples(st.just("pay"), st.integers(1, 3)),
    st.tuples(st.just("fail"), st.integers(1, 3)),
    st.tuples(st.just("mine"), st.integers(1, 12)),
    st.tuples(st.just("skip"), st.integers(1, 4)),
    st.tuples(st.just("fork"), st.integers(1, FINALITY)),
    st.tuples(st.just("again"), st.integers(0, 5)),
    st.tuples(st.just("late"), st.integers(0, 4)),
    st.tuples(st.just("poll"), st.integers(1, 40)),
)


class History:
    """A ledger to which things happen, and what a reader has said of it."""

    def __init__(self, server, endpoints) -> None:
        self.server, self.ledger = server, server.ledger
        self.urls = [f"{server.url}/{number}" for number in range(endpoints)]
        self.hands: Hands = hands(self.ledger)
        self.ours = wallet(self.hands)
        self.ledger.mine(FINALITY)
        self.began = self.ledger.newest("finalized").slot
        self.watch = Watch(active=frozenset({str(self.ours)}))
        self.sent = {}  # transactions by id
        self.amounts = {}
        self.deepest = self.began  # slot that was final once
        self.final, self.shown, self.gone = [], set(), set()
        self.checkpoint = None

    def pay(self, times: int) -> None:
        amount = len(self.sent) + 1
        transaction = self.hands.sign(*(self.hands.give(self.ours, amount) for _ in range(times)))
        txid = self.ledger.send(transaction)
        self.sent[txid], self.amounts[txid] = transaction, [amount] * times

    def fail(self, times: int) -> None:
        for _ in range(times):
            self.hands.send(self.hands.give(self.ours, 10**15))

    def mine(self, blocks: int) -> None:
        self.ledger.mine(blocks)
        self.deepest = max(self.deepest, self.ledger.newest("finalized").slot)

    def skip(self, slots: int) -> None:
        self.ledger.skip(slots)

    def fork(self, depth: int) -> None:
        unfinal = sum(block.slot > self.deepest for block in self.ledger.blocks)
        depth = min(depth, unfinal)
        self.ledger.fork(depth)
        self.ledger.skip(depth % 2)
        self.mine(depth)

    def again(self, which: int) -> None:
        if self.sent:
            self.ledger.send([*self.sent.values()][-1 - which % len(self.sent)])

    def late(self, blocks: int) -> None:
        """List nothing of the newest blocks."""

        def twist(method, _params, result):
            if method != "getSignaturesForAddress":
                return result
            return [entry for entry in result if entry["slot"] <= self.ledger.tip.slot - blocks]

        self.server.node("/0").twist = twist

    async def poll(self, at_once: int) -> None:
        """Read on, a part or all, with a new reader from what was stored."""
        source = solana_source(solana_chain(), *self.urls, slots_per_poll=at_once, transactions_per_poll=at_once)
        try:
            stored = self.checkpoint or await source.start(self.began + 1)
            sweep = await source.poll(json.loads(json.dumps(stored)), self.watch)
        except TransientError:
            return  # the tip fell behind what was read
        finally:
            await source.aclose()
        self.checkpoint = sweep.checkpoint
        self.final += sweep.final
        self.gone |= {*sweep.gone}
        pending = {entry.payment.key for entry in sweep.pending}
        self.shown |= pending
        assert not pending & {*sweep.gone}
        assert all(entry.payment.block.height > sweep.final_height for entry in sweep.pending)
        assert all(0 < entry.confirmations < FINALITY for entry in sweep.pending)

    def truth(self):
        """The payments on the ledger, by transaction, place and amount."""
        return [
            (landed.signature, str(place), amount)
            for block in self.ledger.blocks
            for landed in block.landed
            for place, amount in enumerate(self.amounts.get(landed.signature, []))
        ]


async def tell(steps, endpoints) -> None:
    async with serving(Ledger(finality=FINALITY)) as server:
        history = History(server, endpoints)
        for name, value in steps:
            done = getattr(history, name)(value)
            if done is not None:
                await done
        server.node("/0").twist = truth
        history.mine(3 * FINALITY)
        for _ in range(200):
            await history.poll(1000)
            if history.checkpoint["final"][0] == server.ledger.newest("finalized").slot:
                break
        told = [(payment.key.txid, payment.key.index, payment.amount) for payment in history.final]
        assert sorted(told) == sorted(history.truth())
        finals = {payment.key for payment in history.final}
        assert history.shown - finals <= history.gone
        if not any(name == "late" for name, _ in steps):
            assert told == history.truth()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=st.lists(STEPS, max_size=25),
    endpoints=st.integers(1, 2),
    overlap=st.sampled_from([0, 5, 20, position.OVERLAP]),
    known=st.sampled_from([1, 4, position.MOST_KNOWN]),
)
def test_what_becomes_final_is_what_stands_on_the_ledger(steps, endpoints, overlap, known):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(position, "OVERLAP", overlap)
        patch.setattr(position, "MOST_KNOWN", known)
        asyncio.run(tell(steps, endpoints))
