"""Usher on a stage: a store, an event, orders with the chain's own keys, a watcher that is driven turn by turn."""

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, make_url, select, update

from chains import progress
from chains.account import Account
from chains.accounts import account_of
from chains.catalogue import derivation, finds_by_reference
from chains.progress import Progress
from config.registry import Asset
from monitor.hooks import Silence
from monitor.housekeeping import Housekeeping
from payouts.journal import balances
from store.engine import Store, open_store
from store.schema import leases
from tests.support.monitor_world import Book, read_book
from tests.support.natures import FINALITY, Nature
from tests.support.stage import KEYS, MINT, Bill, Stage
from tests.support.stage_watcher import watcher_of
from tickets import addresses, events, orders, till
from tickets.event import Event, EventDraft, TierDraft
from tickets.order import Order
from tickets.orders import OrderRequest
from tickets.schema import tickets, tiers
from tickets.till import PaymentRecord

BEFORE = datetime(2020, 1, 1, tzinfo=UTC)
"""Until a chain has told its time."""


class Listener(Silence):
    """Hooks that remember what went wrong."""

    def __init__(self) -> None:
        self.troubles: list[str] = []

    def failed(self, _chain, error) -> None:
        self.troubles.append(f"{type(error).__name__}: {error}")

    def stopped(self, _chain, reason) -> None:
        self.troubles.append(reason)


@dataclass(eq=False)
class StageWorld:
    """A story's world. Its clock is the chain's: what a block says, it is when that block was read."""

    stage: Stage
    nature: Nature
    store: Store
    url: str  # of the store's database
    now: datetime = BEFORE
    hooks: Listener = field(default_factory=Listener)
    keys: Sequence[str] = ()  # by which orders are found

    def __post_init__(self) -> None:
        chain, settings = self.stage.chain, self.stage.settings
        self.source = self.stage.reader()()
        self.watcher = watcher_of(chain, settings.receive, source=self.source, store=self.store, clock=lambda: self.now)
        self.watcher.hooks = self.hooks
        self.derive = derive = derivation(chain, settings, lambda: b"a secret of this deployment's")
        of_chain = {} if derive is None else {chain.id: derive}
        self.housekeeping = Housekeeping(
            store=self.store,
            terms=[self.watcher.terms],
            derive=of_chain,
            address_ranges=dict.fromkeys(of_chain, KEYS),
            clock=lambda: self.now,
        )

    async def open(self) -> None:
        """Begin at the chain's tip, with keys ready for orders."""
        if self.derive is not None:
            first = self.stage.first_key
            self.keys = self.derive(first, KEYS)
            await self.store.transact(lambda conn: addresses.extend(conn, self.stage.chain.id, self.keys, start=first))
        await self.catch_up()
        assert self.hooks.troubles == []
        self.begun = self.now
        self.had = self.stage.holds(await self._watched())

    async def again(self, url: str) -> "StageWorld":
        """Return a world that goes on from a copy of a database, half a minute later: the dead one's lease ran out."""
        store = open_store(url)
        await store.transact(lambda conn: conn.execute(update(leases).values(expires_at=BEFORE)).rowcount)
        return StageWorld(stage=self.stage, nature=self.nature, store=store, url=url, now=self.now)

    async def aclose(self) -> None:
        """Let go of the node and the database."""
        await self.source.aclose()
        await self.store.aclose()

    # --- what a story does -----------------------------------------------------------------------------------

    @property
    def depth(self) -> int:
        """Confirmations at which this chain mints."""
        return FINALITY if self.stage.chain.finality.tag_only else MINT

    @property
    def price(self) -> int:
        """Return what a ticket costs: far more than dust."""
        return 100 * max(self.stage.chain.native.dust, 10)

    async def event(self, *, capacity: int | None = None, asset: Asset | None = None) -> Event:
        """Sell tickets at `price` in the native coin or another asset."""
        paid_in = asset or self.stage.chain.native
        draft = EventDraft(
            creator=f"{self.stage.chain.id}:{self.stage.wallets[0]}",
            title="An evening",
            space_type="custom",
            space_id="room",
            starts_at=self.begun + timedelta(days=2),
            ends_at=self.begun + timedelta(days=3),
            sales_start=self.begun - timedelta(days=1),
            sales_end=self.begun + timedelta(days=1),
            tiers=(TierDraft(prices={paid_in.id: self.price}, capacity=capacity),),
        )
        made = await self.store.transact(lambda conn: events.create(conn, draft, now=self.now))
        assert isinstance(made, Event), made
        return made

    async def order(self, event: Event, buyer: int = 0) -> Order:
        """Place a proved order."""
        request = OrderRequest(
            event_ref=event.id,
            account=self.account(buyer),
            asset=next(iter(event.tiers[0].prices)),
            chain=self.stage.chain,
            proved=True,
        )
        hold_for = timedelta(hours=3)
        placed = await self.store.transact(lambda conn: orders.place(conn, request, now=self.now, hold_for=hold_for))
        assert isinstance(placed, Order), placed
        return placed

    def account(self, buyer: int) -> Account:
        """Return a buyer's account."""
        chain = self.stage.chain
        account = account_of(self.stage.wallets[buyer], network=chain.network, chain=chain)
        assert isinstance(account, Account), account
        return account

    def bill(self, order: Order, amount: int | None = None) -> Bill:
        """Return what an order's buyer is asked to pay, without an event memo."""
        amount = self.price if amount is None else amount
        if order.address is None:
            return Bill(to=self.stage.settings.receive, amount=amount, memo=f"o:{order.code}")
        if finds_by_reference(self.stage.chain.family):
            return Bill(to=self.stage.settings.receive, amount=amount, reference=order.address)
        return Bill(to=order.address, amount=amount)

    def memo_bill(self, event: Event, buyer: int = 0, amount: int | None = None) -> Bill:
        """Return what whoever has no order pays: to the platform, with the event and a wallet in the memo."""
        text = f"event:{event.ref}:wallet:{self.stage.wallets[buyer]}"
        return self.stray_bill(text, amount)

    def stray_bill(self, text: str | None, amount: int | None = None) -> Bill:
        """Return what pays the platform with any text; where none travels along, at an address that no order has."""
        unnamed = self.keys[-1] if not self.nature.memos else self.stage.settings.receive
        return Bill(to=unnamed, amount=self.price if amount is None else amount, memo=text)

    async def turn(self) -> timedelta:
        """Let the watcher do one turn."""
        rest = await self.watcher.turn()
        read = await self.progress()
        self.now = max(self.now, read.tip_time)
        return rest

    async def catch_up(self) -> None:
        """Turn until nothing more is ready to be read."""
        while await self.turn() == timedelta(0):
            pass

    async def mine(self, blocks: int = 1) -> None:
        """Mine block by block with a turn after each."""
        for _ in range(blocks):
            self.stage.mine()
            await self.catch_up()

    # --- what came of it --------------------------------------------------------------------------------------

    async def progress(self) -> Progress:
        read = await self.store.read(lambda conn: progress.load(conn, self.stage.chain.id))
        assert read is not None, self.hooks.troubles
        return read

    async def payments(self) -> list[PaymentRecord]:
        """Return every payment, the first one first."""
        return sorted(await self.store.read(till.search), key=till.chain_order)

    async def tickets(self) -> list[tuple[str, str]]:
        """Return each ticket's account and state."""
        return await self.store.read(_tickets)

    async def ticket_states(self) -> list[str]:
        return [state for _, state in await self.tickets()]

    async def book(self) -> Book:
        return await self.store.read(read_book)

    async def order_now(self, order: Order) -> Order:
        """Return an order as it stands now."""
        found = await self.store.read(lambda conn: orders.by_id(conn, order.id))
        assert found is not None
        return found

    async def end(self) -> None:
        """Let everything become final, do every chore, and hold the book against its rules and the node's word."""
        self.stage.mine(FINALITY + 1)
        await self.catch_up()
        for chore, _ in self.housekeeping.chores:
            await chore()
        assert self.hooks.troubles == []
        assert (await self.book()).faults == ()
        assert await self.store.read(_oversold) == []
        assert await self.store.read(self._received) == self._brought(self.stage.holds(await self._watched()))

    def copy(self, name: str) -> str:
        """Copy the database as it stands, and return the copy's URL."""
        original = Path(str(make_url(self.url).database))
        target = original.with_name(name)
        with sqlite3.connect(original) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
        connection.close()
        return f"sqlite:///{target}"

    async def _watched(self) -> list[str]:
        watched = await self.store.read(lambda conn: addresses.watched_set(conn, self.stage.chain.id))
        every = watched.active | watched.retired
        return sorted({self.stage.settings.receive} if finds_by_reference(self.stage.chain.family) else every)

    def _brought(self, has: Mapping[str, int]) -> dict[str, int]:
        return {
            asset: amount - self.had.get(asset, 0) for asset, amount in has.items() if amount != self.had.get(asset)
        }

    def _received(self, conn: Connection) -> dict[str, int]:
        received: Counter[str] = Counter()
        for place, amount in balances(conn, [f"chain:{self.stage.chain.id}"]).items():
            received[place.asset] += amount
        return dict(received)


def _tickets(conn: Connection) -> list[tuple[str, str]]:
    rows = conn.execute(select(tickets.c.account, tickets.c.state).order_by(tickets.c.issued_at, tickets.c.id))
    return [(row.account, row.state) for row in rows]


def _oversold(conn: Connection) -> list[int]:
    over = (tiers.c.sold + tiers.c.held > tiers.c.capacity) | (tiers.c.sold < 0) | (tiers.c.held < 0)
    return list(conn.execute(select(tiers.c.id).where(over)).scalars())
