"""Tells systemd how this process is doing (sd_notify(3)): one datagram to $NOTIFY_SOCKET. Silent outside of a unit."""

import os
import socket
from collections.abc import Mapping
from datetime import timedelta

READY = "READY=1"
STOPPING = "STOPPING=1"
WATCHDOG = "WATCHDOG=1"


def notify(*states: str, environ: Mapping[str, str] | None = None) -> bool:
    """Send states such as READY or `status("…")`; return whether there was a systemd to tell."""
    address = (os.environ if environ is None else environ).get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):  # abstract namespace (unix(7))
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as telling:
        try:
            telling.connect(address)
            telling.sendall("\n".join(states).encode())
        except OSError:
            return False  # a service must not fail because nobody listens
    return True


def status(text: str) -> str:
    """Return the state that `systemctl status` shows as text."""
    return f"STATUS={' '.join(text.split())}"


def watchdog_interval(environ: Mapping[str, str] | None = None) -> timedelta | None:
    """Return how often to send WATCHDOG: half of what the unit allows (sd_watchdog_enabled(3)); None: never."""
    variables = os.environ if environ is None else environ
    allowed = variables.get("WATCHDOG_USEC", "")
    meant_for = variables.get("WATCHDOG_PID", str(os.getpid()))
    if not allowed.isdecimal() or int(allowed) == 0 or meant_for != str(os.getpid()):
        return None
    return timedelta(microseconds=int(allowed) // 2)
