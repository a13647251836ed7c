"""A real coturn lets our credentials allocate, and neither expired nor forged ones."""

import subprocess
from collections.abc import Iterator
from datetime import timedelta

import pytest

from config.clock import utc_now
from gateway import turn
from gateway.turn import TurnCredential
from tests.support.programs import MissingProgramError, free_port, listens, program, running, scratch

SECRET = "a secret that the gate and coturn share"
HINT = "the Debian package coturn has turnserver and turnutils_uclient: `apt install coturn`"


def tool(name: str) -> str:
    try:
        return program(name, variable=name.upper())
    except MissingProgramError as missing:
        raise AssertionError(HINT) from missing


@pytest.fixture(scope="module")
def coturn() -> Iterator[int]:
    """A TURN server on loopback that shares our secret; its port."""
    folder, port = scratch("coturn"), free_port()
    options = {
        "listening-ip": "127.0.0.1",
        "relay-ip": "127.0.0.1",
        "listening-port": str(port),
        "realm": "house.test",
        "static-auth-secret": SECRET,
        "pidfile": str(folder / "pid"),
        "userdb": str(folder / "db"),
        "log-file": "stdout",
    }
    flags = ("use-auth-secret", "fingerprint", "no-tls", "no-dtls", "no-cli", "allow-loopback-peers")
    file = folder / "turnserver.conf"
    file.write_text("\n".join([*(f"{name}={value}" for name, value in options.items()), *flags]))
    with running([tool("turnserver"), "-c", str(file)], ready=lambda: listens(port), folder=folder):
        yield port


def credential(*, secret: str = SECRET, ttl: timedelta = timedelta(minutes=10)) -> TurnCredential:
    """A credential by the machine's clock, which is coturn's too."""
    return turn.issue(secret, session_id="5e551011", uris=["turn:127.0.0.1"], ttl=ttl, now=utc_now())


def allocates(port: int, username: str, password: str) -> bool:
    """Whether two clients get an allocation each and send three messages through it."""
    client = [tool("turnutils_uclient"), "-y", "-c", "-n", "3", "-u", username, "-w", password, "-p", str(port)]
    return subprocess.run([*client, "127.0.0.1"], capture_output=True, timeout=60, check=False).returncode == 0


def test_a_credential_of_ours_allocates(coturn):
    given = credential()
    assert allocates(coturn, given.username, given.password)


def test_an_expired_credential_does_not(coturn):
    given = credential(ttl=timedelta(seconds=-1))
    assert not allocates(coturn, given.username, given.password)


def test_a_credential_made_with_another_secret_does_not(coturn):
    given = credential(secret="somebody else's secret")
    assert not allocates(coturn, given.username, given.password)


def test_a_credential_whose_time_was_put_off_does_not(coturn):
    given = credential()
    later = int(given.username.partition(":")[0]) + 3600
    assert not allocates(coturn, f"{later}:5e551011", given.password)
