"""A gate with neighbours in a process of its own: `python -m tests.support.neighbours_process URL FOLDER PORT MORE`."""

import asyncio
import sys
from pathlib import Path

from aiohttp import web

import tickets.schema  # noqa: F401  every room's tables belong to the metadata
from config.clock import utc_now
from gateway.app import build_app
from store.engine import open_store
from tests.support.gate_house import dependencies


async def main(url: str, folder: Path, port: int, more: str) -> None:
    runner = web.AppRunner(build_app(dependencies(open_store(url), folder, utc_now, more=more)))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
