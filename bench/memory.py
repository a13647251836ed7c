"""How much memory the two services hold once they run: resident set of `usher watch` and of `usher gate`, idle."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from bench.report import Result, report
from usher.demo.grounds import evm
from usher.demo.stage import Cli, free_port, until_answering, usher_command


async def measure() -> list[Result]:
    """Start a node and both services, and read what the kernel says of them."""
    with tempfile.TemporaryDirectory(prefix="usher-bench-") as name:
        folder = Path(name)
        gate, metrics = free_port(), free_port()
        async with aiohttp.ClientSession() as http, evm.opened(folder, http) as ground:
            cli = Cli(config=folder / "usher.toml")
            deployment = await ground.deployment()
            await cli.initialise(folder, chain=ground.chain, deployment=deployment, port=gate, metrics_port=metrics)
            watch = await _resident(http, cli, "watch", f"http://127.0.0.1:{metrics}/metrics", folder)
            door = await _resident(http, cli, "gate", f"http://127.0.0.1:{gate}/healthz", folder)
    return [
        Result(name="memory of usher watch, one chain", value=watch, unit="MiB"),
        Result(name="memory of usher gate", value=door, unit="MiB"),
    ]


async def _resident(http: aiohttp.ClientSession, cli: Cli, command: str, url: str, folder: Path) -> float:
    async with _running([*usher_command(), "--config", str(cli.config), command]) as process_id:
        await until_answering(http, url, log=folder)
        status = await asyncio.to_thread(Path(f"/proc/{process_id}/status").read_text)
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return round(int(resident.split()[1]) / 1024, 1)


@contextlib.asynccontextmanager
async def _running(command: list[str]) -> AsyncIterator[int]:
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    try:
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


if __name__ == "__main__":
    report(asyncio.run(measure()))
