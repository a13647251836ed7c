"""A PostgreSQL of its own for a test that stops and starts it again."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.postgres import UNPRIVILEGED, binaries
from tests.support.programs import free_port, scratch


@dataclass(frozen=True, slots=True)
class Server:
    """A server that can be stopped without warning."""

    folder: Path
    port: int
    user: str | None

    @property
    def url(self) -> str:
        """Its maintenance database."""
        return f"postgresql://usher@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._tool("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        """Stop as if the power had failed."""
        self._tool("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")

    def _tool(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [binaries() / name, *arguments],
            check=True, cwd=self.folder, user=self.user, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip


@contextlib.contextmanager
def own_server() -> Iterator[Server]:
    """Make a server, start it, and take it away afterwards."""
    folder, user = scratch("own-postgres"), UNPRIVILEGED if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    server = Server(folder, free_port(), user)
    try:
        server._tool("initdb", "-D", "data", "-U", "usher", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
