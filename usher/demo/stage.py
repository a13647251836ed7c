"""What the story plays on: a folder, programs, and Usher's own processes. No step of the story stands here."""

import asyncio
import contextlib
import json
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from usher.demo.ground import Deployment

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


class StageError(Exception):
    """Something that the story needs did not start or did not answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cli:
    """The command line door."""

    config: Path

    async def __call__(self, *arguments: str) -> Any:
        """Run `usher … --json` and return what it printed."""
        return await self._run("--config", str(self.config), *arguments, "--json")

    async def initialise(
        self, folder: Path, *, chain: str, deployment: Deployment, port: int, metrics_port: int
    ) -> None:
        """Set a deployment up with `usher init`."""
        await self._run(
            "init", "--directory", str(folder), "--network", "test", "--chain", chain,
            "--receive", deployment.receive, *deployment.options, "--port", str(port),
            "--metrics-port", str(metrics_port), "--public-url", f"http://127.0.0.1:{port}", "--json",
        )  # fmt: skip

    def add_turn(self, turn_uri: str) -> None:
        """Let the gate hand out TURN credentials, as an operator does who edits the settings."""
        table = f'\n[turn]\nuris = ["{turn_uri}"]\nsecret = "{secrets.token_hex(32)}"\nrealm = "localhost"\n'
        with self.config.open("a", encoding="utf-8") as settings:
            settings.write(table)

    async def _run(self, *arguments: str) -> Any:
        command = (*usher_command(), *arguments)
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        printed, complaint = await process.communicate()
        if process.returncode:
            raise StageError(f"usher {' '.join(arguments)}: {complaint.decode().strip() or printed.decode().strip()}")
        return json.loads(printed) if printed.strip() else None


def usher_command() -> tuple[str, ...]:
    """Return how this very installation's `usher` is started."""
    return (sys.executable, "-m", "usher")


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def program(name: str, *known: Path) -> Path | None:
    """Return where a program is: at one of the known places, or on the PATH."""
    on_path = shutil.which(name)
    return next((path for path in known if path.exists()), Path(on_path) if on_path else None)


@contextlib.asynccontextmanager
async def process(
    command: Sequence[str], *, log: Path, at: Path | None = None, ready: Callable[[], Awaitable[None]] | None = None
) -> AsyncIterator[None]:
    """Run a program with its output in a file until it is ready, if that is asked for; end it by its own process id."""
    with log.open("wb") as output:
        running = await asyncio.create_subprocess_exec(
            *command, stdout=output, stderr=output, start_new_session=True, cwd=at
        )
        try:
            if ready is not None:
                await _first(ready(), running, log)
            yield
            if running.returncode is not None:
                raise StageError(f"{command[0]} ended by itself; see {log}")
        finally:
            if running.returncode is None:
                running.send_signal(signal.SIGTERM)
                await running.wait()


async def _first(ready: Awaitable[None], running: asyncio.subprocess.Process, log: Path) -> None:
    """Wait until a program is ready; raises StageError where it ends before."""
    waiting, ended = asyncio.ensure_future(ready), asyncio.create_task(running.wait())
    try:
        await asyncio.wait((waiting, ended), return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise StageError(f"it ended before it was ready; see {log}")
        await waiting
    finally:
        waiting.cancel()
        ended.cancel()


async def until_answering(http: aiohttp.ClientSession, url: str, *, log: Path) -> None:
    """Wait until a GET is answered with 200."""
    answer = "no answer"
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            while True:
                try:
                    async with http.get(url) as response:
                        if response.status == HTTP_OK:
                            return
                        answer = (await response.text())[:500]
                except aiohttp.ClientError as error:
                    answer = str(error)
                await asyncio.sleep(0.1)
    raise StageError(f"{url} did not become ready ({answer}); see {log}")


HTTP_OK = 200
