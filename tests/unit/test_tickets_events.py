"""Events: what a draft must satisfy, how an event is found, and how it ends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.tickets_box import ETH, PRICE, USDC, draft, opened, ordered, reread, tier
from tickets import door, events, order_store, orders
from tickets.door import DoorAction
from tickets.event import DraftRefused, EventStatus, Sale
from tickets.order import OrderState

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


async def test_every_field_of_a_draft_comes_back_from_the_database(store, now):
    event = await opened(
        store,
        now,
        slug="opening.night-1",
        description="Ünïcode, 2**256 and 'quotes'",
        category="music",
        require_camera=True,
        require_microphone=True,
        age_restriction=21,
        doors_at=now + timedelta(hours=23),
        sales_start=now + timedelta(hours=1),
        sales_end=now + timedelta(hours=20),
        commission_bps=1500,
        purchase_limit=4,
        page_origins=("https://example.org", "http://localhost:8080"),
        relay_only=True,
        tiers=(tier("vip", 5, {ETH.id: 2**256 - 1, USDC.id: 1}), tier("stand", None)),
    )
    found = await reread(store, event)
    assert found == event
    assert (found.ref, found.age_restriction, found.page_origins[1]) == ("opening.night-1", 21, "http://localhost:8080")
    assert [(one.name, one.capacity, one.left) for one in found.tiers] == [("vip", 5, 5), ("stand", None, None)]
    assert found.tier().prices == {ETH.id: 2**256 - 1, USDC.id: 1}
    assert found.tier("STAND") == found.tiers[1]
    assert found.tier("pit") is None
    assert found.commission_bps == 1500


async def test_times_left_out_mean_doors_at_the_start_and_sale_until_the_end(store, now):
    event = await opened(store, now)
    assert (event.doors_at, event.sales_start, event.sales_end) == (event.starts_at, now, event.ends_at)
    assert event.ref == str(event.id)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("title", {"title": " "}),
        ("title", {"title": "x" * 256}),
        ("description", {"description": "a\0b"}),
        ("space_type", {"space_type": "cave"}),
        ("slug", {"slug": "42"}),
        ("slug", {"slug": "a:b"}),
        ("slug", {"slug": "Opening"}),
        ("slug", {"slug": "öffnung"}),
        ("slug", {"slug": "a/b"}),
        ("slug", {"slug": "create"}),
        ("slug", {"slug": "a" * 101}),
        ("slug", {"slug": "opening\n"}),
        ("starts_at", {"starts_at": datetime(2026, 11, 21, 12)}),  # noqa: DTZ001  naive on purpose
        ("ends_at", {"ends_at": NOW + timedelta(hours=2)}),
        ("ends_at", {"starts_at": NOW - timedelta(days=2), "ends_at": NOW - timedelta(days=1)}),
        ("doors_at", {"doors_at": NOW + timedelta(days=2)}),
        ("sales_end", {"sales_end": NOW + timedelta(days=2)}),
        ("sales_start", {"sales_start": NOW + timedelta(hours=5), "sales_end": NOW + timedelta(hours=5)}),
        ("age_restriction", {"age_restriction": -1}),
        ("commission_bps", {"commission_bps": 10_001}),
        ("purchase_limit", {"purchase_limit": 0}),
        ("page_origins.0", {"page_origins": ("https://example.org/path",)}),
        ("tiers", {"tiers": ()}),
        ("tiers", {"tiers": (tier("vip"), tier("vip"))}),
        ("tiers.0.name", {"tiers": (tier("V:IP"),)}),
        ("tiers.0.capacity", {"tiers": (tier(capacity=0),)}),
        ("tiers.0.prices", {"tiers": (tier(prices={}),)}),
        ("tiers.0.prices", {"tiers": (tier(prices={"eip155:1/slip44:60": 5}),)}),
        (f"tiers.0.prices.{ETH.id}", {"tiers": (tier(prices={ETH.id: 0}),)}),
        (f"tiers.0.prices.{ETH.id}", {"tiers": (tier(prices={ETH.id: 2**256}),)}),
    ],
)
async def test_a_draft_is_refused_with_the_field_that_is_wrong(store, now, field, changes):
    refused = await store.transact(
        lambda conn: events.create(conn, draft(now, **changes), now=now, assets={ETH.id, USDC.id})
    )
    assert isinstance(refused, DraftRefused)
    assert field in [fault.field for fault in refused.faults]
    assert (await store.read(lambda conn: events.search(conn, events.EventQuery()))).events == ()


async def test_a_refusal_names_everything_that_is_wrong_at_once(store, now):
    bad = draft(now, title="", slug="1", age_restriction=200)
    refused = await store.transact(lambda conn: events.create(conn, bad, now=now))
    assert {fault.field for fault in refused.faults} == {"title", "slug", "age_restriction"}


async def test_a_slug_is_never_used_again_even_after_its_event_was_cancelled(store, now):
    first = await opened(store, now, slug="gala")
    await store.transact(lambda conn: events.cancel(conn, first.id, reason="rain", now=now))
    refused = await store.transact(lambda conn: events.create(conn, draft(now, slug="gala"), now=now))
    assert [fault.field for fault in refused.faults] == ["slug"]
    assert (await opened(store, now, slug="gala-2")).slug == "gala-2"


@pytest.mark.parametrize("ref", ["", "0", "-1", "99", "9" * 400, "nobody", "a b", "gala\0", "¹", "٣", "%00"])
async def test_a_reference_that_names_nothing_finds_nothing(store, now, ref):
    await opened(store, now, slug="gala")
    assert await store.read(lambda conn: events.find(conn, ref)) is None


async def test_an_event_is_found_by_number_and_by_slug_in_any_case(store, now):
    event = await opened(store, now, slug="gala")
    for ref in (event.id, str(event.id), "gala", "GALA"):
        assert await store.read(lambda conn, ref=ref: events.find(conn, ref)) == event


async def test_cancelling_closes_the_door_and_lets_go_of_open_orders_once(store, now):
    event = await opened(store, now)
    order = await ordered(store, event, now)
    later = now + timedelta(minutes=1)
    cancel = lambda conn: events.cancel(conn, event.id, reason="rain", now=later)  # noqa: E731
    assert await store.transact(cancel)
    assert not await store.transact(cancel)
    found = await reread(store, event)
    assert (found.status, found.sale(later), found.tier().held) == (EventStatus.CANCELLED, Sale.CANCELLED, 0)
    assert (await store.read(lambda conn: orders.by_id(conn, order.id))).state is OrderState.RELEASED
    notices = await store.read(lambda conn: door.since(conn, 0))
    assert [(one.action, one.event_id, one.ticket_id, one.reason) for one in notices] == [
        (DoorAction.ENDED, event.id, None, "rain")
    ]


async def test_cancelling_lets_go_of_more_orders_than_one_statement_names(store, now, monkeypatch):
    monkeypatch.setattr(order_store, "BATCH", 2)
    event = await opened(store, now)
    for by in range(5):
        await ordered(store, event, now, by)
    assert await store.transact(lambda conn: events.cancel(conn, event.id, reason="rain", now=now))
    assert (await reread(store, event)).tier().left == 10


async def test_an_event_that_is_over_is_completed_and_its_door_closed_once(store, now):
    event = await opened(store, now)
    await opened(store, now, ends_at=now + timedelta(days=9))
    over = event.ends_at
    assert await store.transact(lambda conn: events.complete_due(conn, now=over - timedelta(seconds=1))) == 0
    assert await store.transact(lambda conn: events.complete_due(conn, now=over)) == 1
    assert await store.transact(lambda conn: events.complete_due(conn, now=over)) == 0
    assert (await reread(store, event)).status is EventStatus.COMPLETED
    assert len(await store.read(lambda conn: door.since(conn, 0))) == 1
    assert not await store.transact(lambda conn: events.cancel(conn, event.id, reason="late", now=over))


async def test_the_sale_is_open_from_its_first_to_its_last_moment(store, now):
    event = await opened(store, now, sales_start=now, sales_end=now + timedelta(hours=1))
    moments = [now - timedelta(seconds=1), now, event.sales_end, event.sales_end + timedelta(seconds=1)]
    assert [event.sale(at) for at in moments] == [Sale.NOT_YET, Sale.OPEN, Sale.OPEN, Sale.OVER]
    assert replace(event, status=EventStatus.CANCELLED).sale(now) is Sale.CANCELLED
    assert replace(event, status=EventStatus.COMPLETED).sale(now) is Sale.OVER
    assert event.tier().prices == {ETH.id: PRICE}
