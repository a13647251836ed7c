"""Purchase limits at the till: what came from a wallet itself counts, whichever way it bought."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from monitor import allowance
from store.engine import open_store
from tests.support.monitor_world import PRICE, RECEIVE, START, World, draft, memo, wallet
from tickets import events, limits, orders
from tickets.order import OrderState
from tickets.orders import OrderRefusal
from tickets.reasons import Reason
from tickets.schema import events as events_table
from tickets.till import Outcome


@pytest.fixture
async def world(store):
    made = World(store=store)
    made.chain.mine()
    await made.catch_up()
    return made


async def limited(world, limit=1, **wanted):
    wished = replace(draft(**wanted), purchase_limit=limit)
    return await world.store.transact(lambda conn: events.create(conn, wished, now=START))


async def outcomes(world, payment_ids):
    return [(found.outcome, found.reason) for found in [await world.payment(one) for one in payment_ids]]


MINTED, REFUSED = (Outcome.MINTED, None), (Outcome.OWED, Reason.PURCHASE_LIMIT)


async def test_bare_memos_from_the_holders_own_wallet_buy_no_more_than_the_limit(world):
    event = await limited(world)
    paid = [await world.pay(PRICE, memo(event, 1), sender=wallet(1), blocks=3) for _ in range(3)]
    await world.mine(10)
    assert await outcomes(world, paid) == [MINTED, REFUSED, REFUSED]
    assert len((await world.book()).tickets) == 1
    assert (await world.book()).faults == ()


async def test_those_that_come_with_one_sweep_are_counted_one_after_the_other(world):
    event = await limited(world, 2)
    for _ in range(3):
        world.chain.pay(RECEIVE, PRICE, memo=memo(event, 1), sender=wallet(1)).mine()
    world.chain.mine(12)
    await world.catch_up()
    assert len((await world.book()).tickets) == 2


async def test_without_those_at_hand_one_sweep_would_pass_the_limit(world, monkeypatch):
    """Negative control: the database alone does not know what this very sweep has sold."""
    from_rows = lambda sitting, event, holder, **_: allowance.limits.counted(sitting.conn, event.id, holder)  # noqa: E731
    monkeypatch.setattr(allowance, "counted", from_rows)
    event = await limited(world)
    for _ in range(3):
        world.chain.pay(RECEIVE, PRICE, memo=memo(event, 1), sender=wallet(1)).mine()
    world.chain.mine(12)
    await world.catch_up()
    assert len((await world.book()).tickets) == 3


async def test_strangers_gifts_are_neither_counted_nor_refused(world):
    event = await limited(world)
    gifts = [await world.pay(PRICE, memo(event, 1), sender=wallet(2), blocks=3) for _ in range(2)]
    own = await world.pay(PRICE, memo(event, 1), sender=wallet(1), blocks=3)
    assert await outcomes(world, [*gifts, own]) == [MINTED] * 3


async def test_parts_of_one_purchase_are_one_purchase(world):
    event = await limited(world)
    paid = [await world.pay(PRICE // 2, memo(event, 1), sender=wallet(1), blocks=3) for _ in range(2)]
    assert await outcomes(world, paid) == [MINTED] * 2


async def test_orders_and_bare_memos_share_one_limit(world):
    event = await limited(world)
    order = await world.order(event)
    bare = await world.pay(PRICE, memo(event, 1), sender=wallet(1), blocks=3)
    assert await outcomes(world, [bare]) == [REFUSED]
    await world.store.transact(lambda conn: orders.release(conn, order.id, now=world.now))
    bought = await world.pay(PRICE, memo(event, 1), sender=wallet(1), blocks=10)
    assert await world.place(event) is OrderRefusal.LIMIT_REACHED
    taken_up_again = await world.pay(PRICE, f"o:{order.code}", sender=wallet(1), blocks=10)
    assert await outcomes(world, [bought, taken_up_again]) == [MINTED, REFUSED]


async def test_an_event_that_is_over_owes_back_what_comes_for_an_open_order(world):
    ends = START + timedelta(minutes=5)
    wished = replace(draft(), starts_at=START + timedelta(minutes=1), ends_at=ends, sales_end=None)
    event = await world.store.transact(lambda conn: events.create(conn, wished, now=START))
    order = await world.order(event)
    world.chain.mine(400)
    await world.catch_up()
    late = await world.pay(PRICE, f"o:{order.code}", sender=wallet(1), blocks=10)
    assert await outcomes(world, [late]) == [(Outcome.OWED, Reason.CLOSED)]
    assert (await world.book()).tickets == ()


async def test_a_transaction_sped_up_after_the_sale_brings_the_suspended_ticket_back(world):
    event = await world.event(capacity=1)
    paid = await world.pay(PRICE, memo(event, 1), sender=wallet(1), blocks=3)
    world.chain.reorg(3)
    world.chain.mine()
    await world.turn()
    assert (await world.book()).tickets[0][-1] == "suspended"
    world.chain._block_seconds = int((event.sales_end - START).total_seconds())
    again = await world.pay(PRICE, memo(event, 1), sender=wallet(1), blocks=3)
    assert (await world.payment(again)).block_time > event.sales_end
    assert [ticket[-1] for ticket in (await world.book()).tickets] == ["valid"]
    order_id = (await world.payment(again)).order_id
    assert order_id == (await world.payment(paid)).order_id
    assert (await world.store.read(lambda conn: orders.by_id(conn, order_id))).state is OrderState.PAID


@pytest.mark.parametrize("limit", [1, None])
async def test_only_an_event_with_a_limit_is_locked_while_its_payments_are_counted(database_urls, limit):
    """On PostgreSQL: an order placed meanwhile waits, so that both are never let through by the same count."""
    store = open_store(database_urls("postgres"))
    event = await limited(World(store=store), limit)
    wanted = select(events_table).where(events_table.c.id == event.id).with_for_update(nowait=True)
    with store.engine.connect() as settling, store.engine.connect() as placing:
        limits.lock(settling, [event.id])
        if limit is None:
            assert placing.execute(wanted).one().id == event.id
        else:
            with pytest.raises(OperationalError, match="could not obtain lock"):
                placing.execute(wanted)
    await store.aclose()
