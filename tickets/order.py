"""What an order is: a value, and the tables of its states. Keeping orders is the work of `orders`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chains.account import HolderKey
from tickets.states import StateTable


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Some tickets of one tier for one holder, at a locked price."""

    tier_id: int
    quantity: int
    holder: HolderKey
    account: str  # CAIP-10, as it stands on the ticket
    unit_price: int  # smallest unit of the order's asset


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
