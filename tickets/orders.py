"""Orders: who may place one, on which terms, and what a bare memo opens. Their rows are kept by `order_store`."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, update

from chains.account import Account, HolderKey
from config.registry import Chain
from memo.code import new_code
from tickets import addresses, events, inventory, limits, order_store
from tickets.event import Event, Sale, Tier
from tickets.ids import Randomness, new_id
from tickets.order import TRANSITIONS, Hold, Line, Order, OrderState
from tickets.order_store import Known, by_address, by_code, by_id, change, expire_due, release
from tickets.schema import orders

__all__ = [
    "TRANSITIONS",
    "Hold",
    "Known",
    "Line",
    "Order",
    "OrderRefusal",
    "OrderRequest",
    "OrderState",
    "Randomness",
    "by_address",
    "by_code",
    "by_id",
    "change",
    "expire_due",
    "implicit",
    "place",
    "release",
]

MAX_QUANTITY = 20


class OrderRefusal(StrEnum):
    """Why no order was placed."""

    UNKNOWN_EVENT = "unknown_event"
    CANCELLED = "cancelled"
    NOT_ON_SALE = "not_on_sale"
    SALE_OVER = "sale_over"
    UNKNOWN_TIER = "unknown_tier"
    QUANTITY = "quantity"
    WRONG_ASSET = "wrong_asset"
    SOLD_OUT = "sold_out"
    LIMIT_REACHED = "limit_reached"


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderRequest:
    """What a buyer asks for."""

    event_ref: str | int
    account: Account  # who will hold the tickets
    asset: str  # CAIP-19
    chain: Chain  # the asset's
    tier: str | None = None  # None: the first one
    quantity: int = 1
    proved: bool = False  # the account signed for this purchase
    client: str | None = None  # keyed hash of the client's network
    want_hold: bool = True


def place(
    conn: Connection,
    request: OrderRequest,
    *,
    now: datetime,
    hold_for: timedelta,
    randomness: Randomness = secrets.token_bytes,
) -> Order | OrderRefusal:
    """Place an order at today's price: with a hold where the limits allow one, without otherwise (DESIGN §5).

    It has an address of its own where one is ready and the limits allow it; otherwise its memo and its code find it.
    Orders of one event are placed one after the other: its row is locked first, so that the limits count what is there.
    """
    event = events.find(conn, request.event_ref, lock=True)
    if event is None:
        return OrderRefusal.UNKNOWN_EVENT
    tier = event.tier(request.tier)
    refusal = _refusal(event, tier, request, now)
    if refusal is not None or tier is None:
        return refusal or OrderRefusal.UNKNOWN_TIER
    if request.proved and limits.beyond_purchase_limit(conn, event, request.account.holder, request.quantity):
        return OrderRefusal.LIMIT_REACHED
    hold = _hold(conn, event, tier, request)
    if hold is None:
        return OrderRefusal.SOLD_OUT
    own_address = request.proved or limits.may_take_address(conn, event, request.client, now)
    order = _draft(event, tier, request, hold=hold, now=now, hold_for=hold_for, randomness=randomness)
    order_store.add(conn, [order])
    return _with_address(conn, order) if own_address else order


def implicit(
    *,
    event: Event,
    tier: Tier,
    quantity: int,
    holder: HolderKey,
    account: str,
    asset: str,
    chain: str,
    payer: str,
    at: datetime,
    proved: bool = False,
    randomness: Randomness = secrets.token_bytes,
) -> Order:
    """Return a new order in which bare memos of this payer for these tickets add up, at today's price.

    It keeps no place and stays open until the sale's end. `proved`: the payment itself shows that the holder paid. Of
    the open ones with its `topup_key` the table takes only one.
    """
    price, until = tier.prices[asset], max(at, event.sales_end)
    return Order(
        id=new_id(randomness),
        code=new_code(randomness(8)),
        event_id=event.id,
        asset=asset,
        amount=price * quantity,
        state=OrderState.OPEN,
        hold=Hold.NONE,
        implicit=True,
        payer=payer,
        proved=proved,
        client=None,
        chain=chain,
        address=None,
        created_at=at,
        expires_at=until,
        expires_cap=until,
        grace_until=None,
        version=1,
        updated_at=at,
        lines=(Line(tier_id=tier.id, quantity=quantity, holder=holder, account=account, unit_price=price),),
    )


def _refusal(event: Event, tier: Tier | None, request: OrderRequest, now: datetime) -> OrderRefusal | None:
    """Return why the event as it stands cannot sell this at all."""
    sale = {
        Sale.CANCELLED: OrderRefusal.CANCELLED,
        Sale.NOT_YET: OrderRefusal.NOT_ON_SALE,
        Sale.OVER: OrderRefusal.SALE_OVER,
    }.get(event.sale(now))
    if sale is not None:
        return sale
    if tier is None:
        return OrderRefusal.UNKNOWN_TIER
    if not 1 <= request.quantity <= MAX_QUANTITY:
        return OrderRefusal.QUANTITY
    if request.asset not in tier.prices or request.chain.asset(request.asset) is None:
        return OrderRefusal.WRONG_ASSET
    if tier.left is not None and tier.left < request.quantity:
        return OrderRefusal.SOLD_OUT
    return None


def _hold(conn: Connection, event: Event, tier: Tier, request: OrderRequest) -> Hold | None:
    """Keep the places if the buyer wants that and may; None if they are gone."""
    if not request.want_hold:
        return Hold.NONE
    if not request.proved and not limits.may_hold_unproved(conn, event, tier, request.client, request.quantity):
        return Hold.NONE
    return Hold.HELD if inventory.hold(conn, tier.id, request.quantity) else None


def _draft(
    event: Event,
    tier: Tier,
    request: OrderRequest,
    *,
    hold: Hold,
    now: datetime,
    hold_for: timedelta,
    randomness: Randomness,
) -> Order:
    price = tier.prices[request.asset]
    line = Line(
        tier_id=tier.id,
        quantity=request.quantity,
        holder=request.account.holder,
        account=str(request.account),
        unit_price=price,
    )
    return Order(
        id=new_id(randomness),
        code=new_code(randomness(8)),
        event_id=event.id,
        asset=request.asset,
        amount=price * request.quantity,
        state=OrderState.OPEN,
        hold=hold,
        implicit=False,
        payer=None,
        proved=request.proved,
        client=request.client,
        chain=request.chain.id,
        address=None,
        created_at=now,
        expires_at=min(now + hold_for, event.ends_at),
        expires_cap=min(now + max(hold_for, request.chain.hold_cap), event.ends_at),
        grace_until=None,
        version=1,
        updated_at=now,
        lines=(line,),
    )


def _with_address(conn: Connection, order: Order) -> Order:
    """Give an order its own address if one is ready; without one its memo and code still find it."""
    address = addresses.take(conn, order.chain, order.id)
    if address is None:
        return order
    conn.execute(update(orders).where(orders.c.id == order.id).values(address=address))
    return replace(order, address=address)
