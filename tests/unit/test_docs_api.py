"""What the page builder's guide says of the API, held against a running gateway: addresses, fields, messages."""

import re
from datetime import timedelta

import pytest

from gateway.presence.messages import Heartbeat, Malformed, read
from tests.support import e2e_guides as docs
from tests.support import tickets_box as box
from tests.support.e2e_guides import PAGES
from tests.support.gate_house import Wallet, opened
from tests.support.gateway_app import running
from tickets import tickets

GUIDE = "docs/guides/page-builder.md"
ADA, BEN = Wallet(1), Wallet(2)
NOT_OURS = {"eth_requestAccounts", "eth_sendTransaction", "personal_sign"}  # of EIP-1193's wallets
WIRE_NAME = re.compile(r"[a-z]+(?:_[a-z]+)+|[a-z]+(?:[A-Z][a-z]+)+")


@pytest.fixture
async def gateway(store, now, tmp_path):
    async with running(store, now, tmp_path) as started:
        yield started


@pytest.fixture
async def event(store, now):
    return await box.opened(store, now, slug="first-light")


@pytest.fixture
async def house(store, now, tmp_path):
    async with opened(store, now, tmp_path) as started:
        yield started


async def api_of(gateway):
    return await (await gateway.client.get("/openapi.json")).json()


def nameless(path):
    """An address without the names of what is filled in: `{id}`, `${id}`, `<id>`."""
    return re.sub(r"\$?\{\w+\}|<\w+>", "{}", path)


async def test_every_http_example_is_answered_as_the_guide_says(gateway, event):
    [example] = docs.fences(GUIDE, "http")
    request = docs.request(example.text)
    answer = await gateway.client.request(request.method, request.path, headers=request.headers, data=request.body)
    assert answer.status == 201, await answer.text()
    bill = await answer.json()
    fields = set(docs.named(GUIDE, "field")) - NOT_OURS - {"data", "…/stream", "order"}
    assert docs.named(GUIDE, "field")
    assert fields <= bill.keys()
    stream = await gateway.client.get(f"/api/orders/{bill['order_id']}/stream")
    assert await stream.content.readline()
    assert await stream.content.readline() == b"event: order\n"
    stream.close()


async def test_every_address_that_the_pages_name_is_served(gateway):
    served = {nameless(path) for path in (await api_of(gateway))["paths"]} | {"/metrics"}  # a listener of its own
    for name in PAGES:
        said = {span.split()[-1] for span in docs.spans(name) if re.fullmatch(r"((GET|POST) )?/\S*", span)}
        said |= {
            path for fence in docs.fences(name, "js") for path in re.findall(r"[\"`](/[\w/${}-]+)[\"`]", fence.text)
        }
        assert {nameless(path) for path in said} <= served


async def test_every_field_that_the_guide_names_is_in_the_api(gateway, house):
    schemas = (await api_of(gateway))["components"]["schemas"].values()
    known = {name for schema in schemas for name in schema.get("properties", ())}
    await house.ticket(ADA)
    known |= (await house.joined(ADA)).keys()
    said = {span for span in docs.spans(GUIDE) if WIRE_NAME.fullmatch(span)} - NOT_OURS - {"sessionStorage"}
    assert "session_token" in said
    assert said <= known | {"RTCPeerConnection"}


async def test_the_fields_that_the_script_reads_are_in_the_answers(gateway, event, house):
    script = "".join(fence.text for fence in docs.fences(GUIDE, "js"))
    await house.ticket(ADA)
    answers = {"order": await gateway.buy(event), "grant": await house.joined(ADA)}
    for variable, answer in answers.items():
        assert (read := set(re.findall(rf"\b{variable}\.(\w+)", script)))
        assert read <= answer.keys()


@pytest.mark.parametrize(("page", "status"), [("https://house.test", 200), ("https://page.test", 403)])
async def test_a_listed_origin_may_use_the_api_and_asks_for_signatures_where_its_domain_is_listed(
    store, now, tmp_path, page, status
):
    async with opened(store, now, tmp_path, gate='origins = ["https://house.test", "https://page.test"]') as house:
        answer = await house.post("challenge", {"wallet_address": ADA.address}, headers={"Origin": page})
        assert answer.headers["Access-Control-Allow-Origin"] == page
        assert answer.status == status


async def test_the_messages_of_the_table_are_those_that_sockets_hear(house):
    """Two people meet, talk, and stay until their tokens are renewed; one loses the ticket, the other sees the end."""
    kinds = {"welcome"}

    async def hear(socket, awaited):
        while (kind := (await house.said(socket))["type"]) != awaited:
            kinds.add(kind)
        kinds.add(awaited)

    ben_has = await house.ticket(BEN)
    await house.ticket(ADA)
    ada, welcome = await house.seated(await house.joined(ADA))
    ben, _ = await house.seated(await house.joined(BEN))
    await hear(ada, "joined")
    for kind, said in (
        ("signal", {"to": welcome["peer"], "data": 1}),
        ("state", {"data": 1}),
        ("chat", {"text": "Hi"}),
    ):
        await ben.send_json({"type": kind, **said})
        await hear(ada, kind)
    while "renewed" not in kinds:
        await house.move(timedelta(seconds=welcome["heartbeat_seconds"]))
        for socket in (ada, ben):
            await socket.send_json({"type": "heartbeat"})
            await hear(socket, "heartbeat")
    now = house.clock()
    await house.store.transact(lambda conn: tickets.revoke(conn, ben_has.id, reason="told", now=now))
    await house.look()
    await hear(ben, "kicked")
    await hear(ada, "left")
    await house.move(house.event.ends_at - now)
    await hear(ada, "ended")
    assert kinds == set(docs.named(GUIDE, "you hear"))


def test_the_messages_that_the_guide_sends_are_read():
    script = "".join(fence.text for fence in docs.fences(GUIDE, "js"))
    assert set(re.findall(r"\{ type: \"(\w+)\"", script)) == {"auth", "signal", "heartbeat"}
    assert read('{"type": "heartbeat"}') == Heartbeat()
    assert isinstance(read('{"type": "presence"}'), Malformed)
