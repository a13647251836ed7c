"""What systemd gives a process and hears from it, where files stand, and the gate's own secret."""

import os
import socket
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from config import paths, systemd
from config.gate_secret import FILE, GateSecretError, create_gate_secret, load_gate_secret


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """A service manager that listens, and its address as a unit sees it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        address = str(tmp_path / "notify") if request.param == "path" else f"@usher-test-{os.getpid()}"
        listening.bind(address.replace("@", "\0", 1))
        listening.settimeout(5)
        yield listening, {"NOTIFY_SOCKET": address}


def test_systemd_hears_each_state(manager):
    listening, environ = manager
    assert systemd.notify(systemd.READY, systemd.status("watching\n3 chains"), environ=environ)
    assert listening.recv(1000) == b"READY=1\nSTATUS=watching 3 chains"
    assert systemd.notify(systemd.WATCHDOG, environ=environ)
    assert listening.recv(1000) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    "environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:1:2"}, {"NOTIFY_SOCKET": "/none"}]
)
def test_without_a_manager_nothing_happens(environ):
    assert systemd.notify(systemd.READY, environ=environ) is False


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "x"}, None),
        ({"WATCHDOG_USEC": "30000000"}, timedelta(seconds=15)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, timedelta(seconds=15)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_asked_and_only_by_the_process_meant(environ, interval):
    assert systemd.watchdog_interval(environ) == interval


def test_a_units_directories_win_over_the_users():
    environ = {
        "CONFIGURATION_DIRECTORY": "/etc/usher",
        "STATE_DIRECTORY": "/var/lib/usher:/var/lib/more",
        "RUNTIME_DIRECTORY": "/run/usher",
        "CREDENTIALS_DIRECTORY": "/run/credentials/usher.service",
    }
    assert paths.config_file(environ) == Path("/etc/usher/usher.toml")
    assert paths.state_directory(environ) == Path("/var/lib/usher")
    assert paths.runtime_directory(environ) == Path("/run/usher")
    assert paths.credentials_directory(environ) == Path("/run/credentials/usher.service")
    assert paths.config_file({**environ, "USHER_CONFIG": "/elsewhere.toml"}) == Path("/elsewhere.toml")
    assert paths.credentials_directory({}) is None


def test_outside_of_a_unit_the_users_own_directories_are_taken(monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", "/home/ann/config")
    monkeypatch.setenv("XDG_STATE_HOME", "/home/ann/state")
    assert paths.config_file({}) == Path("/home/ann/config/usher/usher.toml")
    assert paths.state_directory({}) == Path("/home/ann/state/usher")


def test_the_gates_secret_is_made_once_and_for_its_owners_eyes(tmp_path):
    file = create_gate_secret(tmp_path)
    secret = load_gate_secret(tmp_path)
    assert len(secret) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert create_gate_secret(tmp_path) == file
    assert load_gate_secret(tmp_path) == secret


@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [
        (None, 0o600, "does not exist; `usher init` makes one"),
        ("00" * 32, 0o640, "chmod 600"),
        ("no hex", 0o600, "is not 32 bytes in hex"),
        ("é", 0o600, "is not 32 bytes in hex"),
        ("00" * 16, 0o600, "holds less than 32 bytes"),
    ],
)
def test_a_secret_that_cannot_be_used_says_what_to_do(tmp_path, text, mode, reason):
    if text is not None:
        (tmp_path / FILE).write_text(text)
        (tmp_path / FILE).chmod(mode)
    with pytest.raises(GateSecretError, match=reason):
        load_gate_secret(tmp_path)
