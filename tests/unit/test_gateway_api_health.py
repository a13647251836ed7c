"""Health, readiness, metrics and what anyone may fetch to check tickets."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import delete, func, select

from chains import progress
from gateway.gate import audit
from gateway.gate.audit import Action, Stranger
from gateway.gate.kicks import DoorList
from gateway.housekeeping import forget
from gateway.http import idempotency
from gateway.http.codes import Code
from gateway.http.idempotency import Claim
from gateway.operations import health
from gateway.operations.health import Alive
from gateway.operations.scrape import build_metrics_app
from gateway.presence.socket import ROOMS
from gateway.schema import audit as log
from gateway.schema import idempotency as answers
from store.errors import StoreUnavailableError
from tests.support import tickets_box as box
from tests.support.gateway_app import CHAIN, follow_chain, running
from tickets.keys import KeyKind


@pytest.fixture
async def gateway(store, now, tmp_path):
    async with running(store, now, tmp_path) as started:
        yield started


async def readiness(gateway):
    """What is seen now, by a gate that has just read its door list."""
    gateway.clock.move(health.FRESH)
    await gateway.client.app[ROOMS].door_list.poll()
    answer = await gateway.client.get("/readyz")
    assert ("Retry-After" in answer.headers) is (answer.status == 503)
    return answer.status, await answer.json()


async def test_a_gate_whose_watchers_follow_their_chains_is_ready(gateway):
    status, body = await readiness(gateway)
    assert (status, body["ready"], body["database"]) == (200, True, True)
    [chain] = body["chains"]
    assert (chain["chain"], chain["ready"], chain["reasons"], chain["tip_height"]) == (CHAIN, True, [], 100)


async def test_a_watcher_that_lags_makes_the_gate_unready_until_it_polls_again(gateway, store):
    now = gateway.clock.move(timedelta(seconds=60))
    status, body = await readiness(gateway)
    assert (status, body["chains"][0]["reasons"]) == (503, ["no successful poll for 61 s"])
    await store.transact(lambda conn: follow_chain(conn, now))
    assert (await readiness(gateway))[0] == 200


async def test_a_stopped_chain_makes_the_gate_unready_without_telling_the_world_why(gateway, store, now):
    await store.transact(lambda conn: progress.stop(conn, CHAIN, "https://node.test/?key=hush lied", now))
    status, body = await readiness(gateway)
    assert (status, body["chains"][0]["reasons"]) == (503, ["stopped: the operator has to look at it"])
    assert "hush" not in str(body)


async def test_a_chain_that_was_never_read_makes_the_gate_unready(gateway, store):
    await store.transact(lambda conn: conn.execute(delete(progress.checkpoints)))
    status, body = await readiness(gateway)
    assert (status, body["chains"][0]["reasons"]) == (503, ["never polled"])


async def test_a_chain_that_stopped_on_its_first_poll_is_told_as_stopped(gateway, store, now):
    await store.transact(lambda conn: conn.execute(delete(progress.checkpoints)))
    await store.transact(lambda conn: progress.stop(conn, CHAIN, "the endpoint speaks for another chain", now))
    status, body = await readiness(gateway)
    assert (status, body["chains"][0]["reasons"]) == (503, ["stopped: the operator has to look at it"])


async def test_without_its_database_the_gate_lives_but_is_not_ready(gateway, monkeypatch):
    async def fail(*_):
        raise StoreUnavailableError("away")

    monkeypatch.setattr(gateway.store, "read", fail)
    answer = await gateway.client.get("/readyz")
    status, body = answer.status, await answer.json()
    assert (status, body["ready"], body["database"], body["chains"]) == (503, False, False, [])
    assert (await gateway.client.get("/healthz")).status == 200


async def test_a_gate_that_does_not_see_its_door_list_is_not_ready(gateway, monkeypatch):
    async def unread(_self):
        return None

    monkeypatch.setattr(DoorList, "poll", unread)
    assert (await readiness(gateway))[0] == 200
    gateway.clock.move(timedelta(seconds=3))
    status, body = await readiness(gateway)
    assert (status, body["ready"], body["database"], body["door"]) == (503, False, True, False)


async def test_however_many_ask_the_database_is_looked_at_once_a_second(gateway, monkeypatch):
    looks = []
    look = health.look

    async def counted(app, *, now):
        looks.append(now)
        return await look(app, now=now)

    monkeypatch.setattr(health, "look", counted)
    answers = await asyncio.gather(*(gateway.client.get("/readyz") for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert len(looks) == 1
    await readiness(gateway)
    assert len(looks) == 2


async def test_readiness_and_the_document_have_a_budget(gateway):
    for path in ("/readyz", "/openapi.json"):
        assert (await gateway.client.get(path)).headers["RateLimit-Policy"] == '"reads";q=600;w=60'


async def test_an_answer_that_says_not_ready_is_documented_beside_the_refusals(gateway):
    document = await (await gateway.client.get("/openapi.json")).json()
    answers = document["paths"]["/readyz"]["get"]["responses"]
    assert answers["503"]["content"].keys() == {"application/json", "application/problem+json"}
    assert answers["503"]["content"]["application/json"] == answers["200"]["content"]["application/json"]
    assert "application/json" not in document["paths"]["/healthz"]["get"]["responses"]["503"]["content"]


async def test_prometheus_reads_lag_payments_and_refusals_on_its_own_listener(gateway, store):
    await gateway.client.get("/api/orders/unknown")
    gateway.deps.metrics.rpc_error(CHAIN, "timeout")
    gateway.clock.move(timedelta(seconds=7))
    app = build_metrics_app(gateway.deps.metrics, store, gateway.clock)
    async with TestClient(TestServer(app)) as prometheus:
        text = await (await prometheus.get("/metrics")).text()
    assert f'usher_chain_poll_age_seconds{{chain="{CHAIN}"}} 7.0' in text
    assert f'usher_chain_stopped{{chain="{CHAIN}"}} 0.0' in text
    assert 'usher_problems_total{code="unknown_order"} 1.0' in text
    assert f'usher_rpc_errors_total{{chain="{CHAIN}",kind="timeout"}} 1.0' in text
    assert 'usher_request_seconds_count{route="/api/orders/{order_id}",status="404"} 1.0' in text
    assert (await gateway.client.get("/metrics")).status == 404


async def test_every_public_key_is_published_to_any_page(gateway):
    answer = await gateway.client.get("/.well-known/jwks.json", headers={"Origin": "https://scanner.test"})
    assert answer.content_type == "application/jwk-set+json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    keys = (await answer.json(content_type=None))["keys"]
    assert len(keys) == len(KeyKind)
    assert all("d" not in key and key["crv"] == "Ed25519" for key in keys)


async def test_the_revocation_list_is_a_signed_text(gateway, store, now):
    await box.opened(store, now)
    answer = await gateway.client.get("/.well-known/revocations")
    assert answer.content_type == "application/jose"
    claims = gateway.deps.keyring.verify(KeyKind.REVOCATIONS, await answer.text(), now=now)
    assert {"iat"} <= set(claims)


async def test_the_gate_forgets_what_it_need_not_keep(store, now):
    def fill(conn):
        claim = Claim(scope="s", route="r", key="k", fingerprint=b"f")
        idempotency.once(conn, claim, lambda _: Alive(), status=200, now=now)
        stranger = Stranger(at=now, action=Action.JOIN, refusal=Code.NO_TICKET, client="c")
        audit.count(conn, [stranger])

    def kept(conn):
        return [conn.execute(select(func.count()).select_from(table)).scalar_one() for table in (answers, log)]

    await store.transact(fill)
    await store.transact(lambda conn: forget(conn, now=now + timedelta(hours=1)))
    assert await store.read(kept) == [1, 1]
    await store.transact(lambda conn: forget(conn, now=now + timedelta(days=2)))
    assert await store.read(kept) == [0, 1]
    await store.transact(lambda conn: forget(conn, now=now + timedelta(days=31)))
    assert await store.read(kept) == [0, 0]
