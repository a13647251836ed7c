"""A real coturn lets our credentials allocate, and neither expired nor forged ones."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from config.clock import utc_now
from gateway.gate import turn
from gateway.gate.turn import TurnCredential
from tests.support.programs import ROOT, MissingProgramError, free_port, listens, program, running, scratch

SHIPPED = ROOT / "deploy" / "coturn" / "turnserver.conf"
SECRET = "a secret that the gate and coturn share"
HINT = "the Debian package coturn has turnserver and turnutils_uclient: `apt install coturn`"


def tool(name: str) -> str:
    try:
        return program(name, variable=name.upper())
    except MissingProgramError as missing:
        raise AssertionError(HINT) from missing


@contextmanager
def server(*, loopback_peers: bool) -> Iterator[int]:
    """A TURN server on loopback with the configuration we ship; its port."""
    folder, port = scratch("coturn"), free_port()
    dropped = ("listening-port=", "realm=", *(("denied-peer-ip=127.",) if loopback_peers else ()))
    shipped = [line for line in SHIPPED.read_text().splitlines() if not line.startswith(dropped)]
    own = [
        "listening-ip=127.0.0.1",
        "relay-ip=127.0.0.1",
        f"listening-port={port}",
        "realm=house.test",
        f"static-auth-secret={SECRET}",
        f"pidfile={folder / 'pid'}",
        f"userdb={folder / 'db'}",
        *(["allow-loopback-peers"] if loopback_peers else []),
    ]
    file = folder / "turnserver.conf"
    file.write_text("\n".join(shipped + own))
    with running([tool("turnserver"), "-c", str(file)], ready=lambda: listens(port), folder=folder):
        yield port


@pytest.fixture(scope="module")
def coturn() -> Iterator[int]:
    """A server that relays to this machine, too: the test's two clients are each other's peers."""
    with server(loopback_peers=True) as port:
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


def test_as_shipped_it_relays_to_nobody_inside():
    given = credential()
    with server(loopback_peers=False) as port:
        assert not allocates(port, given.username, given.password)
