"""Any body, any query and any header give an answer or a problem: never a 500, never a broken connection.

The real application over HTTP, on both databases: what PostgreSQL cannot store SQLite may swallow.
"""

import json
from urllib.parse import quote

import orjson
import pytest
import yarl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.http.codes import Code
from tests.support import tickets_box as box
from tests.support.gateway_app import WALLET, running

CODES = {code.value for code in Code}
POSTS = (
    "/api/events/purchase",
    "/api/events/1/challenge",
    "/api/events/1/join",
    "/api/events/1/verify-access",
    "/api/events/1/resume",
)
FIELDS = (
    "event_id", "eventId", "payment_method", "wallet_address", "walletAddress", "user_account", "tier", "quantity",
    "hold", "message", "signature", "timestamp", "purpose", "uri", "resume",
)  # fmt: skip

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40)
telling = st.sampled_from(
    ["1", 1, "opening-night", "eth", WALLET, "general", "\0", "\ud800", f"0x{'00' * 65}", 2**63, -(2**63), 10**4000]
)
values = scalars | telling | st.lists(scalars, max_size=4) | st.dictionaries(st.text(max_size=5), scalars, max_size=3)
objects = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), values, max_size=8)
sound = st.fixed_dictionaries(
    {"event_id": st.just("opening-night"), "payment_method": st.just("eth"), "wallet_address": st.just(WALLET)},
    optional=dict.fromkeys(("tier", "quantity", "hold", "message", "signature", "user_account"), values),
)


def encoded(value):
    return json.dumps(value).encode("utf-8", "surrogatepass")


bodies = st.binary(max_size=200) | objects.map(encoded) | sound.map(encoded) | values.map(encoded)
few = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@pytest.fixture
async def gateway(store, now, tmp_path):
    async with running(store, now, tmp_path) as started:
        await box.opened(store, now, slug="opening-night", tiers=(box.tier(capacity=None),))
        yield started


async def sensible(answer):
    """An answer of ours, or a documented problem that is not our fault."""
    raw = await answer.read()
    assert answer.status < 500, (answer.status, raw)
    if answer.status >= 400:
        assert answer.content_type == "application/problem+json"
        assert orjson.loads(raw)["code"] in CODES
    else:
        orjson.loads(raw)


@few
@given(path=st.sampled_from(POSTS), body=bodies, key=st.none() | st.sampled_from(["k", '"k"', "", "a b"]))
async def test_any_body_gets_an_answer_or_a_problem(gateway, path, body, key):
    headers = {"Content-Type": "application/json", **({"Idempotency-Key": key} if key is not None else {})}
    await sensible(await gateway.client.post(path, data=body, headers=headers))


@few
@given(
    query=st.dictionaries(
        st.sampled_from(
            (
                "q",
                "category",
                "creator",
                "price",
                "payment_method",
                "date",
                "chain",
                "sort",
                "upcoming",
                "limit",
                "cursor",
            )
        ),
        st.text(max_size=20) | st.sampled_from(["eth", "1", "0.5-1", "-", "2026-11-21", "starts", "W10", "\0"]),
        max_size=5,
    )
)
async def test_any_query_gets_an_answer_or_a_problem(gateway, query):
    await sensible(await gateway.client.get("/api/events", params=query))


@few
@given(ref=st.text(min_size=1, max_size=60).filter(lambda text: text not in {".", ".."}))
async def test_any_name_gets_an_answer_or_a_problem(gateway, ref):
    for path in ("/api/events/{}", "/api/events/{}/availability", "/api/orders/{}", "/api/orders/{}/qr.svg"):
        written = path.format(quote(ref.encode("utf-8", "surrogatepass"), safe=""))
        await sensible(await gateway.client.get(yarl.URL(written, encoded=True)))


@few
@given(
    name=st.sampled_from(["Origin", "Last-Event-ID", "Forwarded", "X-Forwarded-For", "Authorization", "Content-Type"]),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60),
)
async def test_any_header_gets_an_answer_or_a_problem(gateway, name, value):
    await sensible(await gateway.client.get("/api/events", headers={name: value}))
    await sensible(await gateway.client.post("/api/events/purchase", data=b"{}", headers={name: value}))
