"""Finds and starts the real programs that tests run against, on free ports and in temporary folders, and stops them."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NODE_MODULES = Path(os.environ.get("USHER_NODE_MODULES", ROOT / ".nodes" / "node_modules"))


class MissingProgramError(Exception):
    """A program that the tests need is not installed; `make nodes` installs it."""


class OutdatedProgramError(Exception):
    """The program that was found is too old for these tests; `make nodes` installs another."""


def program(name: str, *, variable: str, also: Sequence[Path] = ()) -> str:
    """Return the path of a program: from the environment, a known folder, or the PATH. A missing one is loud."""
    candidates = [
        os.environ.get(variable),
        *(str(path) for path in also if path.exists()),
        shutil.which(name),
    ]
    found = next((candidate for candidate in candidates if candidate), None)
    if found is None:
        raise MissingProgramError(f"{name}: set {variable} or run `make nodes`")
    return found


def new_enough(path: str, oldest: tuple[int, int], *, option: str = "--version") -> str:
    """Return the path of a program whose version will do, wherever it was found. Raises OutdatedProgramError."""
    said = subprocess.run([path, option], capture_output=True, text=True, check=False, timeout=20).stdout
    match = re.search(r"version:? v?(\d+)\.(\d+)", said, re.IGNORECASE)
    if match is None or (int(match[1]), int(match[2])) < oldest:
        wanted = ".".join(map(str, oldest))
        raise OutdatedProgramError(f"{path} says {said[:80].strip()!r}; {wanted} or newer is needed: run `make nodes`")
    return path


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def scratch(prefix: str) -> Path:
    """Make a temporary folder, in memory where the machine has such a place."""
    memory = Path("/dev/shm")  # noqa: S108  nodes write a lot; the folder itself is made unpredictable
    return Path(tempfile.mkdtemp(prefix=f"usher-{prefix}-", dir=memory if memory.is_dir() else None))


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    ready: Callable[[], bool],
    seconds: float = 20,
    user: str | int | None = None,
    environment: dict[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until it is ready, hand it out, and stop it by its own process id."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            user=user,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + seconds
            while not ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    output.seek(0)
                    said = output.read()[-2000:].decode(errors="replace")
                    raise RuntimeError(f"{command[0]} did not become ready: {said}")
                time.sleep(0.02)  # a program's start has no event to wait for
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def listens(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
