"""Opens a port for an application, with the bounds that keep one connection from costing much. No route stands here."""

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

DRAIN_SECONDS = 10
"""What is under way when the service stops may take so long."""
IDLE_SECONDS = 75
"""A connection without a request is closed then; aiohttp would keep it for an hour."""
LINGER_SECONDS = 1
"""How long the rest of a body that was refused is still read, so that the client sees why."""
BACKLOG = 1024


@contextlib.asynccontextmanager
async def listening(app: web.Application, host: str, port: int) -> AsyncIterator[None]:
    """Serve `app` until the end of the block; then let what is under way finish.

    Bodies are never inflated: compressed ones are refused, and a refused one is still read for as long as we linger, so
    that a megabyte sent would cost a gigabyte here.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=IDLE_SECONDS,
        lingering_time=LINGER_SECONDS,
        shutdown_timeout=DRAIN_SECONDS,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
        yield
    finally:
        await runner.cleanup()
