"""Whether somebody who proved a wallet may be in the room now. Pure; the order of checks is DESIGN section 7.3's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from gateway.http.codes import Code
from tickets.event import EventStatus
from tickets.ticket import TicketState


class Role(StrEnum):
    """What somebody is in the room."""

    ATTENDEE = "attendee"
    HOST = "host"
    STAFF = "staff"


WITHOUT_TICKET = frozenset({Role.HOST, Role.STAFF})
"""Roles that come with the event; they may be in before the doors open, too."""

TICKET_REFUSALS: Mapping[TicketState, Code] = MappingProxyType(
    {
        TicketState.SUSPENDED: Code.TICKET_SUSPENDED,
        TicketState.REVOKED: Code.TICKET_REVOKED,
        TicketState.REFUNDED: Code.TICKET_REFUNDED,
        TicketState.TRANSFERRED: Code.TICKET_TRANSFERRED,
    }
)

PREFERENCE = (TicketState.VALID, TicketState.SUSPENDED, *TicketState)

TIMELY = frozenset({Code.PROOF_EXPIRED, Code.PROOF_FROM_FUTURE, Code.DOORS_CLOSED, Code.SESSION_EXPIRED})
"""Refusals whose reason was time: they carry `server_time`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventAtDoor:
    """What the door knows of an event, as it was read last."""

    id: int
    status: EventStatus
    creator: str
    doors_at: datetime
    ends_at: datetime
    relay_only: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketAtDoor:
    """What the door knows of a ticket."""

    id: str
    state: TicketState
    paid_on: str | None  # CAIP-2
    generation: int
    token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """All that decides whether a holder may be in an event's room."""

    event: EventAtDoor
    role: Role
    tickets: tuple[TicketAtDoor, ...]  # the one that opens the door first
    banned: bool

    @property
    def ticket(self) -> TicketAtDoor | None:
        """Return the ticket that opens the door, if any can."""
        return self.tickets[0] if self.tickets else None


def refusal(standing: Standing, *, now: datetime) -> Code | None:
    """Return why the holder may not be in the room now, or None: ticket first, then the event."""
    return _of_ticket(standing) or _of_event(standing, now)


def best_first(tickets: Sequence[TicketAtDoor]) -> tuple[TicketAtDoor, ...]:
    """Return the tickets, oldest first as they come, a valid one before the one whose trouble may pass."""
    return tuple(sorted(tickets, key=lambda ticket: PREFERENCE.index(ticket.state)))


def _of_ticket(standing: Standing) -> Code | None:
    if standing.role in WITHOUT_TICKET:
        return None
    if standing.ticket is None:
        return Code.NO_TICKET
    if standing.banned:
        return Code.BANNED
    return TICKET_REFUSALS.get(standing.ticket.state)


def _of_event(standing: Standing, now: datetime) -> Code | None:
    event = standing.event
    if event.status is EventStatus.CANCELLED:
        return Code.EVENT_CANCELLED
    if event.status is EventStatus.COMPLETED or event.ends_at <= now:
        return Code.EVENT_OVER
    if now < event.doors_at and standing.role not in WITHOUT_TICKET:
        return Code.DOORS_CLOSED
    return None
