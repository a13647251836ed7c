"""JSON-RPC over HTTP, against a real server: what is sent, what is taken for an answer, and what nobody is told."""

import asyncio
import base64
import hashlib
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
import pytest
from aiohttp import ClientTimeout, web
from aiohttp.test_utils import TestServer

from chains import wire
from chains.evm.transport import EvmTransport
from chains.rpc import Call, EndpointError, Refusal, Trouble
from chains.wire import HttpWire, JsonRpcTransport, decoded, in_order, outcome

USER, PASSWORD = "us/er", "p@ss:word%"
IN_URL = "us%2Fer:p%40ss:word%25"


@dataclass
class Node:
    """A server that answers as it is told, and remembers what it was asked."""

    answer: object = None  # called with the decoded body: a response, or the JSON of one
    requests: list = field(default_factory=list)
    url: str = ""

    async def handle(self, request):
        body = await request.read()
        self.requests.append((request.path, request.headers, body))
        given = self.answer(orjson.loads(body)) if callable(self.answer) else self.answer
        if isinstance(given, web.StreamResponse):
            return given
        return web.Response(body=orjson.dumps(given), content_type="application/json")

    def with_user(self, user=IN_URL):
        return self.url.replace("http://", f"http://{user}@")


@asynccontextmanager
async def serving(answer, **how):
    node = Node(answer)
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", node.handle)
    async with TestServer(application, **how) as server:
        node.url = str(server.make_url("/")).rstrip("/")
        yield node


def result(body):
    return {"jsonrpc": "2.0", "id": body["id"], "result": body["method"]}


@asynccontextmanager
async def speaking(answer, url=lambda node: node.url, *, path="", **how):
    async with serving(answer) as node:
        transport = JsonRpcTransport(HttpWire(url(node), **how), path=path)
        try:
            yield node, transport
        finally:
            await transport.aclose()


async def refused(transport, method="hello"):
    with pytest.raises(EndpointError) as raised:
        await transport.call(Call(method=method))
    return raised.value


# --- what is sent -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "sent"), [((1, "two"), [1, "two"]), ({"a": 1}, {"a": 1}), ((), [])])
async def test_parameters_are_sent_by_place_or_by_name(given, sent):
    async with speaking(result) as (node, transport):
        assert await transport.call(Call(method="hello", params=given)) == "hello"
    [(path, headers, body)] = node.requests
    assert (path, headers["Content-Type"]) == ("/", "application/json")
    assert orjson.loads(body) == {"jsonrpc": "2.0", "id": 0, "method": "hello", "params": sent}


async def test_a_path_comes_behind_the_urls_own():
    async with speaking(result, lambda node: f"{node.url}/v2/KEY/", path="/json_rpc") as (node, transport):
        await transport.call(Call(method="hello"))
    assert node.requests[0][0] == "/v2/KEY/json_rpc"


async def test_user_and_password_leave_the_url_and_go_into_basic_authentication():
    async with speaking(result, Node.with_user) as (node, transport):
        await transport.call(Call(method="hello"))
        host = transport.host
    expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert node.requests[0][1]["Authorization"] == f"Basic {expected}"
    assert host == node.url.removeprefix("http://")


async def test_a_password_needs_no_user():
    """As some hosted nodes have it: https://:secret@host/v3/key."""
    async with speaking(result, lambda node: node.with_user(":secret")) as (node, transport):
        await transport.call(Call(method="hello"))
    assert node.requests[0][1]["Authorization"] == f"Basic {base64.b64encode(b':secret').decode()}"


async def test_without_a_user_nothing_is_sent_to_prove_oneself():
    async with speaking(result) as (node, transport):
        await transport.call(Call(method="hello"))
    assert "Authorization" not in node.requests[0][1]


def digest_of(*parts):
    return hashlib.md5(":".join(parts).encode()).hexdigest()  # noqa: S324  RFC 7616 has it for old servers


async def test_digest_authentication_answers_the_servers_question_and_never_sends_the_password():
    """As monerod and monero-wallet-rpc ask for it (RFC 7616)."""
    asked = []

    def ask(body):
        given = asked[-1].requests[-1][1].get("Authorization")
        if given is None:
            question = 'Digest realm="rpc", nonce="abc", qop="auth", algorithm=MD5'
            return web.Response(status=401, headers={"WWW-Authenticate": question})
        told = dict(re.findall(r'(\w+)="?([^",]+)"?', given))
        secret = digest_of(USER, "rpc", PASSWORD)
        expected = digest_of(secret, "abc", told["nc"], told["cnonce"], "auth", digest_of("POST", told["uri"]))
        return result(body) if told["response"] == expected else web.Response(status=401)

    async with speaking(ask, Node.with_user, digest=True) as (node, transport):
        asked.append(node)
        assert await transport.call(Call(method="hello")) == "hello"
    sent = str([(path, dict(headers), body) for path, headers, body in node.requests])
    assert "Digest" in sent
    assert PASSWORD not in sent


@pytest.mark.parametrize("url", ["http://u:p@[::1]:8332/", "http://u:p@[::1]/"])
def test_an_ipv6_host_keeps_its_brackets_where_it_is_connected_to(url):
    opened = HttpWire(url)
    assert opened._url == url.replace("u:p@", "")
    assert "p@" not in opened.host
    assert opened.host.startswith("::1")


async def test_an_ipv6_node_is_reached():
    async with serving(result, host="::1") as node:
        transport = JsonRpcTransport(HttpWire(node.url.replace("http://", "http://u:p@")))
        assert await transport.call(Call(method="hello")) == "hello"
        await transport.aclose()


# --- what is taken for an answer --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "taken"),
    [
        ({"result": 5}, 5),
        ({"result": None}, None),
        ({"result": {"a": 1}, "error": None}, {"a": 1}),  # JSON-RPC 1.0, as Bitcoin Core speaks it
        ({"error": {"code": -32601, "message": "no"}}, Refusal(code=-32601, message="no")),
        ({"result": None, "error": {"code": 3, "message": "no"}}, Refusal(code=3, message="no")),
        ({"error": {"message": "no code"}}, Refusal(code=0, message="no code")),
        ({"error": {"code": "E", "message": "x" * 300}}, Refusal(code=0, message="x" * 200)),
        ({"error": {"code": -1}}, Refusal(code=-1, message="None")),
    ],
)
async def test_both_dialects_are_understood(answer, taken):
    async with speaking(lambda body: {"id": body["id"], **answer}) as (_, transport):
        assert await transport.call(Call(method="hello")) == taken


@pytest.mark.parametrize(
    "answer",
    [None, [], 5, "x", {}, {"error": None}, {"error": 5}, {"error": "no"}, {"result": 5, "error": {"code": 1}}],
)
async def test_anything_else_is_malformed_and_an_error_beside_a_result_is_no_answer(answer):
    async with speaking(answer) as (_, transport):
        error = await refused(transport)
    assert error.trouble is Trouble.MALFORMED


async def test_what_is_no_json_is_malformed_and_not_repeated():
    async with speaking(lambda _: web.Response(body=b"<html>SECRET</html>")) as (_, transport):
        error = await refused(transport)
    assert (error.trouble, "SECRET" in str(error)) == (Trouble.MALFORMED, False)


@pytest.mark.parametrize(
    ("status", "headers", "trouble", "told", "after"),
    [
        (401, {}, Trouble.UNREACHABLE, "HTTP 401: check the user and password in its URL", None),
        (403, {}, Trouble.UNREACHABLE, "HTTP 403: check the user and password in its URL", None),
        (404, {}, Trouble.UNREACHABLE, "HTTP 404", None),
        (413, {}, Trouble.TOO_LARGE, "HTTP 413", None),
        (429, {"Retry-After": "7"}, Trouble.THROTTLED, "HTTP 429", 7.0),
        (429, {"Retry-After": "Fri, 20 Nov 2026 12:00:00 GMT"}, Trouble.THROTTLED, "HTTP 429", None),
        (503, {}, Trouble.THROTTLED, "HTTP 503", None),
        (500, {}, Trouble.UNREACHABLE, "HTTP 500", None),
    ],
)
async def test_a_status_that_comes_without_an_answer_says_what_to_do(status, headers, trouble, told, after):
    async with speaking(lambda _: web.Response(status=status, headers=headers), Node.with_user) as (_, transport):
        error = await refused(transport)
    assert (error.trouble, error.detail, error.retry_after) == (trouble, told, after)


async def test_an_error_that_comes_with_its_status_is_read():
    """Bitcoin Core answers a call that it refuses with HTTP 500 or 404, and JSON-RPC's error in it."""
    refusal = {"result": None, "error": {"code": -8, "message": "Block height out of range"}, "id": 0}
    said = web.json_response(refusal, status=500)
    async with speaking(lambda _: said) as (_, transport):
        assert await transport.call(Call(method="getblockhash")) == Refusal(
            code=-8, message="Block height out of range"
        )


async def test_a_node_that_sends_us_elsewhere_is_not_followed():
    """The other host would be given the question, and the password with it."""
    async with serving(result) as other:
        moved = web.Response(status=307, headers={"Location": other.url})
        async with speaking(lambda _: moved, Node.with_user) as (_, transport):
            error = await refused(transport)
    assert (error.trouble, other.requests) == (Trouble.MALFORMED, [])


# --- bounds -------------------------------------------------------------------------------------------------------


async def test_an_answer_is_read_no_further_than_is_bearable(monkeypatch):
    monkeypatch.setattr(wire, "LARGEST_ANSWER", 1000)
    async with speaking(lambda body: {"id": body["id"], "result": "x" * 2000}) as (_, transport):
        assert (await refused(transport)).trouble is Trouble.TOO_LARGE


async def test_a_wire_may_take_less_than_others():
    async with speaking(lambda body: {"id": body["id"], "result": "x" * 2000}, largest=1000) as (_, transport):
        assert (await refused(transport)).trouble is Trouble.TOO_LARGE


async def test_a_node_that_never_answers_is_left():
    released = asyncio.Event()

    async def hang(_request):
        await released.wait()
        return web.Response()

    application = web.Application()
    application.router.add_post("/", hang)
    async with TestServer(application) as server:
        transport = JsonRpcTransport(HttpWire(str(server.make_url("/")), seconds=ClientTimeout(total=0.1)))
        error = await refused(transport)
        released.set()
        await transport.aclose()
    assert (error.trouble, error.detail) == (Trouble.UNREACHABLE, "TimeoutError")


async def test_a_node_that_nobody_listens_at_is_unreachable_and_its_url_is_told_to_nobody(unused_tcp_port):
    transport = JsonRpcTransport(HttpWire(f"http://{IN_URL}@127.0.0.1:{unused_tcp_port}/v3/KEY"))
    error = await refused(transport)
    await transport.aclose()
    assert error.trouble is Trouble.UNREACHABLE
    for secret in ("KEY", PASSWORD, USER, "word", IN_URL):
        assert secret not in f"{error} {transport.host}"


async def test_connections_are_kept_and_closing_twice_is_safe():
    peers = set()

    async with serving(None) as node:

        async def note(request):
            peers.add(request.transport.get_extra_info("peername"))
            return await Node.handle(node, request)

        node.answer = result
        application = web.Application()
        application.router.add_post("/", note)
        async with TestServer(application) as server:
            transport = JsonRpcTransport(HttpWire(str(server.make_url("/"))))
            for _ in range(5):
                await transport.call(Call(method="hello"))
            await transport.aclose()
            await transport.aclose()
            assert len(peers) == 1
            assert await transport.call(Call(method="hello")) == "hello"  # opened anew
            await transport.aclose()


# --- batches ------------------------------------------------------------------------------------------------------

CALLS = [Call(method=name) for name in ("one", "two", "three")]


async def test_a_batch_may_be_answered_in_any_order():
    async with speaking(lambda body: [result(call) for call in body][::-1]) as (_, transport):
        assert await transport.batch(CALLS) == ["one", "two", "three"]
        assert await transport.batch(CALLS) == ["one", "two", "three"]


async def test_one_refused_call_of_a_batch_leaves_the_others_their_answers():
    def mixed(body):
        refusal = {"id": body[1]["id"], "error": {"code": -1, "message": "no"}}
        return [result(body[0]), refusal, result(body[2])]

    async with speaking(mixed) as (_, transport):
        assert await transport.batch(CALLS) == ["one", Refusal(code=-1, message="no"), "three"]


@pytest.mark.parametrize(
    ("bent", "trouble"),
    [
        (lambda answers: answers[:2], Trouble.MALFORMED),
        (lambda answers: [*answers, answers[0]], Trouble.MALFORMED),
        (lambda answers: [answers[0], answers[0], answers[2]], Trouble.MALFORMED),
        (lambda answers: [answers[0] | {"id": 99}, *answers[1:]], Trouble.MALFORMED),
        (lambda answers: [answers[0] | {"id": None}, *answers[1:]], Trouble.MALFORMED),
        (lambda answers: [5, *answers[1:]], Trouble.MALFORMED),
        (lambda _: "batch", Trouble.MALFORMED),
        (lambda _: {"id": None, "error": {"code": -32600, "message": "no batches here"}}, Trouble.TOO_LARGE),
    ],
    ids=["in part", "too much", "twice the same", "another id", "no id", "no object", "text", "one error for all"],
)
async def test_a_batch_that_is_answered_otherwise_is_no_answer(bent, trouble):
    async with speaking(lambda body: bent([result(call) for call in body])) as (_, transport):
        with pytest.raises(EndpointError) as raised:
            await transport.batch(CALLS)
    assert raised.value.trouble is trouble


STRANGE = b'{"result":"a\xff\xfeb\xc3\xa4"}'
"""What a node tells that copies a stranger's bytes out of a chain."""


def test_bytes_that_are_no_utf8_come_through_as_they_are():
    assert outcome(decoded(STRANGE)).encode(errors="surrogateescape") == b"a\xff\xfeb\xc3\xa4"


@pytest.mark.parametrize(
    "body",
    [b"\xff", STRANGE[:-1], b'{"a":"\xff","b":NaN}', b'{"a":"\xff","b":-Infinity}', b'"\xff"' + b"[" * 10**6,
     b'["\xff",' + b"1" * 10**5 + b"]", b'{"a":1', b"[NaN]", b'"\xed\xa0\x80', b""],
)  # fmt: skip
def test_whatever_else_is_wrong_with_json_makes_it_none(body):
    with pytest.raises(EndpointError) as raised:
        decoded(body)
    assert raised.value.trouble is Trouble.MALFORMED


def test_ids_may_come_back_as_text():
    answer = [{"id": "1", "result": "b"}, {"id": "0", "result": "a"}]
    assert in_order(answer, [0, 1]) == ["a", "b"]


def test_a_refusal_is_a_value():
    assert outcome({"error": {"code": -5, "message": "gone"}}).error.trouble is Trouble.REFUSED


# --- web3's provider over the same wire -------------------------------------------------------------------------


async def test_the_evm_transport_speaks_over_the_same_wire():
    async with serving(result) as node:
        transport = EvmTransport(node.with_user())
        assert await transport.call(Call(method="eth_chainId")) == "eth_chainId"
        assert transport.host == node.url.removeprefix("http://")
        await transport.aclose()
        authorized = [headers.get("Authorization", "")[:6] for _, headers, _ in node.requests]
        assert authorized == ["Basic "]


async def test_what_one_call_may_be_answered_with_can_be_bounded_for_it_alone():
    async with serving(lambda body: {"id": body["id"], "result": "x" * 2000}) as node:
        for transport in (EvmTransport(node.url), JsonRpcTransport(HttpWire(node.url))):
            assert len(await transport.call(Call(method="hello", largest=3000))) == 2000
            assert len(await transport.call(Call(method="hello"))) == 2000
            with pytest.raises(EndpointError) as raised:
                await transport.call(Call(method="hello", largest=1000))
            assert raised.value.trouble is Trouble.TOO_LARGE
            await transport.aclose()


async def test_the_evm_transports_batches_may_come_in_any_order():
    async with serving(lambda body: [result(call) for call in body][::-1]) as node:
        transport = EvmTransport(node.url)
        assert await transport.batch(CALLS) == ["one", "two", "three"]
        await transport.aclose()
