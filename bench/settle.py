"""Settled payments per second, from a sweep to tickets and journal, against bare drivers that write the same rows.

Ours decides, signs every ticket and books; the peers only write what came of it: one transaction per block, each
table's rows in one executemany, and the conditional write for every place.
"""

import asyncio
import shutil
import sqlite3
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import structlog

from bench.report import Result, against, report
from chains.evm.address import display
from chains.port import Block, Payment, PaymentKey, Sweep, Tip
from config.loader import load_registry
from config.registry import Chain, Network
from monitor.settlement import settle
from monitor.sitting import Terms
from store.engine import Store, open_store
from store.metadata import metadata
from tests.support.postgres import postgres_server
from tickets import events
from tickets.event import Event, EventDraft, TierDraft
from tickets.keys import KeyKind, Keyring
from usher import schema  # noqa: F401  every room's tables belong to the metadata

CHAIN = "eip155:31337"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
EVENTS, BLOCKS, PER_BLOCK = 16, 10, 100
TABLES = ("orders", "order_lines", "payments", "tickets", "postings", "entries")
OURS = display(b"\xaa" * 20)


def main() -> list[Result]:
    """Measure both databases."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    folder = Path(tempfile.mkdtemp(prefix="usher-settle-"))
    try:
        with postgres_server() as server:
            return [*asyncio.run(_on_sqlite(folder)), *asyncio.run(_on_postgres(folder, server))]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _on_sqlite(folder: Path) -> list[Result]:
    ours = await _settled_per_second(f"sqlite:///{folder / 'ours.db'}", folder)
    path = folder / "peer.db"
    await _prepare(f"sqlite:///{path}")
    with sqlite3.connect(folder / "ours.db") as written:
        names = {table: [row[1] for row in written.execute(f"PRAGMA table_info({table})")] for table in TABLES}
        rows = {table: written.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
    peer = _write_sqlite(path, names, _by_block(names, rows))
    return [against("settle payments, SQLite", ours, "/s", peer="bare sqlite3, same rows", peer_value=peer)]


async def _on_postgres(folder: Path, server: str) -> list[Result]:
    admin = await asyncpg.connect(f"{server}/postgres")
    for database in ("ours", "peer"):
        await admin.execute(f"CREATE DATABASE {database}")
    await admin.close()
    ours = await _settled_per_second(f"{server}/ours", folder)
    await _prepare(f"{server}/peer")
    written = await asyncpg.connect(f"{server}/ours")
    records = {table: await written.fetch(f"SELECT * FROM {table}") for table in TABLES}
    await written.close()
    names = {table: list(rows[0].keys()) for table, rows in records.items()}
    rows = {table: [tuple(record.values()) for record in found] for table, found in records.items()}
    peer = await _write_postgres(f"{server}/peer", names, _by_block(names, rows))
    return [against("settle payments, PostgreSQL", ours, "/s", peer="bare asyncpg, same rows", peer_value=peer)]


async def _prepare(url: str) -> tuple[Store, list[Event]]:
    store = open_store(url)
    metadata.create_all(store.engine)
    made = [await store.transact(lambda conn, n=n: events.create(conn, _draft(n), now=NOW)) for n in range(EVENTS)]
    await store.aclose()
    return store, [event for event in made if isinstance(event, Event)]


async def _settled_per_second(url: str, folder: Path) -> float:
    _, sold = await _prepare(url)
    chain = load_registry().chains[CHAIN]
    signer = Keyring.create(folder / "keys", now=NOW).signer(KeyKind.TICKET)
    terms = Terms(chain=chain, network=Network.TEST, signer=signer, grace=timedelta(hours=1))
    store = open_store(url)
    sweeps = [_sweep(chain, sold, height) for height in range(1, BLOCKS + 1)]
    started = time.perf_counter()
    for sweep in sweeps:
        await store.transact(lambda conn, sweep=sweep: settle(conn, sweep, terms, NOW))
    elapsed = time.perf_counter() - started
    await store.aclose()
    return BLOCKS * PER_BLOCK / elapsed


def _draft(number: int) -> EventDraft:
    return EventDraft(
        creator="bench", title="Bench", space_type="custom", space_id="room", slug=f"event-{number}",
        starts_at=NOW + timedelta(hours=6), ends_at=NOW + timedelta(hours=8), sales_start=NOW - timedelta(days=1),
        tiers=(TierDraft(prices={f"{CHAIN}/slip44:60": 10**15}, capacity=1_000_000),),
    )  # fmt: skip


def _sweep(chain: Chain, sold: list[Event], height: int) -> Sweep:
    block = Block(height=height, hash=f"0x{height:064x}", time=NOW)
    payments = []
    for n in range(PER_BLOCK):
        buyer = display((height * PER_BLOCK + n).to_bytes(20, "big"))
        payment = Payment(
            key=PaymentKey(chain=CHAIN, txid=f"0x{height:032x}{n:032x}", index="v"),
            asset=chain.native.id,
            amount=10**15,
            destination=OURS,
            sender=buyer,
            memos=(f"event:{sold[n % EVENTS].slug}:wallet:{buyer}",),
            block=block,
        )
        payments.append(payment)
    tip = Tip(height=height + 8, hash="0x", time=NOW)
    return Sweep(final=tuple(payments), pending=(), gone=(), tip=tip, final_height=height, checkpoint={})


Named = dict[str, list[str]]
Rows = dict[str, list[tuple[object, ...]]]


def _by_block(names: Named, rows: Rows) -> list[Rows]:
    """Sort the rows that settling wrote by the block that caused them."""

    def column(table: str, name: str) -> int:
        return names[table].index(name)

    paid = rows["payments"]
    of_payment = {row[column("payments", "id")]: row[column("payments", "height")] for row in paid}
    of_order = {row[column("payments", "order_id")]: row[column("payments", "height")] for row in paid}
    of_posting: dict[object, object] = {}
    for row in rows["postings"]:
        payment, order = row[column("postings", "payment_id")], row[column("postings", "order_id")]
        of_posting[row[column("postings", "id")]] = of_payment.get(payment) or of_order[order]
    block_of = {
        "orders": (of_order, "id"),
        "order_lines": (of_order, "order_id"),
        "payments": (of_payment, "id"),
        "tickets": (of_order, "order_id"),
        "postings": (of_posting, "id"),
        "entries": (of_posting, "posting_id"),
    }
    blocks: defaultdict[object, Rows] = defaultdict(lambda: {table: [] for table in TABLES})
    for table, (block, key) in block_of.items():
        for row in rows[table]:
            blocks[block[row[column(table, key)]]][table].append(row)
    return [blocks[height] for height in sorted(blocks, key=str)]


def _sold(names: Named, block: Rows) -> list[tuple[object, ...]]:
    tier = names["order_lines"].index("tier_id")
    return [(row[tier],) for row in block["order_lines"]]


def _insert(table: str, columns: list[str], places: Iterable[str]) -> str:
    quoted = (f'"{column}"' for column in columns)  # some are words of SQL
    return f"INSERT INTO {table} ({', '.join(quoted)}) VALUES ({', '.join(places)})"


def _write_sqlite(path: Path, names: Named, blocks: list[Rows]) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    started = time.perf_counter()
    for block in blocks:
        connection.execute("BEGIN IMMEDIATE")
        for place in _sold(names, block):
            connection.execute("UPDATE tiers SET sold = sold + 1 WHERE id = ? AND held + sold < capacity", place)
        for table in TABLES:
            connection.executemany(_insert(table, names[table], "?" * len(names[table])), block[table])
        connection.execute("COMMIT")
    elapsed = time.perf_counter() - started
    connection.close()
    return BLOCKS * PER_BLOCK / elapsed


async def _write_postgres(url: str, names: Named, blocks: list[Rows]) -> float:
    connection = await asyncpg.connect(url)
    started = time.perf_counter()
    for block in blocks:
        async with connection.transaction():
            sell = "UPDATE tiers SET sold = sold + 1 WHERE id = $1 AND held + sold < capacity"
            for place in _sold(names, block):
                await connection.execute(sell, *place)
            for table in TABLES:
                places = (f"${n}" for n in range(1, len(names[table]) + 1))
                await connection.executemany(_insert(table, names[table], places), block[table])
    elapsed = time.perf_counter() - started
    await connection.close()
    return BLOCKS * PER_BLOCK / elapsed


if __name__ == "__main__":
    report(main())
