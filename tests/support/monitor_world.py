"""A small world for the monitor's tests: one chain made by hand, one event, a watcher that is driven turn by turn."""

import asyncio
import tempfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, select

from chains.account import Account, HolderKey
from chains.evm.address import display
from chains.port import ChainSource, PaymentKey
from chains.testing import CHAIN, COIN, FakeChain
from config.registry import Asset, Chain, Family, Finality, MintStep, Network
from monitor.sitting import Terms
from monitor.watcher import Watcher
from payouts.invariants import faults
from payouts.schema import dues, entries, postings
from store.engine import Store
from tickets import events, orders, till
from tickets.event import Event, EventDraft, TierDraft
from tickets.keys import KeyKind, Keyring, Signer
from tickets.order import Order
from tickets.orders import OrderRefusal, OrderRequest
from tickets.schema import order_addresses, payments, tickets, tiers
from tickets.schema import orders as orders_table
from tickets.till import PaymentRecord

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
TOKEN = f"{CHAIN}/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3"
RECEIVE = display(bytes.fromhex("aa" * 20))
PRICE = 1_000
DUST = 10

CHAIN_RECORD = Chain(
    id=CHAIN,
    family=Family.EVM,
    network=Network.TEST,
    name="Hand-made",
    block_time=timedelta(seconds=1),
    native=Asset(id=COIN, chain=CHAIN, ticker="ETH", decimals=18, dust=DUST),
    tokens=(Asset(id=TOKEN, chain=CHAIN, ticker="USDC", decimals=6, contract=TOKEN.partition("erc20:")[2]),),
    mint_steps={"*": (MintStep(up_to=PRICE, confirmations=2), MintStep(up_to=None, confirmations=4))},
    finality=Finality(tag=None, blocks=8),
    explorer=None,
    payment_methods={},
    hold_cap=timedelta(minutes=60),
)


def wallet(number: int) -> str:
    """Return a wallet's address."""
    return display(number.to_bytes(20, "big"))


def holder(number: int) -> HolderKey:
    return HolderKey(family=Family.EVM, network=Network.TEST, canonical=number.to_bytes(20, "big"))


def memo(event: Event, number: int, extras: str = "") -> str:
    return f"event:{event.ref}:wallet:{wallet(number)}{extras}"


@cache
def signer() -> Signer:
    folder = Path(tempfile.mkdtemp(prefix="usher-keys-"))
    return Keyring.create(folder / "keys", now=START).signer(KeyKind.TICKET)


def terms(chain: Chain = CHAIN_RECORD) -> Terms:
    return Terms(chain=chain, network=Network.TEST, signer=signer(), grace=timedelta(minutes=60))


def draft(*, capacity: int | None = None, slug: str | None = None, price: int = PRICE, asset: str = COIN) -> EventDraft:
    return EventDraft(
        creator=f"{CHAIN}:{wallet(0xC0)}",
        title="An evening",
        space_type="custom",
        space_id="room",
        slug=slug,
        starts_at=START + timedelta(hours=6),
        ends_at=START + timedelta(hours=8),
        sales_start=START - timedelta(days=1),
        sales_end=START + timedelta(hours=5),
        tiers=(
            TierDraft(prices={asset: price}, capacity=capacity),
            TierDraft(prices={asset: 5 * price}, capacity=capacity, name="vip"),
        ),
    )


@dataclass
class World:
    """Everything that a test of the monitor needs, on one database."""

    store: Store
    chain: FakeChain = field(default_factory=FakeChain)
    source: ChainSource | None = None
    record: Chain = CHAIN_RECORD
    now: datetime = START

    def __post_init__(self) -> None:
        self.watcher = Watcher(
            source=self.source or self.chain,
            store=self.store,
            terms=terms(self.record),
            receive=frozenset({RECEIVE}),
            clock=lambda: self.now,
            start_height=1,
        )

    async def event(self, **wanted) -> Event:
        made = await self.store.transact(lambda conn: events.create(conn, draft(**wanted), now=START))
        assert isinstance(made, Event), made
        return made

    async def order(self, event: Event, number: int = 1, *, hold_for: timedelta = timedelta(minutes=15)) -> Order:
        """Place a proved order of that wallet; it has an address of its own where one is watched."""
        placed = await self.place(event, number, hold_for=hold_for)
        assert isinstance(placed, Order), placed
        return placed

    async def place(
        self, event: Event, number: int = 1, *, hold_for: timedelta = timedelta(minutes=15)
    ) -> Order | OrderRefusal:
        """Try to."""
        request = OrderRequest(
            event_ref=event.id,
            account=_account(number),
            asset=next(iter(event.tiers[0].prices)),
            chain=self.record,
            proved=True,
        )
        return await self.store.transact(lambda conn: orders.place(conn, request, now=self.now, hold_for=hold_for))

    async def turn(self, *, block_time: bool = True) -> timedelta:
        """Let the watcher do one turn at the moment of the chain's newest block."""
        if block_time:
            self.now = max(self.now, START + timedelta(seconds=self.chain.height))
        return await self.watcher.turn()

    async def catch_up(self) -> None:
        """Turn until nothing more is ready to be read."""
        while await self.turn() == timedelta(0):
            pass

    async def mine(self, blocks: int = 1) -> None:
        """Mine block by block with a turn after each."""
        for _ in range(blocks):
            self.chain.mine()
            await self.turn()

    async def pay(self, amount: int, text: str | None, *, to: str = RECEIVE, blocks: int = 1, **extra) -> str:
        """Pay in the next block, mine some, and return the payment's public id."""
        self.chain.pay(to, amount, memo=text, **extra)
        txid = self.chain.last_txid
        await self.mine(blocks)
        return await self.payment_id(txid)

    async def payment_id(self, txid: str, index: str = "0") -> str:
        return PaymentKey(chain=CHAIN, txid=txid, index=index).payment_id

    async def payment(self, payment_id: str) -> PaymentRecord:
        found = await self.store.read(lambda conn: till.by_id(conn, payment_id))
        assert found is not None
        return found

    async def book(self) -> "Book":
        return await self.store.read(read_book)


def _account(number: int):
    return Account(chain=CHAIN, address=wallet(number), holder=holder(number))


@dataclass(frozen=True)
class Book:
    """What must not depend on how a history was delivered. Random ids are replaced by the payments they came from."""

    payments: tuple
    orders: tuple
    tickets: tuple
    tiers: tuple
    postings: tuple
    dues: tuple
    faults: tuple


def read_book(conn: Connection) -> Book:
    """Read every table that settlement writes, without what clocks and dice have put there."""
    paid = {}
    for row in conn.execute(select(payments).order_by(payments.c.first_seen, payments.c.id)):
        paid.setdefault(row.order_id, row.id)
    explicit = conn.execute(select(orders_table.c.id, orders_table.c.address, orders_table.c.implicit)).all()
    alias = {row.id: f"order of {paid.get(row.id)}" if row.implicit else f"order {row.address}" for row in explicit}

    def named(value):
        if isinstance(value, str):
            for order_id, name in alias.items():
                value = value.replace(order_id, name)
        return value

    def rows(table, *names):
        found = conn.execute(select(*(table.c[name] for name in names))).all()
        return tuple(sorted((tuple(named(value) for value in row) for row in found), key=repr))

    posted = {row.id: (named(row.reference), row.kind, row.event_id, row.at) for row in conn.execute(select(postings))}
    lines = conn.execute(select(entries)).all()
    return Book(
        payments=rows(
            payments, "id", "asset", "amount", "state", "height", "outcome", "reason", "applied", "owed",
            "order_id", "booked",
        ),
        orders=rows(orders_table, "id", "event_id", "asset", "amount", "state", "hold", "implicit", "payer"),
        tickets=rows(tickets, "event_id", "tier_id", "order_id", "holder", "account", "paid_on", "state"),
        tiers=rows(tiers, "id", "held", "sold"),
        postings=tuple(
            sorted((*posted[row.posting_id], row.line, named(row.account), row.asset, row.amount) for row in lines)
        ),
        dues=rows(
            dues, "payment_id", "part", "asset", "amount", "reason", "event_id", "order_id", "state", "recipient", "at"
        ),
        faults=faults(conn),
    )  # fmt: skip


def standing(book: Book) -> Book:
    """Leave out what a replaced block left behind: payments that are gone and were never booked."""
    return replace(book, payments=tuple(row for row in book.payments if row[3] != "gone"))


async def committed_addresses(store: Store, chain: str = CHAIN) -> list[str]:
    query = select(order_addresses.c.address).where(order_addresses.c.chain == chain)
    return list(await store.read(lambda conn: conn.execute(query).scalars().all()))


def never() -> asyncio.Event:
    return asyncio.Event()
