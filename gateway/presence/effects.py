"""What the hub wants done, by whom and for whom. The hub makes these values, and its shell carries them out."""

from dataclasses import dataclass
from datetime import datetime

from gateway.presence.messages import Closing, Message

Connection = int
"""A socket, as its shell numbers it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """What a session's holder is in a room."""

    session_id: str
    event_id: int
    holder: str
    ticket_id: str | None  # None: host or staff
    role: str
    generation: int
    until: datetime  # the event's end
    media: str  # under which name the session's voice is heard in LiveKit

    @property
    def admission(self) -> str:
        """Return what sockets are counted by: the ticket, or the holder where there is none."""
        return self.ticket_id or f"{self.event_id}|{self.holder}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Send:
    """Tell one connection or several something."""

    to: tuple[Connection, ...]
    message: Message


@dataclass(frozen=True, kw_only=True, slots=True)
class Close:
    """End one connection."""

    connection: Connection
    closing: Closing


@dataclass(frozen=True, kw_only=True, slots=True)
class Authenticate:
    """Find out whose token this is and answer with `seat` or `refuse`."""

    connection: Connection
    token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Renew:
    """Read this session's ticket and event again and answer with `renewed` or `kick`."""

    connection: Connection
    seat: Seat


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrived:
    """A session is in the room."""

    seat: Seat


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """A session has no connection in the room any more."""

    seat: Seat


@dataclass(frozen=True, kw_only=True, slots=True)
class Tell:
    """Tell the event's visitors at other gates something, or the one of them who is meant."""

    event_id: int
    message: Message
    to: str | None = None


Effect = Send | Close | Authenticate | Renew | Arrived | Left | Tell
