"""From the block that makes a payment ripe to the ticket's row on disk, chain by chain: median and worst of 50.

    python -m bench.mint [--chains ethereum bitcoin …] [--times 50] [--json]

Each chain is its real node or emulation, read over HTTP, with the watcher in this process and SQLite on disk. An order
is paid at its own key (Hive: by its code); the watcher sees every block, and the clock runs from when the node has the
last one. Three figures: the turn of the watcher alone; the same turn over a block without payments, which is what
reading costs; and the whole as the service has it, which rests between two turns, for one block time of the main
network or some seconds at most. That rest is not slept through: the k-th payment comes at k/50 of it, so that all of
its moments are met alike, and what is left of it is added. An emulation answers in this very process, so that its work
counts as ours.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

import structlog

from bench.report import Result, against, progress, report
from chains.port import Sweep
from config.loader import load_registry
from monitor.hooks import Silence
from monitor.settlement import Settlement
from monitor.watcher import LONGEST_REST
from store.engine import open_store
from store.metadata import metadata
from tests.support.stage_world import StageWorld
from tests.support.stages import story_world
from tickets import addresses
from tickets.event import Event
from usher import schema  # noqa: F401  every room's tables belong to the metadata

CHAINS = {
    "ethereum": "eip155:1",
    "polygon": "eip155:137",
    "bnb": "eip155:56",
    "bitcoin": "bip122:000000000019d6689c085ae165831e93",
    "solana": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
    "hive": "hive:beeab0de000000000000000000000000",
    "monero": "monero:418015bb9ae982a1975da7d79277c270",
}
"""By the name of the stage: the main network whose block time the service rests."""

MOST_TURNS = 10
"""A payment that is ripe is minted by then, or something is wrong."""


@dataclass(slots=True)
class Stopwatch(Silence):
    """Notes when a sweep and its tickets are committed."""

    committed: float = 0.0
    minted: int = 0
    troubles: list[str] = field(default_factory=list)

    def swept(self, _chain: str, _sweep: Sweep, settlement: Settlement) -> None:
        self.committed = perf_counter()
        self.minted += sum(record.outcome == "minted" for record in settlement.settled)

    def failed(self, _chain, error) -> None:
        self.troubles.append(str(error))

    def stopped(self, _chain, reason) -> None:
        self.troubles.append(reason)


@dataclass(slots=True)
class Times:
    """Seconds, one for each payment."""

    mining: list[float] = field(default_factory=list)  # until the node has the block
    empty: list[float] = field(default_factory=list)  # a turn over a block without payments
    minting: list[float] = field(default_factory=list)  # from there to the ticket, the watcher never resting
    rests: list[int] = field(default_factory=list)  # turns that came first and did not mint yet


async def measure(name: str, times: int) -> list[Result]:
    """Return the figures of one chain."""
    folder = Path(tempfile.mkdtemp(prefix="usher-mint-"))
    try:
        url = f"sqlite:///{folder / 'usher.db'}"
        store = open_store(url)
        metadata.create_all(store.engine)
        await store.aclose()
        async with story_world(name, url) as world:
            taken = await _paid(name, world, times)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rest = min(load_registry().chains[CHAINS[name]].block_time, LONGEST_REST)
    return _results(name, taken, rest)


async def _paid(name: str, world: StageWorld, times: int) -> Times:
    watch, taken = Stopwatch(), Times()
    world.watcher.hooks = watch
    await _more_keys(world, times)
    event = await world.event()
    for number in range(times):
        progress(f"mint on {name}, {number + 1} of {times}")
        await _one(world, event, watch, taken)
        assert watch.minted == number + 1, (watch.minted, number + 1, watch.troubles)
    progress("")
    if watch.troubles:
        print(f"{name}: {len(watch.troubles)} turns came to nothing, e.g. {watch.troubles[0]}", file=sys.stderr)
    return taken


async def _one(world: StageWorld, event: Event, watch: Stopwatch, taken: Times) -> None:
    """Place an order, pay it, and mine up to the block that makes the payment ripe; then measure."""
    world.stage.mine()
    begun = perf_counter()
    await world.watcher.turn()
    taken.empty.append(watch.committed - begun)
    order = await world.order(event)
    await world.catch_up()  # its key is watched from here on
    world.stage.pay(world.bill(order))
    await world.mine(world.depth - 1)
    before = watch.minted
    begun = perf_counter()
    world.stage.mine()
    mined = perf_counter()
    for turns in range(MOST_TURNS):
        await world.watcher.turn()
        if watch.minted > before:
            taken.rests.append(turns)
            break
    taken.mining.append(mined - begun)
    taken.minting.append(watch.committed - mined)
    await world.turn()


async def _more_keys(world: StageWorld, times: int) -> None:
    """Let there be a key for every order."""
    if world.derive is None:
        return
    chain, start = world.stage.chain.id, world.stage.first_key + len(world.keys)
    more = world.derive(start, times)
    await world.store.transact(lambda conn: addresses.extend(conn, chain, more, start=start))


def _results(name: str, taken: Times, rest: timedelta) -> list[Result]:
    pause, count = rest.total_seconds(), len(taken.minting)
    whole = [
        ((count - place) / count + rests) * pause + turn
        for place, (turn, rests) in enumerate(zip(taken.minting, taken.rests, strict=True))
    ]
    turn, empty = median(taken.minting), median(taken.empty)
    of = f"median of {count}"
    polled = f"{name}: ripe to ticket, polled every {pause:g} s"
    return [
        against(
            f"{name}: turn that mints, {of}", turn * 1e3, "ms", peer="turn without payments", peer_value=empty * 1e3
        ),
        Result(name=f"{name}: turn that mints, worst", value=max(taken.minting) * 1e3, unit="ms"),
        Result(name=f"{name}: mining that block, {of}", value=median(taken.mining) * 1e3, unit="ms"),
        Result(
            name=f"{polled}, {of}",
            value=median(whole),
            unit="s",
            peer=f"of which rest: {1 - turn / median(whole):.1%}",
        ),
        Result(name=f"{polled}, worst", value=max(whole), unit="s"),
    ]


async def main(chains: Sequence[str], times: int) -> list[Result]:
    """Measure one chain after the other."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    return [result for name in chains for result in await measure(name, times)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chains", nargs="+", choices=CHAINS, default=[*CHAINS])
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report(asyncio.run(main(options.chains, options.times)), as_json=options.json)
