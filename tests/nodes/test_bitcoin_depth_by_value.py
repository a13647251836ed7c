"""Confirmations by value on a real Bitcoin node with the shipped steps: the more is paid, the deeper it must lie.

up to 0.002 BTC ── 1 ── ticket          up to 0.02 BTC ── 2 ── ticket          more ── 3 ── ticket
"""

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from config.loader import load_registry
from config.registry import Family
from tests.support.driver_bitcoin import REGTEST
from tests.support.natures import FINALITY, nature_of
from tests.support.stage_bitcoin import bitcoin_stage
from tests.support.stage_world import StageWorld
from tests.support.stages import world_on

pytestmark = pytest.mark.xdist_group("chain bitcoin")

MAIN = "bip122:000000000019d6689c085ae165831e93"
BITCOIN = 100_000_000
STEPS = [(200_000, 1), (200_001, 2), (2_000_000, 2), (2_000_001, 3), (10 * BITCOIN, 3)]
"""Satoshis and confirmations."""


@asynccontextmanager
async def as_shipped():
    async with bitcoin_stage() as stage:
        stage.chain = replace(stage.chain, mint_steps=load_registry().chain(REGTEST).mint_steps)
        yield stage


@pytest.fixture
async def world(database_urls):
    async with world_on(as_shipped, nature_of(Family.BITCOIN), database_urls("sqlite")) as begun:
        yield begun
        await begun.end()


@pytest.mark.parametrize(("price", "confirmations"), STEPS)
async def test_a_ticket_is_minted_at_the_depth_that_its_price_asks_for_and_not_before(
    world, monkeypatch, price, confirmations
):
    monkeypatch.setattr(StageWorld, "price", price)
    order = await world.order(await world.event(), 1)
    world.stage.pay(world.bill(order))
    await world.mine(confirmations - 1)
    assert await world.ticket_states() == []
    await world.mine()
    assert await world.ticket_states() == ["valid"]


async def test_small_payments_for_several_orders_in_one_block_wait_like_the_sum_of_them(world, monkeypatch):
    monkeypatch.setattr(StageWorld, "price", 150_000)
    event = await world.event()
    for buyer in (1, 2):
        world.stage.pay(world.bill(await world.order(event, buyer)))
    await world.mine()
    assert await world.ticket_states() == []
    await world.mine()
    assert await world.ticket_states() == ["valid", "valid"]


async def test_a_replaced_block_starts_the_count_anew(world, monkeypatch):
    monkeypatch.setattr(StageWorld, "price", 5_000_000)
    txid = world.stage.pay(world.bill(await world.order(await world.event(), 1)))
    await world.mine(2)
    world.stage.reorg(2)
    world.stage.send_again(txid)
    await world.mine(2)
    assert await world.ticket_states() == []
    await world.mine()
    assert await world.ticket_states() == ["valid"]
    await world.mine(FINALITY)


def test_the_main_network_asks_for_the_same_of_its_own_coin():
    main, regtest = (load_registry().chain(chain) for chain in (MAIN, REGTEST))
    assert [*main.steps_for(main.native.id)] == [*regtest.steps_for(regtest.native.id)]
