"""Lists of events: every filter, every order, and a cursor that neither repeats nor leaves out."""

from datetime import date, timedelta

import pytest

from tests.support.tickets_box import ETH, USDC, opened, tier
from tickets import events
from tickets.events import Cursor, EventQuery, EventSort, PriceRange

OTHER = "eip155:1/slip44:60"


async def titles(store, query: EventQuery) -> list[str]:
    page = await store.read(lambda conn: events.search(conn, query))
    return [event.title for event in page.events]


@pytest.fixture
async def programme(store, now):
    """Five events, no two alike."""
    day = timedelta(days=1)
    return [
        await opened(store, now, title="Delta 100%", slug="delta", category="Talk", creator="bob"),
        await opened(store, now, title="alpha", starts_at=now + 3 * day, ends_at=now + 4 * day, category="music"),
        await opened(
            store, now, title="Beta", starts_at=now + 2 * day, ends_at=now + 5 * day, description="An alphabet"
        ),
        await opened(store, now + timedelta(hours=1), title="Gamma", tiers=(tier(prices={USDC.id: 5_000_000}),)),
        await opened(
            store, now, title="Epsilon", tiers=(tier("a"), tier("b", prices={OTHER: 9, ETH.id: 123 * 10**18}))
        ),
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (EventQuery(), {"Delta 100%", "alpha", "Beta", "Gamma", "Epsilon"}),
        (EventQuery(q="ALPHA"), {"alpha", "Beta"}),
        (EventQuery(q="delta"), {"Delta 100%"}),
        (EventQuery(q="0%"), {"Delta 100%"}),
        (EventQuery(q="%"), {"Delta 100%"}),
        (EventQuery(q="\0"), set()),
        (EventQuery(category="talk"), {"Delta 100%"}),
        (EventQuery(creator="bob"), {"Delta 100%"}),
        (EventQuery(chain="eip155:1"), {"Epsilon"}),
        (EventQuery(chain="eip155:3"), set()),
        (EventQuery(price=PriceRange(asset=USDC.id)), {"Gamma"}),
        (EventQuery(price=PriceRange(asset=USDC.id, at_least=5_000_001)), set()),
        (EventQuery(price=PriceRange(asset=USDC.id, at_least=5_000_000, at_most=5_000_000)), {"Gamma"}),
        (EventQuery(price=PriceRange(asset=ETH.id, at_least=10**18 + 1)), {"Epsilon"}),
        (EventQuery(price=PriceRange(asset=ETH.id, at_most=9 * 10**17)), set()),
        (EventQuery(price=PriceRange(asset=ETH.id, at_least=2 * 10**18, at_most=2**256)), {"Epsilon"}),
    ],
)
async def test_a_filter_finds_what_fits_and_nothing_else(store, programme, query, expected):
    assert set(await titles(store, query)) == expected


async def test_a_day_is_counted_in_utc(store, now, programme):
    assert await titles(store, EventQuery(day=(now + timedelta(days=2)).date())) == ["Beta"]


async def test_what_is_over_is_not_upcoming(store, now, programme):
    later = now + timedelta(days=4)
    assert await titles(store, EventQuery(upcoming=later)) == ["Beta"]


async def test_cancelled_events_are_listed_only_when_asked_for(store, now, programme):
    await store.transact(lambda conn: events.cancel(conn, programme[0].id, reason="rain", now=now))
    assert "Delta 100%" not in await titles(store, EventQuery())
    assert "Delta 100%" in await titles(store, EventQuery(status=None))
    assert await titles(store, EventQuery(status=events.EventStatus.CANCELLED)) == ["Delta 100%"]


@pytest.mark.parametrize("sort", list(EventSort))
async def test_pages_of_two_show_the_same_as_one_page(store, programme, sort):
    whole = await titles(store, EventQuery(sort=sort))
    assert len(whole) == 5
    seen, cursor = [], None
    while True:
        query = EventQuery(sort=sort, limit=2, cursor=cursor)
        page = await store.read(lambda conn, query=query: events.search(conn, query))
        seen += [event.title for event in page.events]
        if page.next_cursor is None:
            break
        cursor = Cursor.parse(page.next_cursor)
        assert cursor is not None
    assert seen == whole


async def test_an_event_added_before_the_cursor_moves_no_page(store, now, programme):
    first = await store.read(lambda conn: events.search(conn, EventQuery(limit=3)))
    await opened(store, now, title="Earliest", starts_at=now + timedelta(hours=1))
    rest = await titles(store, EventQuery(limit=3, cursor=Cursor.parse(first.next_cursor)))
    assert rest == ["Beta", "alpha"]
    shifted = await titles(store, EventQuery(limit=3, offset=3))  # what an offset does
    assert shifted != rest


async def test_the_soonest_event_is_listed_first_and_the_newest_by_creation(store, programme):
    assert (await titles(store, EventQuery()))[-2:] == ["Beta", "alpha"]
    assert (await titles(store, EventQuery(sort=EventSort.NEWEST)))[0] == "Gamma"


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "é", "e30", "W10", "WzFd", "bnVsbA", "=", "A" * 5000,
        "WyJzdGFydHMiLCAiMjAyNi0xMS0yMCIsIDFd",  # a moment without a zone
        "WyJzdGFydHMiLCAiMDAwMS0wMS0wMVQwMDowMDowMCsxNDowMCIsIDFd",  # before the first year
        "WyJ0aXRsZSIsICJhXHUwMDAwIiwgMV0",  # U+0000
        "WyJ0aXRsZSIsIDEsIDFd", "WyJ0aXRsZSIsICJhIiwgIjEiXQ", "WyJ0aXRsZSIsICJhIiwgMTAwMDAwMDAwMDAwMDAwMDAwMDBd",
    ],
)  # fmt: skip
def test_a_cursor_that_nobody_was_given_is_none(text):
    assert Cursor.parse(text) is None


def test_a_cursor_is_read_as_it_was_written():
    cursor = Cursor(sort=EventSort.TITLE, value="Ünder the 'sea'", event_id=7)
    assert Cursor.parse(str(cursor)) == cursor


async def test_the_last_day_there_is_can_be_asked_for(store):
    assert await titles(store, EventQuery(day=date.max)) == []
