"""What is on: search the events, look at one, see how many places are left. Creating them is another door's work."""

from datetime import date, datetime
from functools import partial
from typing import Annotated

from aiohttp import web
from pydantic import Field

from config.amounts import to_units
from config.registry import Registry
from gateway.api.event_view import Availability, EventView, availability, event_view
from gateway.deps import DEPS
from gateway.http.codes import Code
from gateway.http.limits import Budget
from gateway.http.models import Answer, Given
from gateway.http.problems import Problem
from gateway.http.routing import Route
from tickets import events, listing
from tickets.event import Event
from tickets.listing import OFFSET_LIMIT, PAGE_LIMIT, Cursor, EventQuery, EventSort, PriceRange

_NUMBER = r"[0-9]{1,30}(?:\.[0-9]{1,18})?"
Day = date
"""Under another name, because a field is called `date`."""
_SHORT = Field(min_length=1, max_length=200)


class Search(Given):
    """Which events to list; what is left out does not restrict."""

    q: Annotated[str, _SHORT, Field(description="Part of the title, description or slug")] | None = None
    category: Annotated[str, _SHORT] | None = None
    creator: Annotated[str, _SHORT] | None = None
    price: (
        Annotated[
            str,
            Field(
                pattern=rf"^(?:{_NUMBER}|{_NUMBER}-(?:{_NUMBER})?|-{_NUMBER})$",
                description="At most, or a range: `0.05`, `0.01-0.05`, `0.01-`; in the asset of `payment_method`",
            ),
        ]
        | None
    ) = None
    payment_method: Annotated[str, _SHORT, Field(description="`eth`, `usdc:polygon`, or CAIP-19")] | None = None
    date: Annotated[Day, Field(description="The day it begins, UTC")] | None = None
    chain: Annotated[str, _SHORT, Field(description="CAIP-2 id: has a price there")] | None = None
    upcoming: Annotated[bool, Field(description="Leave out what is over")] = False
    sort: EventSort = EventSort.STARTS
    limit: Annotated[int, Field(ge=1, le=PAGE_LIMIT)] = 20
    offset: Annotated[int, Field(ge=0, le=OFFSET_LIMIT)] = 0
    cursor: Annotated[str, Field(max_length=1000, description="`next_cursor` of the page before")] | None = None


class Listed(Answer):
    """One page of events; `next_cursor` leads to the following one."""

    events: list[EventView]
    next_cursor: str | None


async def search(request: web.Request, given: Search) -> Listed | Problem:
    """List the events that fit."""
    deps = request.app[DEPS]
    now = deps.clock()
    query = query_of(given, deps.registry, now=now)
    if isinstance(query, Problem):
        return query
    page = await deps.store.read(partial(listing.search, query=query))
    found = [event_view(event, deps.registry, now=now) for event in page.events]
    return Listed(events=found, next_cursor=page.next_cursor)


async def show(request: web.Request, _: None) -> EventView | Problem:
    """Show one event."""
    deps, event = request.app[DEPS], await _find(request)
    return event_view(event, deps.registry, now=deps.clock()) if event else Problem(code=Code.UNKNOWN_EVENT)


async def places(request: web.Request, _: None) -> Availability | Problem:
    """Tell how many places are left."""
    deps, event = request.app[DEPS], await _find(request)
    return availability(event, deps.registry, now=deps.clock()) if event else Problem(code=Code.UNKNOWN_EVENT)


def query_of(given: Search, registry: Registry, *, now: datetime) -> EventQuery | Problem:
    """Return what the box office is asked for."""
    cursor = Cursor.parse(given.cursor) if given.cursor else None
    if given.cursor and cursor is None:
        return _wrong("cursor", "is none that a page before gave out")
    price = _price_range(given, registry)
    if isinstance(price, Problem):
        return price
    return EventQuery(
        q=given.q,
        category=given.category,
        creator=given.creator,
        price=price,
        day=given.date,
        chain=given.chain,
        upcoming=now if given.upcoming else None,
        sort=given.sort,
        limit=given.limit,
        offset=given.offset,
        cursor=cursor,
    )


def _price_range(given: Search, registry: Registry) -> PriceRange | Problem | None:
    if given.payment_method is None:
        return None if given.price is None else _wrong("payment_method", "must say which asset the price is in")
    asset = registry.by_payment_method(given.payment_method)
    if asset is None:
        return Problem(code=Code.UNKNOWN_PAYMENT_METHOD)
    low, _, high = (given.price or "-").rpartition("-")
    try:
        return PriceRange(
            asset=asset.id,
            at_least=to_units(low, asset.decimals) if low else 0,
            at_most=to_units(high, asset.decimals) if high else None,
        )
    except ValueError:
        return _wrong("price", f"has more decimals than {asset.ticker}")


def _wrong(field: str, reason: str) -> Problem:
    return Problem(code=Code.INVALID_FIELDS, extra={"errors": [{"field": field, "reason": reason}]})


async def _find(request: web.Request) -> Event | None:
    return await request.app[DEPS].store.read(partial(events.find, ref=request.match_info["event"]))


ROUTES = (
    Route(
        method="GET",
        path="/api/events",
        handler=search,
        summary="Events, filtered and sorted, page by page",
        query=Search,
        answer=Listed,
        budget=Budget.READS,
        problems=(Code.UNKNOWN_PAYMENT_METHOD,),
    ),
    Route(
        method="GET",
        path="/api/events/{event}",
        handler=show,
        summary="One event, by id or slug",
        answer=EventView,
        budget=Budget.READS,
        problems=(Code.UNKNOWN_EVENT,),
    ),
    Route(
        method="GET",
        path="/api/events/{event}/availability",
        handler=places,
        summary="How many places are left",
        answer=Availability,
        budget=Budget.READS,
        problems=(Code.UNKNOWN_EVENT,),
    ),
)
