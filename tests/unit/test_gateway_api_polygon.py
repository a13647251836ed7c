"""Polygon's coin was called MATIC: pages that say so and pages that say POL buy the same ticket, over HTTP."""

import pytest
from aiohttp.test_utils import TestClient, TestServer

from chains import progress
from chains.port import Sweep, Tip
from config.settings import load_settings
from gateway.app import build_app
from gateway.deps import Deps
from tests.support import tickets_box as box
from tests.support.gateway_app import OWN_ADDRESSES, RECEIVE, WALLET, HandClock
from tickets import addresses
from tickets.keys import Keyring
from verifier.port import NO_LOOKUP

POLYGON, BNB = "eip155:137", "eip155:56"
POL, COIN = f"{POLYGON}/slip44:966", f"{BNB}/slip44:714"
USDC = {  # six decimals and eighteen
    POLYGON: f"{POLYGON}/erc20:0x3c499c542cef5e3811e1192ce70d8cc03d5c3359",
    BNB: f"{BNB}/erc20:0x8ac76a51cc950d9822d68b83fe1ad97b32cd580d",
}
SETTINGS = f"""
network = "main"
[platform]
domains = ["house.test"]
[gate]
public_url = "https://house.test"
[gate.limits]
purchases_per_minute = 100000
[chains."{POLYGON}"]
endpoints = ["http://127.0.0.1:9"]
receive = "{RECEIVE}"
[chains."{BNB}"]
endpoints = ["http://127.0.0.1:9"]
receive = "{RECEIVE}"
"""


def followed(conn, now):
    """Leave behind what a watcher's first poll does, with addresses of our own on each chain."""
    for chain, own in ((POLYGON, OWN_ADDRESSES[:10]), (BNB, OWN_ADDRESSES[10:])):
        tip = Tip(height=100, hash="0x64", time=now)
        sweep = Sweep(final=(), pending=(), gone=(), tip=tip, final_height=92, checkpoint={"height": 92})
        progress.save(conn, chain, sweep, now)
        addresses.extend(conn, chain, own, start=0)
        addresses.acknowledge(conn, chain, range(len(own)))


@pytest.fixture
async def client(store, now, tmp_path):
    file = tmp_path / "usher.toml"
    file.write_text(SETTINGS)
    configured = load_settings(file, {"HOME": str(tmp_path)})
    deps = Deps(
        settings=configured,
        registry=configured.registry(),
        store=store,
        clock=HandClock(now),
        keyring=Keyring.create(tmp_path / "keys", now=now),
        lookup=NO_LOOKUP,
        secret=b"s" * 32,
    )
    await store.transact(lambda conn: followed(conn, now))
    async with TestClient(TestServer(build_app(deps))) as started:
        yield started


@pytest.fixture
async def event(store, now):
    prices = {POL: 25 * 10**18, COIN: 10**17, USDC[POLYGON]: 12 * 10**6, USDC[BNB]: 12 * 10**18}
    return await box.opened(store, now, slug="opening-night", tiers=(box.tier(prices=prices),))


async def bought(client, event, method):
    wish = {"event_id": event.ref, "payment_method": method, "wallet_address": WALLET, "hold": False}
    answer = await client.post("/api/events/purchase", json=wish)
    return answer.status, await answer.json(content_type=None)


@pytest.mark.parametrize("method", ["pol", "matic", "POL", "MATIC", "pol:polygon", "matic:polygon", " Matic ", POL])
async def test_either_name_of_the_coin_buys_with_it(client, event, method):
    status, bill = await bought(client, event, method)
    assert status == 201, bill
    assert (bill["asset"], bill["currency"], bill["amount"]) == (POL, "POL", "25")
    assert bill["payment_uri"].startswith("ethereum:0x")
    assert bill["payment_uri"].endswith(f"@137?value={25 * 10**18}")
    assert int(bill["transaction"]["value"], 16) == 25 * 10**18


@pytest.mark.parametrize("method", ["matic:bnb", "matic:ethereum", "pol:bnb", "maticc", "eth"])
async def test_the_name_means_nothing_elsewhere(client, event, method):
    status, problem = await bought(client, event, method)
    assert (status, problem["code"]) == (422, "unknown_payment_method"), problem


@pytest.mark.parametrize(
    ("method", "asset", "units"),
    [
        ("usdc:polygon", USDC[POLYGON], 12 * 10**6),
        ("usdc:bnb", USDC[BNB], 12 * 10**18),
        ("bnb", COIN, 10**17),
    ],
)
async def test_each_token_is_asked_for_in_the_decimals_of_its_chain(client, event, method, asset, units):
    status, bill = await bought(client, event, method)
    assert (status, bill["asset"], bill["amount"]) == (201, asset, "0.1" if method == "bnb" else "12")
    assert str(units) in bill["payment_uri"]
    data, value = bill["transaction"]["data"], int(bill["transaction"]["value"], 16)
    assert value == units if method == "bnb" else f"{units:064x}" in data


async def test_the_name_that_the_events_page_tells_is_one_that_buys(client, event):
    told = await (await client.get(f"/api/events/{event.ref}")).json()
    [named] = [price["payment_method"] for price in told["tiers"][0]["prices"] if price["asset"] == POL]
    status, bill = await bought(client, event, named)
    assert (status, bill["asset"]) == (201, POL)
