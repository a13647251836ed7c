"""The demo is the walk that every new user takes first: it is run here as they run it, on every chain."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.anvil import anvil_path
from tests.support.programs import ROOT
from usher.demo import __main__ as program
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
EVM = ("The ERC-681 link", "The transaction for a browser's wallet", "The watcher understood the memo")
OWN = {
    "ethereum": (*EVM, "0.05 ETH"),
    "polygon": (*EVM, "25 POL"),
    "bnb": (*EVM, "0.02 BNB"),
    "bitcoin": ("The BIP-21 link", "The watcher understood the memo"),
    "solana": ("The Solana Pay link", "The watcher understood the memo"),
    "hive": ("The hive://sign link", "The watcher understood the memo"),
    "monero": ("The monero: link", "no memo can travel along"),
}
"""What happens on one chain alone."""
CALLED_BY_THE_INSTALLER = ("sh", "dirname", "mkdir")


def demo(*arguments, folder=ROOT, path=None):
    command = [sys.executable, "-m", "usher.demo", "--once", *arguments]
    environment = None if path is None else {"PATH": path, "HOME": "/nonexistent"}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, env=environment)


def test_the_story_is_told_on_all_seven_chains():
    assert [*GROUNDS] == ["ethereum", "polygon", "bnb", "bitcoin", "solana", "hive", "monero"]


@pytest.mark.parametrize("chain", GROUNDS)
def test_the_whole_story_happens_on_every_chain_and_ends_by_itself(chain):
    told = demo("--chain", chain, *(("--anvil", anvil_path()) if EVM[0] in OWN[chain] else ()))
    assert told.returncode == 0, told.stdout + told.stderr
    assert [step for step in (*STEPS, *OWN[chain]) if step not in told.stdout] == []


@pytest.fixture
def python_alone(tmp_path):
    """A checkout in which nothing was installed, and a PATH with no more than its installer calls."""
    rooms = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=True).stdout.split("\n")
    for name in {name.partition("/")[0] for name in rooms if "/" in name}:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    path = tmp_path / "path"
    path.mkdir()
    for name in CALLED_BY_THE_INSTALLER:
        (path / name).symlink_to(shutil.which(name))
    return tmp_path, str(path)


def test_with_nothing_but_python_it_is_told_on_solanas_own_runtime(python_alone):
    folder, path = python_alone
    installer = ["sh", "tests/nodes/install.sh", "--for-demo"]
    subprocess.run(installer, cwd=folder, env={"PATH": path}, check=True)
    told = demo(folder=folder, path=path)
    assert told.returncode == 0, told.stdout + told.stderr
    assert [step for step in (*STEPS, *OWN["solana"]) if step not in told.stdout] == []


def test_with_nothing_but_python_other_chains_say_what_they_lack(python_alone):
    folder, path = python_alone
    told = demo("--chain", "polygon", folder=folder, path=path)
    assert told.returncode == 1
    assert "anvil is not installed: run `make demo`" in told.stdout


@pytest.fixture
def stories(monkeypatch):
    """By chain whether its story was to end by itself; and those whose story is to break off."""
    told = {}

    def note(_console, opened, *, once, keep):
        assert not keep
        told[opened] = once
        return opened not in broken

    broken = set()
    monkeypatch.setattr(program, "GROUNDS", {name: lambda _anvil, name=name: name for name in GROUNDS})
    monkeypatch.setattr(program, "_told", note)
    return told, broken


def test_all_chains_are_told_of_one_after_the_other_and_the_last_one_stays_up(stories):
    told, _ = stories
    program.main(chain="all")
    assert told == {**dict.fromkeys(GROUNDS, True), "monero": False}


def test_a_story_that_breaks_off_ends_all_of_them_with_an_error(stories):
    told, broken = stories
    broken.add("hive")
    with pytest.raises(SystemExit) as ended:
        program.main(chain="all", once=True)
    assert (ended.value.code, [*told]) == (1, ["ethereum", "polygon", "bnb", "bitcoin", "solana", "hive"])


def test_a_chain_that_is_none_is_refused_in_words():
    told = demo("--chain", "dogecoin")
    assert told.returncode == 2
    words = " ".join(told.stderr.replace("│", " ").split())
    assert "there are ethereum, polygon, bnb, bitcoin, solana, hive, monero and all" in words


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
