"""What gates write to each other about one event's room: a letter on the wire, a roster at rest. Read strictly.

Both carry the room's version at the gate they are from: how often somebody joined or left there. A reader that meets a
version it did not expect has missed something and reads the roster.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from gateway.presence.messages import MAX_DEPTH, Message, shallow

ROSTER_VERSION = b"version"
"""The field of a roster that is no peer; peers are hex."""
DEPTH = MAX_DEPTH + 2
"""What a visitor may say lies within a message, and that within a letter; an older gate may have let more pass."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """What a gate lets others know: a message for their visitors, or with none, that it is still there."""

    gate: str
    event_id: int
    version: int
    message: Message | None = None
    to: str | None = None  # one peer; None: everybody in the event


@dataclass(frozen=True, kw_only=True, slots=True)
class Roster:
    """Who is in an event's room at one gate, by peer, each as `welcome` introduces them."""

    version: int
    peers: Mapping[str, Message]


def can_be_written(message: Message) -> bool:
    """Whether a message fits into a letter. Nothing that `messages.read` accepts does not; this guards the line."""
    try:
        write_letter(Letter(gate="", event_id=0, version=0, message=message))
    except orjson.JSONEncodeError:
        return False
    return True


def write_letter(letter: Letter) -> bytes:
    """Return a letter's text."""
    return orjson.dumps(
        {"gate": letter.gate, "event": letter.event_id, "version": letter.version, "message": letter.message,
         "to": letter.to},
        option=orjson.OPT_UTC_Z,
    )  # fmt: skip


def read_letter(text: bytes) -> Letter | None:
    """Return a letter; None where the text is none. No text raises."""
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not shallow(given, DEPTH):
        return None
    match given:
        case {
            "gate": str(gate),
            "event": int(event_id),
            "version": int(version),
            "message": (None | {"type": str()}) as message,
            "to": (None | str()) as to,
        }:
            return Letter(gate=gate, event_id=event_id, version=version, message=message, to=to)
    return None


def write_introduction(introduction: Message) -> bytes:
    """Return a peer's place in a roster."""
    return orjson.dumps(introduction)


def read_roster(fields: Mapping[bytes, bytes]) -> Roster | None:
    """Return a roster; None where there is none, or not a whole one. No bytes raise."""
    try:
        version = int(fields[ROSTER_VERSION])
        peers = {name.decode(): orjson.loads(text) for name, text in fields.items() if name != ROSTER_VERSION}
    except (KeyError, ValueError):  # UnicodeDecodeError and JSONDecodeError among them
        return None
    if not all(isinstance(peer, dict) and peer.get("peer") == name for name, peer in peers.items()):
        return None
    return Roster(version=version, peers={name: _bounded(peer) for name, peer in peers.items()})


def _bounded(introduction: Message) -> Message:
    """Leave out what could not be passed on."""
    return introduction if shallow(introduction, DEPTH) else {**introduction, "state": None}
