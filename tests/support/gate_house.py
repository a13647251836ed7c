"""A house with an open door: the real gateway on loopback, wallets that sign, tickets they hold, and sockets."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer
from coincurve import PrivateKey
from sqlalchemy import select

from chains.account import Account
from chains.accounts import account_of
from chains.evm.address import display
from config.clock import Clock
from config.keccak import keccak256
from config.registry import Network
from config.settings import load_settings
from gateway.app import build_app
from gateway.deps import Deps
from gateway.gate.audit_log import AUDIT
from gateway.gate.evenly import PACE, Pace
from gateway.gate.routes import WATCH
from gateway.presence.rooms import Rooms
from gateway.presence.socket import ROOMS
from gateway.schema import audit
from store.engine import Store
from tests.support import tickets_box as box
from tickets import tickets
from tickets.event import Event
from tickets.keys import KeyKind, Keyring
from tickets.ticket import Ticket
from verifier.evm import eip191
from verifier.port import Lookup
from verifier.verdict import Invalid, Valid, Verdict

CHAIN = "eip155:31337"
SECRET = b"the gate's own secret, 32 bytes!"

SETTINGS = """
network = "test"
[platform]
domains = ["house.test"]
[gate]
public_url = "https://house.test"
{gate}
[gate.limits]
challenges_per_minute = 100000
joins_per_minute = {joins}
joins_per_wallet_per_minute = {joins_per_wallet}
{limits}
[turn]
uris = ["turn:turn.house.test:3478?transport=udp"]
secret = "a secret that coturn shares"
realm = "house.test"
[chains."eip155:31337"]
endpoints = ["http://127.0.0.1:8545"]
receive = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
{more}
"""


async def _no_wait(_seconds: float) -> None:
    """Wait for nothing: how long refusals take is the business of the tests that say so."""


AT_ONCE = Pace(wait=_no_wait)


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Contracts:
    """A chain on which only the contracts that a test names vouch for anything; it remembers who was asked about."""

    def __init__(self, *vouching: str) -> None:
        self.vouching = vouching  # CAIP-10
        self.asked: list[str] = []

    async def contract_signature(self, account: Account, _digest: bytes, _signature: bytes) -> Verdict:
        self.asked.append(str(account))
        if str(account) in self.vouching:
            return Valid(account=account, scheme="erc1271")
        return Invalid(reason="no contract here vouches for this")


def dependencies(
    store: Store,
    folder: Path,
    clock: Clock,
    *,
    gate: str = "",
    limits: str = "",
    joins: int = 100_000,
    joins_per_wallet: int = 100_000,
    more: str = "",
    lookup: Lookup | None = None,
) -> Deps:
    """A gate's dependencies on the development chain; limits so wide that only tests about limits meet them."""
    file = folder / "usher.toml"
    file.write_text(
        SETTINGS.format(gate=gate, limits=limits, joins=joins, joins_per_wallet=joins_per_wallet, more=more)
    )
    settings = load_settings(file, {"HOME": str(folder)})
    return Deps(
        settings=settings,
        registry=settings.registry(),
        store=store,
        clock=clock,
        keyring=Keyring.create(folder / "keys", now=clock()),
        lookup=lookup or Contracts(),
        secret=SECRET,
    )


@dataclass(frozen=True)
class Wallet:
    """A key that signs as browser wallets do."""

    number: int = 1

    @cached_property
    def key(self) -> PrivateKey:
        return PrivateKey(self.number.to_bytes(32, "big"))

    @cached_property
    def address(self) -> str:
        return display(keccak256(self.key.public_key.format(compressed=False)[1:])[12:])

    @cached_property
    def account(self) -> Account:
        account = account_of(self.address, network=Network.TEST)
        assert isinstance(account, Account)
        return account

    def sign(self, text: str) -> str:
        """personal_sign (EIP-191)."""
        hashed = eip191.digest(text)
        assert hashed is not None
        raw = self.key.sign_recoverable(hashed, hasher=None)
        return f"0x{raw[:64].hex()}{raw[64] + 27:02x}"


@dataclass
class House:
    """One event whose doors are open, and everything a test does at them."""

    client: TestClient
    deps: Deps
    clock: HandClock
    event: Event
    sockets: list[ClientWebSocketResponse] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.deps.store

    @property
    def rooms(self) -> Rooms:
        return self.client.app[ROOMS]

    async def move(self, by: timedelta) -> datetime:
        """Let time pass for a gate that goes on reading its door list."""
        self.clock.now += by
        await self.look()
        return self.clock.now

    async def look(self) -> None:
        """Let the gate read its door list and its clock now instead of within half a second."""
        await self.rooms.door_list.poll()
        await self.rooms.tick()

    async def ticket(self, wallet: Wallet, event: Event | None = None) -> Ticket:
        """A ticket of this wallet for the event, as the guest list gives it."""
        signer = self.deps.keyring.signer(KeyKind.TICKET)
        which = event or self.event
        granted = await self.store.transact(
            lambda conn: tickets.grant(conn, which, wallet.account, which.tiers[0], signer=signer, now=self.clock())
        )
        assert isinstance(granted, Ticket)
        return granted

    async def post(self, path: str, body: Any, *, event: Event | str | None = None, **more: Any) -> ClientResponse:
        ref = event if isinstance(event, str) else (event or self.event).ref
        return await self.client.post(f"/api/events/{ref}/{path}", json=body, **more)

    async def challenge(self, wallet: Wallet, **wanted: Any) -> str:
        """The text this wallet is asked to sign."""
        event = wanted.pop("event", None)
        answer = await self.post("challenge", {"wallet_address": wallet.address, **wanted}, event=event)
        assert answer.status == 200, await answer.text()
        return (await answer.json())["message"]

    async def proof(self, wallet: Wallet, **wanted: Any) -> dict[str, Any]:
        """A body that joins: a challenge and its signature."""
        text = await self.challenge(wallet, **wanted)
        return {"wallet_address": wallet.address, "message": text, "signature": wallet.sign(text)}

    def stamped(self, wallet: Wallet, *, at: datetime | None = None, ref: str | None = None) -> dict[str, Any]:
        """A body that joins: the form existing pages know."""
        milliseconds = int((at or self.clock()).timestamp() * 1000)
        text = f"Access event {ref or self.event.ref} at {milliseconds}"
        return {"wallet_address": wallet.address, "timestamp": milliseconds, "signature": wallet.sign(text)}

    async def joined(self, wallet: Wallet) -> dict[str, Any]:
        """What a wallet with a ticket is granted."""
        answer = await self.post("join", await self.proof(wallet))
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def socket(self, **more: Any) -> ClientWebSocketResponse:
        """A presence socket that has said nothing yet."""
        socket = await self.client.ws_connect(f"/event/{self.event.ref}", autoping=True, **more)
        self.sockets.append(socket)
        return socket

    async def seated(self, grant: dict[str, Any]) -> tuple[ClientWebSocketResponse, dict[str, Any]]:
        """A socket that was let in, and its welcome."""
        socket = await self.socket()
        await socket.send_json({"type": "auth", "token": grant["session_token"]})
        return socket, await socket.receive_json()

    async def said(self, socket: ClientWebSocketResponse) -> dict[str, Any]:
        """The next thing a socket is told, or how it was closed."""
        message = await socket.receive(timeout=5)
        if message.type is WSMsgType.TEXT:
            told: dict[str, Any] = message.json()
            return told
        return {"closed": message.data if message.type is WSMsgType.CLOSE else socket.close_code}

    async def audited(self) -> list[tuple[str, str, int]]:
        """Action, outcome and count of every row of the log."""
        await self.client.app[AUDIT].settled()
        rows = await self.store.read(lambda conn: conn.execute(select(audit).order_by(audit.c.at)).all())
        return [(row.action, row.outcome, row.count) for row in rows]


@asynccontextmanager
async def gate_of(deps: Deps, *, pace: Pace | None = None) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """A running gate, or one more of the same house. It reads the door list and the clock when a test says so."""
    app = build_app(deps)
    if pace is not None:
        app[PACE] = pace
    async with TestClient(TestServer(app)) as client:
        for task in app[WATCH]:
            task.cancel()
        yield client


@asynccontextmanager
async def opened(
    store: Store,
    now: datetime,
    folder: Path,
    *,
    event: Mapping[str, Any] | None = None,
    pace: Pace | None = None,
    **wanted: Any,
) -> AsyncIterator[House]:
    """A running gate and an event that is on now."""
    times = {"starts_at": now, "doors_at": now - timedelta(hours=1), "ends_at": now + timedelta(hours=3)}
    clock = HandClock(now)
    deps = dependencies(store, folder, clock, **wanted)
    made = await box.opened(store, now, slug="opening-night", **{**times, **(event or {})})
    async with gate_of(deps, pace=pace or AT_ONCE) as client:
        house = House(client=client, deps=deps, clock=clock, event=made)
        yield house
        for socket in house.sockets:
            await socket.close()


async def refused(answer: ClientResponse) -> tuple[int, str]:
    """Status and code of a refusal."""
    body = await answer.json()
    return answer.status, body["code"]
