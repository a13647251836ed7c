"""Who must leave LiveKit's rooms, and when. How LiveKit is asked stands in `livekit`.

Rooms and door list say what happened. Who may stay is read from the database, not from our sockets: a voice needs none.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count, islice

import structlog
from aiohttp import web
from sqlalchemy import Connection, bindparam, exists, or_, select

from config.registry import Network
from config.settings import LiveKitSettings
from gateway.background import BACKGROUND
from gateway.deps import DEPS, Deps
from gateway.gate import grants, livekit
from gateway.gate import sessions as stays
from gateway.gate.livekit import LiveKitError
from gateway.gate.sessions import Kept
from gateway.presence.effects import Seat
from gateway.presence.socket import ROOMS
from gateway.schema import sessions
from store.errors import StoreError
from tickets.batches import batches
from tickets.door import DoorAction, DoorNotice
from tickets.event import EventStatus
from tickets.schema import attendance, door_notices, events

log = structlog.get_logger(__name__)

LEEWAY = timedelta(minutes=1)
"""LiveKit takes a token for so much longer than it says (go-jose's DefaultLeeway)."""
WINDOW = livekit.JOIN_WITHIN + LEEWAY + timedelta(seconds=5)
"""A token that was handed out before its holder was sent away opens the room until then: so we look once more."""
AWAY = timedelta(seconds=10)
"""Who lost the socket and is back by then has not left."""
TRY_AGAIN = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=25))
STORE_AGAIN = timedelta(seconds=1)
ENDS_EVERY = timedelta(seconds=10)
RESUMED = 3
"""A page that is reloaded leaves the voice of the generation before; each time is a notice of its own."""
TICK_SECONDS = 0.25
AT_ONCE = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """Look at the sessions that a notice is about, and put out those who may not be in the room."""

    event_id: int
    ticket_id: str | None = None
    holder: str | None = None  # neither: everybody in the event


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """Look whether a session that left our sockets is back by now."""

    session_id: str
    event_id: int
    generation: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Remove:
    """Put one voice out."""

    event_id: int
    identity: str
    may_return: bool = False
    failed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseRoom:
    """Put everybody out, if the event is over still."""

    event_id: int
    failed: int = 0


Errand = Judge | Missed | Remove | CloseRoom


class Voices:
    """The errands of one gate at LiveKit. Other gates do the same: what is done twice changes nothing."""

    def __init__(self, deps: Deps, settings: LiveKitSettings) -> None:
        self._deps = deps
        self._settings = settings
        self._due: list[tuple[datetime, int, Errand]] = []
        self._numbers = count()
        self._news = asyncio.Event()
        self._ends_read: datetime | None = None

    def heard(self, notices: Iterable[DoorNotice]) -> None:
        """Carry out what the door list says, now and once more when no older token opens the room any more."""
        for errand in {errand for notice in notices if (errand := _errand_of(notice)) is not None}:
            self._twice(errand)

    def doubt(self, event_ids: Collection[int]) -> None:
        """Look at everybody in some events."""
        for event_id in event_ids:
            self._twice(Judge(event_id=event_id))

    def left(self, seat: Seat) -> None:
        """Look soon whether somebody who has no socket here any more is back, here or at another gate."""
        missed = Missed(session_id=seat.session_id, event_id=seat.event_id, generation=seat.generation)
        self._put(missed, self._deps.clock() + AWAY)

    async def run(self) -> None:
        """Do what is due until cancelled."""
        while True:
            await self.tick()
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._news.wait()
            self._news.clear()

    async def tick(self) -> None:
        """Do what is due now; what fails is tried again."""
        await self._read_ends()
        while some := list(islice(self._take(self._deps.clock()), AT_ONCE)):
            await asyncio.gather(*(self._do(errand) for errand in some))

    def _take(self, now: datetime) -> Iterator[Errand]:
        while self._due and self._due[0][0] <= now:
            yield heapq.heappop(self._due)[2]

    async def _do(self, errand: Errand) -> None:
        now = self._deps.clock()
        try:
            match errand:
                case Judge() | Missed():
                    for removal in await self._deps.store.read(partial(_removals, errand, self._network, now)):
                        self._put(removal, now)
                case CloseRoom(event_id=event_id):
                    if await self._deps.store.read(partial(_is_over, event_id, now)):
                        await livekit.close_room(self._settings, event_id=event_id)
                case Remove(event_id=event_id, identity=identity, may_return=may_return):
                    await livekit.remove_participant(
                        self._settings, event_id=event_id, identity=identity, may_return=may_return
                    )
        except StoreError:
            self._put(errand, now + STORE_AGAIN)
        except LiveKitError as error:
            if isinstance(errand, (Remove, CloseRoom)):
                self._failed(errand, error, now)

    def _failed(self, errand: Remove | CloseRoom, error: LiveKitError, now: datetime) -> None:
        if errand.failed == len(TRY_AGAIN):
            log.error("voice_not_removed", event_id=errand.event_id, reason=str(error))
            return
        log.warning("livekit_failed", event_id=errand.event_id, reason=str(error))
        self._put(replace(errand, failed=errand.failed + 1), now + TRY_AGAIN[errand.failed])

    async def _read_ends(self) -> None:
        """Find the events that ended, which nobody announces, and, at first, what happened while no gate ran."""
        now, since = self._deps.clock(), self._ends_read
        if since is not None and now - since < ENDS_EVERY:
            return
        try:
            if since is None:
                self.heard(await self._deps.store.read(partial(_recent, now - WINDOW)))
            ended = await self._deps.store.read(partial(_ended, since or now - WINDOW, now))
        except StoreError:
            return
        self._ends_read = now
        for event_id in ended:
            self._twice(CloseRoom(event_id=event_id))

    @property
    def _network(self) -> Network:
        return self._deps.settings.network

    def _twice(self, errand: Errand) -> None:
        now = self._deps.clock()
        self._put(errand, now)
        self._put(errand, now + WINDOW)

    def _put(self, errand: Errand, due: datetime) -> None:
        heapq.heappush(self._due, (due, next(self._numbers), errand))
        self._news.set()


def equip(app: web.Application) -> None:
    """Let the rooms of an application say who must leave LiveKit's, for as long as it runs."""
    deps = app[DEPS]
    if deps.settings.livekit is None:
        return
    voices = app[ROOMS].voices = Voices(deps, deps.settings.livekit)

    async def keep(app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(voices.run())
        app[BACKGROUND].watch([task])
        yield
        task.cancel()
        await asyncio.wait([task])

    app.cleanup_ctx.append(keep)


def _errand_of(notice: DoorNotice) -> Errand | None:
    match notice.action:
        case DoorAction.RESTORED:
            return None
        case DoorAction.ENDED:
            return CloseRoom(event_id=notice.event_id)
        case DoorAction.BANNED:
            return Judge(event_id=notice.event_id, holder=notice.holder)
        case _:
            holder = None if notice.ticket_id else notice.holder
            return Judge(event_id=notice.event_id, ticket_id=notice.ticket_id, holder=holder)


_CLOSED_LATELY = or_(sessions.c.closed_at.is_(None), sessions.c.closed_at > bindparam("since"))
_OF_EVENT = select(sessions.c.id).where(sessions.c.event_id == bindparam("event"), _CLOSED_LATELY)
_OF_TICKET = _OF_EVENT.where(sessions.c.ticket_id == bindparam("ticket"))
_OF_HOLDER = _OF_EVENT.where(sessions.c.holder == bindparam("holder"))
_AWAY = (
    select(sessions.c.id)
    .outerjoin_from(sessions, attendance, attendance.c.session_id == sessions.c.id)
    .where(
        sessions.c.id == bindparam("session"),
        sessions.c.generation == bindparam("generation"),
        attendance.c.left_at.is_not(None),
    )
)
_OVER = or_(
    events.c.ends_at <= bindparam("now", type_=events.c.ends_at.type),
    events.c.status.in_([EventStatus.CANCELLED, EventStatus.COMPLETED]),
)
_IS_OVER = select(events.c.id).where(events.c.id == bindparam("event"), _OVER)
_ENDED = select(events.c.id).where(
    events.c.ends_at > bindparam("since", type_=events.c.ends_at.type),
    events.c.ends_at <= bindparam("now", type_=events.c.ends_at.type),
    exists().where(sessions.c.event_id == events.c.id),
)
_RECENT = (
    select(door_notices)
    .where(door_notices.c.at > bindparam("since", type_=door_notices.c.at.type))
    .order_by(door_notices.c.sequence)
)


def _removals(errand: Judge | Missed, network: Network, now: datetime, conn: Connection) -> list[Remove]:
    """Return whom to put out: whoever may not be in the room; and who is away, though they may come back."""
    match errand:
        case Missed(session_id=session_id, generation=generation):
            ids: Sequence[str] = (session_id,)
            away = conn.execute(_AWAY, {"session": session_id, "generation": generation}).scalars().all()
        case Judge(event_id=event_id, ticket_id=ticket_id, holder=holder):
            query = _OF_TICKET if ticket_id else _OF_HOLDER if holder else _OF_EVENT
            asked = {"event": event_id, "ticket": ticket_id, "holder": holder, "since": now - 2 * WINDOW}
            wanted = {name: value for name, value in asked.items() if value is not None}
            ids, away = conn.execute(query, wanted).scalars().all(), ()
    kept = {one: it for some in batches(ids) for one, it in stays.read(conn, some, network=network).items()}
    refused = {one for one, it in kept.items() if _refused(it, now)}
    gone = [
        Remove(
            event_id=errand.event_id,
            identity=grants.media_identity(one, it.session.generation),
            may_return=one not in refused,
        )
        for one, it in kept.items()
        if one in refused or one in away
    ]
    if isinstance(errand, Missed) or not (errand.ticket_id or errand.holder):
        return gone
    return gone + [
        Remove(event_id=errand.event_id, identity=grants.media_identity(one, generation))
        for one, it in kept.items()
        if one not in refused
        for generation in range(max(1, it.session.generation - RESUMED), it.session.generation)
    ]


def _refused(kept: Kept, now: datetime) -> bool:
    return stays.refusal(kept, generation=kept.session.generation, now=now) is not None


def _is_over(event_id: int, now: datetime, conn: Connection) -> bool:
    return conn.execute(_IS_OVER, {"event": event_id, "now": now}).one_or_none() is not None


def _ended(since: datetime, now: datetime, conn: Connection) -> Sequence[int]:
    return conn.execute(_ENDED, {"since": since, "now": now}).scalars().all()


def _recent(since: datetime, conn: Connection) -> list[DoorNotice]:
    return [DoorNotice(**row) for row in conn.execute(_RECENT, {"since": since}).mappings()]
