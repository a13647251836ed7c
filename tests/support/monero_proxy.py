"""A proxy in front of a real monerod or monero-wallet-rpc that can lag, lie, stammer, hang or die."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from tests.support.proxy_server import SESSION, hung_up, proxy_server

Twist = Callable[[str, dict[str, Any], Any], Any]
"""Makes of (method or path, parameters, true result) the result that is told."""

JSON = {"Content-Type": "application/json"}
JSON_RPC = "/json_rpc"
BEYOND_THE_TIP = {"code": -2, "message": "Requested block height is greater than current top block height"}


def truth(_method: str, _params: dict[str, Any], result: Any) -> Any:
    return result


@dataclass(slots=True)
class MoneroProxy:
    """What the proxy does to answers, changeable at any time."""

    upstream: str
    url: str = ""
    lag: int = 0
    twist: Twist = truth
    garbage: bytes | None = None  # this instead of any answer
    dead: bool = False
    hangs: bool = False  # takes the question and never answers
    refuse: dict[str, dict[str, Any]] = field(default_factory=dict)  # JSON-RPC errors by method
    asked: list[str] = field(default_factory=list)  # methods and paths, in order
    over: asyncio.Event = field(default_factory=asyncio.Event)  # the test is

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request."""
        if self.dead:
            return hung_up(request)
        if self.hangs:
            await self.over.wait()
        if self.garbage is not None:
            return web.Response(body=self.garbage)
        body = orjson.loads(await request.read())
        session = request.app[SESSION]
        if request.path != JSON_RPC:
            self.asked.append(request.path)
            told = self.twist(request.path, body, await self._post(session, request.path, body))
            return web.Response(body=orjson.dumps(told), content_type="application/json")
        answer = await self._answer(session, body)
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    async def _answer(self, session: aiohttp.ClientSession, call: dict[str, Any]) -> dict[str, Any]:
        method = call["method"]
        params = call["params"] if isinstance(call["params"], dict) else {}
        self.asked.append(method)
        head = {"jsonrpc": "2.0", "id": call["id"]}
        if method in self.refuse:
            return {**head, "error": self.refuse[method]}
        if self.lag:
            count = await self._post(session, JSON_RPC, {**head, "method": "get_block_count"})
            seen = count["result"]["count"] - 1 - self.lag
            if method == "get_last_block_header":
                call = {**call, "method": "get_block_header_by_height", "params": {"height": seen}}
            elif max(params.get("height", 0), params.get("end_height", 0)) > seen:
                return {**head, "error": BEYOND_THE_TIP}
        answer = await self._post(session, JSON_RPC, call)
        if "result" in answer:
            answer["result"] = self.twist(method, params, answer["result"])
        return answer

    async def _post(self, session: aiohttp.ClientSession, path: str, body: Any) -> Any:
        async with session.post(f"{self.upstream}{path}", data=orjson.dumps(body), headers=JSON) as response:
            return orjson.loads(await response.read())


@asynccontextmanager
async def monero_proxy(upstream: str, **faults: Any) -> AsyncIterator[MoneroProxy]:
    """Run a proxy in front of `upstream`; it tells the truth until told otherwise."""
    proxy = MoneroProxy(upstream, **faults)
    async with proxy_server(proxy.handle, proxy.over, path="/{path:.*}") as proxy.url:
        yield proxy
