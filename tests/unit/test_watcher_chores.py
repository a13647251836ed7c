"""The chores that are due by the clock: addresses, events, holds, and the loop that ticks them."""

import asyncio
from datetime import timedelta

import pytest

from monitor.housekeeping import RETIRE_AFTER, Housekeeping
from tests.support.monitor_world import CHAIN, World, terms, wallet
from tickets import addresses, events, orders
from tickets.addresses import AddressMismatchError
from tickets.event import EventStatus
from tickets.order import OrderState


def derive(start, count):
    return [wallet(0xAD00 + position) for position in range(start, start + count)]


@pytest.fixture
async def world(store):
    made = World(store=store)
    await made.catch_up()
    return made


@pytest.fixture
def housekeeping(world):
    return Housekeeping(
        store=world.store,
        terms=(terms(),),
        derive={CHAIN: derive},
        address_range=3,
        clock=lambda: world.now,
    )


async def state_of(world, order):
    return (await world.store.read(lambda conn: orders.by_id(conn, order.id))).state


async def test_addresses_are_committed_until_the_range_stands_ready(world, housekeeping):
    assert await housekeeping.extend_addresses() == 3
    assert await housekeeping.extend_addresses() == 0
    await world.turn()
    assert (await world.order(await world.event())).address == derive(0, 1)[0]
    assert await housekeeping.extend_addresses() == 1


async def test_another_xpub_than_the_one_before_is_noticed(world, housekeeping):
    await housekeeping.extend_addresses()
    with pytest.raises(AddressMismatchError):
        await world.store.transact(lambda conn: addresses.extend(conn, CHAIN, derive(7, 3), start=0))


async def test_the_address_of_an_order_that_ended_long_ago_is_looked_at_slowly(world, housekeeping):
    await housekeeping.extend_addresses()
    await world.turn()
    order = await world.order(await world.event())
    await world.store.transact(lambda conn: orders.release(conn, order.id, now=world.now))
    assert await housekeeping.retire_addresses() == 0
    world.now += RETIRE_AFTER + timedelta(seconds=1)
    assert await housekeeping.retire_addresses() == 1
    watched = await world.store.read(lambda conn: addresses.watched_set(conn, CHAIN))
    assert order.address in watched.retired


async def test_an_order_whose_chain_is_not_read_keeps_its_place_up_to_its_cap(world, housekeeping):
    order = await world.order(await world.event(capacity=1))
    world.now = order.expires_at + timedelta(seconds=1)
    assert await housekeeping.expire_orders() == 0, "the buyer may have paid without our knowing"
    world.now = order.expires_cap + timedelta(seconds=1)
    assert await housekeeping.expire_orders() == 1
    assert await state_of(world, order) is OrderState.EXPIRED


async def test_an_order_whose_chain_is_read_ends_when_its_time_is_over(world, housekeeping):
    order = await world.order(await world.event(capacity=1))
    world.now = order.expires_at + timedelta(seconds=1)
    await world.turn()
    assert await housekeeping.expire_orders() == 1


async def test_an_event_that_is_over_is_completed(world, housekeeping):
    event = await world.event()
    assert await housekeeping.complete_events() == 0
    world.now = event.ends_at
    assert await housekeeping.complete_events() == 1
    found = await world.store.read(lambda conn: events.find(conn, event.id))
    assert found.status is EventStatus.COMPLETED


async def test_the_loop_does_every_chore_and_ends_when_asked(world, housekeeping):
    stop = asyncio.Event()
    ready = housekeeping.extend_addresses

    async def extend():
        added = await ready()
        stop.set()
        return added

    housekeeping.extend_addresses = extend
    await asyncio.wait_for(housekeeping.run(stop), 10)
    assert await world.store.read(lambda conn: addresses.unused(conn, CHAIN)) == 3


async def test_a_chore_that_breaks_ends_the_loop_with_its_error(housekeeping):
    async def broken():
        raise AddressMismatchError("another xpub")

    housekeeping.extend_addresses = broken
    with pytest.raises(AddressMismatchError):
        await asyncio.wait_for(housekeeping.run(asyncio.Event()), 10)
