"""The node over HTTP, as clients meet it. Each path is an endpoint of its own before the same ledger."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from tests.nodes.solana.ledger import Ledger
from tests.nodes.solana.node import Node, RpcError
from tests.nodes.solana.rpc import answer
from tests.support.proxy_server import hung_up

LARGEST_REQUEST = 2**22


class Server:
    """The endpoints of one ledger, by path."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.url = ""
        self._nodes: dict[str, Node] = {}

    def node(self, path: str = "/") -> Node:
        """Return the endpoint at a path."""
        return self._nodes.setdefault(path, Node(self.ledger))

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one HTTP request: a call or a batch."""
        node = self.node(request.path)
        node.requests += 1
        if node.dead:
            return hung_up(request)
        if node.garbage is not None or node.status != HTTPStatus.OK:
            return web.Response(body=node.garbage or b"busy", status=node.status)
        try:
            body = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            return _json({"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": None})
        if isinstance(body, list) and node.most_calls is not None and len(body) > node.most_calls:
            return _json({"jsonrpc": "2.0", "error": {"code": -32600, "message": "Batch too large"}, "id": None})
        return _json([_answer(node, call) for call in body] if isinstance(body, list) else _answer(node, body))


def _answer(node: Node, call: Any) -> dict[str, Any]:
    if not isinstance(call, dict) or not isinstance(call.get("method"), str):
        return {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": None}
    told = {"jsonrpc": "2.0", "id": call.get("id")}
    try:
        return told | {"result": answer(node, call["method"], call.get("params") or [])}
    except RpcError as refused:
        return told | {"error": refused.error}


def _json(body: Any) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json")


@asynccontextmanager
async def serving(ledger: Ledger, port: int = 0) -> AsyncIterator[Server]:
    """Serve a ledger on the loopback interface."""
    server = Server(ledger)
    app = web.Application(client_max_size=LARGEST_REQUEST)
    app.router.add_post("/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        [address] = runner.addresses
        server.url = f"http://127.0.0.1:{address[1]}"
        yield server
    finally:
        await runner.cleanup()


async def mine_always(ledger: Ledger, seconds: float) -> None:
    """Make a block each so many seconds, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        ledger.mine()
