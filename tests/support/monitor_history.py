"""Random histories of a chain made by hand, and ways to deliver one. The same seed gives the same chain."""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from chains.port import Checkpoint, Payment, Pending, Sweep, Watch
from chains.testing import FakeChain
from monitor.changes import Changes
from monitor.hooks import Silence
from store.engine import Store
from tests.support.monitor_world import CHAIN, PRICE, RECEIVE, TOKEN, World, wallet
from tickets import addresses

ADDRESSES = [wallet(0xAD00 + number) for number in range(4)]
BLOCKS = 30
AGAIN = 0.4
"""How often a payment is another part of a purchase: only parts of one purchase deepen each other."""


def seeds(count: int) -> list[int]:
    """Return the seeds to try: the one in USHER_SEED, or fresh ones; pytest prints them as the tests' names."""
    if pinned := os.environ.get("USHER_SEED"):
        return [int(pinned)]
    run = dice(os.environ.get("PYTEST_XDIST_TESTRUNUID"))  # workers must agree on the tests' names
    return [run.randrange(2**32) for _ in range(count)]


def dice(seed: int | str | None) -> random.Random:
    """Return dice that fall the same way for the same seed."""
    return random.Random(seed)  # noqa: S311  histories are no secrets


def scarce_history(seed: int) -> FakeChain:
    """Return a chain on which buyers race for few places, with everything that payers get wrong."""
    thrown = dice(seed)
    chain = FakeChain(blocks_per_poll=thrown.choice((3, 7, 100)))
    for _ in range(BLOCKS):
        pay_at_random(chain, thrown)
        chain.mine()
    return chain.mine(10)


def pay_at_random(chain: FakeChain, thrown: random.Random) -> None:
    """Let up to three more payments wait for the next block."""
    for _ in range(thrown.randrange(4)):
        (_pay_another_part if chain.height > 2 and thrown.random() < AGAIN else _pay)(chain, thrown)


def _pay_another_part(chain: FakeChain, thrown: random.Random) -> None:
    """Pay once more for what one of the last payments was for; the event may go by its number this time."""
    recent = [payment for payment in chain.payments if payment.block.height > chain.height - 8 and payment.memos]
    if recent:
        part = thrown.choice(recent)
        text = part.memos[0].replace("event:rare:", "event:1:") if thrown.random() < 0.3 else part.memos[0]
        amount = thrown.choice((PRICE, PRICE, PRICE // 2))
        chain.pay(part.destination, amount, memo=text, sender=part.sender)


def _pay(chain: FakeChain, thrown: random.Random) -> None:
    buyer = thrown.randrange(1, 6)
    amount = thrown.choice((PRICE, PRICE, PRICE, PRICE // 2, PRICE // 4, PRICE + 300, PRICE + 3, 5 * PRICE))
    event = thrown.choice(("rare", "rare", "wide", "unknown"))
    text = thrown.choice(
        (
            f"event:{event}:wallet:{wallet(buyer)}",
            f"event:{event}:wallet:{wallet(buyer)}",
            f"event:{event}:wallet:{wallet(buyer)}:qty:2",
            f"event:{event}:wallet:{wallet(buyer)}:tier:vip",
            "subscription:gold:account:alice",
            None,
        )
    )
    to = thrown.choice((RECEIVE, RECEIVE, RECEIVE, *ADDRESSES[:2]))
    chain.pay(
        to,
        amount,
        memo=text,
        sender=thrown.choice((wallet(buyer), wallet(buyer), None)),
        asset=TOKEN if thrown.random() < 0.1 else None,
        times=thrown.choice((1, 1, 1, 2)),
        internal=thrown.random() < 0.05,
    )


async def settled_world(store: Store, chain: FakeChain, source: object = None) -> World:
    """Return a world with the events and orders that histories speak of, before its first turn."""
    world = World(store=store, chain=chain, source=source or chain)
    await world.event(slug="rare", capacity=4)
    await world.event(slug="wide")
    await store.transact(lambda conn: addresses.extend(conn, CHAIN, ADDRESSES, start=0))
    await store.transact(lambda conn: addresses.acknowledge(conn, CHAIN, range(len(ADDRESSES))))
    event = await world.event(slug="ordered", capacity=2)
    for number in (1, 2):
        await world.order(event, number)
    return world


async def block_by_block(world: World, seed: int) -> None:
    await _with_lags(world, range(world.chain.height, -1, -1))


async def in_ranges(world: World, seed: int) -> None:
    lags = sorted(dice(seed).sample(range(1, world.chain.height), 4), reverse=True)
    await _with_lags(world, [*lags, 0])


async def all_at_once(world: World, seed: int) -> None:
    await world.catch_up()


async def with_duplicates(world: World, seed: int) -> None:
    world.watcher.source = Stammering(world.chain)
    await in_ranges(world, seed)


async def pending_first(world: World, seed: int) -> None:
    world.watcher.source = Foreseeing(world.chain)
    await block_by_block(world, seed)


DELIVERIES: tuple[Callable[[World, int], object], ...] = (
    block_by_block, in_ranges, all_at_once, with_duplicates, pending_first,
)  # fmt: skip


async def _with_lags(world: World, lags) -> None:
    for lag in lags:
        world.chain.lag(lag)
        await world.catch_up()


@dataclass
class Stammering:
    """A source that says everything twice, and what was final before once more."""

    inner: FakeChain
    said: tuple[Payment, ...] = ()

    @property
    def chain(self) -> str:
        return self.inner.chain

    async def start(self, height: int | None = None) -> Checkpoint:
        return await self.inner.start(height)

    async def poll(self, checkpoint: Checkpoint, watch: Watch) -> Sweep:
        sweep = await self.inner.poll(checkpoint, watch)
        final = (*self.said, *sweep.final, *sweep.final)
        self.said += sweep.final
        return replace(sweep, final=final, pending=(*sweep.pending, *sweep.pending), gone=sweep.gone * 2)

    async def aclose(self) -> None:
        await self.inner.aclose()


@dataclass
class Foreseeing:
    """A source that also sees the payments of the next block waiting, in no block yet."""

    inner: FakeChain

    @property
    def chain(self) -> str:
        return self.inner.chain

    async def start(self, height: int | None = None) -> Checkpoint:
        return await self.inner.start(height)

    async def poll(self, checkpoint: Checkpoint, watch: Watch) -> Sweep:
        sweep = await self.inner.poll(checkpoint, watch)
        coming = [mined for mined in self.inner._blocks if mined.link.height == sweep.tip.height + 1]
        waiting = tuple(
            Pending(payment=replace(payment, block=None), confirmations=0)
            for mined in coming
            for payment in mined.payments
            if payment.destination in watch
        )
        return replace(sweep, pending=(*sweep.pending, *waiting))

    async def aclose(self) -> None:
        await self.inner.aclose()


@dataclass
class Recorder(Silence):
    """Hooks that keep every change, to be replayed, and what was told to be final."""

    happened: list[Changes] = field(default_factory=list)
    final: list[Payment] = field(default_factory=list)

    def swept(self, _chain, sweep, settlement) -> None:
        self.happened.append(settlement.changes)
        self.final.extend(sweep.final)
