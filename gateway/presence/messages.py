"""What presence sockets say to each other: the texts clients send, read strictly, and the ones they are sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson

MAX_CHAT = 500
"""Characters of one chat line."""
MAX_PEER_ID = 64
MAX_TOKEN = 4096
MAX_STATE_BYTES = 2 * 1024
"""Of a whole `state` message: it is kept, and told to everybody who comes later."""
MAX_SIGNAL_BYTES = 32 * 1024
"""Of a whole `signal`: an SDP offer with many tracks has some 20 KiB."""
MAX_DEPTH = 32
"""Lists and objects within each other. orjson reads 1,024 of them and writes 254; what we pass on lies deeper still."""

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
    if not shallow(given):
        return Malformed(reason=f"nested more than {MAX_DEPTH} deep")
    match given:
        case {"type": "auth", "token": str(token)} if 0 < len(token) <= MAX_TOKEN:
            return Auth(token=token)
        case {"type": "signal", "to": str(to), "data": data} if 0 < len(to) <= MAX_PEER_ID:
            return Signal(to=to, data=data) if size_of(text) <= MAX_SIGNAL_BYTES else Malformed(reason="too large")
        case {"type": "state", "data": data}:
            return State(data=data) if size_of(text) <= MAX_STATE_BYTES else Malformed(reason="too large")
        case {"type": "chat", "text": str(line)} if line.strip() and len(line) <= MAX_CHAT:
            return Chat(text=line)
        case {"type": "heartbeat"}:
            return Heartbeat()
        case {"type": str(kind)}:
            return Malformed(reason=f"not a {kind[:20]!r} message that we know")
        case _:
            return Malformed(reason="a message is a JSON object with a type")


def shallow(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Whether lists and objects lie within each other no more than `depth` deep."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(depth):
        level = [inner for outer in level for inner in _within(outer) if isinstance(inner, (dict, list))]
        if not level:
            return True
    return not level


def _within(outer: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return outer.values() if isinstance(outer, dict) else outer


def size_of(text: str) -> int:
    """Return how many bytes a text has on the wire."""
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def write(message: Message) -> str:
    """Return a message as it goes over the wire."""
    return orjson.dumps(message, option=orjson.OPT_UTC_Z).decode()
