"""The hub's shell: sockets and clock in, its effects carried out. What is said to whom, the hub decides."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any, Protocol

import structlog

from gateway.deps import Deps
from gateway.gate import grants, sessions
from gateway.gate.audit import Action, Stranger
from gateway.gate.audit_log import AuditLog
from gateway.gate.groups import Group
from gateway.gate.kicks import DoorList, Kick
from gateway.gate.sessions import Kept
from gateway.http.codes import Code
from gateway.presence import seating
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
from gateway.presence.elsewhere import Elsewhere, NobodyElsewhere
from gateway.presence.hub import Hub
from gateway.presence.messages import Closing, Malformed, read, size_of, write
from gateway.presence.outbox import Outbox
from gateway.presence.renewals import Renewals
from gateway.presence.seating import Move
from tickets.door import DoorNotice

log = structlog.get_logger(__name__)


class Voices(Protocol):
    """LiveKit's rooms, which are told who must leave them. None of it waits or fails."""

    def heard(self, notices: Iterable[DoorNotice]) -> None:
        """Take what the door list says."""

    def doubt(self, event_ids: Collection[int]) -> None:
        """Take that nobody here knows who may stay in these events."""

    def left(self, seat: Seat) -> None:
        """Take that a session has no socket here any more."""


TICK_SECONDS = 0.25


class Rooms:
    """All presence sockets of this gate."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._outboxes: dict[Connection, Outbox] = {}
        self._numbers = count(1)
        self._clients: dict[Connection, str] = {}
        self.audit = AuditLog(deps.store)
        self._moves: Group[Move, None] = Group(deps.store, seating.attend)
        self._background: set[asyncio.Task[Any]] = set()
        self.elsewhere: Elsewhere = NobodyElsewhere()
        self.voices: Voices | None = None
        self.hub = Hub(limits=seating.limits_of(deps.settings.gate.limits))
        self.door_list = DoorList(
            store=deps.store,
            clock=deps.clock,
            seats=lambda: list(self.hub.seats()),
            carry_out=self.kick,
            doubt=self.doubt,
        )
        self._renewals = Renewals(
            deps, hub=self.hub, door_list=self.door_list, tell=self._renewed, in_background=self._in_background
        )

    def enter(self, make_outbox: Callable[[], Outbox], *, client: str, event_id: int) -> tuple[Connection, Outbox]:
        """Take a new socket, which has yet to say whose it is."""
        connection, outbox = next(self._numbers), make_outbox()
        if self.hub.open(connection, client=client, event_id=event_id, now=self._deps.clock()):
            self._outboxes[connection] = outbox
            self._clients[connection] = client
        else:
            outbox.close(Closing.FULL)
        self._deps.metrics.sockets(len(self.hub))
        return connection, outbox

    async def hear(self, connection: Connection, text: str | None) -> None:
        """Take what a client sent; None for a frame that is no text."""
        said = Malformed(reason="not text") if text is None else read(text)
        size = 0 if text is None else size_of(text)
        effects = self.hub.hear(connection, said, size=size, now=self._deps.clock())
        self.carry_out(effects)
        for effect in effects:
            if isinstance(effect, Authenticate):
                await self._authenticate(effect)

    def leave(self, connection: Connection) -> bool:
        """Note that a socket is gone; False where we closed it ourselves."""
        self._clients.pop(connection, None)
        self.carry_out(self.hub.gone(connection))
        self._deps.metrics.sockets(len(self.hub))
        return self._outboxes.pop(connection, None) is not None

    def kick(self, kicks: Sequence[Kick]) -> None:
        """Close whom the door list names, here and in LiveKit."""
        for kick in kicks:
            self.carry_out(self.hub.kick(kick.names, closing=kick.closing, reason=kick.notice.action))
        if self.voices is not None:
            self.voices.heard(kick.notice for kick in kicks)

    def doubt(self, event_ids: Collection[int]) -> None:
        """Have everybody in these events read again, here and in LiveKit."""
        self.hub.doubt(event_ids)
        if self.voices is not None:
            self.voices.doubt(event_ids)

    async def tick(self) -> None:
        """Do what time alone brings; called four times a second."""
        effects = self.hub.tick(now=self._deps.clock())
        self.carry_out(effects)
        renewals = [effect for effect in effects if isinstance(effect, Renew)]
        if renewals:
            await self._renewals.renew(renewals)

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await self.tick()
            await asyncio.sleep(TICK_SECONDS)

    async def close(self) -> None:
        """Send everybody away and finish writing who was here."""
        for connection in list(self._outboxes):
            self.carry_out(self.hub.close(connection, Closing.GOING_AWAY))
        self._renewals.stop()
        if self._background:
            await asyncio.wait(self._background)
        await self.audit.settled()

    def carry_out(self, effects: Iterable[Effect]) -> None:
        """Send and close; a client that is too far behind to be told is closed, and its peers hear of that."""
        waiting = deque(effects)
        while waiting:
            match waiting.popleft():
                case Send(to=connections, message=message):
                    waiting.extend(self._tell(connections, write(message)))
                case Close(connection=connection, closing=closing):
                    if outbox := self._outboxes.pop(connection, None):
                        outbox.close(closing)
                case Arrived(seat=seat):
                    self._note(seat, arrived=True)
                case Left(seat=seat):
                    self._note(seat, arrived=False)
                    if self.voices is not None:
                        self.voices.left(seat)
                case Tell() as told:
                    self.elsewhere.tell(told)
                case Authenticate() | Renew():
                    pass  # they ask the database, and so are awaited by whoever made the hub say so

    def _tell(self, connections: Iterable[Connection], text: str) -> list[Effect]:
        behind: list[Effect] = []
        for connection in connections:
            outbox = self._outboxes.get(connection)
            if outbox is not None and not outbox.put(text):
                behind += self.hub.close(connection, Closing.TOO_SLOW)
        return behind

    async def _authenticate(self, asked: Authenticate) -> None:
        now = self._deps.clock()
        if self.door_list.blind(now):
            return self._turn_away_stranger(asked.connection, Code.GATE_BLIND)
        claims = grants.read_session(asked.token, keyring=self._deps.keyring, now=now)
        if isinstance(claims, Code):
            return self._turn_away_stranger(asked.connection, claims)
        await self.elsewhere.ready(claims.event_id)
        kept = await self._standing(claims.session_id)
        if kept is None:
            return self._turn_away_stranger(asked.connection, Code.SESSION_INVALID, event_id=claims.event_id)
        code = sessions.refusal(kept, generation=claims.generation, now=now)
        self._audit(asked.connection, kept, Action.SOCKET, code, now)
        if code is not None:
            return self._turn_away(asked.connection, code)
        seat = seating.seat_of(kept)
        self.carry_out(
            self.hub.seat(
                asked.connection,
                seat,
                peer=secrets.token_hex(8),
                welcome=seating.welcome(kept, seat, silence=self.hub.limits.silence, now=now),
                now=now,
                elsewhere=self.elsewhere.others(seat.event_id),
            )
        )
        return None

    async def _standing(self, session_id: str) -> Kept | None:
        """Read a session at least as new as the door list: a kick that came while we read must not be overtaken."""
        while True:
            kept, sequence = await self._deps.store.read(partial(seating.read, session_id, self._deps.settings.network))
            if sequence >= self.door_list.sequence:
                return kept

    def _renewed(self, renewal: Renew, kept: Kept | None, code: Code | None, now: datetime) -> None:
        if kept is None:
            return self._turn_away(renewal.connection, Code.SESSION_INVALID)
        self._audit(renewal.connection, kept, Action.RENEW, code, now)
        if code is not None:
            return self._turn_away(renewal.connection, code)
        grant = grants.issue(kept.session, settings=self._deps.settings, keyring=self._deps.keyring, now=now)
        message = seating.fresh(grant, kept.standing)
        self.carry_out(self.hub.renewed(renewal.connection, seating.seat_of(kept), message=message, now=now))
        return None

    def _turn_away_stranger(self, connection: Connection, code: Code, *, event_id: int | None = None) -> None:
        now, client = self._deps.clock(), self._clients.get(connection, "")
        self.audit.count(Stranger(at=now, action=Action.SOCKET, refusal=code, client=client, event_id=event_id))
        self._turn_away(connection, code)

    def _audit(self, connection: Connection, kept: Kept, action: Action, code: Code | None, now: datetime) -> None:
        client, entry_id = self._clients.get(connection, ""), secrets.token_hex(16)
        self.audit.note(sessions.audited(kept, entry_id=entry_id, action=action, refusal=code, client=client, now=now))

    def _turn_away(self, connection: Connection, code: Code) -> None:
        self._deps.metrics.answer("socket", code)
        self.carry_out(self.hub.refuse(connection, closing=seating.closing_of(code), reason=code))

    def _note(self, seat: Seat, *, arrived: bool) -> None:
        self._in_background(self._moves.submit(Move(seat=seat, arrived=arrived, at=self._deps.clock())))

    def _in_background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("presence_background_failed", error=type(error).__qualname__, reason=str(error))
