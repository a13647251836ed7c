"""The demo is the walk that every new user takes first: it is run here as they run it, on every family."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.anvil import anvil_path
from tests.support.programs import ROOT
from usher.demo.grounds import GROUNDS

STEPS = (
    "link, as text and as QR code",
    "Ada's wallet paid what the link said, nothing else",
    "The watcher sees the payment:",
    "A signed ticket was minted",
    "`usher tickets list` shows Ben's ticket",
    "Ada signed it, and the door opened",
    "TURN credentials",
    "Ada's presence socket saw a second visitor come in",
    "The same proof a second time",
    "Another wallet's signature",
    "A wallet without a ticket",
    "A text ten minutes old",
    "Something else took its place, and the watcher proved it gone",
    "No ticket came of it",
)
OWN = {
    "ethereum": ("The ERC-681 link", "The transaction for a browser's wallet", "The watcher understood the memo"),
    "bitcoin": ("The BIP-21 link", "The watcher understood the memo"),
    "solana": ("The Solana Pay link", "The watcher understood the memo"),
    "hive": ("The hive://sign link", "The watcher understood the memo"),
    "monero": ("The monero: link", "no memo can travel along"),
}
"""What happens on one family alone."""


def demo(*arguments, path=None):
    command = [sys.executable, "-m", "usher.demo", "--once", *arguments]
    environment = None if path is None else {"PATH": path, "HOME": "/nonexistent"}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, env=environment)


@pytest.mark.parametrize("chain", GROUNDS)
def test_the_whole_story_happens_on_every_family_and_ends_by_itself(chain):
    told = demo("--chain", chain, *(("--anvil", anvil_path()) if chain == "ethereum" else ()))
    assert told.returncode == 0, told.stdout + told.stderr
    assert [step for step in (*STEPS, *OWN[chain]) if step not in told.stdout] == []


def test_a_chain_that_is_none_is_refused_in_words():
    told = demo("--chain", "dogecoin")
    assert told.returncode == 2
    words = " ".join(told.stderr.replace("│", " ").split())
    assert "there are ethereum, bitcoin, solana, hive, monero and all" in words


def test_a_step_that_does_not_happen_ends_it_with_an_error(tmp_path):
    broken = tmp_path / "anvil"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    told = demo("--anvil", str(broken))
    assert told.returncode == 1
    assert "The story broke off" in told.stdout
    assert "Traceback" not in told.stdout + told.stderr
    kept = next(line for line in told.stdout.splitlines() if "are kept in" in line).rpartition(" ")[2]
    assert Path(kept, "anvil.log").exists()
