"""The chores that are due by the clock: addresses, events, holds, and the loop that ticks them."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from chains import progress
from chains.port import Pending
from config.registry import Network
from monitor import extent
from monitor.extent import BLOCKS_UNDER_WAY
from monitor.housekeeping import RETIRE_AFTER, Housekeeping
from monitor.resume import resume
from tests.support.monitor_world import CHAIN, CHAIN_RECORD, PRICE, RECEIVE, START, World, memo, terms, wallet
from tickets import addresses, events, orders, till
from tickets.addresses import AddressMismatchError
from tickets.event import EventStatus
from tickets.order import OrderState
from tickets.till import Outcome


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
        address_ranges={CHAIN: 4},
        clock=lambda: world.now,
    )


async def state_of(world, order):
    return (await world.store.read(lambda conn: orders.by_id(conn, order.id))).state


async def test_addresses_are_committed_until_the_range_stands_ready(world, housekeeping):
    assert await housekeeping.extend_addresses() == 4
    assert await housekeeping.extend_addresses() == 0
    await world.turn()
    event, added = await world.event(), []
    for position in range(4):
        assert (await world.order(event)).address == derive(position, 1)[0]
        added.append(await housekeeping.extend_addresses())
    assert added == [0, 0, 3, 0], "no sooner than less than half of them is left, and then up to all of them"


async def test_each_chain_has_a_range_of_its_own(world, housekeeping):
    housekeeping.derive = {CHAIN: derive, "eip155:1": derive}
    housekeeping.address_ranges = {CHAIN: 4, "eip155:1": 1}
    assert await housekeeping.extend_addresses() == 5
    assert await world.store.read(lambda conn: addresses.unused(conn, "eip155:1")) == 1


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


async def test_an_order_whose_chain_stands_still_ends_once_a_poll_has_read_past_its_time(world, housekeeping):
    order = await world.order(await world.event(capacity=1))
    world.now = order.expires_at + BLOCKS_UNDER_WAY * CHAIN_RECORD.block_time
    await world.turn()
    assert await housekeeping.expire_orders() == 0, "a block of its last moment may still be under way"
    world.now += timedelta(seconds=1)
    await world.turn()
    assert await housekeeping.expire_orders() == 1


async def test_where_real_money_moves_a_tip_that_stands_still_ends_no_order_before_its_cap(store):
    world = World(store=store, record=replace(CHAIN_RECORD, network=Network.MAIN))
    housekeeping = Housekeeping(store=store, terms=(world.watcher.terms,), clock=lambda: world.now)
    await world.catch_up()
    order = await world.order(await world.event(capacity=1))
    world.now = order.expires_cap
    await world.turn()
    assert await housekeeping.expire_orders() == 0, "the endpoint may hang as well"
    world.now += timedelta(seconds=1)
    assert await housekeeping.expire_orders() == 1


async def test_an_order_paid_in_time_in_a_block_not_read_yet_keeps_its_place(world, housekeeping):
    assert await minted_after_an_outage(world, housekeeping) is Outcome.MINTED


async def test_by_the_clock_alone_the_outage_gives_the_place_away(world, housekeeping, monkeypatch):
    """Negative control."""
    monkeypatch.setattr(extent, "read_until", lambda _read, _chain, now: now)
    assert await minted_after_an_outage(world, housekeeping) is Outcome.OWED


async def minted_after_an_outage(world, housekeeping):
    """A buyer pays in time while nobody reads; the chores tick between the first two of many polls."""
    event = await world.event(capacity=1)
    order = await world.order(event)
    world.chain.blocks_per_poll = 10
    world.chain.mine(100).pay(RECEIVE, PRICE, memo=f"o:{order.code}", sender=wallet(1)).mine(1100)
    await world.turn()
    assert world.now > order.expires_at
    await housekeeping.expire_orders()
    await world.place(event, 2)
    await world.catch_up()
    [payment] = await world.store.read(lambda conn: till.of_order(conn, order.id))
    return payment.outcome


async def test_an_order_paid_two_seconds_before_its_end_keeps_its_place_until_the_next_poll(world, housekeeping):
    event = await world.event(capacity=1)
    order = await world.order(event)
    last = int((order.expires_at - START).total_seconds())
    world.chain.mine(last - 3)
    await world.catch_up()
    world.chain.pay(RECEIVE, PRICE, memo=f"o:{order.code}", sender=wallet(1)).mine()
    world.now = order.expires_at + timedelta(seconds=1)
    assert await housekeeping.expire_orders() == 0
    world.chain.mine(3)
    await world.catch_up()
    assert await state_of(world, order) is OrderState.PAID


async def test_a_part_paid_in_time_and_not_deep_enough_at_the_sales_end_still_completes_the_price(world, housekeeping):
    event = await world.event()
    await world.pay(PRICE // 2, memo(event, 1), sender=wallet(1), blocks=2)
    world.chain._block_seconds = int((event.sales_end - world.now).total_seconds()) - 1
    rest = await world.pay(PRICE // 2, memo(event, 1), sender=wallet(1))
    world.now = event.sales_end + timedelta(minutes=1)
    world.chain._block_seconds = 60
    await world.turn()
    assert await housekeeping.expire_orders() == 0
    await world.mine(3)
    assert (await world.payment(rest)).outcome is Outcome.MINTED


@pytest.fixture
def pool_shown(world, monkeypatch):
    """The chain shows what waits in its pool, as Bitcoin and Monero do."""
    poll = world.chain.poll

    async def showing(checkpoint, watch):
        sweep = await poll(checkpoint, watch)
        waiting = tuple(Pending(payment=payment, confirmations=0) for payment in world.chain._pool)
        return replace(sweep, pending=sweep.pending + waiting)

    monkeypatch.setattr(world.chain, "poll", showing)


async def paid_in_two_parts_of_which_the_pool_has_one(world):
    event = await world.event()
    part = await world.pay(PRICE // 2, memo(event, 1), sender=wallet(1), blocks=8)
    world.now = event.sales_end - timedelta(minutes=1)
    world.chain.pay(RECEIVE, PRICE // 2, memo=memo(event, 1), sender=wallet(1))
    rest = await world.payment_id(world.chain._pool[0].key.txid)
    await world.turn()
    held, world.chain._pool = world.chain._pool, []  # the next block has no room for it
    world.chain._block_seconds = int((event.sales_end - START).total_seconds())
    world.chain.mine()
    world.chain._block_seconds = 60
    world.chain._pool = held
    world.now = event.sales_end + timedelta(minutes=1)
    await world.turn()
    return event, part, rest


@pytest.mark.usefixtures("pool_shown")
async def test_a_part_that_was_in_the_pool_at_the_sales_end_still_completes_the_price(world, housekeeping):
    _, part, rest = await paid_in_two_parts_of_which_the_pool_has_one(world)
    assert await housekeeping.expire_orders() == 0
    assert await housekeeping.return_topups() == 0
    await world.mine(3)
    assert [(await world.payment(one)).outcome for one in (part, rest)] == [Outcome.MINTED, Outcome.MINTED]


@pytest.mark.usefixtures("pool_shown")
async def test_what_is_never_mined_keeps_nobodys_money_longer_than_the_chains_cap(world, housekeeping):
    event, part, rest = await paid_in_two_parts_of_which_the_pool_has_one(world)
    world.now = event.sales_end + CHAIN_RECORD.hold_cap + timedelta(minutes=1)
    await housekeeping.expire_orders()
    assert await housekeeping.return_topups() == 1
    assert [(await world.payment(one)).outcome for one in (part, rest)] == [Outcome.OWED, Outcome.WAITING]


async def test_a_payment_that_returned_in_time_in_a_block_not_read_yet_ends_no_grace(world, housekeeping):
    event = await world.event(capacity=1)
    paid = await world.pay(PRICE, memo(event, 1), sender=wallet(1), blocks=3)
    world.chain.fork_at(world.chain.height - 3)
    held, world.chain._pool = world.chain._pool, []
    world.chain.mine(4)
    await world.turn()
    world.chain.blocks_per_poll = 10
    world.chain.mine(200)
    world.chain._pool = held
    world.chain.mine(4001)
    await world.turn()
    assert await housekeeping.end_grace() == 0
    await world.catch_up()
    assert (await state_of_payer(world, paid)) is OrderState.PAID


async def test_a_stopped_chain_ends_no_grace(world, housekeeping):
    event = await world.event(capacity=1)
    paid = await world.pay(PRICE, memo(event, 1), sender=wallet(1), blocks=3)
    world.chain.reorg(3)
    world.chain.mine()
    await world.turn()
    assert await state_of_payer(world, paid) is OrderState.SUSPENDED
    world.now += timedelta(days=1)
    await world.turn()
    await world.store.transact(lambda conn: progress.stop(conn, CHAIN, "why", world.now))
    assert await housekeeping.end_grace() == 0
    await world.store.transact(lambda conn: resume(conn, CHAIN))
    assert await housekeeping.end_grace() == 1


async def state_of_payer(world, payment_id):
    order_id = (await world.payment(payment_id)).order_id
    return (await world.store.read(lambda conn: orders.by_id(conn, order_id))).state


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
    assert await world.store.read(lambda conn: addresses.unused(conn, CHAIN)) == 4


async def test_a_chore_that_breaks_ends_the_loop_with_its_error(housekeeping):
    async def broken():
        raise AddressMismatchError("another xpub")

    housekeeping.extend_addresses = broken
    with pytest.raises(AddressMismatchError):
        await asyncio.wait_for(housekeeping.run(asyncio.Event()), 10)
