"""How much memory the two services hold once they run: resident set of `usher watch` and of `usher gate`, idle."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from bench.report import Result, report
from usher.demo.stage import Cli, Node, anvil_program, free_port, until_answering, usher_command
from usher.demo.wallet import Wallet, fresh_xpub

CHAIN = "eip155:31337"


async def measure() -> list[Result]:
    """Start a node and both services, and read what the kernel says of them."""
    with tempfile.TemporaryDirectory(prefix="usher-bench-") as name:
        folder = Path(name)
        gate, metrics, node_port = free_port(), free_port(), free_port()
        anvil = [anvil_program(), "--host", "127.0.0.1", "--port", str(node_port), "--chain-id", "31337", "--silent"]
        async with aiohttp.ClientSession() as http, _running(anvil):
            await Node(url=f"http://127.0.0.1:{node_port}", http=http).ready()
            cli = Cli(config=folder / "usher.toml")
            await cli.initialise(
                folder, chain=CHAIN, node=f"http://127.0.0.1:{node_port}", receive=Wallet.fresh("platform").address,
                xpub=fresh_xpub(), port=gate, metrics_port=metrics,
            )  # fmt: skip
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
