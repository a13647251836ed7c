"""The events that are asked for now, read at most once a second. For texts and names only: the door reads again."""

from collections import OrderedDict
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from config.clock import Clock
from store.engine import Store
from tickets import events
from tickets.event import Event

FRESH = timedelta(seconds=1)
SIZE = 1024


class EventBook:
    """A small memory of events by the name a page uses. Unknown names are asked for each time."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[str, tuple[datetime, Event]] = OrderedDict()

    async def find(self, ref: str) -> Event | None:
        """Return the event that a page names by number or slug, as it stood no more than FRESH ago."""
        now = self._clock()
        if (known := self._known.get(ref)) and now - known[0] < FRESH:
            return known[1]
        event = await self._store.read(partial(_find, ref))
        if event is not None:
            self._known[ref] = (now, event)
            self._known.move_to_end(ref)
            while len(self._known) > SIZE:
                self._known.popitem(last=False)
        return event


def _find(ref: str, conn: Connection) -> Event | None:
    return events.find(conn, ref)
