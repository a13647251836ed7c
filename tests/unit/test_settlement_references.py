"""Which order a payment is for by the references that travel along with it, whatever else names one beside them."""

from dataclasses import replace

import pytest

from monitor import matching
from tests.support.monitor_world import CHAIN, PRICE, RECEIVE, World, memo, wallet
from tickets import addresses
from tickets.reasons import Reason
from tickets.till import Outcome

REFERENCES = [wallet(0xAD00 + number) for number in range(3)]


@pytest.fixture
async def world(store):
    made = World(store=store)
    made.chain.mine()
    await store.transact(lambda conn: addresses.extend(conn, CHAIN, REFERENCES, start=0))
    await made.catch_up()
    return made


async def paid(world, *orders, text=None):
    """Pay the platform's own address with references of these orders."""
    world.chain.pay(RECEIVE, PRICE, memo=text, sender=wallet(9))
    references = tuple(order.address for order in orders)
    world.chain._pool[-1] = replace(world.chain._pool[-1], references=references)
    txid = world.chain.last_txid
    await world.mine(3)
    return await world.payment(await world.payment_id(txid))


async def test_a_reference_names_its_order_whatever_event_memo_stands_beside_it(world):
    event = await world.event()
    order = await world.order(event)
    payment = await paid(world, order, text=memo(event, 5))
    assert (payment.order_id, payment.outcome) == (order.id, Outcome.MINTED)


async def test_a_reference_and_another_orders_code_decide_nothing(world):
    event = await world.event()
    order, other = await world.order(event, 1), await world.order(event, 2)
    payment = await paid(world, order, text=f"o:{other.code}")
    assert (payment.outcome, payment.reason) == (Outcome.OWED, Reason.CONFLICTING_MEMOS)


@pytest.mark.parametrize("beside", ["nothing", "a code of one of them", "an event memo"])
async def test_references_of_two_orders_decide_nothing(world, beside):
    event = await world.event()
    order, other = await world.order(event, 1), await world.order(event, 2)
    text = {"nothing": None, "a code of one of them": f"o:{order.code}", "an event memo": memo(event, 5)}[beside]
    payment = await paid(world, order, other, text=text)
    assert (payment.outcome, payment.reason) == (Outcome.OWED, Reason.CONFLICTING_MEMOS)
    assert not (await world.book()).tickets


async def test_control_were_they_passed_over_the_memo_beside_them_would_buy_something_else(world, monkeypatch):
    monkeypatch.setattr(matching, "_located", lambda _record, _found: set())
    event = await world.event()
    order, other = await world.order(event, 1), await world.order(event, 2)
    payment = await paid(world, order, other, text=memo(event, 5))
    assert payment.outcome is Outcome.MINTED


async def test_one_reference_that_travels_twice_is_one(world):
    order = await world.order(await world.event())
    assert (await paid(world, order, order)).outcome is Outcome.MINTED
