"""A small box office for tests: one chain, wallets by number, events and orders with one word each."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, func, select, update

from chains.account import Account, HolderKey
from chains.evm.address import display
from config.registry import Asset, Chain, Family, Finality, MintStep, Network
from store.engine import Store
from tickets import events, inventory, order_store, orders
from tickets import tickets as issued
from tickets.event import Event, EventDraft, TierDraft
from tickets.keys import Signer
from tickets.order import Order, OrderState, moved
from tickets.orders import Known, OrderRequest
from tickets.schema import order_lines, tiers
from tickets.schema import orders as orders_table
from tickets.schema import tickets as tickets_table
from tickets.ticket import Ticket, TicketState
from tickets.tickets import Sale

ETH = Asset(id="eip155:31337/slip44:60", chain="eip155:31337", ticker="ETH", decimals=18)
USDC = Asset(
    id="eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3",
    chain="eip155:31337",
    ticker="USDC",
    decimals=6,
    contract="0x5fbdb2315678afecb367f032d93f642f64180aa3",
)
CHAIN = Chain(
    id="eip155:31337",
    family=Family.EVM,
    network=Network.TEST,
    name="Development",
    block_time=timedelta(seconds=2),
    native=ETH,
    tokens=(USDC,),
    mint_steps={"*": (MintStep(up_to=None, confirmations=3),)},
    finality=Finality(tag=None, blocks=6),
    explorer=None,
    payment_methods={"eth": ETH.id},
    hold_cap=timedelta(hours=1),
)
HOLD_FOR = timedelta(minutes=15)
PRICE = 10**18  # more than fits 64 bits once a few are bought


def wallet(number: int) -> Account:
    """The account of the n-th test wallet."""
    raw = number.to_bytes(20, "big")
    return Account(
        chain=CHAIN.id,
        address=display(raw),
        holder=HolderKey(family=Family.EVM, network=Network.TEST, canonical=raw),
    )


def draft(now: datetime, **changes: Any) -> EventDraft:
    """A sound draft of an event tomorrow, on sale now, with ten places."""
    sound = EventDraft(
        creator="alice",
        title="Opening night",
        space_type="post",
        space_id="room-1",
        starts_at=now + timedelta(days=1),
        ends_at=now + timedelta(days=1, hours=3),
        tiers=(tier(),),
    )
    return replace(sound, **changes)


def tier(name: str = "general", capacity: int | None = 10, prices: dict[str, int] | None = None) -> TierDraft:
    """A tier of ten places at one ether."""
    return TierDraft(name=name, capacity=capacity, prices={ETH.id: PRICE} if prices is None else prices)


async def opened(store: Store, now: datetime, **changes: Any) -> Event:
    """A stored event."""
    made = await store.transact(lambda conn: events.create(conn, draft(now, **changes), now=now))
    assert isinstance(made, Event), made
    return made


async def reread(store: Store, event: Event) -> Event:
    """The event as it stands now."""
    found = await store.read(lambda conn: events.find(conn, event.id))
    assert found is not None
    return found


def request(event: Event, by: int = 1, **changes: Any) -> OrderRequest:
    """A proved wallet's wish for one ticket."""
    wish = OrderRequest(event_ref=event.id, account=wallet(by), asset=ETH.id, chain=CHAIN, proved=True, client="net-1")
    return replace(wish, **changes)


def read_to(moment: datetime) -> dict[str, Known]:
    """The chain, read up to this moment, with nothing undecided."""
    return {CHAIN.id: Known(read=moment, decided=moment)}


async def ordered(store: Store, event: Event, now: datetime, by: int = 1, **changes: Any) -> Order:
    """A stored order."""
    placed = await store.transact(
        lambda conn: orders.place(conn, request(event, by, **changes), now=now, hold_for=HOLD_FOR)
    )
    assert isinstance(placed, Order), placed
    return placed


def sell(conn: Connection, order: Order, now: datetime) -> Order | None:
    """Pay for an order's places as the watcher does; None if there was no room."""
    places = inventory.lock(conn, order.places)
    sold = places.sell(order)
    if sold is None:
        return None
    paid = moved(sold, OrderState.PAID, now=now)
    order_store.save(conn, [(order, paid)])
    places.save(conn)
    return paid


def pay(conn: Connection, order: Order, event: Event, signer: Signer, now: datetime) -> tuple[Ticket, ...]:
    """Settle an order as the watcher does; no tickets if there was no room."""
    standing = orders.by_id(conn, order.id, lock=True)
    assert standing is not None
    paid = standing if standing.state is OrderState.PAID else sell(conn, standing, now)
    if paid is None:
        return ()
    sale = Sale(order=paid, event=event, paid_on=CHAIN.id, payments=("ab" * 16,))
    issued.mint(conn, [sale], signer=signer, now=now)
    return issued.of_order(conn, order.id)


def without_the_guards(monkeypatch: Any) -> None:
    """Take away what keeps a place from being sold twice: the count under the lock, and the condition in the write."""
    tiers_table, placed = inventory.tiers, inventory._n + inventory._of_held
    unguarded = update(tiers_table).where(inventory._tier).values(sold=tiers_table.c.sold + placed)
    monkeypatch.setattr(inventory.Places, "_fits", lambda *_: True)
    monkeypatch.setattr(inventory, "_SELL", unguarded)


def kept_places(conn: Connection) -> dict[int, tuple[int, int]]:
    """What the orders and granted tickets keep, per tier: (held, sold), to compare with what the tiers count."""
    quantity = order_lines.c.quantity
    by_order = dict.fromkeys(conn.execute(select(tiers.c.id)).scalars(), (0, 0))
    for tier_id, held, sold in conn.execute(
        select(
            order_lines.c.tier_id,
            func.sum(case((orders_table.c.hold == "held", quantity), else_=0)),
            func.sum(case((orders_table.c.hold == "sold", quantity), else_=0)),
        )
        .join(orders_table, orders_table.c.id == order_lines.c.order_id)
        .group_by(order_lines.c.tier_id)
    ):
        by_order[tier_id] = (held, sold)
    for tier_id, granted in conn.execute(
        select(tickets_table.c.tier_id, func.count())
        .where(tickets_table.c.order_id.is_(None), tickets_table.c.state != TicketState.REVOKED)
        .group_by(tickets_table.c.tier_id)
    ):
        held, sold = by_order[tier_id]
        by_order[tier_id] = (held, sold + granted)
    return by_order


def counted_places(conn: Connection) -> dict[int, tuple[int, int]]:
    """What the tiers count: (held, sold)."""
    rows = conn.execute(select(tiers.c.id, tiers.c.held, tiers.c.sold))
    return {row.id: (row.held, row.sold) for row in rows}
