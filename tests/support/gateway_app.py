"""The real application over HTTP on loopback, with a clock that tests move."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from chains import progress
from chains.port import Sweep, Tip
from config.settings import Settings, load_settings
from gateway.app import build_app
from gateway.deps import Deps
from store.engine import Store
from tests.support import tickets_box as box
from tickets import addresses
from tickets.event import Event
from tickets.keys import Keyring
from verifier.port import NO_LOOKUP

CHAIN = "eip155:31337"
RECEIVE = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
SECRET = b"s" * 32
WALLET = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
OWN_ADDRESSES = tuple(box.wallet(0xA000 + number).address for number in range(20))


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> datetime:
        self.now += by
        return self.now


@dataclass(slots=True)
class Gateway:
    """A running application and what a test needs around it."""

    client: TestClient
    deps: Deps
    clock: HandClock

    @property
    def store(self) -> Store:
        return self.deps.store

    async def buy(self, event: Event, **changes: Any) -> dict[str, Any]:
        """The bill of an order placed over HTTP."""
        answer = await self.client.post("/api/events/purchase", json=wish(event, **changes))
        assert answer.status == 201, await answer.text()
        return await answer.json()


def settings(folder: Path, *, gate: str = "", purchases: int = 100_000) -> Settings:
    """A deployment on the development chain; limits so wide that only tests about limits meet them."""
    file = folder / "usher.toml"
    file.write_text(
        f"""
network = "test"
[platform]
name = "Test House"
domains = ["house.test"]
[gate]
public_url = "https://house.test"
{gate}
[gate.limits]
challenges_per_minute = 100000
joins_per_minute = 100000
purchases_per_minute = {purchases}
[chains."{CHAIN}"]
endpoints = ["http://127.0.0.1:8545"]
receive = "{RECEIVE}"
[chains."{CHAIN}".tokens]
USDC = {{ contract = "0x5FbDB2315678afecb367f032d93F642f64180aa3", decimals = 6 }}
"""
    )
    return load_settings(file, {"HOME": str(folder)})


@asynccontextmanager
async def running(store: Store, now: datetime, folder: Path, **wanted: Any) -> AsyncIterator[Gateway]:
    """A started gateway whose chain is followed and has addresses ready."""
    clock, configured = HandClock(now), settings(folder, **wanted)
    deps = Deps(
        settings=configured,
        registry=configured.registry(),
        store=store,
        clock=clock,
        keyring=Keyring.create(folder / "keys", now=now),
        lookup=NO_LOOKUP,
        secret=SECRET,
    )
    await store.transact(lambda conn: follow_chain(conn, now))
    async with TestClient(TestServer(build_app(deps))) as client:
        yield Gateway(client=client, deps=deps, clock=clock)


def follow_chain(conn: Any, now: datetime) -> None:
    """What a watcher's first poll leaves behind."""
    sweep = Sweep(
        final=(),
        pending=(),
        gone=(),
        tip=Tip(height=100, hash="0x64", time=now),
        final_height=92,
        checkpoint={"height": 92},
    )
    progress.save(conn, CHAIN, sweep, now)
    addresses.extend(conn, CHAIN, OWN_ADDRESSES, start=0)
    addresses.acknowledge(conn, CHAIN, range(len(OWN_ADDRESSES)))


def wish(event: Event, **changes: Any) -> dict[str, Any]:
    """The body of a purchase."""
    return {"event_id": event.ref, "payment_method": "eth", "wallet_address": WALLET, **changes}


def wallet_of(number: int) -> str:
    """The n-th buyer's address."""
    return box.wallet(number).address
