"""An order's stream: what stands now, what changes, and nothing twice."""

import asyncio
import contextlib

import orjson
import pytest
from aiohttp import ClientError

from gateway.api import stream
from gateway.api.stream import FEED
from tests.support import tickets_box as box
from tests.support.gateway_app import running
from tickets import orders


@pytest.fixture
async def gateway(store, now, tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "POLL_SECONDS", 0.01)
    async with running(store, now, tmp_path) as started:
        yield started


@pytest.fixture
async def bill(gateway, store, now):
    return await gateway.buy(await box.opened(store, now))


def path(bill):
    return f"/api/orders/{bill['order_id']}/stream"


async def next_event(answer):
    """The next event of a stream, as (id, order); comments are passed over."""
    fields = {}
    async with asyncio.timeout(10):
        while line := (await answer.content.readline()).decode().rstrip("\n") or not fields:
            if isinstance(line, str) and line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
    return fields["id"], orjson.loads(fields["data"])


async def test_a_stream_tells_the_present_state_and_then_each_change(gateway, bill):
    async with gateway.client.get(path(bill)) as answer:
        assert answer.content_type == "text/event-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        first, order = await next_event(answer)
        assert (order["state"], order["order_id"], order["version"]) == ("open", bill["order_id"], first)
        await gateway.client.delete(f"/api/orders/{bill['order_id']}")
        second, order = await next_event(answer)
        assert order["state"] == "released"
        assert second != first


async def test_a_reader_that_comes_back_is_told_only_what_it_missed(gateway, bill, store, now):
    async with gateway.client.get(path(bill)) as answer:
        seen, _ = await next_event(answer)
    async with gateway.client.get(path(bill), headers={"Last-Event-ID": seen}) as answer:
        await store.transact(lambda conn: orders.release(conn, bill["order_id"], now=now))
        _, order = await next_event(answer)
        assert order["state"] == "released"


async def test_silence_is_filled_with_comments(gateway, bill, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.02)
    async with gateway.client.get(path(bill)) as answer:
        await next_event(answer)
        async with asyncio.timeout(10):
            assert await answer.content.readline() == b":\n"


async def test_an_unknown_order_has_no_stream(gateway):
    answer = await gateway.client.get(f"/api/orders/{'0' * 32}/stream")
    assert (answer.status, (await answer.json(content_type=None))["code"]) == (404, "unknown_order")


async def test_one_client_cannot_take_all_streams(gateway, bill, monkeypatch):
    monkeypatch.setattr(stream, "STREAMS_PER_CLIENT", 1)
    async with gateway.client.get(path(bill)) as answer:
        await next_event(answer)
        refused = await gateway.client.get(path(bill))
        assert (refused.status, (await refused.json(content_type=None))["code"]) == (503, "too_many_streams")


async def test_one_query_serves_all_streams(gateway, store, now, monkeypatch):
    event = await box.opened(store, now)
    bills = [await gateway.buy(event, hold=False) for _ in range(5)]
    feed, asked = gateway.client.app[FEED], []
    monkeypatch.setattr(stream, "POLL_SECONDS", 3600)
    original = stream.versions

    def counting(conn, order_ids):
        asked.append(len(order_ids))
        return original(conn, order_ids)

    answers = [await gateway.client.get(path(bill)) for bill in bills]
    for answer in answers:
        await next_event(answer)
    monkeypatch.setattr(stream, "versions", counting)
    await feed.refresh()
    assert asked == [5]
    for answer in answers:
        answer.close()


async def test_streams_end_when_the_gate_does(gateway, bill):
    async with gateway.client.get(path(bill)) as answer:
        await next_event(answer)
        await gateway.client.app[FEED].aclose()
        async with asyncio.timeout(10):
            assert await answer.content.read() == b""


async def test_a_failure_in_the_middle_of_a_stream_ends_it_without_another_answer(gateway, bill, monkeypatch):
    async with gateway.client.get(path(bill)) as answer:
        await next_event(answer)

        def fail(_view):
            raise RuntimeError("no more")

        monkeypatch.setattr(stream, "written", fail)
        await gateway.client.delete(f"/api/orders/{bill['order_id']}")
        rest = b""
        with contextlib.suppress(ClientError):
            async with asyncio.timeout(10):
                rest = await answer.content.read()
        assert b"HTTP/1.1" not in rest
        assert b"problem" not in rest
