"""Every stage there is, by the name of its chain, and the world that a story begins with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from store.engine import open_store
from tests.support.chains_drivers import nature
from tests.support.natures import Nature
from tests.support.stage import StartStage
from tests.support.stage_bitcoin import bitcoin_stage
from tests.support.stage_evm import evm_stage
from tests.support.stage_fake import fake_stage
from tests.support.stage_hive import hive_stage
from tests.support.stage_litecoin import litecoin_stage
from tests.support.stage_monero import monero_stage
from tests.support.stage_solana import solana_stage
from tests.support.stage_world import StageWorld

STAGES: dict[str, StartStage] = {
    "fake": fake_stage,
    "ethereum": partial(evm_stage, 1),
    "polygon": partial(evm_stage, 137),
    "bnb": partial(evm_stage, 56),
    "bitcoin": bitcoin_stage,
    "litecoin": litecoin_stage,
    "solana": solana_stage,
    "hive": hive_stage,
    "monero": monero_stage,
}
"""One for each of DRIVERS."""


def stages(*wanted: str) -> list[str]:
    """Return the stages whose chains can have all of what is wanted, by the names of Nature's fields."""
    return [name for name in STAGES if all(getattr(nature(name), want) for want in wanted)]


@asynccontextmanager
async def story_world(name: str, url: str) -> AsyncIterator[StageWorld]:
    """Begin a story on a chain, with a database of its own."""
    async with world_on(STAGES[name], nature(name), url) as world:
        yield world


@asynccontextmanager
async def world_on(start: StartStage, nature: Nature, url: str) -> AsyncIterator[StageWorld]:
    """Begin a story on any stage. Endpoints do not rest: that would only cost time."""
    store = open_store(url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chains.failover.FIRST_PAUSE", 0.0)
        async with start() as stage:
            world = StageWorld(stage=stage, nature=nature, store=store, url=url)
            await world.open()
            yield world
            await world.aclose()
