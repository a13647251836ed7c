"""On which chain a wallet is taken to be, and that it is the same holder on every one."""

from dataclasses import replace

import pytest

from chains.account import Account
from config.loader import load_registry
from config.registry import Network, Registry
from gateway.gate.home import account_given, at_home
from tests.support.gate_house import CHAIN, Wallet, opened, refused

BUYER = Wallet(1)


@pytest.fixture
async def house(store, now, tmp_path):
    async with opened(store, now, tmp_path) as house:
        await house.ticket(BUYER)
        yield house


def registry_of(*ids: str) -> Registry:
    chains = load_registry().chains
    return Registry(tuple(chains[one] for one in ids))


@pytest.mark.parametrize(
    ("configured", "home"),
    [
        (("eip155:137", "eip155:1"), "eip155:1"),
        (("eip155:137", "eip155:56"), "eip155:137"),
        ((), "eip155:1"),
    ],
)
def test_a_wallet_is_at_home_on_its_familys_own_chain_else_on_the_first_that_is_sold_on(configured, home):
    given = account_given(BUYER.address, network=Network.MAIN, registry=registry_of(*configured))
    assert isinstance(given, Account)
    assert given.chain == home
    assert at_home(replace(given, chain="eip155:10"), registry_of(*configured)) == given


def test_a_chain_that_a_page_names_stays_as_it_is():
    named = f"eip155:10:{BUYER.address}"
    assert str(account_given(named, network=Network.MAIN, registry=registry_of("eip155:1"))) == named


async def test_a_challenge_names_a_chain_of_this_deployment(house):
    assert f"Chain ID: {CHAIN.partition(':')[2]}\n" in await house.challenge(BUYER)


@pytest.mark.parametrize("asked_as", ["eip155:31337:{}", "eip155:1:{}", "eip155:137:{}", "{}"])
@pytest.mark.parametrize("joins_as", ["eip155:10:{}", "{}"])
async def test_a_wallet_is_the_same_holder_whatever_chain_its_challenge_names(house, asked_as, joins_as):
    answer = await house.post("challenge", {"wallet_address": asked_as.format(BUYER.address)})
    text = (await answer.json())["message"]
    body = {"wallet_address": joins_as.format(BUYER.address), "message": text, "signature": BUYER.sign(text)}
    assert (await house.post("join", body)).status == 200
    again = body | {"wallet_address": f"eip155:56:{BUYER.address}"}
    assert await refused(await house.post("join", again)) == (409, "proof_spent")
