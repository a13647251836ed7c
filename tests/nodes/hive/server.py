"""One node before the chain: JSON-RPC over HTTP as hived speaks it, and what goes wrong with rented nodes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from tests.nodes.hive import api, controls
from tests.nodes.hive.chain import Block, Emulation
from tests.nodes.hive.state import Refused
from tests.nodes.hive.view import View
from tests.support.proxy_server import hung_up

PARSE_ERROR, INVALID_REQUEST, NO_PARAMETERS, UNREADABLE, DURING_CALL = -32700, -32600, -32001, -32002, -32003
"""The codes of hived's json_rpc plugin."""

Twist = Callable[[str, Any, Any], Any]
"""Makes of (method, parameters, true result) the result that is told."""


def truth(_method: str, _params: Any, result: Any) -> Any:
    return result


@dataclass
class Node:
    """A node before the chain. What is wrong with it can be changed at any time."""

    chain: Emulation
    lag: int = 0  # blocks that it has not seen yet
    history_lag: int = 0  # blocks that its account history has not seen yet
    stuck: Sequence[Block] | None = None  # the chain it stayed on
    without: set[str] = field(default_factory=set)  # plugins that its operator left out
    refuses: set[str] = field(default_factory=set)  # methods
    twist: Twist = truth
    garbage: bytes | None = None  # this instead of any answer
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    dead: bool = False
    hangs: bool = False  # takes the question and never answers
    most_calls: int | None = None  # larger batches are refused
    most_blocks: int | None = None  # longer ranges are too large to answer
    steered: bool = False  # answers `emulator_…` too
    asked: list[str] = field(default_factory=list)  # methods, in order
    requests: int = 0  # HTTP requests
    url: str = ""
    held: asyncio.Event = field(default_factory=asyncio.Event)  # a question hangs
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def view(self) -> View:
        blocks = self.chain.blocks if self.stuck is None else self.stuck
        return View(self.chain, blocks[: len(blocks) - self.lag] if self.lag else blocks)

    def stay(self) -> None:
        """Stay on the chain as it is now, as a node does that missed a fork."""
        self.stuck = tuple(self.chain.blocks)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request."""
        self.requests += 1
        if self.dead:
            return hung_up(request)
        body = await request.read()
        if self.hangs:
            self.held.set()
            await self.over.wait()
        if self.garbage is not None or self.status != 200:
            return web.Response(body=self.garbage or b"busy", status=self.status, headers=self.headers)
        return self._reply(body)

    def _reply(self, body: bytes) -> web.Response:
        try:
            asked = orjson.loads(body)
        except orjson.JSONDecodeError:
            return _json(_error(None, PARSE_ERROR, "Parse Error:Couldn't parse the message"))
        if not isinstance(asked, list):
            return web.Response(status=413) if self._too_much(asked) else _json(self.answer(asked))
        if self.most_calls is not None and len(asked) > self.most_calls:
            return _json(_error(None, INVALID_REQUEST, "batch too large"))
        return _json([self.answer(one) for one in asked])

    def answer(self, asked: Any) -> dict[str, Any]:
        """Answer one JSON-RPC request."""
        if not isinstance(asked, dict) or asked.get("jsonrpc") != "2.0" or not isinstance(asked.get("method"), str):
            return _error(None, INVALID_REQUEST, 'jsonrpc value is not "2.0"')
        number, method, params = asked.get("id"), asked["method"], asked.get("params", {})
        if self.steered and method in controls.CONTROLS:
            return self._steer(number, method, params)
        if method == "call":
            if not isinstance(params, list) or not 2 <= len(params) <= 3:
                return _error(number, NO_PARAMETERS, 'params should be {"api", "method", "args"')
            method, params = f"{params[0]}.{params[1]}", params[2] if len(params) > 2 else {}
        return self._called(number, method, params)

    def _steer(self, number: Any, method: str, params: Any) -> dict[str, Any]:
        try:
            return _result(number, controls.CONTROLS[method](self, params))
        except Refused as refusal:
            return _error(number, DURING_CALL, f"{refusal.kind}:{refusal}")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return _error(number, UNREADABLE, f"Bad Cast:{error!r}")

    def _called(self, number: Any, method: str, params: Any) -> dict[str, Any]:
        self.asked.append(method)
        try:
            called = api.find(method, self.without)
        except Refused as refusal:
            return _error(number, UNREADABLE, f"Assert Exception:false: {refusal}")
        try:
            if method in self.refuses:
                return _error(number, DURING_CALL, f"Assert Exception:false: {method} is not supported here")
            view = self.view
            if self.history_lag and method.startswith("account_history_api."):
                view = View(self.chain, view.blocks[: len(view.blocks) - self.history_lag])
            result = called(view, api.named(method, params))
        except Refused as refusal:
            return _error(number, DURING_CALL, f"{refusal.kind}:{refusal}")
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            return _error(number, UNREADABLE, f"Bad Cast:{error!r}")
        return _result(number, self.twist(method, params, result))

    def _too_much(self, asked: Any) -> bool:
        if (
            self.most_blocks is None
            or not isinstance(asked, dict)
            or asked.get("method") != "block_api.get_block_range"
        ):
            return False
        return int(asked["params"]["count"]) > self.most_blocks


@asynccontextmanager
async def serving(node: Node, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Node]:
    """Serve a node over HTTP; its URL is written into it."""
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/{path:.*}", node.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    [address] = runner.addresses
    node.url = f"http://{host}:{address[1]}/"
    try:
        yield node
    finally:
        node.over.set()
        await runner.cleanup()


async def produce(chain: Emulation, seconds: float) -> None:
    """Produce blocks for ever."""
    with suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(seconds)
            chain.mine()


def _result(number: Any, result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "result": result, "id": number}


def _error(number: Any, code: int, message: str) -> dict[str, Any]:
    name, _, text = message.partition(":")
    data = {
        "code": 10,
        "name": name.lower().replace(" ", "_"),
        "message": name,
        "stack": [{"format": text, "data": {}}],
    }
    return {"jsonrpc": "2.0", "error": {"code": code, "message": message, "data": data}, "id": number}


def _json(answer: Any) -> web.Response:
    """Answer with JSON; bytes that are no UTF-8 (lone surrogates here) are copied as they are, as hived does."""
    try:
        body = orjson.dumps(answer)
    except TypeError:
        body = json.dumps(answer, ensure_ascii=False).encode(errors="surrogateescape")
    return web.Response(body=body, content_type="application/json")
