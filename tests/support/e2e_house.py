"""A whole deployment as an operator runs it: `usher init`, events from the command line, `usher run`, a real node."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from config.clock import utc_now
from tests.support.anvil import Anvil, anvil_node
from tests.support.programs import ROOT, free_port, listens, running, scratch
from usher.demo.keys import fresh_xpub

CHAIN = "eip155:31337"
RECEIVE = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
WIDE = {"USHER_GATE__LIMITS__PURCHASES_PER_MINUTE": "100000"}
"""All visitors come from one address, and whoever waits for the first sale asks often."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """A deployment that is up, with the doors that its people use."""

    config: Path
    url: str  # of the gate
    anvil: Anvil

    def usher(self, *words: str) -> Any:
        """Type a command that must succeed and return what it prints."""
        return usher("--config", str(self.config), *words, "--json")

    @contextlib.contextmanager
    def another_gate(self, port: int) -> Iterator[str]:
        """Run one more gate on this deployment's database; its URL."""
        url = f"http://127.0.0.1:{port}"
        serve = [sys.executable, "-m", "usher", "--config", str(self.config), "gate"]
        own = {"USHER_GATE__PORT": str(port), "USHER_GATE__PUBLIC_URL": url, "USHER_METRICS__PORT": str(free_port())}
        with running(serve, ready=lambda: listens(port), folder=ROOT, environment={**os.environ, **WIDE, **own}):
            yield url

    def order(self, event: str) -> dict[str, Any]:
        """Place an order that nobody is going to pay."""
        return _place(self.url, event)


def usher(*words: str, environment: dict[str, str] | None = None) -> Any:
    """Run the program `usher` and return the JSON it prints."""
    command = [sys.executable, "-m", "usher", *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, f"usher {' '.join(words)}: {done.stderr or done.stdout}"
    return json.loads(done.stdout)


@contextlib.contextmanager
def deployed(
    page_origin: str, *, events: Mapping[str, Sequence[str]], environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Deployment]:
    """Run a deployment with events whose doors are open, sold in ether, and one page that may use the API.

    `events` maps slugs to further options of `usher events create`, `environment` holds further settings.
    """
    folder, gate, metrics = scratch("e2e"), free_port(), free_port()
    url = f"http://127.0.0.1:{gate}"
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        anvil = stack.enter_context(anvil_node())
        usher(
            "init", "--directory", str(folder), "--network", "test", "--chain", CHAIN,
            "--endpoint", f"{CHAIN}={anvil.url}", "--receive", RECEIVE, "--xpub", fresh_xpub(),
            "--port", str(gate), "--metrics-port", str(metrics), "--public-url", url, "--json",
        )  # fmt: skip
        house = Deployment(config=folder / "usher.toml", url=url, anvil=anvil)
        for slug, options in {**events, REHEARSAL: ()}.items():
            publish(house, slug, "--page-origin", page_origin, *options)
        serve = [sys.executable, "-m", "usher", "--config", str(house.config), "run"]
        settings = {**os.environ, **WIDE, **environment}
        stack.enter_context(running(serve, ready=lambda: _sells(url), folder=ROOT, seconds=60, environment=settings))
        yield house


def publish(house: Deployment, slug: str, *options: str) -> None:
    """Create an event that has begun."""
    now = utc_now()
    times = {"--starts-at": now, "--ends-at": now + timedelta(hours=3), "--sales-end": now + timedelta(hours=2)}
    house.usher(
        "events", "create", "--slug", slug, "--title", slug, "--space-id", "cave", "--capacity", "10",
        "--price", "eth=0.05", *options,
        *(word for flag, at in times.items() for word in (flag, at.isoformat(timespec="seconds"))),
    )  # fmt: skip


REHEARSAL = "rehearsal"
"""An event of which nothing is wanted but to know that orders get addresses of their own by now."""


def _sells(url: str) -> bool:
    """Whether orders can be placed by now: after a first poll, and with addresses that are watched."""
    try:
        _place(url, REHEARSAL)
    except (urllib.error.URLError, ConnectionError):
        return False
    return True


def _place(url: str, event: str) -> dict[str, Any]:
    wish = json.dumps({"event_id": event, "payment_method": "eth", "wallet_address": RECEIVE, "hold": False})
    request = urllib.request.Request(  # noqa: S310  loopback
        f"{url}/api/events/purchase", wish.encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  loopback
        order: dict[str, Any] = json.load(answer)
        return order
