"""Invariant: wherever a watcher is killed, the next one ends in the tables of the one that was not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("kind", "every"),
    [("sqlite", 1), ("postgres", 7)],  # PostgreSQL copies a database per place: around all commits, and here and there
)
def test_a_watcher_killed_at_any_statement_or_commit_ends_in_the_same_book(database_urls, kind, every):
    places, wrong = matrix(database_urls(kind), every)
    assert places > 30, "too few places to kill at: the history does too little"
    assert wrong == []


@pytest.mark.timeout(600)
def test_a_watcher_that_stored_its_checkpoint_apart_from_the_payments_would_lose_some(database_urls):
    _, wrong = matrix(database_urls("sqlite"), 100, "careless")
    assert any("another book" in line for line in wrong)


def matrix(*arguments):
    """Return at how many places the watcher was killed, and what ended otherwise than undisturbed."""
    command = [sys.executable, "-m", "tests.support.monitor_crash", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    places, *wrong = ran.stdout.splitlines()
    return int(places), [line for line in wrong if line]
