"""What holds for every request: problems, limits of the body, header fields, origins, budgets, the documentation."""

import asyncio
import logging
import re
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
import yarl
from aiohttp import web

from gateway.app import TABLES
from gateway.http import middleware
from gateway.http.codes import Code, problems_page
from gateway.http.openapi import describe, problems_of
from gateway.http.problems import Problem
from gateway.http.server_log import SERVER
from store.errors import StoreUnavailableError
from tests.support import tickets_box as box
from tests.support.gateway_app import running, wish

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def gateway(store, now, tmp_path):
    async with running(store, now, tmp_path) as started:
        yield started


@pytest.fixture
async def event(store, now):
    return await box.opened(store, now, page_origins=("https://band.test",))


async def code_of(answer):
    assert answer.content_type == "application/problem+json", await answer.text()
    body = orjson.loads(await answer.read())
    assert body["status"] == answer.status
    assert {"type", "title", "detail", "code", "error"} <= body.keys()
    return answer.status, body["code"]


def test_every_code_is_documented_with_its_status():
    assert (ROOT / "docs/problems.md").read_text() == problems_page()


def test_every_code_is_written_alike_and_is_an_error():
    for code in Code:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", code.value)
        assert 400 <= code.status < 600
        assert code.title
        assert code.advice.endswith(".")


async def test_an_unknown_address_is_a_problem(gateway):
    assert await code_of(await gateway.client.get("/api/nothing")) == (404, "not_found")


async def test_a_wrong_method_is_told_the_right_ones(gateway):
    answer = await gateway.client.put("/api/events")
    assert await code_of(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET,HEAD"


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"{", {}, (400, "not_json")),
        (b"", {}, (400, "not_json")),
        (b"\xff\xfe{}", {}, (400, "not_json")),
        (b"[" * 5000, {}, (400, "not_json")),
        (b"[]", {}, (422, "invalid_fields")),
        (b"null", {}, (422, "invalid_fields")),
        (b"{}", {}, (422, "invalid_fields")),
        (b'{"event_id": "a\\u0000b"}', {}, (400, "malformed_request")),
        (b'"' + b"x" * 70_000 + b'"', {}, (413, "body_too_large")),
        (b"{}", {"Content-Type": "text/plain"}, (415, "unsupported_media_type")),
        (b"{}", {"Content-Type": "multipart/form-data"}, (415, "unsupported_media_type")),
        (b"not gzip at all", {"Content-Encoding": "gzip"}, (415, "unsupported_media_type")),
    ],
)
async def test_each_body_that_cannot_be_read_has_its_own_code(gateway, body, headers, expected):
    answer = await gateway.client.post(
        "/api/events/purchase", data=body, headers={"Content-Type": "application/json", **headers}, compress=None
    )
    assert await code_of(answer) == expected


async def test_wrong_fields_are_named_without_their_values(gateway):
    answer = await gateway.client.post("/api/events/purchase", json={"event_id": "x", "wallet_address": {"s": "hush"}})
    text = await answer.text()
    assert {one["field"] for one in orjson.loads(text)["errors"]} >= {"wallet_address", "payment_method"}
    assert "hush" not in text


async def test_a_body_that_trickles_in_is_given_up(gateway, monkeypatch):
    monkeypatch.setattr("gateway.http.routing.BODY_SECONDS", 0.05)
    unfinished = asyncio.Event()

    async def trickle():
        yield b'{"event_id":'
        await unfinished.wait()

    answer = await gateway.client.post(
        "/api/events/purchase", data=trickle(), headers={"Content-Type": "application/json"}
    )
    assert await code_of(answer) == (408, "body_too_slow")
    unfinished.set()


@pytest.mark.parametrize("name", ["signature", "token", "session_token", "Signature"])
async def test_a_secret_in_a_url_is_refused(gateway, name):
    assert await code_of(await gateway.client.get("/api/events", params={name: "s"})) == (400, "secret_in_url")


async def test_a_failure_of_ours_is_told_without_its_text(gateway, monkeypatch, caplog):
    async def fail(*_):
        raise RuntimeError("password=hush")

    monkeypatch.setattr(gateway.deps.store, "read", fail)
    told = []
    monkeypatch.setattr(middleware.log, "error", lambda event, **more: told.append((event, more)), raising=False)
    answer = await gateway.client.get("/api/events/1")
    assert await code_of(answer) == (500, "server_error")
    body = await answer.json(content_type=None)
    assert body["request_id"] == answer.headers["X-Request-Id"]
    assert "hush" not in await answer.text()
    [(event, more)] = told
    assert (event, more["error"]) == ("request_failed", "RuntimeError")
    assert "hush" not in str(more)


async def test_a_database_that_is_away_is_not_our_callers_fault(gateway, monkeypatch):
    async def fail(*_):
        raise StoreUnavailableError("database is locked")

    monkeypatch.setattr(gateway.deps.store, "read", fail)
    answer = await gateway.client.get("/api/events/1")
    assert await code_of(answer) == (503, "store_unavailable")
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.parametrize("path", ["/api/events", "/healthz", "/nowhere", "/api/events?limit=0"])
async def test_every_answer_carries_the_security_fields_and_hides_the_server(gateway, path):
    headers = (await gateway.client.get(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r"[0-9a-f]{16}", headers["X-Request-Id"])
    assert "Server" not in headers


async def test_a_listed_page_may_read_answers_and_another_may_not(gateway, event):
    for origin in ("https://house.test", "https://band.test"):
        answer = await gateway.client.get("/api/events", headers={"Origin": origin})
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
        assert answer.headers["Vary"] == "Origin"
    answer = await gateway.client.get("/api/events", headers={"Origin": "https://thief.test"})
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["Vary"] == "Origin"


async def test_a_preflight_is_answered_for_listed_pages_only(gateway, event):
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "idempotency-key"}
    for path in ("/api/events/purchase", "/api/events/1/join"):
        answer = await gateway.client.options(path, headers={"Origin": "https://band.test", **asking})
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "https://band.test"
        assert "Idempotency-Key" in answer.headers["Access-Control-Allow-Headers"]
    refused = await gateway.client.options("/api/events/purchase", headers={"Origin": "https://thief.test", **asking})
    assert await code_of(refused) == (403, "origin_not_allowed")
    assert "Access-Control-Allow-Origin" not in refused.headers


async def test_a_new_events_page_is_let_in_soon_and_an_ended_ones_no_more(gateway, store, now):
    async def allowed():
        answer = await gateway.client.get("/healthz", headers={"Origin": "https://late.test"})
        return "Access-Control-Allow-Origin" in answer.headers

    assert not await allowed()
    late = await box.opened(store, now, page_origins=("https://late.test",))
    gateway.clock.move(timedelta(seconds=16))
    assert await allowed()
    gateway.clock.now = late.ends_at + timedelta(seconds=1)
    assert not await allowed()


async def test_a_spent_budget_says_when_to_come_back(store, now, tmp_path):

    async with running(store, now, tmp_path, purchases=2) as gateway:
        event = await box.opened(store, now)
        answers = [await gateway.client.post("/api/events/purchase", json=wish(event)) for _ in range(3)]
        assert [answer.status for answer in answers] == [201, 201, 429]
        assert await code_of(answers[2]) == (429, "rate_limited")
        assert 1 <= int(answers[2].headers["Retry-After"]) <= 60
        assert answers[0].headers["RateLimit-Policy"] == '"purchases";q=2;w=60'
        assert re.fullmatch(r'"purchases";r=1;t=\d+', answers[0].headers["RateLimit"])
        assert (await gateway.client.get("/api/events")).status == 200


def all_routes():
    return [route for table in TABLES for route in table]


async def test_the_openapi_document_describes_every_route(gateway):
    answer = await gateway.client.get("/openapi.json")
    document = await answer.json()
    assert document["openapi"] == "3.1.0"
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(route.method, route.path) for route in all_routes()}
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)


def test_every_reference_in_the_openapi_document_leads_somewhere():
    document = describe(all_routes(), title="t", server="https://house.test")
    text = orjson.dumps(document).decode()
    for target in re.findall(r'"#/components/schemas/([^"]+)"', text):
        assert target in document["components"]["schemas"]
    purchase = document["paths"]["/api/events/purchase"]["post"]
    body = purchase["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert "wallet_address" in document["components"]["schemas"][body]["properties"]


def test_every_route_documents_the_refusals_it_lists():
    document = describe(all_routes(), title="t", server="https://house.test")
    for route in all_routes():
        responses = document["paths"][route.path][route.method.lower()]["responses"]
        for code in problems_of(route):
            assert f"`{code}`" in responses[str(code.status)]["description"]


def test_a_problem_can_be_answered_more_than_once():
    problem = Problem(code=Code.NOT_FOUND, headers={"X-More": "1"})
    first, second = problem.to_response(), problem.to_response()
    assert first is not second
    assert isinstance(first, web.Response)
    assert first.body == second.body


async def test_an_answer_to_an_unknown_page_does_not_need_the_database(gateway, monkeypatch):
    async def fail(*_):
        raise StoreUnavailableError("away")

    monkeypatch.setattr(gateway.deps.store, "read", fail)
    answer = await gateway.client.get("/healthz", headers={"Origin": "https://unknown.test"})
    assert answer.status == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", ["/api/orders/%00", "/api/events/a%00b", "/api/events?q=%00"])
async def test_a_nul_in_a_url_reaches_no_database(gateway, path):
    answer = await gateway.client.get(yarl.URL(path, encoded=True))
    assert await code_of(answer) == (400, "malformed_request")


async def test_budgets_are_counted_per_client_behind_the_operators_proxy(store, now, tmp_path):
    async with running(store, now, tmp_path, gate='trusted_proxies = ["127.0.0.0/8"]', purchases=1) as gateway:
        event = await box.opened(store, now)

        async def status(client):
            headers = {"X-Forwarded-For": f"6.6.6.6, {client}"}
            return (await gateway.client.post("/api/events/purchase", json=wish(event), headers=headers)).status

        assert [await status("192.0.2.1"), await status("192.0.2.1"), await status("192.0.2.2")] == [201, 429, 201]
        gateway.clock.move(timedelta(seconds=61))
        assert await status("192.0.2.1") == 201


BROKEN = [
    b"hush\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hu\x00sh\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nhush hush: hush\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /\x00hush HTTP/1.1\r\n\r\n",
    b"GET /" + b"hush" * 4000 + b" HTTP/1.1\r\n\r\n",
    (
        b"POST /api/events/purchase HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzzhush\r\n"
    ),
]


async def send_broken(gateway, raw):
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.client.server.port)
    writer.write(raw)
    async with asyncio.timeout(10):
        answer = await reader.read(65_536)
    writer.close()
    return answer


@pytest.mark.parametrize("raw", BROKEN)
async def test_a_request_that_is_no_http_is_refused_without_repeating_it_in_the_log(gateway, caplog, raw):
    assert b" 400 " in await send_broken(gateway, raw)
    logged = "".join(f"{record.getMessage()}{record.exc_text}" for record in caplog.records if record.name == SERVER)
    assert "request_unreadable" in logged or not logged
    assert "hu" not in logged.replace("request_unreadable", "")
    assert "127.0.0.1" not in logged


async def test_without_its_filter_the_server_would_log_a_token(gateway, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger(SERVER), "filters", [])
    await send_broken(gateway, BROKEN[1])
    assert "Bearer hu" in caplog.text


# --- methods, spellings, expectations ----------------------------------------------------------------------------


async def test_head_is_answered_as_get_is_without_the_body(gateway, event):
    bill = await gateway.buy(event)
    order = f"/api/orders/{bill['order_id']}"
    paths = (
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/api/events",
        f"/api/events/{event.ref}",
        order,
        f"{order}/stream",
    )
    for path in paths:
        async with asyncio.timeout(5), gateway.client.head(path) as answer:
            assert (answer.status, await answer.read()) == (200, b"")
        async with gateway.client.get(path) as shown:
            assert (shown.status, shown.content_type) == (200, answer.content_type)
    assert (await gateway.client.head("/api/orders/unknown")).status == 404


async def test_a_socket_is_not_opened_by_head(gateway, event):
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    answer = await gateway.client.head(f"/event/{event.ref}", headers=upgrade | key)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize(("other", "status"), [(box.wallet(2).address, 422), (None, 201), (7, 422)])
async def test_one_field_in_two_spellings_must_say_the_same(gateway, event, other, status):
    body = wish(event)
    answer = await gateway.client.post(
        "/api/events/purchase", json={**body, "walletAddress": other or body["wallet_address"]}
    )
    assert answer.status == status
    if status == 422:
        assert await code_of(answer) == (422, "invalid_fields")
        assert [one["field"] for one in (await answer.json())["errors"]] == ["wallet_address"]


async def test_a_question_in_two_spellings_must_say_the_same(gateway):
    answer = await gateway.client.get("/api/events?payment_method=eth&paymentMethod=usdc:polygon&price=1")
    assert await code_of(answer) == (422, "invalid_fields")


async def test_an_expectation_that_is_not_met_is_a_problem(gateway, event):
    path = f"/api/events/{event.ref}/challenge"
    answer = await gateway.client.post(path, json={}, headers={"Expect": "a-miracle"})
    assert await code_of(answer) == (417, "expectation_failed")
    assert "Server" not in answer.headers
    answer = await gateway.client.post(path, json={"wallet_address": box.wallet(1).address}, expect100=True)
    assert answer.status == 200
