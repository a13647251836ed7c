"""What a gate asks Redis to do, as values, and the commands that do it. Nothing is sent from here.

Under `usher:room:<event>`: a channel of that name, `…:gates` names the gates with visitors there, `…:<gate>` is the
roster of one. Both expire when the gate falls silent. `usher:gate:<gate>` is the channel of letters to one gate alone.
"""

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


Job = Enter | Leave | Rewrite | Beat | Survey | Forget | Settled | Sign | Post | Load


def room_channel(event_id: int) -> str:
    """Return the channel of an event's letters."""
    return f"usher:room:{event_id}"


def gate_channel(gate: str) -> str:
    """Return the channel of the letters to one gate."""
    return f"usher:gate:{gate}"


def commands(job: Job, *, silence: timedelta) -> list[Command]:  # noqa: PLR0911  one arm per kind of job
    """Return what Redis is asked for a job, in order; Beat, Survey and Load read the first command's answer."""
    match job:
        case Post() as post:
            return _posting(post, silence)
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


def _posting(post: Post, silence: timedelta) -> list[Command]:
    """Return the roster's change before the letter: whoever reads the roster for a letter's sake finds it there."""
    letter = post.letter
    key = _roster_key(letter.event_id, letter.gate)
    channel = gate_channel(post.gate) if post.gate else room_channel(letter.event_id)
    asked: list[Command] = []
    if post.put is not None:
        asked.append(("HSET", key, post.put["peer"], write_introduction(post.put), ROSTER_VERSION, letter.version))
    if post.drop is not None:
        asked += [("HDEL", key, post.drop), ("HSET", key, ROSTER_VERSION, letter.version)]
    if asked:
        asked.append(("PEXPIRE", key, _milliseconds(silence)))
    return [*asked, ("PUBLISH", channel, write_letter(letter))]


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
