"""What is on, over HTTP."""

from datetime import timedelta

import pytest

from tests.support import tickets_box as box
from tests.support.gateway_app import running


@pytest.fixture
async def gateway(store, now, tmp_path):
    async with running(store, now, tmp_path) as started:
        yield started


async def titles(gateway, **query):
    answer = await gateway.client.get("/api/events", params=query)
    assert answer.status == 200, await answer.text()
    return [event["title"] for event in (await answer.json())["events"]]


async def test_an_event_is_found_by_id_and_by_slug_with_prices_people_can_read(gateway, store, now):
    event = await box.opened(
        store, now, slug="gala", tiers=(box.tier(prices={box.ETH.id: 5 * 10**16, box.USDC.id: 2_500_000}),)
    )
    by_id, by_slug = [await (await gateway.client.get(f"/api/events/{ref}")).json() for ref in (event.id, "gala")]
    assert by_id == by_slug
    prices = {price["currency"]: price for price in by_id["tiers"][0]["prices"]}
    assert (prices["ETH"]["amount"], prices["ETH"]["payment_method"]) == ("0.05", "eth")
    assert (prices["USDC"]["amount"], prices["USDC"]["asset"]) == ("2.5", box.USDC.id)
    assert by_id["starts_at"] == by_id["event_start"] == "2026-11-21T12:00:00Z"
    assert (by_id["max_attendees"], by_id["tickets_sold"], by_id["sale"]) == (10, 0, "open")
    bought = await gateway.buy(event, payment_method=prices["USDC"]["payment_method"])
    assert bought["payment_uri"] == (
        f"ethereum:{box.USDC.contract}@31337/transfer?address={bought['address']}&uint256=2500000"
    )


@pytest.mark.parametrize("ref", ["0", "999", "nothing", "-1", "99999999999999999999", "a:b", "%20", "é", "a" * 3000])
async def test_an_unknown_event_is_a_problem(gateway, ref):
    for path in (f"/api/events/{ref}", f"/api/events/{ref}/availability"):
        answer = await gateway.client.get(path)
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (404, "unknown_event")


async def test_availability_follows_holds(gateway, store, now):
    event = await box.opened(store, now, tiers=(box.tier(capacity=2),))
    await gateway.buy(event)
    body = await (await gateway.client.get(f"/api/events/{event.id}/availability")).json()
    assert (body["left"], body["available"], body["tiers"][0]["left"]) == (1, True, 1)
    gateway.clock.now = event.sales_end + timedelta(seconds=1)
    body = await (await gateway.client.get(f"/api/events/{event.id}/availability")).json()
    assert (body["available"], body["sale"]) == (False, "over")


async def test_events_are_searched_filtered_and_sorted(gateway, store, now):
    await box.opened(
        store, now, title="Opera", category="music", starts_at=now + timedelta(days=2), ends_at=now + timedelta(days=3)
    )
    await box.opened(store, now, title="Chess", creator="bob", tiers=(box.tier(prices={box.USDC.id: 3_000_000}),))
    assert await titles(gateway) == ["Chess", "Opera"]
    assert await titles(gateway, q="pera") == ["Opera"]
    assert await titles(gateway, category="Music") == ["Opera"]
    assert await titles(gateway, creator="bob") == ["Chess"]
    assert await titles(gateway, date="2026-11-22") == ["Opera"]
    assert await titles(gateway, sort="title") == ["Chess", "Opera"]
    assert await titles(gateway, chain="eip155:31337", upcoming="true") == ["Chess", "Opera"]
    assert await titles(gateway, chain="eip155:1") == []
    assert await titles(gateway, payment_method=box.USDC.id) == ["Chess"]
    assert await titles(gateway, paymentMethod=box.USDC.id, price="2.5-3") == ["Chess"]
    assert await titles(gateway, payment_method=box.USDC.id, price="2.5") == []
    assert await titles(gateway, payment_method=box.USDC.id, price="3.01-") == []
    gateway.clock.now = now + timedelta(days=2)
    assert await titles(gateway, upcoming="true") == ["Opera"]


async def test_pages_follow_each_other_by_cursor(gateway, store, now):
    for number in range(5):
        await box.opened(
            store,
            now,
            title=f"Night {number}",
            starts_at=now + timedelta(days=number + 1),
            ends_at=now + timedelta(days=9),
        )
    seen, cursor = [], None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = await (await gateway.client.get("/api/events", params=params)).json()
        seen += [event["title"] for event in page["events"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [f"Night {number}" for number in range(5)]
    assert await titles(gateway, limit=2, offset=3) == ["Night 3", "Night 4"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "two"}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"sort": "luck"}, "sort"),
        ({"date": "tomorrow"}, "date"),
        ({"cursor": "x"}, "cursor"),
        ({"price": "5"}, "payment_method"),
        ({"price": "5-4-3", "payment_method": "eth"}, "price"),
        ({"price": "0.0000000000000000001", "payment_method": "eth"}, "price"),
        ({"price": "0.0000001", "payment_method": "usdc:dev"}, "price"),
    ],
)
async def test_a_wrong_filter_is_named(gateway, query, field):
    answer = await gateway.client.get("/api/events", params=query)
    body = await answer.json(content_type=None)
    assert (answer.status, body["code"], [one["field"] for one in body["errors"]]) == (422, "invalid_fields", [field])
