"""A sweep and a chore of one chain at one moment on PostgreSQL: one waits for the other, and neither is overwritten.

What a sitting has read, another must not change before it has written: rows of payments are written whole. SQLite has
one writer anyway.
"""

import asyncio
import threading
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text

from chains import progress
from chains.testing import FakeChain
from monitor import settlement
from monitor.housekeeping import Housekeeping
from payouts import dues
from store.engine import open_store
from tests.support.monitor_world import PRICE, RECEIVE, START, World, memo, terms, wallet
from tickets.till import Outcome, PaymentState

HOURLY = 3600
WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@pytest.fixture
async def world(database_urls):
    store = open_store(database_urls("postgres"))
    yield World(store=store, chain=FakeChain(block_seconds=HOURLY))
    await store.aclose()


@pytest.fixture
def housekeeping(world):
    return Housekeeping(store=world.store, terms=(terms(),), clock=lambda: world.now)


@pytest.fixture(params=[True, False], ids=["guarded", "control"])
def guarded(request, monkeypatch):
    """Whether a sitting locks its chain; the control only reads how far it was read."""
    if not request.param:
        monkeypatch.setattr("monitor.sitting.progress.lock", progress.load)
    return request.param


async def mine(world, blocks=1):
    for _ in range(blocks):
        world.chain.mine()
        await turn(world)


async def turn(world):
    world.now = START + timedelta(seconds=HOURLY * world.chain.height)
    await world.watcher.turn()


@asynccontextmanager
async def held_after(monkeypatch, place, name):
    """Hold whoever comes first to a function of a module, with what it has read, until the block is left."""
    inside, go_on, real = threading.Event(), threading.Event(), getattr(place, name)

    def slow(*arguments, **named):
        if not inside.is_set():
            inside.set()
            assert go_on.wait(30)
        return real(*arguments, **named)

    monkeypatch.setattr(place, name, slow)
    try:
        yield lambda: asyncio.to_thread(inside.wait, 30)
    finally:
        go_on.set()


async def ended_or_waits(world, task):
    """Return as soon as a task has come to its end or waits for a lock."""
    while not task.done() and not await world.store.read(lambda conn: conn.execute(WAITING).scalar_one()):
        pass


async def test_grace_that_ends_during_a_sweep_leaves_no_money_in_an_order_that_fell_apart(
    world, housekeeping, monkeypatch, guarded
):
    event = await world.event()
    await mine(world)
    txids = []
    for _ in range(2):
        world.chain.pay(RECEIVE, PRICE // 2, memo=memo(event, 1), sender=wallet(1))
        txids.append(world.chain.last_txid)
    await mine(world, 3)
    vanished, stands = [await world.payment_id(txid) for txid in txids]
    world.chain.fork_at(world.chain.height - 3).drop(txids[0]).mine(4)
    await turn(world)
    assert (await world.payment(vanished)).state is PaymentState.GONE
    world.chain.mine()
    await turn(world)
    world.chain.mine()
    async with held_after(monkeypatch, settlement, "changes") as reached:
        sweep = asyncio.create_task(turn(world))
        await reached()
        chore = asyncio.create_task(housekeeping.end_grace())
        await ended_or_waits(world, chore)
        assert chore.done() is not guarded
    await asyncio.gather(sweep, chore)
    await mine(world, 12)
    record = await world.payment(stands)
    owed = await world.store.read(lambda conn: dues.of_payments(conn, [stands]))
    if guarded:
        assert (record.outcome, bool(owed), (await world.book()).faults) == (Outcome.OWED, True, ())
    else:
        assert (record.outcome, bool(owed)) == (Outcome.MINTED, False), "the sweep wrote back what it had read"
