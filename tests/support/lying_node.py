"""A proxy in front of a real node that can lag, lie, stammer or die: what a rented endpoint does on a bad day."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from tests.support.proxy_server import SESSION, hung_up, proxy_server

Twist = Callable[[str, list[Any], Any], Any]
"""Makes of (method, parameters, true result) the result that is told."""
Denial = Callable[[str, list[Any]], dict[str, Any] | None]
"""Makes of (method, parameters) the JSON-RPC error that is told instead of a result; None: the result is told."""


def truth(_method: str, _params: list[Any], result: Any) -> Any:
    return result


def wrong_hash(method: str, _params: list[Any], result: Any) -> Any:
    """Tell a block with another parent under its true hash."""
    if method == "eth_getBlockByNumber" and result:
        return {**result, "parentHash": "0x" + "ab" * 32}
    return result


def empty_block(method: str, _params: list[Any], result: Any) -> Any:
    """Leave all transactions out of a block."""
    if method == "eth_getBlockByNumber" and result:
        return {**result, "transactions": []}
    return result


def no_logs(method: str, _params: list[Any], result: Any) -> Any:
    return [] if method == "eth_getLogs" else result


def other_chain(method: str, _params: list[Any], result: Any) -> Any:
    return "0x5" if method == "eth_chainId" else result


def allow(_method: str, _params: list[Any]) -> None:
    return None


_STATE = {"eth_call", "eth_getBalance", "eth_getCode", "eth_getProof"}
_HEIGHT_AT = {"eth_getProof": 2}


def pruned(below: int) -> Denial:
    """Have no state of blocks below a height any more."""

    def deny(method: str, params: list[Any]) -> dict[str, Any] | None:
        if method in _STATE and int(params[_HEIGHT_AT.get(method, 1)], 16) < below:
            return {"code": -32000, "message": "missing trie node 1ffe (path )"}
        return None

    return deny


def without(*methods: str) -> Denial:
    """Do not offer some methods."""

    def deny(method: str, _params: list[Any]) -> dict[str, Any] | None:
        missing = {"code": -32601, "message": f"the method {method} does not exist/is not available"}
        return missing if method in methods else None

    return deny


def nothing(_method: str, _params: list[Any], _result: Any) -> Any:
    return None


@dataclass(slots=True)
class LyingNode:
    """What the proxy does to answers, changeable at any time."""

    upstream: str
    url: str = ""
    lag: int = 0
    twist: Twist = truth
    garbage: bytes | None = None  # this instead of any answer
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    dead: bool = False
    dies_of: set[str] = field(default_factory=set)  # methods that break the connection
    hangs: bool = False  # takes the question and never answers
    hangs_over: set[str] = field(default_factory=set)  # the same for some methods alone
    most_calls: int | None = None  # larger batches are refused
    largest: int | None = None  # bytes; longer requests are refused by the server before it
    most_heights: int | None = None  # eth_getLogs over more heights is refused
    refuse: dict[str, dict[str, Any]] = field(default_factory=dict)  # JSON-RPC errors by first parameter
    deny: Denial = allow
    asked: list[str] = field(default_factory=list)  # methods, in order
    requests: int = 0  # HTTP requests
    over: asyncio.Event = field(default_factory=asyncio.Event)  # the test is

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request."""
        self.requests += 1
        if self.dead:
            return hung_up(request)
        if self.hangs:
            await self.over.wait()
        raw = await request.read()
        if self.largest is not None and len(raw) > self.largest:
            return web.Response(status=413)
        body = orjson.loads(raw)
        methods = {call["method"] for call in (body if isinstance(body, list) else [body])}
        if self.hangs_over & methods:
            await self.over.wait()
        if self.dies_of & methods:
            return hung_up(request)
        if self.garbage is not None or self.status != 200:
            return web.Response(body=self.garbage or b"busy", status=self.status, headers=self.headers)
        session: aiohttp.ClientSession = request.app[SESSION]
        calls = body if isinstance(body, list) else [body]
        if self.most_calls is not None and len(calls) > self.most_calls:
            error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch too large"}}
            return web.Response(body=orjson.dumps(error), content_type="application/json")
        answers = [await self._answer(session, call) for call in calls]
        told = answers[::-1] if isinstance(body, list) else answers[0]  # JSON-RPC lets a batch come in any order
        return web.Response(body=orjson.dumps(told), content_type="application/json")

    async def _answer(self, session: aiohttp.ClientSession, call: dict[str, Any]) -> dict[str, Any]:
        method, params = call["method"], list(call["params"])
        self.asked.append(method)
        if method == "eth_getLogs" and self._too_wide(params[0]):
            return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32005, "message": "range too wide"}}
        if params and isinstance(params[0], str) and params[0] in self.refuse:
            return {"jsonrpc": "2.0", "id": call["id"], "error": self.refuse[params[0]]}
        if (error := self.deny(method, params)) is not None:
            return {"jsonrpc": "2.0", "id": call["id"], "error": error}
        if self.lag:
            seen = int(await self._ask(session, "eth_blockNumber", []), 16) - self.lag
            if method == "eth_getBlockByNumber":
                if params[0] == "latest":
                    params[0] = hex(seen)
                elif params[0] == "finalized":
                    params[0] = hex(max(0, seen - 2))
                elif int(params[0], 16) > seen:
                    return {"jsonrpc": "2.0", "id": call["id"], "result": None}
        result = await self._ask(session, method, params)
        return {"jsonrpc": "2.0", "id": call["id"], "result": self.twist(method, params, result)}

    def _too_wide(self, query: dict[str, Any]) -> bool:
        if self.most_heights is None or "fromBlock" not in query:
            return False
        return int(query["toBlock"], 16) - int(query["fromBlock"], 16) >= self.most_heights

    async def _ask(self, session: aiohttp.ClientSession, method: str, params: list[Any]) -> Any:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        async with session.post(self.upstream, data=orjson.dumps(question), headers=JSON) as response:
            return orjson.loads(await response.read()).get("result")


JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def lying_node(upstream: str, *, kind: type[LyingNode] = LyingNode, **faults: Any) -> AsyncIterator[LyingNode]:
    """Run a proxy in front of `upstream`; it tells the truth until told otherwise. `kind`: how a family's nodes lag."""
    node = kind(upstream, **faults)
    async with proxy_server(node.handle, node.over) as url:
        node.url = f"{url}/"
        yield node
