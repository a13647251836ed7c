"""Lists of events: filters, orders and the cursor that goes on where a page ended. It changes nothing."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Select, String, and_, cast, exists, func, or_, select

from tickets.event import COUNT_LIMIT, Event, EventStatus
from tickets.event_store import assemble
from tickets.schema import events, prices, tiers

PAGE_LIMIT = 100
OFFSET_LIMIT = 10_000


class EventSort(StrEnum):
    """In which order events are listed."""

    STARTS = "starts"  # the next one first
    NEWEST = "newest"
    TITLE = "title"


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceRange:
    """What a ticket may cost, both ends included, smallest unit. Prices of different assets do not compare."""

    asset: str  # CAIP-19
    at_least: int = 0
    at_most: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cursor:
    """Behind which event a page begins."""

    sort: EventSort
    value: str  # what it is sorted by
    event_id: int

    def __str__(self) -> str:
        """Return the opaque form that travels."""
        return base64.urlsafe_b64encode(orjson.dumps([self.sort, self.value, self.event_id])).rstrip(b"=").decode()

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """Return the cursor that `str` wrote; None if this is none."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
            sort, value, event_id = orjson.loads(raw)
            cursor = cls(sort=EventSort(sort), value=value, event_id=event_id)
            _ORDERS[cursor.sort].read(value)
        except (binascii.Error, ValueError, TypeError, OverflowError):
            return None
        return cursor if type(event_id) is int and 0 < event_id <= COUNT_LIMIT else None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventQuery:
    """Which events to list; what is left out does not restrict."""

    q: str | None = None  # a part of title, description or slug, any case
    category: str | None = None
    creator: str | None = None
    price: PriceRange | None = None
    day: date | None = None  # begins on it, UTC
    chain: str | None = None  # CAIP-2: has a price there
    upcoming: datetime | None = None  # not over at this moment
    status: EventStatus | None = EventStatus.ACTIVE
    sort: EventSort = EventSort.STARTS
    limit: int = 20
    offset: int = 0
    cursor: Cursor | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventPage:
    """Some events, and the cursor of what follows; None: nothing does."""

    events: tuple[Event, ...]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Order:
    """How one sort order is written in SQL and in a cursor."""

    column: ColumnElement[Any]
    descending: bool
    write: Callable[[Event], str]
    read: Callable[[str], Any]  # ValueError or TypeError where a cursor holds something else

    def sorted(self, statement: Select[Any]) -> Select[Any]:
        if self.descending:
            return statement.order_by(self.column.desc(), events.c.id.desc())
        return statement.order_by(self.column, events.c.id)

    def behind(self, cursor: Cursor) -> ColumnElement[bool]:
        value = self.read(cursor.value)
        if self.descending:
            return or_(self.column < value, and_(self.column == value, events.c.id < cursor.event_id))
        return or_(self.column > value, and_(self.column == value, events.c.id > cursor.event_id))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a cursor's moment has a time zone")
    return moment.astimezone(UTC)


def _title(text: str) -> str:
    if type(text) is not str or _unstorable(text):
        raise ValueError("no event has such a title")
    return text


def _unstorable(text: str | None) -> bool:
    """Whether PostgreSQL would refuse to look at a text: nothing that is stored has U+0000."""
    return text is not None and "\0" in text


_ORDERS = {
    EventSort.STARTS: _Order(
        column=events.c.starts_at, descending=False, write=lambda event: event.starts_at.isoformat(), read=_moment
    ),
    EventSort.NEWEST: _Order(
        column=events.c.created_at, descending=True, write=lambda event: event.created_at.isoformat(), read=_moment
    ),
    EventSort.TITLE: _Order(column=events.c.title, descending=False, write=lambda event: event.title, read=_title),
}


def search(conn: Connection, query: EventQuery) -> EventPage:
    """Return one page of the events that fit. A cursor goes with the sort order it came from; else it is ignored."""
    if any(_unstorable(text) for text in (query.q, query.category, query.creator, query.chain)):
        return EventPage(events=(), next_cursor=None)
    order = _ORDERS[query.sort]
    limit = max(1, min(query.limit, PAGE_LIMIT))
    wanted = select(events).where(*_conditions(query))
    if query.cursor is not None and query.cursor.sort is query.sort:
        wanted = wanted.where(order.behind(query.cursor))
    rows = conn.execute(order.sorted(wanted).limit(limit + 1).offset(max(0, min(query.offset, OFFSET_LIMIT)))).all()
    page = assemble(conn, rows[:limit])
    if len(rows) <= limit:
        return EventPage(events=tuple(page), next_cursor=None)
    last = page[-1]
    return EventPage(
        events=tuple(page),
        next_cursor=str(Cursor(sort=query.sort, value=order.write(last), event_id=last.id)),
    )


def _conditions(query: EventQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.status is not None:
        conditions.append(events.c.status == query.status)
    if query.category is not None:
        conditions.append(func.lower(events.c.category) == query.category.lower())
    if query.creator is not None:
        conditions.append(events.c.creator == query.creator)
    if query.upcoming is not None:
        conditions.append(events.c.ends_at > query.upcoming)
    if query.day is not None:
        day = datetime.combine(query.day, time.min, UTC)
        conditions.append(events.c.starts_at.between(day, datetime.combine(query.day, time.max, UTC)))
    if query.q:
        conditions.append(_says(query.q))
    if query.chain is not None:
        conditions.append(_priced(prices.c.asset.startswith(f"{query.chain}/", autoescape=True)))
    if query.price is not None:
        conditions.append(_priced(_within(query.price)))
    return conditions


def _says(text: str) -> ColumnElement[bool]:
    columns = (events.c.title, events.c.description, events.c.slug)
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


def _priced(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(tiers.c.event_id == events.c.id, prices.c.tier_id == tiers.c.id, condition)


def _within(price: PriceRange) -> ColumnElement[bool]:
    conditions = [prices.c.asset == price.asset, _not_below(price.at_least)]
    if price.at_most is not None:
        conditions.append(_not_above(price.at_most))
    return and_(*conditions)


_digits = cast(prices.c.amount, String)
"""The amount in decimal digits without leading zeros: longer is more, and of two equally long ones text order decides.

SQLite keeps amounts as text, PostgreSQL as numbers; this compares them alike and exactly.
"""


def _not_below(amount: int) -> ColumnElement[bool]:
    return _compare(amount, longer=func.length(_digits) > len(str(amount)), same=_digits >= str(amount))


def _not_above(amount: int) -> ColumnElement[bool]:
    return _compare(amount, longer=func.length(_digits) < len(str(amount)), same=_digits <= str(amount))


def _compare(amount: int, *, longer: ColumnElement[bool], same: ColumnElement[bool]) -> ColumnElement[bool]:
    return or_(longer, and_(func.length(_digits) == len(str(amount)), same))
