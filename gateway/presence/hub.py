"""Who is in which room, and who is told what. Values in, effects out: no socket, no clock, no database here.

Rules
-----
1. A connection that is not seated hears nothing but its own refusal, and is closed when it stays silent.
2. Whoever is seated knows exactly the others in the same event: `welcome` names them, `joined` and `left` keep it true.
3. A signal goes to one peer of the same event and to nobody else; peers know each other by random ids only.
4. A closed connection hears nothing more, and the others hear `left` once.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.presence.effects import (
    Arrived,
    Authenticate,
    Close,
    Connection,
    Effect,
    Left,
    Renew,
    Seat,
    Send,
    Tell,
)
from gateway.presence.limits import Limits, Pace
from gateway.presence.messages import Auth, Chat, Closing, Heartbeat, Malformed, Message, Said, Signal, State


@dataclass(slots=True)
class _Socket:
    """One connection: waiting for its first message, or seated."""

    heard_at: datetime
    opened_at: datetime
    event_id: int
    client: str
    pace: Pace
    asking: bool = False  # its token is being looked at
    peer: str = ""
    seat: Seat | None = None
    renew_at: datetime | None = None
    doubtful: bool = False  # what was read of the session may be out of date, even by a renewal under way
    state: Any = None


@dataclass(slots=True)
class Hub:
    """The rooms of one gate."""

    limits: Limits
    _sockets: dict[Connection, _Socket] = field(default_factory=dict)
    _rooms: dict[int, dict[str, Connection]] = field(default_factory=dict)  # event -> peer -> connection
    _admissions: dict[str, list[Connection]] = field(default_factory=dict)  # oldest first
    _strangers: Counter[str] = field(default_factory=Counter)  # by client

    def __len__(self) -> int:
        return len(self._sockets)

    def seats(self) -> Iterator[Seat]:
        """Return who is seated now."""
        return (socket.seat for socket in self._sockets.values() if socket.seat)

    def admits(self, client: str) -> bool:
        """Whether a client may open another connection: within the gate's number, and its own before it is seated."""
        return len(self._sockets) < self.limits.sockets and self._strangers[client] < self.limits.strangers_per_client

    def open(self, connection: Connection, *, client: str, event_id: int, now: datetime) -> bool:
        """Take a new connection; False where the gate, or this client, has as many as it may have."""
        if not self.admits(client):
            return False
        self._strangers[client] += 1
        self._sockets[connection] = _Socket(
            heard_at=now, opened_at=now, event_id=event_id, client=client, pace=Pace(limits=self.limits)
        )
        return True

    def hear(self, connection: Connection, said: Said | Malformed, *, size: int = 0, now: datetime) -> list[Effect]:
        """Take what a client said, in so many bytes."""
        socket = self._sockets.get(connection)
        if socket is None:
            return []
        socket.heard_at = now
        if not socket.pace.keeps(said, size, now):
            return self.close(connection, Closing.TOO_FAST)
        if isinstance(said, Malformed):
            return self.close(connection, Closing.BAD_MESSAGE)
        if socket.seat is None:
            return self._hear_stranger(connection, socket, said)
        return self._hear_seated(connection, socket, said, now)

    def seat(
        self,
        connection: Connection,
        seat: Seat,
        *,
        peer: str,
        welcome: Message,
        now: datetime,
        elsewhere: Sequence[Message] = (),
    ) -> list[Effect]:
        """Let an authenticated connection in; `welcome` is completed with the peers, and older sockets make room.

        `elsewhere` introduces the event's visitors at other gates.
        """
        socket = self._sockets.get(connection)
        if socket is None:
            return []
        if seat.event_id != socket.event_id:
            return self.close(connection, Closing.UNAUTHENTICATED)
        if any(self._generation(other) > seat.generation for other in self._admissions.get(seat.admission, ())):
            return self.refuse(connection, closing=Closing.SUPERSEDED, reason="superseded")  # overtaken meanwhile
        effects = self._make_room(seat)
        was_here = self._is_here(seat)
        room = self._rooms.setdefault(seat.event_id, {})
        others = [*(self._introduction(other) for other in room.values()), *elsewhere]
        joined = {"type": "joined", "peer": peer, "role": seat.role, "media": seat.media}
        effects += [
            Send(to=(connection,), message={"type": "welcome", "peer": peer, "peers": others, **welcome}),
            *_to(room.values(), joined),
            Tell(event_id=seat.event_id, message=joined),
        ]
        room[peer] = connection
        self._admissions.setdefault(seat.admission, []).append(connection)
        self._known(socket)
        socket.peer, socket.seat, socket.asking = peer, seat, False
        socket.renew_at = now + self.limits.renew_every
        return effects if was_here else [*effects, Arrived(seat=seat)]

    def renewed(self, connection: Connection, seat: Seat, *, message: Message, now: datetime) -> list[Effect]:
        """Hand fresh credentials to a connection whose session still stands."""
        socket = self._sockets.get(connection)
        if socket is None or socket.seat is None:
            return []
        socket.seat, socket.renew_at = seat, now + self.limits.renew_every
        return [Send(to=(connection,), message={"type": "renewed", **message})]

    def kick(self, doomed: Callable[[Seat], bool], *, closing: Closing, reason: str) -> list[Effect]:
        """Close every seated connection that `doomed` names, and tell its peers to drop it."""
        named = [number for number, socket in self._sockets.items() if socket.seat is not None and doomed(socket.seat)]
        return [effect for number in named for effect in self.refuse(number, closing=closing, reason=reason)]

    def refuse(self, connection: Connection, *, closing: Closing, reason: str) -> list[Effect]:
        """Close one connection and tell it why."""
        if connection not in self._sockets:
            return []
        told = {"type": "ended" if closing is Closing.ENDED else "kicked", "reason": reason}
        return [Send(to=(connection,), message=told), *self.close(connection, closing)]

    def close(self, connection: Connection, closing: Closing) -> list[Effect]:
        """End one connection from our side."""
        if connection not in self._sockets:
            return []
        return [Close(connection=connection, closing=closing), *self.gone(connection, reason=closing.reason)]

    def gone(self, connection: Connection, *, reason: str = "left") -> list[Effect]:
        """Forget a connection, whoever ended it. Safe to call twice."""
        socket = self._sockets.pop(connection, None)
        if socket is None:
            return []
        if socket.seat is None:
            self._known(socket)
            return []
        room = self._rooms[socket.seat.event_id]
        del room[socket.peer]
        if not room:
            del self._rooms[socket.seat.event_id]
        self._admissions[socket.seat.admission].remove(connection)
        if not self._admissions[socket.seat.admission]:
            del self._admissions[socket.seat.admission]
        left = {"type": "left", "peer": socket.peer, "reason": reason}
        effects = [*_to(room.values(), left), Tell(event_id=socket.seat.event_id, message=left)]
        return effects if self._is_here(socket.seat) else [*effects, Left(seat=socket.seat)]

    def overhear(self, event_id: int, message: Message, *, to: str | None = None) -> list[Effect]:
        """Pass on what came from another gate: to everybody in the event, or to the one peer who is meant."""
        room = self._rooms.get(event_id, {})
        return _to(room.values() if to is None else [room[to]] if to in room else [], message)

    def tick(self, *, now: datetime) -> list[Effect]:
        """Do what time alone brings: strangers and silent clients go, rooms end, old credentials are renewed."""
        effects: list[Effect] = []
        effects += self.kick(lambda seat: seat.until <= now, closing=Closing.ENDED, reason="event_over")
        for connection, socket in list(self._sockets.items()):
            if socket.seat is None and socket.opened_at + self.limits.authenticate_within <= now:
                effects += self.close(connection, Closing.UNAUTHENTICATED)
            elif socket.heard_at + self.limits.silence <= now:
                effects += self.close(connection, Closing.SILENT)
            elif socket.seat is not None and (
                socket.doubtful or (socket.renew_at is not None and socket.renew_at <= now)
            ):
                socket.renew_at, socket.doubtful = None, False  # asked for; `renewed` sets the next one
                effects.append(Renew(connection=connection, seat=socket.seat))
        return effects

    def doubt(self, event_ids: Collection[int]) -> None:
        """Have every session in these events read again with the next tick."""
        for socket in self._sockets.values():
            if socket.seat is not None and socket.seat.event_id in event_ids:
                socket.doubtful = True

    def renew_again(self, connections: Iterable[Connection], *, at: datetime) -> None:
        """Put off renewals that could not be carried out."""
        for connection in connections:
            if socket := self._sockets.get(connection):
                socket.renew_at = at

    def _hear_stranger(self, connection: Connection, socket: _Socket, said: Said) -> list[Effect]:
        if not isinstance(said, Auth) or socket.asking:
            return self.close(connection, Closing.UNAUTHENTICATED)
        socket.asking = True
        return [Authenticate(connection=connection, token=said.token)]

    def _hear_seated(self, connection: Connection, socket: _Socket, said: Said, now: datetime) -> list[Effect]:
        match said:
            case Heartbeat():
                return [Send(to=(connection,), message={"type": "heartbeat", "server_time": now})]
            case Signal(to=peer, data=data):
                target = self._rooms[socket.event_id].get(peer)
                message = {"type": "signal", "from": socket.peer, "data": data}
                if target is None:
                    return [Tell(event_id=socket.event_id, message=message, to=peer)]
                return [] if target == connection else [Send(to=(target,), message=message)]
            case State(data=data):
                socket.state = data
                return self._to_others(socket, {"type": "state", "peer": socket.peer, "data": data})
            case Chat(text=text):
                line = {"type": "chat", "peer": socket.peer, "text": text, "at": now}
                told = _to(self._rooms[socket.event_id].values(), line)
                return [*told, Tell(event_id=socket.event_id, message=line)]
            case Auth():
                return self.close(connection, Closing.BAD_MESSAGE)

    def _to_others(self, socket: _Socket, message: Message) -> list[Effect]:
        room = self._rooms[socket.event_id]
        told = _to((other for peer, other in room.items() if peer != socket.peer), message)
        return [*told, Tell(event_id=socket.event_id, message=message)]

    def _introduction(self, connection: Connection) -> Message:
        socket = self._sockets[connection]
        who = {} if socket.seat is None else {"role": socket.seat.role, "media": socket.seat.media}
        return {"peer": socket.peer, **who, "state": socket.state}

    def _is_here(self, seat: Seat) -> bool:
        """Whether the session has a connection that is seated."""
        sockets = (self._sockets[connection] for connection in self._admissions.get(seat.admission, ()))
        return any(socket.seat is not None and socket.seat.session_id == seat.session_id for socket in sockets)

    def _generation(self, connection: Connection) -> int:
        seat = self._sockets[connection].seat
        return seat.generation if seat else 0

    def _known(self, socket: _Socket) -> None:
        """Count a connection as a stranger's no longer: it is seated now, or gone."""
        self._strangers[socket.client] -= 1
        if not self._strangers[socket.client]:
            del self._strangers[socket.client]

    def _make_room(self, seat: Seat) -> list[Effect]:
        """Close older generations of the same admission, and the oldest sockets beyond what one ticket may have."""
        same = self._admissions.get(seat.admission, [])
        older = [connection for connection in same if self._generation(connection) < seat.generation]
        current = [connection for connection in same if connection not in older]
        surplus = current[: max(0, len(current) + 1 - self.limits.sockets_per_ticket)]
        return [
            effect
            for connection in older + surplus
            for effect in self.refuse(connection, closing=Closing.SUPERSEDED, reason=Closing.SUPERSEDED.reason)
        ]


def _to(connections: Iterable[Connection], message: Message) -> list[Effect]:
    """Return the telling of one message to many; none where nobody is there."""
    told = tuple(connections)
    return [Send(to=told, message=message)] if told else []
