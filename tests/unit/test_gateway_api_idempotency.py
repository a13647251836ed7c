"""A repeated POST is one deed: side by side, across gates, and over the death of a process."""

import asyncio
import subprocess
import sys
from functools import partial

import pytest
from sqlalchemy import func, select

from gateway.http import idempotency
from gateway.http.codes import Code
from gateway.http.idempotency import Claim, Stored, once, read_key
from gateway.http.models import Answer
from gateway.http.problems import Problem
from gateway.schema import idempotency as rows
from store.engine import open_store
from tests.support import tickets_box as box
from tests.support.gateway_app import running, wish
from tickets.schema import orders as orders_table

CLAIM = Claim(scope="net", route="POST /x", key="k", fingerprint=b"f" * 32)


class Done(Answer):
    """What the deed of these tests answers."""

    number: int


@pytest.fixture
async def gateway(store, now, tmp_path):
    async with running(store, now, tmp_path) as started:
        yield started


async def count(store, table):
    return await store.read(lambda conn: conn.execute(select(func.count()).select_from(table)).scalar_one())


async def test_a_twin_of_a_request_under_way_is_told_to_wait(gateway, store, now, monkeypatch):
    event = await box.opened(store, now)
    transact, reached, released = store.transact, asyncio.Event(), asyncio.Event()

    async def held(work):
        reached.set()
        await released.wait()
        return await transact(work)

    monkeypatch.setattr(store, "transact", held)
    post = partial(gateway.client.post, "/api/events/purchase", headers={"Idempotency-Key": "k"})
    first = asyncio.create_task(post(json=wish(event)))
    await reached.wait()
    twin, other = await post(json=wish(event)), await post(json=wish(event, quantity=2))
    assert (twin.status, (await twin.json(content_type=None))["code"]) == (409, "idempotency_key_in_use")
    assert twin.headers["Retry-After"] == "1"
    assert (other.status, (await other.json(content_type=None))["code"]) == (422, "idempotency_key_reused")
    released.set()
    answer = await first
    assert answer.status == 201
    assert await (await post(json=wish(event))).json() == await answer.json()
    assert await count(store, orders_table) == 1


async def test_twins_at_several_gates_do_one_deed(store, database_url, now):
    gates = [store, *(open_store(database_url) for _ in range(3))]
    done = []

    def deed(_conn):
        done.append(1)
        return Done(number=len(done))

    answers = await asyncio.gather(
        *(gate.transact(lambda conn: once(conn, CLAIM, deed, status=201, now=now)) for gate in gates)
    )
    bodies = {one.body if isinstance(one, Stored) else one.model_dump_json() for one in answers}
    assert len(bodies) == 1
    assert await count(store, rows) == 1
    for gate in gates[1:]:
        await gate.aclose()


async def test_a_refusal_is_not_kept(store, now):
    refused = await store.transact(
        lambda conn: once(conn, CLAIM, lambda _: Problem(code=Code.SOLD_OUT), status=201, now=now)
    )
    assert isinstance(refused, Problem)
    assert await count(store, rows) == 0


async def test_keys_of_different_clients_and_routes_never_meet(store, now):
    for scope, route in (("a", "POST /x"), ("b", "POST /x"), ("a", "POST /y")):
        claim = Claim(scope=scope, route=route, key="k", fingerprint=b"f" * 32)
        done = await store.transact(partial(once, claim=claim, work=lambda _: Done(number=1), status=201, now=now))
        assert isinstance(done, Done)


DEATH = """
import os, asyncio
from datetime import datetime, UTC
from sqlalchemy import insert
import chains.schema, gateway.schema, payouts.schema, store.schema, tickets.schema
from gateway.http.idempotency import Claim, once
from gateway.http.models import Answer
from store.engine import open_store
from store.schema import counters

class Done(Answer):
    number: int

def deed(conn):
    conn.execute(insert(counters).values(name="deeds", value=1))
    if {during}:
        os._exit(9)
    return Done(number=1)

async def main():
    claim = Claim(scope="net", route="POST /x", key="k", fingerprint=b"f" * 32)
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    await open_store({url!r}).transact(lambda conn: once(conn, claim, deed, status=201, now=now))
    os._exit(9)

asyncio.run(main())
"""


@pytest.mark.parametrize("during", [True, False], ids=["before the commit", "after the commit"])
async def test_a_process_that_is_killed_leaves_the_deed_with_its_answer_or_neither(store, database_url, now, during):
    script = DEATH.format(during=during, url=database_url)
    died = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], check=False)
    assert died.returncode == 9
    known = await store.read(partial(idempotency.earlier, claim=CLAIM))
    if during:
        assert known is None
    else:
        assert known == Stored(status=201, body='{"number":1}')
    again = await store.transact(partial(once, claim=CLAIM, work=lambda _: Done(number=1), status=201, now=now))
    assert (again.body if isinstance(again, Stored) else again.model_dump_json()) == '{"number":1}'


async def test_answers_are_forgotten_after_a_day(store, now):
    await store.transact(partial(once, claim=CLAIM, work=lambda _: Done(number=1), status=201, now=now))
    assert await store.transact(partial(idempotency.prune, now=now + idempotency.KEPT)) == 0
    assert await store.transact(partial(idempotency.prune, now=now + idempotency.KEPT * 2)) == 1
    assert await count(store, rows) == 0


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ([], None),
        (["abc"], "abc"),
        (['"a b"'], "a b"),
        (['  "8e03978e-40d5-43dd-bc93-6894a57f9324" '], "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (["x" * 255], "x" * 255),
    ],
)
def test_a_key_is_read_quoted_as_the_draft_writes_it_or_bare(fields, key):
    assert read_key(fields) == key


def test_two_keys_are_none():
    assert read_key(["a", "b"]) == Problem(code=Code.IDEMPOTENCY_KEY_MALFORMED)
