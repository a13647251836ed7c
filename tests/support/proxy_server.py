"""Serves a proxy on loopback: what every lying, lagging or silent node of the tests has in common."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

SESSION = web.AppKey("session", aiohttp.ClientSession)
"""With which a handler asks the true node."""


def hung_up(request: web.Request) -> web.Response:
    """Break the connection instead of an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def proxy_server(
    handle: Callable[[web.Request], Awaitable[web.StreamResponse]], over: asyncio.Event, *, path: str = "/"
) -> AsyncIterator[str]:
    """Give the URL under which posts to `path` are handled; `over` is set when it ends, for handlers that wait."""
    app = web.Application(client_max_size=2**26)
    app.router.add_post(path, handle)
    runner = web.AppRunner(app, access_log=None)
    async with aiohttp.ClientSession() as session:
        app[SESSION] = session
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        [address] = runner.addresses
        try:
            yield f"http://127.0.0.1:{address[1]}"
        finally:
            over.set()
            await runner.cleanup()
