"""Invariant: wherever a watcher is killed, the next one ends in the tables of the one that was not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("kind", "step"),
    [("sqlite", 1), ("postgres", 3)],  # PostgreSQL copies a database per place: every third, and each is another kind
)
def test_a_watcher_killed_at_any_statement_or_commit_ends_in_the_same_book(database_urls, kind, step):
    command = [sys.executable, "-m", "tests.support.monitor_crash", database_urls(kind), str(step)]
    ran = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    places, *wrong = ran.stdout.split("\n")
    assert int(places) > 30, "too few places to kill at: the history does too little"
    assert [line for line in wrong if line] == []
