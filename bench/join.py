"""A full join over HTTP against the least that any door must do: parse the same JSON and recover one key.

Server and load have a CPU each. Every join has its own wallet, ticket and challenge, prepared beforehand.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import orjson
from aiohttp import web
from sqlalchemy import Connection, create_engine, func, insert, select

import tickets.schema  # noqa: F401  every room's tables belong to the metadata
from bench.report import Result, against, report
from config.clock import utc_now
from gateway.app import build_app
from gateway.gate import nonces
from gateway.gate.nonces import NonceScope
from gateway.schema import sessions
from store.engine import open_store
from store.metadata import metadata
from tests.support import tickets_box as box
from tests.support.gate_house import SECRET, Wallet, dependencies
from tests.support.postgres import postgres_server
from tests.support.programs import free_port, listens, running
from tickets import events
from tickets.event import Event
from tickets.schema import tickets as ticket_rows
from verifier.evm import eip191
from verifier.texts.challenge import LIFE, Challenge, write
from verifier.texts.purpose import Purpose, statement

SERVER_CPU, LOAD_CPU = 0, -1  # the first and the last CPU there are
CONNECTIONS = 64
WARM = 1_000
UNLIMITED = 1_000_000_000
AIM = ">= 0.5"
DATABASES = ("SQLite", "PostgreSQL")


# --- the two servers --------------------------------------------------------------------------------------------


async def bare(request: web.Request) -> web.Response:
    """Parse the JSON, recover the key, answer."""
    given = json.loads(await request.read())
    digest = eip191.digest(given["message"])
    signer = eip191.recover(digest, bytes.fromhex(given["signature"][2:]))
    return web.json_response({"access_granted": signer.hex() == given["wallet_address"][2:].lower()})


async def serve(kind: str, folder: Path, port: int) -> None:
    """Serve until terminated, then write down how much CPU it took."""
    pin(SERVER_CPU)
    if kind == "bare":
        app = web.Application()
        app.router.add_post("/api/events/{event}/join", bare)
    else:
        url = (folder / "url").read_text()
        app = build_app(dependencies(open_store(url), folder, utc_now, joins=UNLIMITED, joins_per_wallet=UNLIMITED))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


# --- the load -----------------------------------------------------------------------------------------------------


class Client(asyncio.Protocol):
    """One keep-alive connection that sends the next request when the answer to the last one is complete."""

    def __init__(self, requests: Iterator[bytes], statuses: list[bytes], done: asyncio.Future[None]) -> None:
        self._requests, self._statuses, self._done = requests, statuses, done
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, gap, body = self._received.partition(b"\r\n\r\n")
        if not gap:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._statuses.append(head[9:12])
        self._received = b""
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            self._done.set_result(None)
        else:
            self._transport.write(request)


async def drive(port: int, requests: Sequence[bytes]) -> tuple[float, list[bytes]]:
    """Send the requests over CONNECTIONS connections; return the seconds it took and every status."""
    loop, source, statuses = asyncio.get_running_loop(), iter(requests), list[bytes]()
    ends = [loop.create_future() for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    await asyncio.gather(
        *(loop.create_connection(lambda end=end: Client(source, statuses, end), "127.0.0.1", port) for end in ends)
    )
    await asyncio.gather(*ends)
    return time.perf_counter() - began, statuses


def request_bytes(body: dict[str, str], event: str) -> bytes:
    """One POST as it goes over the wire."""
    content = orjson.dumps(body)
    return (
        f"POST /api/events/{event}/join HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    ).encode() + content


# --- what is prepared beforehand ------------------------------------------------------------------------------------


def prepare(url: str, number: int, now: datetime) -> list[bytes]:
    """Make the tables, an event that is on, a ticket per wallet, and the requests of all of them."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    metadata.create_all(engine)
    with engine.begin() as conn:
        draft = box.draft(
            now, slug="bench", starts_at=now, ends_at=now + timedelta(hours=3), tiers=(box.tier(capacity=None),)
        )
        event = events.create(conn, draft, now=now)
        assert isinstance(event, Event)
        wallets = [Wallet(n) for n in range(1, number + 1)]
        issue_tickets(conn, event, wallets, now)
    engine.dispose()
    return [request_bytes(body_of(wallet, event, now), event.ref) for wallet in wallets]


def issue_tickets(conn: Connection, event: Event, wallets: Sequence[Wallet], now: datetime) -> None:
    token = "e" * 420  # as long as a real one
    common = {"event_id": event.id, "tier_id": event.tiers[0].id, "state": "valid", "token": token, "issued_at": now}
    common |= {
        "expires_at": event.ends_at,
        "generation": 0,
        "access_count": 0,
        "updated_at": now,
        "paid_on": "eip155:1",
    }
    rows = [
        {**common, "id": f"{n:032x}", "holder": str(wallet.account.holder), "account": str(wallet.account)}
        for n, wallet in enumerate(wallets)
    ]
    for start in range(0, len(rows), 1000):
        conn.execute(insert(ticket_rows), rows[start : start + 1000])


def body_of(wallet: Wallet, event: Event, now: datetime) -> dict[str, str]:
    """What a page sends: the challenge's text and its signature."""
    issued = now.replace(microsecond=0)
    scope = NonceScope(
        holder=wallet.account.holder,
        event_id=event.id,
        purpose=Purpose.JOIN,
        domain="house.test",
        statement=statement(Purpose.JOIN, event.title),
        uri="https://house.test/events/bench",
    )
    nonce = nonces.issue(SECRET, scope, expires_at=issued + LIFE, randomness=wallet.number.to_bytes(8, "big"))
    text = write(
        Challenge(
            domain="house.test",
            account=wallet.account,
            statement=scope.statement,
            uri=scope.uri,
            nonce=nonce,
            issued_at=issued,
            expires_at=issued + LIFE,
            purpose=Purpose.JOIN,
            event_id=event.id,
        )
    )
    return {"wallet_address": wallet.address, "message": text, "signature": wallet.sign(text)}


# --- measuring ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One run."""

    rate: float  # answers per second
    cpu: float  # seconds of the server's CPU per thousand answers


def measure(kind: str, folder: Path, requests: Sequence[bytes]) -> Figure:
    """Start a server, warm it up, and drive the rest of the requests through it."""
    port = free_port()
    command = [sys.executable, "-m", "bench.join", "--serve", kind, "--folder", str(folder), "--port", str(port)]
    with running(command, ready=lambda: listens(port), seconds=30) as server:
        asyncio.run(drive(port, requests[:WARM]))
        cpu_before = cpu_seconds(server.pid)
        seconds, statuses = asyncio.run(drive(port, requests[WARM:]))
        cpu = cpu_seconds(server.pid) - cpu_before
    wrong = [status for status in statuses if status != b"200"]
    if wrong:
        raise RuntimeError(f"{kind}: {len(wrong)} of {len(statuses)} were refused, the first with {wrong[0].decode()}")
    return Figure(rate=len(statuses) / seconds, cpu=1000 * cpu / len(statuses))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time a process has taken (proc(5), /proc/[pid]/stat fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pin(cpu: int) -> None:
    """Keep this process, and what it starts from now on, on one CPU."""
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[cpu]})


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """A fresh database on the disk of the temporary folder."""
    if kind == "SQLite":
        yield f"sqlite:///{folder / 'usher.db'}"
        return
    with postgres_server() as server:
        yield f"{server}/postgres"


def opened_sessions(url: str) -> int:
    """How many sessions there are: every grant must have left one."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as conn:
        return conn.scalar(select(func.count()).select_from(sessions)) or 0


def main() -> None:
    """Measure both servers on both databases."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--joins", type=int, default=10_000)
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    asked.add_argument("--serve")
    asked.add_argument("--folder", type=Path)
    asked.add_argument("--port", type=int)
    given = asked.parse_args()
    if given.serve:
        asyncio.run(serve(given.serve, given.folder, given.port))
        return
    report(results(given.joins, given.databases))


def results(joins: int, databases: Sequence[str]) -> list[Result]:
    """Return every figure."""
    everywhere = os.sched_getaffinity(0)
    found: list[Result] = []
    peer: Figure | None = None
    for kind in databases:
        folder = Path(tempfile.mkdtemp(prefix="usher-bench-"))
        try:
            with database(kind, folder) as url:
                (folder / "url").write_text(url)
                requests = prepare(url, joins + WARM, utc_now())
                pin(LOAD_CPU)
                peer = peer or measure("bare", folder, requests)
                ours = measure("gate", folder, requests)
                os.sched_setaffinity(0, everywhere)
                assert opened_sessions(url) == joins + WARM
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        found += [
            against(f"join, {kind}", ours.rate, "joins/s", peer="JSON + recover", peer_value=peer.rate, aim=AIM),
            Result(name=f"join, {kind}: CPU", value=ours.cpu, unit="s per 1,000", peer=f"{peer.cpu:.3f} s per 1,000"),
        ]
    return found


if __name__ == "__main__":
    main()
