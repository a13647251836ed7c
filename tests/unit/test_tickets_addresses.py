"""Own addresses: none shown before it is watched, none shown twice, none forgotten."""

import asyncio
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from store.engine import open_store
from tests.support.tickets_box import CHAIN, opened, ordered
from tickets import addresses, orders
from tickets.addresses import AddressState
from tickets.errors import AddressMismatchError


def named(*positions):
    return [f"0x{position:040x}" for position in positions]


async def committed(store, count, start=0, chain=CHAIN.id):
    return await store.transact(
        lambda conn: addresses.extend(conn, chain, named(*range(start, start + count)), start=start)
    )


async def watched(store):
    return await store.read(lambda conn: addresses.watched_set(conn, CHAIN.id))


async def acknowledged(store, *positions):
    return await store.transact(lambda conn: addresses.acknowledge(conn, CHAIN.id, positions))


async def test_an_address_is_shown_only_after_a_poll_has_watched_it(store, now):
    event = await opened(store, now)
    await committed(store, 2)
    assert (await ordered(store, event, now)).address is None
    poll = await watched(store)
    assert poll.active == set(named(0, 1))
    await committed(store, 1, start=2)  # after the poll began
    assert await acknowledged(store, *poll.committed) == 2
    assert await acknowledged(store, *poll.committed) == 0
    shown = [(await ordered(store, event, now)).address for _ in range(3)]
    assert shown == [*named(0, 1), None]


async def test_buyers_at_once_get_different_addresses(store, now):
    event = await opened(store, now)
    await committed(store, 16)
    await acknowledged(store, *range(16))
    made = await asyncio.gather(*(ordered(store, event, now, by, want_hold=False) for by in range(20)))
    given = [order.address for order in made if order.address]
    assert sorted(given) == named(*range(16))


async def test_an_address_is_never_taken_again_and_stays_watched_when_retired(store, now):
    event = await opened(store, now)
    await committed(store, 2)
    await acknowledged(store, 0, 1)
    order = await ordered(store, event, now)
    await store.transact(lambda conn: orders.release(conn, order.id, now=now))
    retire = lambda before: store.transact(lambda conn: addresses.retire_ended(conn, before=before))  # noqa: E731
    assert await retire(now) == 0
    assert await retire(now + timedelta(seconds=1)) == 1
    after = await watched(store)
    assert (after.active, after.retired) == (set(named(1)), set(named(0)))
    assert (await ordered(store, event, now)).address == named(1)[0]
    assert (await ordered(store, event, now)).address is None


async def test_an_open_orders_address_is_not_retired(store, now):
    event = await opened(store, now)
    await committed(store, 1)
    await acknowledged(store, 0)
    order = await ordered(store, event, now)
    assert await store.transact(lambda conn: addresses.retire_ended(conn, before=now + timedelta(days=1))) == 0
    await store.transact(lambda conn: addresses.retire(conn, order.id))
    assert (await watched(store)).retired == set(named(0))


async def test_extending_goes_on_where_it_stopped_and_may_be_repeated(store):
    assert await store.read(lambda conn: addresses.next_position(conn, CHAIN.id)) == 0
    assert [await committed(store, 3), await committed(store, 3), await committed(store, 4)] == [3, 0, 1]
    assert await store.read(lambda conn: addresses.next_position(conn, CHAIN.id)) == 4
    assert await store.read(lambda conn: addresses.unused(conn, CHAIN.id)) == 4
    assert await store.transact(lambda conn: addresses.extend(conn, CHAIN.id, [], start=4)) == 0
    assert await store.read(lambda conn: addresses.next_position(conn, "eip155:1")) == 0
    assert await committed(store, 3, chain="eip155:1") == 3  # one xpub serves every EVM chain


async def test_another_xpub_for_positions_already_committed_is_refused_and_leaves_no_trace(store):
    await committed(store, 2)
    with pytest.raises(AddressMismatchError, match="xpub"):
        await store.transact(lambda conn: addresses.extend(conn, CHAIN.id, named(7, 8, 9), start=1))
    assert (await watched(store)).active == set(named(0, 1))


async def test_after_a_restore_the_index_jumps_past_what_may_have_been_shown(store, now):
    event = await opened(store, now)
    await committed(store, 3)
    await acknowledged(store, 0, 1)
    order = await ordered(store, event, now)
    await committed(store, 5, start=3)
    assert await store.transact(lambda conn: addresses.jump(conn, CHAIN.id, 5)) == 5
    after = await watched(store)
    assert after.active | after.retired == set(named(*range(8)))
    assert (order.address, after.retired) == (named(0)[0], set(named(1, 2, 3, 4, 5)))
    await acknowledged(store, *after.committed)
    assert (await ordered(store, event, now)).address == named(6)[0]


async def test_after_a_restore_a_gap_is_watched_and_shown_to_nobody(store, now):
    event = await opened(store, now)
    await committed(store, 3)
    await acknowledged(store, 0, 1)

    def derive(start, count):
        return named(*range(start, start + count))

    assert await store.transact(lambda conn: addresses.restored(conn, CHAIN.id, derive, gap=5)) == 8
    after = await watched(store)
    assert (after.active, after.retired) == (set(), set(named(*range(8))))
    assert (await ordered(store, event, now)).address is None
    await committed(store, 1, start=8)
    await acknowledged(store, *(await watched(store)).committed)
    assert (await ordered(store, event, now)).address == named(8)[0]


async def test_every_address_the_platform_ever_received_at_stays_watched(store):
    for address in (*named(0xA), *named(0xB), *named(0xA)):
        await store.transact(lambda conn, address=address: addresses.receive_at(conn, CHAIN.id, [address]))
    await store.transact(lambda conn: addresses.receive_at(conn, "eip155:1", named(0xC)))
    assert (await watched(store)).active == set(named(0xA, 0xB))


async def test_what_is_known_of_the_watch_is_read_anew_whenever_it_changed(store, now):
    event = await opened(store, now)
    known = await watched(store)

    async def again():
        nonlocal known
        before = known
        known = await store.read(lambda conn: addresses.watched_set(conn, CHAIN.id, known=before))
        assert known == await watched(store)
        return known.active is before.active

    await committed(store, 3)
    assert not await again()
    assert known.committed == (0, 1, 2)
    await acknowledged(store, 0, 1)
    assert await again()
    assert known.committed == (2,)
    order = await ordered(store, event, now)
    assert await again()
    await store.transact(lambda conn: addresses.retire(conn, order.id))
    assert not await again()
    await store.transact(lambda conn: addresses.receive_at(conn, CHAIN.id, named(0xA)))
    assert not await again()


async def test_an_address_being_taken_is_passed_over_by_the_next_buyer(database_urls, now):
    """On PostgreSQL, two transactions at once: the second neither waits nor gets the same."""
    store = open_store(database_urls("postgres"))
    orders_of = await two_orders_and_two_addresses(store, now)
    with store.engine.connect() as one, store.engine.connect() as two:
        taken = [addresses.take(conn, CHAIN.id, order.id) for conn, order in zip((one, two), orders_of, strict=True)]
        assert taken == named(0, 1)
    await store.aclose()


async def test_chosen_first_and_taken_afterwards_one_address_is_shown_twice(database_urls, now):
    """Negative control on PostgreSQL: without the row's lock both buyers choose the same address."""
    store = open_store(database_urls("postgres"))
    orders_of = await two_orders_and_two_addresses(store, now)
    together = threading.Barrier(2, timeout=30)
    table = addresses.order_addresses

    def careless(conn, order):
        free = select(table.c.position, table.c.address).where(table.c.state == AddressState.WATCHED)
        chosen = conn.execute(free.order_by(table.c.position).limit(1)).one()
        together.wait()
        taken = update(table).where(table.c.position == chosen.position)
        conn.execute(taken.values(state=AddressState.SHOWN, order_id=order.id))
        return chosen.address

    given = await asyncio.gather(*(store.transact(lambda conn, o=o: careless(conn, o)) for o in orders_of))
    assert given == named(0, 0)
    await store.aclose()


async def two_orders_and_two_addresses(store, now):
    event = await opened(store, now)
    placed = [await ordered(store, event, now) for _ in range(2)]
    await committed(store, 2)
    await acknowledged(store, 0, 1)
    return placed
