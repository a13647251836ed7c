"""Reads on from one stored moment again and again in forked processes, each killed before another statement or commit.

Run as a program, so that it forks from a process without threads: `python -m tests.support.stage_crash FILE`; the file
holds a pickled Reading. It prints, as JSON, at how many places it killed, the book that the undisturbed reading ended
in, and at which places another book came of it.
"""

import asyncio
import json
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import update

import usher.schema
from chains.port import ChainSource
from config.registry import Chain
from store.engine import Store, open_store
from store.schema import leases
from tests.support.monitor_crash import Careless, databases, in_fork, places, steps_of
from tests.support.monitor_world import START, read_book, standing
from tests.support.stage_watcher import watcher_of

EVERY = 9
"""Beside those around commits, before every so many-th statement there is a place to be killed at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a process needs to read on where another one stopped."""

    url: str  # of the database; copies of it are read into
    reader: Callable[[], ChainSource]
    chain: Chain
    receive: str
    now: datetime
    careless: bool = False  # store each checkpoint before its payments: the control


async def ended(store: Store) -> str:
    """Return the book as two readings of one history must agree on it."""
    return repr(standing(await store.read(read_book)))


async def live(reading: Reading, url: str, kill_at: int = 0) -> tuple[str, str]:
    """Read all there is; return the steps, `s` for statements and `c` for commits, and the book it ended in."""
    store, source = open_store(url), reading.reader()
    await store.transact(
        lambda conn: conn.execute(update(leases).values(expires_at=START - timedelta(days=1))).rowcount
    )

    passed = steps_of(store, kill_at)
    watcher = watcher_of(reading.chain, reading.receive, source=source, store=store, clock=lambda: reading.now)
    if reading.careless:
        watcher.__class__ = Careless
    while await watcher.turn() == timedelta(0):
        pass
    book = await ended(store)
    await source.aclose()
    await store.aclose()
    return "".join(passed), book


def main() -> None:
    """Kill at all those places."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    reading: Reading = pickle.loads(Path(sys.argv[1]).read_bytes())  # noqa: S301  this very test wrote it
    fresh, wrong = databases(reading.url), []
    steps, book = asyncio.run(live(reading, next(fresh)))
    chosen = places(steps, every=EVERY)
    for place in chosen:
        copy = next(fresh)
        if in_fork(lambda copy=copy, place=place: asyncio.run(live(reading, copy, place))[1]) is not None:
            wrong.append(f"{place}: was not killed")
        if in_fork(lambda copy=copy: asyncio.run(live(reading, copy))[1]) != book:
            wrong.append(f"{place}: ended in another book")
            if reading.careless:  # one is what the control is for
                break
    print(json.dumps({"places": len(chosen), "book": book, "wrong": wrong}))  # noqa: T201  its answer


if __name__ == "__main__":
    assert usher.schema.metadata.tables
    main()
