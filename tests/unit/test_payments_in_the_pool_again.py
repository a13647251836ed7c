"""A reorg that gives a paid transaction back to the pool: no depth speaks for it until it is mined again.

pay ─ 1 ─ 2 (minted)            pay ─ 1 ─ 2 (minted)
 └─ a ─ b ─ c  pool: pay         └─ a ─ b ─ pay ─ d ─ e
the ticket is suspended         it is valid again, once it is as deep as before
"""

import pytest

from chains.testing import FakeChain
from monitor import changes as rules
from tests.support.monitor_world import PRICE, World, memo
from tickets.till import Outcome, PaymentState

DEPTH = 2
"""At which the price mints in this world."""


@pytest.fixture
async def world(store):
    made = World(store=store, chain=FakeChain(shows_pool=True))
    made.chain.mine()
    await made.catch_up()
    return made


async def states(world):
    return [row[-1] for row in (await world.book()).tickets]


async def minted(world):
    event = await world.event()
    payment_id = await world.pay(PRICE, memo(event, 1), blocks=DEPTH)
    assert await states(world) == ["valid"]
    return payment_id


async def unmine(world):
    """Let a longer branch take the place of the payment's block, in which it does not stand."""
    world.chain.fork_at(world.chain.height - DEPTH)
    world.chain.mine(DEPTH + 1, empty=True)
    await world.turn()


async def test_a_ticket_is_suspended_when_its_payment_waits_to_be_mined_again(world):
    payment_id = await minted(world)
    await unmine(world)
    assert await states(world) == ["suspended"]
    assert (await world.payment(payment_id)).state is PaymentState.GONE
    world.chain.mine(empty=True)
    await world.turn()
    assert await states(world) == ["suspended"]  # the pool's word restores nothing
    assert (await world.book()).faults == ()


async def test_it_is_valid_again_once_the_payment_is_mined_again(world):
    payment_id = await minted(world)
    await unmine(world)
    await world.mine(DEPTH)
    payment = await world.payment(payment_id)
    assert (payment.state, payment.outcome) == (PaymentState.PENDING, Outcome.MINTED)
    assert await states(world) == ["valid"]
    await world.mine(10)
    book = await world.book()
    assert (await world.payment(payment_id)).booked
    assert (len(book.tickets), book.faults) == (1, ())


async def test_what_has_bought_nothing_yet_just_waits_on(world):
    event = await world.event()
    payment_id = await world.pay(PRICE, memo(event, 1), blocks=1)
    world.chain.fork_at(world.chain.height - 1)
    world.chain.mine(2, empty=True)
    await world.turn()
    payment = await world.payment(payment_id)
    assert (payment.state, payment.height, payment.outcome) == (PaymentState.PENDING, None, Outcome.WAITING)
    await world.mine(DEPTH)
    assert await states(world) == ["valid"]


async def test_control_by_the_pools_word_alone_the_ticket_would_have_stayed_valid(world, monkeypatch):
    monkeypatch.setattr(rules, "_unmined", lambda _before, _sighting: False)
    await minted(world)
    await unmine(world)
    assert await states(world) == ["valid"]
