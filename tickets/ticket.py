"""What a ticket is: a value, the table of its states, and the id it has from its order. Its rows are in `tickets`."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chains.account import HolderKey
from tickets.states import StateTable


class TicketState(StrEnum):
    """What a ticket is worth at the door."""

    VALID = "valid"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    REFUNDED = "refunded"
    TRANSFERRED = "transferred"


TICKET_STATES: StateTable[TicketState] = StateTable(
    name="ticket",
    initial=(TicketState.VALID,),
    moves={
        TicketState.VALID: {
            TicketState.SUSPENDED: "its payment was replaced in a reorg",
            TicketState.REVOKED: "the operator took it back",
            TicketState.REFUNDED: "its money went back",
            TicketState.TRANSFERRED: "its holder passed it on",
        },
        TicketState.SUSPENDED: {
            TicketState.VALID: "the payment returned, or a later one settled the order",
            TicketState.REVOKED: "the operator took it back",
            TicketState.REFUNDED: "its money went back",
        },
        TicketState.REVOKED: {},
        TicketState.REFUNDED: {},
        TicketState.TRANSFERRED: {},
    },
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """The right of one holder to enter one event."""

    id: str  # 128 bits in hex
    event_id: int
    tier_id: int
    order_id: str | None  # None: granted by the operator
    holder: HolderKey
    account: str  # CAIP-10
    paid_on: str | None  # CAIP-2: where a contract account proves itself
    state: TicketState
    reason: str | None
    token: str  # compact JWS
    issued_at: datetime
    expires_at: datetime
    generation: int  # of its sessions; only the newest may authenticate
    first_access: datetime | None
    last_access: datetime | None
    access_count: int
    updated_at: datetime


def ticket_id(order_id: str, line: int, ordinal: int) -> str:
    """Return the id of one ticket of an order: the same however often it is minted (128 bits of SHA-256)."""
    return hashlib.sha256(f"ticket|{order_id}|{line}|{ordinal}".encode()).hexdigest()[:32]
