"""A house with several gates: a real Redis that can be stopped, one database, gates that keep their own time."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, web
from aiohttp.test_utils import TestServer

from config.clock import utc_now
from gateway.app import build_app
from gateway.presence.socket import ROOMS
from store.engine import Store
from tests.support import tickets_box as box
from tests.support.gate_house import Wallet, dependencies
from tests.support.programs import ROOT, free_port, listens, program, running
from tickets import tickets
from tickets.event import Event
from tickets.keys import KeyKind

SECONDS = 10
"""A wait that is longer has failed."""


@dataclass
class RedisServer:
    """A Redis that forgets everything when it is stopped."""

    port: int
    _running: ExitStack = field(default_factory=ExitStack)
    _process: Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = [program("redis-server", variable="REDIS_SERVER"), "--port", str(self.port), "--bind", "127.0.0.1"]
        quiet = ["--save", "", "--appendonly", "no"]
        ready = running([*command, *quiet], ready=lambda: listens(self.port))
        self._process = self._running.enter_context(ready)

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        self._running.close()


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer(port=free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()


def shared(redis: RedisServer, *, silence_seconds: int = 60) -> str:
    """The section of the settings that lets gates meet."""
    return f'[redis]\nurl = "{redis.url}"\nsilence_seconds = {silence_seconds}'


@dataclass
class Gate:
    """One gate of the house, and what visitors do there."""

    url: str
    client: ClientSession
    event: Event
    app: web.Application | None = None  # None: in another process

    async def post(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        async with self.client.post(f"{self.url}/api/events/{self.event.ref}/{path}", json=body) as answer:
            return answer.status, await answer.json()

    async def join(self, wallet: Wallet) -> "Visitor":
        """A visitor who was let in here."""
        milliseconds = int(utc_now().timestamp() * 1000)
        text = f"Access event {self.event.ref} at {milliseconds}"
        proof = {"wallet_address": wallet.address, "timestamp": milliseconds, "signature": wallet.sign(text)}
        status, grant = await self.post("join", proof)
        assert status == 200, grant
        socket = await self.client.ws_connect(f"{self.url}/event/{self.event.ref}")
        await socket.send_json({"type": "auth", "token": grant["session_token"]})
        visitor = Visitor(socket=socket)
        visitor.welcome = await visitor.hears("welcome")
        return visitor


@dataclass
class Visitor:
    """A seated socket."""

    socket: ClientWebSocketResponse
    welcome: dict[str, Any] = field(default_factory=dict)

    @property
    def peer(self) -> str:
        return self.welcome["peer"]

    @property
    def others(self) -> set[str]:
        return {other["peer"] for other in self.welcome["peers"]}

    async def says(self, kind: str, **more: Any) -> None:
        await self.socket.send_json({"type": kind, **more})

    async def hears(self, kind: str) -> dict[str, Any]:
        """The next thing told, which must be of this kind."""
        told = await self.socket.receive_json(timeout=SECONDS)
        assert told["type"] == kind, told
        return told

    async def before_the_answer(self) -> list[dict[str, Any]]:
        """What was told before the answer to a heartbeat sent now."""
        await self.says("heartbeat")
        told = []
        while (message := await self.socket.receive_json(timeout=SECONDS))["type"] != "heartbeat":
            told.append(message)
        return told


async def opened(store: Store, folder: Path, *wallets: Wallet) -> Event:
    """An event that is on now, and a ticket for each wallet."""
    now = utc_now()
    event = await box.opened(store, now, slug="tonight", starts_at=now, ends_at=now + timedelta(hours=1))
    signer = dependencies(store, folder, utc_now).keyring.signer(KeyKind.TICKET)
    for wallet in wallets:
        await store.transact(
            lambda conn, who=wallet: tickets.grant(conn, event, who.account, event.tiers[0], signer=signer, now=now)
        )
    return event


@asynccontextmanager
async def gate(store: Store, folder: Path, event: Event, *, more: str = "", **wanted: Any) -> AsyncIterator[Gate]:
    """A gate in this process, with a database connection of its own if the store is."""
    app = build_app(dependencies(store, folder, utc_now, more=more, **wanted))
    async with ClientSession() as client, TestServer(app) as server:
        yield Gate(url=str(server.make_url("")).rstrip("/"), client=client, event=event, app=app)


@asynccontextmanager
async def far_gate(database_url: str, folder: Path, event: Event, *, more: str) -> AsyncIterator[tuple[Gate, Any]]:
    """A gate in a process of its own, and that process."""
    port = free_port()
    arguments = [database_url, str(folder), str(port), more]
    command = [sys.executable, "-m", "tests.support.neighbours_process", *arguments]
    with running(command, ready=lambda: listens(port), folder=ROOT, seconds=30) as process:
        async with ClientSession() as client:
            yield Gate(url=f"http://127.0.0.1:{port}", client=client, event=event), process


def rooms(of: Gate) -> Any:
    assert of.app is not None
    return of.app[ROOMS]
