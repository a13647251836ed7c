"""The watcher's turns: what it does when the chain, the database or another watcher stands in its way."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from chains import progress
from chains.errors import PersistentError, TransientError, WrongChainError
from chains.progress import Status
from monitor.hooks import Silence
from monitor.resume import resume
from monitor.watcher import IDLE
from store.errors import StoreUnavailableError
from store.schema import leases
from tests.support.monitor_world import CHAIN, PRICE, RECEIVE, START, World, memo, wallet
from tickets import addresses


class Listener(Silence):
    """Hooks that remember."""

    def __init__(self):
        self.heard = []

    def alive(self, _chain):
        self.heard.append("alive")

    def swept(self, _chain, sweep, _settlement):
        self.heard.append(sweep.tip.height)

    def failed(self, _chain, error):
        self.heard.append(type(error).__name__)

    def stopped(self, _chain, reason):
        self.heard.append(reason)


@pytest.fixture
def world(store):
    made = World(store=store)
    made.chain.mine(3)
    made.watcher.hooks = Listener()
    return made


async def status(world):
    return await world.store.read(lambda conn: progress.load(conn, CHAIN))


async def run_until(watcher, turns):
    """Run the watcher for some turns; return how long it wanted to wait after each."""
    stop, waits = asyncio.Event(), []

    async def wait(stop, time):
        waits.append(time)
        if len(waits) == turns:
            stop.set()

    watcher.wait = wait
    await watcher.run(stop)
    return waits


async def test_it_reads_on_at_once_while_behind_and_after_a_block_otherwise(world):
    world.chain.blocks_per_poll = 2
    world.chain.mine(3)
    waits = await run_until(world.watcher, 4)
    assert waits[0] == timedelta(0)
    assert waits[-1] == world.record.block_time
    assert world.watcher.hooks.heard[0] == "alive"


async def test_it_backs_off_from_a_chain_that_does_not_answer_and_skips_nothing(world):
    await world.catch_up()
    event = await world.event()
    world.chain.pay(RECEIVE, PRICE, memo=memo(event, 1)).mine(2)
    world.chain.fail(TransientError("all endpoints are away"))
    assert [await world.turn() for _ in range(3)] == [timedelta(seconds=n) for n in (1, 2, 4)]
    assert (await status(world)).status is Status.FOLLOWING
    world.chain.fail(None)
    await world.catch_up()
    assert len((await world.book()).tickets) == 1


async def test_it_stops_a_chain_that_must_be_looked_at_and_goes_on_at_the_operators_word(world):
    await world.catch_up()
    world.chain.fail(PersistentError("block 7 was final"))
    assert await world.turn() == IDLE
    assert (await status(world)).status is Status.STOPPED
    assert "block 7 was final" in (await status(world)).reason
    world.chain.fail(None)
    world.chain.mine()
    await world.turn()
    assert (await status(world)).tip_height == 3, "a stopped chain is not polled"
    assert await world.store.transact(lambda conn: resume(conn, CHAIN))
    await world.turn()
    assert ((await status(world)).status, (await status(world)).tip_height) == (Status.FOLLOWING, 4)


async def test_a_chain_that_stops_on_its_first_poll_waits_for_the_operators_word_and_begins_where_it_should(world):
    world.watcher.start_height = 2
    world.chain.fail(WrongChainError("eip155:5"))
    await world.turn()
    stopped = await status(world)
    assert (stopped.status, stopped.begun) == (Status.STOPPED, False)
    assert "eip155:5" in stopped.reason
    world.chain.fail(None)
    assert await world.turn() == IDLE
    assert await status(world) == stopped
    assert await world.store.transact(lambda conn: resume(conn, CHAIN))
    assert await status(world) is None, "nothing is sold before it was read"
    begun = []
    start = world.chain.start
    world.chain.start = lambda height: begun.append(height) or start(height)
    await world.turn()
    assert (begun, (await status(world)).tip_height) == ([2], 3)


async def test_it_stops_taking_while_the_database_is_away_and_resumes(world, monkeypatch):
    await world.catch_up()
    event = await world.event()
    world.chain.pay(RECEIVE, PRICE, memo=memo(event, 1)).mine(2)
    reading = world.store.read

    async def away(_work):
        raise StoreUnavailableError("disk full")

    monkeypatch.setattr(world.store, "read", away)
    assert await world.turn() > timedelta(0)
    assert world.watcher.hooks.heard[-1] == "StoreUnavailableError"
    monkeypatch.setattr(world.store, "read", reading)
    await world.turn()
    assert len((await world.book()).tickets) == 1


async def test_a_stand_by_takes_over_and_the_former_watcher_stores_nothing_more(world):
    stand_by = World(store=world.store, chain=world.chain)
    await world.catch_up()
    assert await stand_by.turn() == IDLE, "the lease is held"
    await world.store.transact(lambda conn: conn.execute(update(leases).values(expires_at=START)))
    await stand_by.catch_up()
    world.chain.mine()
    assert await world.turn() == IDLE
    assert (await status(world)).tip_height == 3
    await stand_by.turn()
    assert (await status(world)).tip_height == 4


async def test_a_watcher_that_was_taken_over_stops_the_chain_no_more(world):
    stand_by = World(store=world.store, chain=world.chain)
    await world.catch_up()
    await world.store.transact(lambda conn: conn.execute(update(leases).values(expires_at=START)))
    await stand_by.catch_up()
    world.chain.fail(PersistentError("block 7 was final"))
    assert await world.turn() == IDLE
    assert (await status(world)).status is Status.FOLLOWING
    assert "block 7 was final" not in world.watcher.hooks.heard
    await stand_by.turn()
    assert (await status(world)).status is Status.STOPPED


async def test_control_without_the_lease_a_former_watcher_stops_the_chain_of_the_present_one(world, monkeypatch):
    stand_by = World(store=world.store, chain=world.chain)
    await world.catch_up()
    await world.store.transact(lambda conn: conn.execute(update(leases).values(expires_at=START)))
    await stand_by.catch_up()
    monkeypatch.setattr("monitor.watcher.leases.guard", lambda _conn, _lease: None)
    world.chain.fail(PersistentError("block 7 was final"))
    await world.turn()
    assert (await status(world)).status is Status.STOPPED


async def test_after_the_platforms_address_changed_payments_to_the_former_one_still_count(world):
    await world.catch_up()
    event = await world.event()
    world.chain.pay(RECEIVE, PRICE, memo=memo(event, 1))
    await world.mine()
    await run_until(world.watcher, 1)  # lets go
    moved = World(store=world.store, chain=world.chain)
    moved.watcher.receive = frozenset({wallet(0xBB)})
    await moved.mine(8)
    for number, address in ((2, RECEIVE), (3, wallet(0xBB))):
        await moved.pay(PRICE, memo(event, number), to=address, blocks=8)
    book = await moved.book()
    assert len(book.tickets) == 3
    assert {payment[3] for payment in book.payments} == {"final"}


async def test_an_address_that_is_received_at_is_watched_from_the_next_poll_on(world):
    """The gate says so before it shows one, since the watcher may still run with other settings."""
    await world.catch_up()
    event = await world.event()
    await world.store.transact(lambda conn: addresses.receive_at(conn, CHAIN, [wallet(0xBB)]))
    await world.pay(PRICE, memo(event, 1), to=wallet(0xBB), blocks=2)
    assert len((await world.book()).tickets) == 1


async def test_a_graceful_stop_lets_the_next_watcher_in_at_once(world):
    await run_until(world.watcher, 1)
    assert await World(store=world.store, chain=world.chain).turn() != IDLE


async def test_an_address_may_be_shown_only_after_a_poll_that_watched_it_was_stored(world):
    await world.catch_up()
    event = await world.event()
    await world.store.transact(lambda conn: addresses.extend(conn, CHAIN, [wallet(0xAD)], start=0))
    assert (await world.order(event, 1)).address is None
    await world.turn()
    assert (await world.order(event, 2)).address == wallet(0xAD)
