"""What a gate asks Redis to do, as values, and the commands that do it. Nothing is sent from here.

Under `usher:room:<event>`: a channel of that name, `…:gates` names the gates with visitors there, `…:<gate>` is the
roster of one. Both expire when the gate falls silent. `usher:gate:<gate>` is the channel of letters to one gate alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.neighbours.letters import ROSTER_VERSION, Letter, Roster, write_introduction, write_letter
from gateway.neighbours.mirror import Load, Post

Command = tuple[str | bytes | int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Enter:
    """Hear an event's letters from now on."""

    event_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Leave:
    """Hear an event's letters no more."""

    event_id: int
    gate: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewrite:
    """Write a roster as it is now, whatever stood there."""

    roster: Roster
    beat: Letter


@dataclass(frozen=True, kw_only=True, slots=True)
class Beat:
    """Keep a roster for another while, and count its fields."""

    beat: Letter
    peers: int  # how many there must be


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """Find the gates that have rosters of an event."""

    event_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Forget:
    """A gate's roster is gone: take its name off."""

    event_id: int
    gate: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """All that was asked for before, about this event, has been answered."""

    event_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Sign:
    """Hear something of ourselves: a line that carries nothing is not told from one that is dead."""

    gate: str


Job = Enter | Leave | Rewrite | Beat | Survey | Forget | Settled | Sign | Load


def room_channel(event_id: int) -> str:
    """Return the channel of an event's letters."""
    return f"usher:room:{event_id}"


def gate_channel(gate: str) -> str:
    """Return the channel of the letters to one gate."""
    return f"usher:gate:{gate}"


def commands(job: Job, *, silence: timedelta) -> list[Command]:  # noqa: PLR0911  one arm per kind of job
    """Return what Redis is asked for a job, in order; Beat, Survey and Load read the first command's answer."""
    match job:
        case Rewrite(roster=roster, beat=beat):
            key = _roster_key(beat.event_id, beat.gate)
            fields = [part for peer, one in roster.peers.items() for part in (peer, write_introduction(one))]
            whole: Command = ("HSET", key, ROSTER_VERSION, roster.version, *fields)
            return [("DEL", key), whole, *_kept(beat, silence)]
        case Beat(beat=beat):
            return [("HLEN", _roster_key(beat.event_id, beat.gate)), *_kept(beat, silence)]
        case Survey(event_id=event_id):
            return [("SMEMBERS", _gates_key(event_id))]
        case Load(event_id=event_id, gate=gate):
            return [("HGETALL", _roster_key(event_id, gate))]
        case Forget(event_id=event_id, gate=gate):
            return [("SREM", _gates_key(event_id), gate)]
        case Leave(event_id=event_id, gate=gate):
            return [("DEL", _roster_key(event_id, gate)), ("SREM", _gates_key(event_id), gate)]
        case Sign(gate=gate):
            return [("PUBLISH", gate_channel(gate), b"")]
        case Enter() | Settled():
            return []


def posting(posts: Sequence[Post], *, silence: timedelta) -> list[Command]:
    """Return what Redis is asked for letters that follow each other, in one transaction.

    Rosters change before letters are sent, so whoever reads a roster for a letter's sake finds it there. Of an avatar's
    many moves the last one is stored.
    """
    changes: dict[tuple[str, str], list[Command]] = {}
    for post in posts:
        key = _roster_key(post.letter.event_id, post.letter.gate)
        if post.put is not None:
            peer = post.put["peer"]
            changes[key, peer] = [("HSET", key, peer, write_introduction(post.put))]
        if post.drop is not None:
            changes[key, post.drop] = [("HDEL", key, post.drop)]
    newest = {_roster_key(post.letter.event_id, post.letter.gate): post.letter.version for post in posts}
    for key in {key for key, _ in changes}:
        changes[key, ""] = [("HSET", key, ROSTER_VERSION, newest[key]), ("PEXPIRE", key, _milliseconds(silence))]
    letters: list[Command] = [
        (
            "PUBLISH",
            gate_channel(post.gate) if post.gate else room_channel(post.letter.event_id),
            write_letter(post.letter),
        )
        for post in posts
    ]
    return [*(command for change in changes.values() for command in change), *letters]


def _kept(beat: Letter, silence: timedelta) -> list[Command]:
    event_id, gate, expiry = beat.event_id, beat.gate, _milliseconds(silence)
    return [
        ("SADD", _gates_key(event_id), gate),
        ("PEXPIRE", _gates_key(event_id), expiry),
        ("PEXPIRE", _roster_key(event_id, gate), expiry),
        ("PUBLISH", room_channel(event_id), write_letter(beat)),
    ]


def _roster_key(event_id: int, gate: str) -> str:
    return f"usher:room:{event_id}:{gate}"


def _gates_key(event_id: int) -> str:
    return f"usher:room:{event_id}:gates"


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
