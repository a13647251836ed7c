"""What one gate knows of its neighbours' rooms, and what it tells them of its own. Values in, values out.

Rules
-----
1. The visitors of this gate are told exactly what changes in the mirror, so `others` is always what they know.
2. Letters of one gate are taken in the order it wrote them. A version that does not follow shows that one was lost:
   then the gate's roster is asked for, later letters wait for it, and visitors are told the difference.
3. A gate that is not heard of for `silence` is gone with everybody at it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.neighbours.letters import Letter, Roster
from gateway.presence.effects import Tell
from gateway.presence.messages import Message

WAITING = 256
"""Letters of one gate that may wait for its roster; what is lost beyond that, the next roster shows."""

COMINGS_AND_GOINGS = frozenset({"joined", "left"})
"""The messages with which a room's version goes up by one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """Send a letter, after the roster was changed as it says. `gate`: to that one alone."""

    letter: Letter
    gate: str | None = None
    put: Message | None = None  # who is introduced anew
    drop: str | None = None  # who left


@dataclass(frozen=True, kw_only=True, slots=True)
class Overheard:
    """Pass a neighbour's message on to this gate's visitors, or to the one who is meant."""

    event_id: int
    message: Message
    to: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """Read a neighbour's roster and answer with `loaded`."""

    event_id: int
    gate: str


News = Overheard | Load


@dataclass(slots=True)
class _Own:
    """An event's room at this gate."""

    version: int = 0
    peers: dict[str, Message] = field(default_factory=dict)


@dataclass(slots=True)
class _Neighbour:
    """An event's room at another gate, as far as we know."""

    heard_at: datetime
    version: int = 0
    peers: dict[str, Message] = field(default_factory=dict)
    loading: bool = False
    waiting: list[Letter] = field(default_factory=list)


@dataclass(slots=True)
class Mirror:
    """The rooms of a house as one of its gates sees them."""

    gate: str
    silence: timedelta
    _own: dict[int, _Own] = field(default_factory=dict)  # kept when a room is empty: versions never go back
    _neighbours: dict[int, dict[str, _Neighbour]] = field(default_factory=dict)  # event -> gate -> its room

    @property
    def events(self) -> tuple[int, ...]:
        """The events that are mirrored."""
        return tuple(self._neighbours)

    def open(self, event_id: int) -> None:
        """Begin to mirror an event. Safe to call twice."""
        self._own.setdefault(event_id, _Own())
        self._neighbours.setdefault(event_id, {})

    def empty(self) -> frozenset[int]:
        """Return the events that are mirrored although nobody here is told anything."""
        return frozenset(event_id for event_id in self._neighbours if not self._own[event_id].peers)

    def close(self, event_id: int) -> None:
        """End mirroring an event."""
        del self._neighbours[event_id]

    def count(self, event_id: int) -> int:
        """Return how many are in the event at this gate."""
        return len(self._own[event_id].peers)

    def renew(self, event_id: int) -> Roster:
        """Return who is in the event at this gate, as a version that neighbours have not read yet."""
        own = self._own[event_id]
        own.version += 1
        return Roster(version=own.version, peers=dict(own.peers))

    def others(self, event_id: int) -> list[Message]:
        """Return who is in the event at other gates."""
        neighbours = self._neighbours.get(event_id, {})
        return [dict(peer) for neighbour in neighbours.values() for peer in neighbour.peers.values()]

    def beat(self, event_id: int) -> Letter:
        """Return the letter that says we are still there, and at which version."""
        return Letter(gate=self.gate, event_id=event_id, version=self._own[event_id].version)

    def tell(self, told: Tell) -> Post | None:
        """Note what happened here, and return what others are told; None for a signal to nobody we know."""
        self.open(told.event_id)
        own, message = self._own[told.event_id], told.message
        put, drop, gate = None, None, None
        match message:
            case {"type": "joined", "peer": peer}:
                own.version += 1
                put = own.peers[peer] = {**_introduction(message), "state": None}
            case {"type": "left", "peer": peer}:
                own.version += 1
                own.peers.pop(peer, None)
                drop = peer
            case {"type": "state", "peer": peer, "data": data} if peer in own.peers:
                put = own.peers[peer] = {**own.peers[peer], "state": data}
        if told.to is not None and (gate := self._where(told.event_id, told.to)) is None:
            return None
        letter = Letter(gate=self.gate, event_id=told.event_id, version=own.version, message=dict(message), to=told.to)
        return Post(letter=letter, gate=gate, put=put, drop=drop)

    def hear(self, letter: Letter, *, now: datetime) -> list[News]:
        """Take a neighbour's letter. Our own, and those about events without visitors here, say nothing."""
        rooms = self._neighbours.get(letter.event_id)
        if rooms is None or letter.gate == self.gate:
            return []
        neighbour = rooms.setdefault(letter.gate, _Neighbour(heard_at=now))
        neighbour.heard_at = now
        if neighbour.loading:
            if len(neighbour.waiting) < WAITING:
                neighbour.waiting.append(letter)
            return []
        if not _follows(neighbour, letter):
            return self._ask(neighbour, letter)
        return list(_taken(neighbour, letter))

    def found(self, event_id: int, gates: Sequence[str], *, now: datetime) -> list[News]:
        """Take the names of the gates that have rosters of an event; ask for each of them."""
        rooms = self._neighbours.get(event_id)
        if rooms is None:
            return []
        news: list[News] = []
        for gate in set(gates) - {self.gate}:
            neighbour = rooms.setdefault(gate, _Neighbour(heard_at=now))
            if not neighbour.loading:
                neighbour.loading = True
                news.append(Load(event_id=event_id, gate=gate))
        return news

    def loaded(self, event_id: int, gate: str, roster: Roster | None) -> list[News]:
        """Take a roster that was asked for, then the letters that waited for it; a beat shows what is still missing."""
        neighbour = self._neighbours.get(event_id, {}).get(gate)
        if neighbour is None:
            return []
        waiting, neighbour.waiting, neighbour.loading = neighbour.waiting, [], False
        news: list[News] = []
        if roster is not None and roster.version >= neighbour.version:
            news += _differences(event_id, neighbour.peers, roster.peers)
            neighbour.version, neighbour.peers = roster.version, dict(roster.peers)
        for letter in waiting:
            if _follows(neighbour, letter):
                news += _taken(neighbour, letter)
        return news

    def interrupted(self) -> None:
        """Note that the line broke: rosters that were asked for will not come."""
        for rooms in self._neighbours.values():
            for neighbour in rooms.values():
                neighbour.loading, neighbour.waiting = False, []

    def tick(self, *, now: datetime) -> list[News]:
        """Take away the gates that were not heard of for too long, and everybody at them."""
        news: list[News] = []
        for event_id, rooms in self._neighbours.items():
            for gate in [gate for gate, neighbour in rooms.items() if neighbour.heard_at + self.silence <= now]:
                news += _differences(event_id, rooms.pop(gate).peers, {}, reason="gate_lost")
        return news

    def _where(self, event_id: int, peer: str) -> str | None:
        rooms = self._neighbours[event_id]
        return next((gate for gate, neighbour in rooms.items() if peer in neighbour.peers), None)

    def _ask(self, neighbour: _Neighbour, letter: Letter) -> list[News]:
        neighbour.loading, neighbour.waiting = True, [letter]
        return [Load(event_id=letter.event_id, gate=letter.gate)]


def _follows(neighbour: _Neighbour, letter: Letter) -> bool:
    """Whether nothing is missing between what we know and this letter."""
    ahead = 1 if letter.message is not None and letter.message["type"] in COMINGS_AND_GOINGS else 0
    return letter.version <= neighbour.version + ahead


def _taken(neighbour: _Neighbour, letter: Letter) -> Iterator[News]:
    """Yield what visitors are told of a letter that follows; nothing where the roster had it already."""
    message = letter.message
    if message is None:
        return
    known = neighbour.peers
    if message["type"] in COMINGS_AND_GOINGS:
        if letter.version <= neighbour.version:
            return  # the roster had it already
        neighbour.version = letter.version
    match message:
        case {"type": "joined", "peer": str(peer)} if peer not in known:
            known[peer] = {**_introduction(message), "state": None}
        case {"type": "left", "peer": str(peer)} if peer in known:
            del known[peer]
        case {"type": "state", "peer": str(peer), "data": data} if peer in known:
            known[peer] = {**known[peer], "state": data}
        case {"type": "chat", "peer": str(peer)} if peer in known:
            pass
        case {"type": "signal", "from": str(peer)} if peer in known and letter.to is not None:
            pass
        case _:
            return
    yield Overheard(event_id=letter.event_id, message=message, to=letter.to)


def _differences(
    event_id: int, before: Mapping[str, Message], after: Mapping[str, Message], *, reason: str = "left"
) -> Iterator[News]:
    """Yield what visitors who know `before` are told so that they know `after`."""
    for peer in before.keys() - after.keys():
        yield Overheard(event_id=event_id, message={"type": "left", "peer": peer, "reason": reason})
    for peer, introduction in after.items():
        known = before.get(peer)
        if known is None:
            yield Overheard(event_id=event_id, message={"type": "joined", **_introduction(introduction)})
        if introduction.get("state") != (known or {}).get("state"):
            message = {"type": "state", "peer": peer, "data": introduction.get("state")}
            yield Overheard(event_id=event_id, message=message)


def _introduction(message: Message) -> Message:
    return {name: message.get(name) for name in ("peer", "role", "media")}
