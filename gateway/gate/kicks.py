"""The door list: every gate reads the numbered notices twice a second, and closes whom they name. It writes nothing."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

import structlog
from sqlalchemy import Connection

from config.clock import Clock
from gateway.gate import sessions
from gateway.gate.sessions import SessionAt
from gateway.presence.effects import Seat
from gateway.presence.messages import Closing
from store.engine import Store
from store.errors import StoreError
from tickets import door
from tickets.door import ACTIONS, DoorAction, DoorNotice

log = structlog.get_logger(__name__)

EVERY = timedelta(milliseconds=500)
BLIND_AFTER = timedelta(seconds=3)
"""A gate that has not read the list for so long admits and renews nobody: it cannot know whom."""
SILENT_SECONDS = 30
"""A reading takes milliseconds; one that began so long ago hangs."""

CLOSINGS: Mapping[str, Closing] = MappingProxyType(
    {
        DoorAction.SUSPENDED: Closing.KICKED,
        DoorAction.REVOKED: Closing.KICKED,
        DoorAction.REFUNDED: Closing.KICKED,
        DoorAction.BANNED: Closing.KICKED,
        DoorAction.ENDED: Closing.ENDED,
        DoorAction.SUPERSEDED: Closing.SUPERSEDED,
    }
)
"""How a notice closes a socket; one that is not here closes none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kick:
    """Whom a notice closes, and how."""

    notice: DoorNotice
    closing: Closing
    superseded: frozenset[SessionAt]

    def names(self, seat: Seat) -> bool:
        """Whether this seat is meant."""
        if seat.event_id != self.notice.event_id:
            return False
        if self.notice.action is DoorAction.SUPERSEDED:
            return (seat.session_id, seat.generation) in self.superseded
        if self.notice.action is DoorAction.ENDED:
            return True
        if self.notice.action is DoorAction.BANNED:
            return seat.holder == self.notice.holder
        return seat.ticket_id is not None and seat.ticket_id == self.notice.ticket_id


class DoorList:
    """What one gate has read of the list."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        seats: Callable[[], Collection[Seat]],
        carry_out: Callable[[Sequence[Kick]], None],
        doubt: Callable[[Collection[int]], None],
    ) -> None:
        """`carry_out` closes whom notices name; `doubt` has everybody in some events read again."""
        self._store = store
        self._clock = clock
        self._seats = seats
        self._carry_out = carry_out
        self._doubt = doubt
        self._read_at: datetime | None = None
        self._turn_at: float | None = None  # on the event loop's clock
        self.sequence = 0

    def blind(self, now: datetime) -> bool:
        """Whether the list was not read for too long."""
        return self._read_at is None or now - self._read_at > BLIND_AFTER

    def beats(self) -> bool:
        """Whether a reading began lately: what hangs is worth a restart, a database that is away is not."""
        return self._turn_at is None or asyncio.get_running_loop().time() - self._turn_at < SILENT_SECONDS

    async def start(self) -> None:
        """Begin where the list ends now: sessions from before are read again when they authenticate."""
        began = self._clock()
        self.sequence = await self._store.read(door.latest)
        self._read_at = began

    async def poll(self) -> None:
        """Read what is new and close whom it names. Raises StoreError where the list cannot be read."""
        began = self._clock()  # what happens while we read may be missing from what we read
        while notices := await self._store.read(partial(door.since, sequence=self.sequence)):
            superseded = await self._superseded(notices)
            self._doubt_the_unknown(notices)
            self._carry_out(
                [
                    Kick(notice=notice, closing=CLOSINGS[notice.action], superseded=superseded)
                    for notice in notices
                    if notice.action in CLOSINGS
                ]
            )
            self.sequence = notices[-1].sequence
        self._read_at = began

    async def run(self) -> None:
        """Poll until cancelled; a database that is away makes the gate blind, and the gate goes on trying."""
        while True:
            self._turn_at = asyncio.get_running_loop().time()
            try:
                await self.poll()
            except StoreError as error:
                log.warning("door_list_unreadable", reason=str(error))
            await asyncio.sleep(EVERY.total_seconds())

    def _doubt_the_unknown(self, notices: Sequence[DoorNotice]) -> None:
        """What a newer program announced may close anybody in its event: let the sessions say whom."""
        unknown = [one for one in notices if one.action not in ACTIONS]
        for one in unknown:
            log.warning("door_notice_unknown", action=one.action, sequence=one.sequence, event_id=one.event_id)
        if unknown:
            self._doubt({one.event_id for one in unknown})

    async def _superseded(self, notices: Sequence[DoorNotice]) -> frozenset[SessionAt]:
        """Return which of our sessions a newer one took the place of: the notice says whose, the sessions say which."""
        whose = {(one.event_id, one.holder) for one in notices if one.action is DoorAction.SUPERSEDED}
        ours = {(seat.session_id, seat.generation) for seat in self._seats() if (seat.event_id, seat.holder) in whose}
        return await self._store.read(partial(_superseded_among, ours)) if ours else frozenset()


def _superseded_among(here: Collection[SessionAt], conn: Connection) -> frozenset[SessionAt]:
    return sessions.superseded_among(conn, here)
