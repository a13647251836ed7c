"""The demo is the walk that every new user takes first: it is run here as they run it."""

import subprocess
import sys
from pathlib import Path

from tests.support.anvil import anvil_path
from tests.support.programs import ROOT

STEPS = (
    "The ERC-681 link, as text and as QR code",
    "The transaction for a browser's wallet, memo included",
    "The watcher sees the payment: 2 of 2 confirmations",
    "A signed ticket was minted",
    "The watcher understood the memo and minted",
    "Ada signed it, and the door opened",
    "TURN credentials",
    "Ada's presence socket saw a second visitor come in",
    "The same proof a second time",
    "Another wallet's signature",
    "A text ten minutes old",
    "A reorg replaced it, and the watcher proved it gone",
    "No ticket came of it",
)


def demo(anvil):
    command = [sys.executable, "-m", "usher.demo", "--once", "--anvil", str(anvil)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def test_the_whole_story_happens_and_ends_by_itself():
    told = demo(anvil_path())
    assert told.returncode == 0, told.stdout + told.stderr
    assert [step for step in STEPS if step not in told.stdout] == []


def test_a_step_that_does_not_happen_ends_it_with_an_error(tmp_path):
    broken = tmp_path / "anvil"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    told = demo(broken)
    assert told.returncode == 1
    assert "The story broke off" in told.stdout
    assert "Traceback" not in told.stdout + told.stderr
    kept = next(line for line in told.stdout.splitlines() if "are kept in" in line).rpartition(" ")[2]
    assert Path(kept, "anvil.log").exists()
