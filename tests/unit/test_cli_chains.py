"""`usher chains`: what the operator sees of a stopped chain, and how it goes on."""

import asyncio
import json
from datetime import UTC, datetime
from functools import partial

import pytest

from chains import progress
from chains.port import Sweep, Tip
from store.engine import open_store
from tests.support.command_line import typed

CHAIN = "eip155:31337"
AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SWEEP = Sweep(
    final=(), pending=(), gone=(), tip=Tip(height=9, hash="0x09", time=AT), final_height=1, checkpoint={"final": 1}
)


@pytest.fixture
def deployment(tmp_path):
    receive = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    made = typed(
        ["init", "--directory", str(tmp_path), "--network", "test", "--chain", CHAIN, "--receive", receive, "--json"]
    )
    assert made.exit_code == 0, made.output
    return tmp_path


def usher(deployment, *words):
    return typed(["--config", str(deployment / "usher.toml"), "chains", *words, "--json"])


async def stopped(deployment):
    store = open_store(f"sqlite:///{deployment / 'usher.db'}")
    await store.transact(partial(progress.save, chain=CHAIN, sweep=SWEEP, now=AT))
    await store.transact(partial(progress.stop, chain=CHAIN, reason="all endpoints speak for another chain", now=AT))
    await store.aclose()


def test_a_chain_that_was_never_polled_says_so(deployment):
    (row,) = json.loads(usher(deployment, "list").stdout)
    assert (row["chain"], row["status"], row["tip"], row["lost_payments"]) == (CHAIN, "never polled", None, 0)


async def stopped_at_once(deployment):
    store = open_store(f"sqlite:///{deployment / 'usher.db'}")
    await store.transact(partial(progress.stop, chain=CHAIN, reason="the endpoint speaks for another chain", now=AT))
    await store.aclose()


def test_a_chain_that_stopped_on_its_first_poll_says_so_and_is_resumed(deployment):
    asyncio.run(stopped_at_once(deployment))
    (row,) = json.loads(usher(deployment, "list").stdout)
    assert (row["status"], row["tip"], row["polled_seconds_ago"]) == ("stopped", None, None)
    assert "another chain" in row["reason"]
    assert usher(deployment, "resume", CHAIN).exit_code == 0
    (row,) = json.loads(usher(deployment, "list").stdout)
    assert row["status"] == "never polled"


def test_a_stopped_chain_shows_its_reason_and_is_resumed_once(deployment):
    asyncio.run(stopped(deployment))
    (row,) = json.loads(usher(deployment, "list").stdout)
    assert row["status"] == "stopped"
    assert "another chain" in row["reason"]
    assert usher(deployment, "resume", CHAIN).exit_code == 0
    (row,) = json.loads(usher(deployment, "list").stdout)
    assert (row["status"], row["reason"]) == ("following", None)
    again = usher(deployment, "resume", CHAIN)
    assert again.exit_code == 1
    assert "not stopped" in again.stderr


def test_a_chain_of_no_deployment_is_a_usage_error(deployment):
    assert usher(deployment, "resume", "eip155:1").exit_code == 2
