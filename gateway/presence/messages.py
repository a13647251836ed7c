"""What presence sockets say to each other: the texts clients send, read strictly, and the ones they are sent."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson

MAX_CHAT = 500
"""Characters of one chat line."""
MAX_PEER_ID = 64
MAX_TOKEN = 4096

Message = dict[str, Any]
"""A message to a client: a JSON object with its `type`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Auth:
    """The first message of every socket."""

    token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """WebRTC offers, answers and candidates for one other peer; opaque to us."""

    to: str
    data: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """Where an avatar is and what it does; opaque to us, the last one is kept for those who come later."""

    data: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Chat:
    """A line to everybody in the room."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Heartbeat:
    """Still here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Malformed:
    """Not a message that clients send."""

    reason: str


Said = Auth | Signal | State | Chat | Heartbeat


class Closing(Enum):
    """Why a socket is closed: the close code (RFC 6455 §7.4.2, private range) and the public reason."""

    BAD_MESSAGE = (4400, "bad_message")
    UNAUTHENTICATED = (4401, "unauthenticated")
    KICKED = (4403, "kicked")
    SILENT = (4408, "silent")
    SUPERSEDED = (4409, "superseded")
    ENDED = (4410, "ended")
    TOO_FAST = (4429, "too_many_messages")
    TOO_SLOW = (4430, "too_slow")
    FULL = (4431, "full")
    BLIND = (4503, "gate_blind")
    GOING_AWAY = (1001, "going_away")

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason


def read(text: str) -> Said | Malformed:  # noqa: PLR0911  one arm per kind of message
    """Return what a client said. No text raises."""
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Malformed(reason="not JSON")
    match given:
        case {"type": "auth", "token": str(token)} if 0 < len(token) <= MAX_TOKEN:
            return Auth(token=token)
        case {"type": "signal", "to": str(to), "data": data} if 0 < len(to) <= MAX_PEER_ID:
            return Signal(to=to, data=data)
        case {"type": "state", "data": data}:
            return State(data=data)
        case {"type": "chat", "text": str(line)} if line.strip() and len(line) <= MAX_CHAT:
            return Chat(text=line)
        case {"type": "heartbeat"}:
            return Heartbeat()
        case {"type": str(kind)}:
            return Malformed(reason=f"not a {kind[:20]!r} message that we know")
        case _:
            return Malformed(reason="a message is a JSON object with a type")


def write(message: Message) -> str:
    """Return a message as it goes over the wire."""
    return orjson.dumps(message, option=orjson.OPT_UTC_Z).decode()
