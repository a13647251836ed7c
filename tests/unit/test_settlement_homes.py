"""Where the wallet of a bare memo is at home, if the chain paid on is of its family but is not its own."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from config.loader import load_registry
from config.registry import Family
from tests.support.monitor_world import CHAIN, CHAIN_RECORD, PRICE, World
from tickets.schema import tickets

LITECOIN = load_registry().chain("bip122:530827f38f93b43ed12af0b3ad25a288")
THEIRS = "rltc1q8uqqp848gsyu3890x792pn66j55rd8mtmzaz60"
OTHERS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


@pytest.fixture
async def world(store):
    """A chain that spells addresses as Litecoin's regtest."""
    made = World(store=store, record=replace(CHAIN_RECORD, family=Family.BITCOIN, prefixes=LITECOIN.prefixes))
    made.chain.mine()
    await made.catch_up()
    return made


@pytest.mark.parametrize(("wallet", "home"), [(THEIRS, CHAIN), (OTHERS, "bip122:0f9188f13cb7b2c71f2a335e3a4fc328")])
async def test_a_ticket_is_held_on_the_chain_whose_wallet_it_is(world, wallet, home):
    event = await world.event()
    await world.pay(PRICE, f"event:{event.ref}:wallet:{wallet}", blocks=10)
    [held] = await world.store.read(lambda conn: conn.execute(select(tickets.c.account)).scalars().all())
    assert held == f"{home}:{wallet}"
