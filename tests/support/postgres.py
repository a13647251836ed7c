"""A real PostgreSQL for the tests: the machine's own binaries, else the `pgserver` wheel. Started once per session."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.programs import free_port, running, scratch

UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root."""


def binaries() -> Path:
    """Return the folder that holds initdb and postgres."""
    given = os.environ.get("USHER_POSTGRES_BIN")
    if given:
        return Path(given)
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    found = shutil.which("initdb")
    if installed or found:
        return (installed[0] if installed else Path(str(found)).resolve()).parent
    import pgserver  # noqa: PLC0415  34 MB, only where the machine has no PostgreSQL

    return Path(pgserver.__file__).parent / "pginstall" / "bin"


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """Run a server and hand out the URL of its maintenance database, without a database name."""
    folder, port, user = scratch("postgres"), free_port(), UNPRIVILEGED if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data, tools = folder / "data", binaries()
    subprocess.run(
        [tools / "initdb", "-D", data, "-U", "usher", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"],
        check=True, capture_output=True, user=user, cwd=folder,
    )  # fmt: skip
    settings = (
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "max_connections=200",
        "listen_addresses=127.0.0.1",
    )
    command = [str(tools / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder)]
    for setting in settings:
        command += ["-c", setting]
    try:
        with running(command, ready=lambda: answers(tools, port), user=user, folder=folder):
            yield f"postgresql://usher@127.0.0.1:{port}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def answers(tools: Path, port: int) -> bool:
    """Whether the server lets people in: its port opens while it is still starting up."""
    asked = subprocess.run([tools / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False)
    return asked.returncode == 0
