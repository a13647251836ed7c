"""The guides' commands, typed as they stand there, on a machine of their own and against real nodes."""

import json
import os
import sys
import urllib.error
import urllib.request

import pytest
from typer.testing import CliRunner

from tests.support import e2e_guides as docs
from tests.support.anvil import anvil_node
from tests.support.programs import ROOT, free_port, running
from usher.cli.app import app
from usher.demo.keys import fresh_xpub

OPERATOR, CREATOR = "docs/guides/operator.md", "docs/guides/creator.md"
ACCOUNT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
RECEIVE = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
LATER = {"2027-": "2099-"}  # so that the creator's event is never over


class Machine:
    """A fresh machine with Usher installed, and somebody who types what a guide shows."""

    def __init__(self, home, fill_in):
        self.fill_in = fill_in
        self.gate, self.metrics = free_port(), free_port()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_STATE_HOME": str(home / "state"),
            "USHER_GATE__PORT": str(self.gate),
            "USHER_METRICS__PORT": str(self.metrics),
        }
        self.settings = home / "config" / "usher" / "usher.toml"

    def type(self, words):
        """Type a command of a guide with its placeholders filled in; returns its exit status and what it printed."""
        done = CliRunner().invoke(app, [*self.filled(words), "--json"], env=self.environment)
        return done.exit_code, json.loads(done.stdout) if done.stdout.strip() else done.stderr

    def do(self, words):
        """Type a command that must succeed."""
        status, printed = self.type(words)
        assert status == 0, printed
        return printed

    def filled(self, words):
        program, *rest = words
        assert program == "usher"
        for placeholder, value in self.fill_in.items():
            rest = [word.replace(placeholder, value) for word in rest]
        return rest

    def running(self, words, *, ready):
        """Run a service of a guide in a process of its own."""
        command = [sys.executable, "-m", "usher", *self.filled(words)]
        return running(command, ready=ready, folder=ROOT, environment=self.environment, seconds=60)

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.gate}/readyz", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def chain(self):
        [one] = self.do(shown(OPERATOR, "usher chains list"))
        return one


def shown(name, start):
    """The one command of a page that begins like this."""
    found = [
        words
        for words in docs.commands(name) + docs.spoken_commands(name)
        if words[: len(start.split())] == start.split()
    ]
    assert found, f"{name} shows no {start!r}"
    return max(found, key=len)


@pytest.fixture(scope="module")
def mainnet():
    """A node that says it is Ethereum, with a block of this moment."""
    with anvil_node(1) as node:
        node.mine()
        yield node


@pytest.fixture(scope="module")
def polygon():
    with anvil_node(137) as node:
        node.mine()
        yield node


def operator(home, node):
    return Machine(home, {"https://your.node": node.url, "0xYourAddress": RECEIVE, "xpub6…": fresh_xpub()})


def test_what_the_operators_guide_shows_brings_usher_up(mainnet, tmp_path):
    machine = operator(tmp_path, mainnet)
    assert machine.do(shown(OPERATOR, "usher init"))["database"] == "created"
    findings = machine.do(shown(OPERATOR, "usher doctor"))
    assert {finding["level"] for finding in findings} <= {"ok", "warning"}
    with machine.running(shown(OPERATOR, "usher run"), ready=machine.is_ready):
        assert machine.chain()["status"] == "following"
        assert machine.do(shown(OPERATOR, "usher payments list")) == []
        rotated = machine.do(shown(OPERATOR, "usher keys rotate"))
    assert (rotated["kind"], rotated["next"]) == ("ticket", "restart usher gate and usher watch")


def test_a_chain_that_stopped_goes_on_as_the_operators_guide_says(mainnet, tmp_path):
    machine, watch = operator(tmp_path, mainnet), ["usher", "watch"]
    machine.do(shown(OPERATOR, "usher init"))
    with machine.running(watch, ready=lambda: machine.chain()["status"] == "following"):
        mainnet.rpc("anvil_setChainId", 137)  # the node's operator moves it to another chain
    with machine.running(watch, ready=lambda: machine.chain()["status"] == "stopped"):
        assert "speaks for eip155:137, not eip155:1" in machine.chain()["reason"]
    status, findings = machine.type(shown(OPERATOR, "usher doctor"))
    assert (status, "failed" in {finding["level"] for finding in findings}) == (1, True)
    mainnet.rpc("anvil_setChainId", 1)
    mainnet.mine()
    machine.do(shown(OPERATOR, "usher chains resume"))
    with machine.running(watch, ready=lambda: machine.chain()["tip"] == mainnet.height()):
        assert machine.chain()["status"] == "following"
    status, complaint = machine.type(shown(OPERATOR, "usher chains resume"))
    assert (status, complaint) == (1, "usher: eip155:1 is not stopped\n")


def test_what_the_creators_guide_shows_publishes_an_event_and_ends_it(mainnet, polygon, tmp_path):
    machine = Machine(tmp_path, {"0xYourAccount": ACCOUNT, "0xAccount": ACCOUNT, "…": "rain", **LATER})
    endpoints = [
        word
        for chain, node in (("eip155:1", mainnet), ("eip155:137", polygon))
        for word in ("--endpoint", f"{chain}={node.url}")
    ]
    machine.do(["usher", "init", "--receive", RECEIVE, *endpoints])
    event = machine.do(shown(CREATOR, "usher events create"))
    prices = {price["currency"]: price["amount"] for price in event["tiers"][0]["prices"]}
    assert (event["slug"], event["tiers"][0]["capacity"], prices) == ("first-light", 100, {"ETH": "0.01", "USDC": "25"})
    granted = machine.do(shown(CREATOR, "usher tickets grant"))
    assert granted["account"].endswith(ACCOUNT)
    cancelled = machine.do(shown(CREATOR, "usher events cancel"))
    assert cancelled["status"] == "cancelled"
