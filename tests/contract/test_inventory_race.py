"""Many buyers, few places: exactly as many win as there are places, on both databases, with works that really race."""

import asyncio
import threading
from dataclasses import replace

import pytest

from store.engine import open_store
from tests.support.tickets_box import (
    HOLD_FOR,
    counted_places,
    kept_places,
    opened,
    ordered,
    pay,
    request,
    reread,
    sell,
    tier,
    without_the_guards,
)
from tickets import events, inventory, order_store, orders
from tickets.keys import KeyKind, Keyring
from tickets.order import Order
from tickets.orders import OrderRefusal

BUYERS = 64
PLACES = 10


@pytest.fixture
def signer(tmp_path, now):
    return Keyring.create(tmp_path / "keys", now=now).signer(KeyKind.TICKET)


async def test_sixty_four_payments_race_for_ten_places_and_exactly_ten_win(store, now, signer):
    event = await opened(store, now, tiers=(tier(capacity=PLACES),))
    waiting = [await ordered(store, event, now, by, want_hold=False) for by in range(BUYERS)]
    minted = await asyncio.gather(
        *(store.transact(lambda conn, order=order: pay(conn, order, event, signer, now)) for order in waiting)
    )
    assert sum(map(len, minted)) == PLACES
    after = (await reread(store, event)).tier()
    assert (after.held, after.sold, after.left) == (0, PLACES, 0)
    assert await store.read(kept_places) == await store.read(counted_places)


async def test_sixty_four_buyers_race_for_ten_holds_and_exactly_ten_get_one(store, now, signer):
    event = await opened(store, now, tiers=(tier(capacity=PLACES),))
    answers = await asyncio.gather(
        *(
            store.transact(lambda conn, by=by: orders.place(conn, request(event, by), now=now, hold_for=HOLD_FOR))
            for by in range(BUYERS)
        )
    )
    winners = [answer for answer in answers if isinstance(answer, Order)]
    assert len(winners) == PLACES
    assert set(answers) - set(winners) == {OrderRefusal.SOLD_OUT}
    assert len({order.id for order in winners} | {order.code for order in winners}) == 2 * PLACES
    minted = await asyncio.gather(
        *(store.transact(lambda conn, order=order: pay(conn, order, event, signer, now)) for order in winners)
    )
    assert sum(map(len, minted)) == PLACES
    assert (await reread(store, event)).tier().sold == PLACES


async def test_orders_of_several_tiers_race_without_waiting_for_each_other(store, now):
    """Lines stand in opposite orders; tiers are locked by their ids, so nobody waits in a ring."""
    event = await opened(store, now, tiers=(tier("a", 5), tier("b", 5)))
    pattern = await ordered(store, event, now, want_hold=False)

    def several(number):
        lines = [replace(pattern.lines[0], tier_id=one.id) for one in event.tiers]
        ordered_lines = tuple(lines if number % 2 else reversed(lines))
        return replace(pattern, id=f"{number:032x}", code=f"{number:013}", lines=ordered_lines)

    waiting = [several(number) for number in range(32)]
    await store.transact(lambda conn: order_store.add(conn, waiting))
    sold = await asyncio.gather(
        *(store.transact(lambda conn, order=order: sell(conn, order, now)) for order in waiting)
    )
    assert len(sold) - sold.count(None) == 5
    assert [one.sold for one in (await reread(store, event)).tiers] == [5, 5]


async def test_without_the_lock_and_the_conditional_write_the_same_race_oversells(
    database_urls, now, signer, monkeypatch
):
    """Negative control on PostgreSQL: look first, write afterwards, as a careless box office would."""
    store = open_store(database_urls("postgres"))
    event = await opened(store, now, tiers=(tier(capacity=PLACES),))
    waiting = [await ordered(store, event, now, by, want_hold=False) for by in range(BUYERS)]
    together = threading.Barrier(8, timeout=30)  # the store's threads: eight buyers look before one of them writes

    def careless(conn, tier_ids):
        left = {tier_id: events.find(conn, event.id).tier_by_id(tier_id).left for tier_id in tier_ids}
        together.wait()
        return inventory.Places(left)

    fits = inventory.Places._fits
    without_the_guards(monkeypatch)
    monkeypatch.setattr(inventory.Places, "_fits", fits)  # it counts, but what it counts is nobody's alone
    monkeypatch.setattr(inventory, "lock", careless)
    minted = await asyncio.gather(
        *(store.transact(lambda conn, order=order: pay(conn, order, event, signer, now)) for order in waiting)
    )
    assert sum(map(len, minted)) > PLACES
    await store.aclose()
