"""What an order is: a value, the tables of its states, and its moves. Keeping orders is the work of `order_store`."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chains.account import HolderKey
from tickets.errors import IllegalMoveError
from tickets.states import StateTable

STEP = timedelta(minutes=15)
"""By how much a pending payment extends an order at a time."""


class OrderState(StrEnum):
    """Where an order stands between intent and ticket."""

    OPEN = "open"
    PAID = "paid"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    RELEASED = "released"
    REFUSED = "refused"


class Hold(StrEnum):
    """How an order's places are counted."""

    NONE = "none"  # not at all: the first at mint depth wins
    HELD = "held"  # in the tier's `held`
    SOLD = "sold"  # in the tier's `sold`
    LAPSED = "lapsed"  # given back


TRANSITIONS: StateTable[OrderState] = StateTable(
    name="order",
    initial=(OrderState.OPEN,),
    moves={
        OrderState.OPEN: {
            OrderState.PAID: "paid in full at mint depth",
            OrderState.EXPIRED: "its time ran out",
            OrderState.RELEASED: "the buyer let go, or the event was cancelled",
            OrderState.REFUSED: "paid, but there was no place",
        },
        OrderState.PAID: {OrderState.SUSPENDED: "a payment was replaced in a reorg"},
        OrderState.SUSPENDED: {
            OrderState.PAID: "the payment returned within the grace period",
            OrderState.EXPIRED: "the grace period ran out",
        },
        OrderState.EXPIRED: {OrderState.PAID: "a late payment found room"},
        OrderState.RELEASED: {OrderState.PAID: "a late payment found room"},
        OrderState.REFUSED: {},
    },
)

HOLDS: StateTable[Hold] = StateTable(
    name="hold",
    initial=(Hold.NONE, Hold.HELD),
    moves={
        Hold.NONE: {Hold.SOLD: "paid while there was room"},
        Hold.HELD: {Hold.SOLD: "paid", Hold.LAPSED: "expired or released"},
        Hold.SOLD: {Hold.LAPSED: "the grace period ran out"},
        Hold.LAPSED: {Hold.SOLD: "a late payment found room"},
    },
)


ENDS = frozenset({OrderState.EXPIRED, OrderState.RELEASED, OrderState.REFUSED})
"""States in which an order keeps no places."""

Wanted = tuple[int, int, HolderKey]
"""Tier, number of tickets, holder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Some tickets of one tier for one holder, at a locked price."""

    tier_id: int
    quantity: int
    holder: HolderKey
    account: str  # CAIP-10, as it stands on the ticket
    unit_price: int  # smallest unit of the order's asset

    @property
    def wanted(self) -> Wanted:
        """What it is for, whatever it costs."""
        return self.tier_id, self.quantity, self.holder


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A buyer's intent as it is stored."""

    id: str  # 128 random bits in hex
    code: str  # what the memo `o:<code>` names
    event_id: int
    asset: str  # CAIP-19; paid in this asset only
    amount: int  # the locked price of all lines, smallest unit
    state: OrderState
    hold: Hold
    implicit: bool  # opened by a bare memo
    payer: str | None  # implicit orders: whose top-ups belong together
    proved: bool  # the holder's wallet signed for it
    client: str | None  # keyed hash of the client's network
    chain: str  # CAIP-2 of the asset
    address: str | None  # its own, in canonical spelling
    created_at: datetime
    expires_at: datetime
    expires_cap: datetime
    grace_until: datetime | None
    version: int  # rises with each change
    updated_at: datetime
    lines: tuple[Line, ...]

    @property
    def quantity(self) -> int:
        """How many tickets it is for."""
        return sum(line.quantity for line in self.lines)

    @property
    def places(self) -> Mapping[int, int]:
        """How many places of which tier, in the order in which tiers are locked: by id."""
        counted: dict[int, int] = {}
        for line in sorted(self.lines, key=lambda line: line.tier_id):
            counted[line.tier_id] = counted.get(line.tier_id, 0) + line.quantity
        return counted

    @property
    def topup_key(self) -> str | None:
        """Under which name payments add up in this order, if it is one that bare memos opened."""
        if self.payer is None:
            return None
        return topup_key(self.payer, self.event_id, self.asset, (line.wanted for line in self.lines))


def topup_key(payer: str, event_id: int, asset: str, wanted: Iterable[Wanted]) -> str:
    """Return the name of what one payer buys with bare memos: these tickets of this event, paid in this asset."""
    tickets = (f"{tier_id}:{quantity}:{holder}" for tier_id, quantity, holder in wanted)
    return hashlib.sha256("|".join((payer, str(event_id), asset, *tickets)).encode()).hexdigest()


def moved(order: Order, state: OrderState, *, now: datetime, grace_until: datetime | None = None) -> Order:
    """Return the order in another state; ending it, it keeps no place any more.

    Raises IllegalMoveError for a move that is not in TRANSITIONS, and for a paid order whose places are not sold.
    """
    TRANSITIONS.check(order.state, state)
    if state is OrderState.PAID and order.hold is not Hold.SOLD:
        raise IllegalMoveError(f"order {order.id} is paid, but its places are not sold")
    lapses = state in ENDS and HOLDS.allows(order.hold, Hold.LAPSED)
    return replace(
        order,
        state=state,
        hold=Hold.LAPSED if lapses else order.hold,
        grace_until=grace_until,
        version=order.version + 1,
        updated_at=now,
    )


def extended(order: Order, *, now: datetime, step: timedelta = STEP) -> Order:
    """Return the order with more time while a pending payment covers it: a step ahead, never beyond its cap.

    It changes once per step at most, so it may be asked for on every poll.
    """
    if order.state is not OrderState.OPEN or order.expires_at - now >= step:
        return order
    expires_at = min(max(order.expires_at, now) + step, order.expires_cap)
    if expires_at <= order.expires_at:
        return order
    return replace(order, expires_at=expires_at, version=order.version + 1, updated_at=now)
