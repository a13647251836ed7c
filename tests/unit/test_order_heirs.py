"""An order that fell apart and was paid again: its buyer sees one order, under the id that their page knows."""

from dataclasses import replace

import pytest

from gateway.api.bill import Desk
from gateway.api.order_view import find_view, versions
from gateway.api.stream import OrderFeed
from monitor.housekeeping import Housekeeping
from tests.support.gateway_app import settings
from tests.support.monitor_world import CHAIN, PRICE, World, terms
from tests.unit.test_settlement import UNDER_WAY, undo
from tickets import addresses, heirs
from tickets.order import OrderState

ADDRESS = "0x" + "b0" * 20


@pytest.fixture
async def world(store):
    made = World(store=store)
    made.chain.mine()
    await store.transact(lambda conn: addresses.extend(conn, CHAIN, [ADDRESS], start=0))
    await made.catch_up()
    return made


@pytest.fixture
def desk(tmp_path):
    configured = settings(tmp_path)
    return Desk(registry=configured.registry(), settings=configured)


@pytest.fixture
async def order(world):
    return await world.order(await world.event(capacity=1))


async def fall(world):
    """Let a paid order's money vanish for good; return the transactions, which may come back."""
    waiting = await undo(world, 3)
    world.now += terms().grace + UNDER_WAY
    await world.mine()
    housekeeping = Housekeeping(store=world.store, terms=(terms(),), clock=lambda: world.now)
    assert await housekeeping.end_grace() == 1
    return waiting


async def seen(world, order, desk):
    view = await world.store.read(lambda conn: find_view(conn, order.id, desk, now=world.now))
    return view.state, sorted(ticket.state for ticket in view.tickets), [one.outcome for one in view.payments]


async def test_what_is_paid_after_an_order_fell_apart_is_seen_under_its_own_id(world, order, desk):
    await world.pay(PRICE, None, to=order.address, blocks=3)
    assert await seen(world, order, desk) == ("paid", ["valid"], ["minted"])
    waiting = await fall(world)
    assert await seen(world, order, desk) == ("expired", ["revoked"], ["waiting"])
    world.chain._pool = waiting
    await world.mine(10)
    assert await seen(world, order, desk) == ("paid", ["revoked", "valid"], ["minted"])
    view = await world.store.read(lambda conn: find_view(conn, order.id, desk, now=world.now))
    assert (view.order_id, view.paid, view.code) == (order.id, view.amount, order.code)


async def test_an_heir_that_falls_has_an_heir(world, order, desk):
    await world.pay(PRICE, None, to=order.address, blocks=3)
    waiting = await fall(world)
    world.chain._pool = waiting
    await world.mine(3)
    waiting = await fall(world)
    world.chain._pool = waiting
    await world.mine(10)
    assert await seen(world, order, desk) == ("paid", ["revoked", "revoked", "valid"], ["minted"])


async def test_the_stream_is_woken_by_what_happens_to_the_heir(world, order):
    feed = OrderFeed(world.store, lambda _: None)
    await world.pay(PRICE, None, to=order.address, blocks=3)
    waiting = await fall(world)
    with feed.follow(order.id, "client") as changed:
        await feed.refresh()
        changed.clear()
        await feed.refresh()
        assert not changed.is_set()
        world.chain._pool = waiting
        await world.mine(10)
        await feed.refresh()
        assert changed.is_set()
    await feed.aclose()


async def test_without_following_heirs_the_buyer_would_see_nothing_of_it(world, order, desk, monkeypatch):
    await world.pay(PRICE, None, to=order.address, blocks=3)
    waiting = await fall(world)
    world.chain._pool = waiting
    monkeypatch.setattr(heirs, "heirs_of", lambda _conn, _fallen: {})
    await world.mine(10)
    assert (await seen(world, order, desk))[:2] == ("expired", ["revoked"])


async def test_an_order_that_merely_expired_has_no_heir(world, order):
    expired = replace(order, state=OrderState.EXPIRED)
    assert await world.store.read(lambda conn: heirs.succession(conn, expired)) == (expired,)
    text = (await world.store.read(lambda conn: versions(conn, [order.id])))[order.id]
    assert "-" not in text
