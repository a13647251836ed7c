"""Invariant: wherever the watcher of any chain is killed, the next one ends in the book of the one that was not."""

import asyncio
import json
import os
import pickle
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.support.chains_drivers import on_one_worker
from tests.support.stage_crash import Reading, ended
from tests.support.stage_history import begin, complete, prepare
from tests.support.stages import STAGES, story_world

ROOT = Path(__file__).resolve().parents[2]


#   history ── pending, stored ─┬── the rest, read by this watcher ─────────────────┐
#                               ├── … killed at a statement ── read by another one ─┼── the same book
#                               └── … killed at a commit ───── read by another one ─┘
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", on_one_worker(STAGES))
async def test_a_watcher_killed_in_mid_batch_ends_in_the_same_book(name, database_urls):
    async with story_world(name, database_urls("sqlite")) as world:
        told = await prepare(world)
        await begin(world, told)
        stored = world.copy("stored.db")
        complete(world, told)
        answer = await killed_again_and_again(reading_of(world, stored))
        await world.catch_up()
        assert (answer["wrong"], answer["book"]) == ([], await ended(world.store))
        assert answer["places"] > 4, "too few places to kill at: the history does too little"
        await world.end()


@pytest.mark.timeout(300)
async def test_a_watcher_that_stored_its_checkpoint_apart_from_the_payments_would_lose_some(database_urls):
    async with story_world("fake", database_urls("sqlite")) as world:
        told = await prepare(world)
        stored = world.copy("stored.db")
        await begin(world, told)
        complete(world, told)
        answer = await killed_again_and_again(reading_of(world, stored, careless=True))
        assert any("another book" in line for line in answer["wrong"])


def reading_of(world, url, *, careless=False):
    """Return what reads on in a copy of a world's database."""
    stage = world.stage
    receive = stage.settings.receive
    return Reading(url=url, reader=stage.reader(), chain=stage.chain, receive=receive, now=world.now, careless=careless)


async def killed_again_and_again(reading):
    """Return what the program says; what it reads from stays served by this process meanwhile."""
    handed_over = Path(str(make_url(reading.url).database)).with_name("reading")
    handed_over.write_bytes(pickle.dumps(reading))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.stage_crash", str(handed_over),
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, complained = await process.communicate()
    assert process.returncode == 0, complained.decode()[-3000:]
    return json.loads(said)
