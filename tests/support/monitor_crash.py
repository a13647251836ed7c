"""Lives one short history again and again in forked processes, each killed before another statement or commit.

Run as a program, so that it forks from a process without threads: `python -m tests.support.monitor_crash URL…`. It
lives through the history once itself, undisturbed: what is imported and kept by then, no child has to make again.
The first line it prints is the number of places where it killed; the second what went wrong, or nothing.
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import create_engine, event, make_url, text, update

import gateway.schema  # noqa: F401  every room's tables belong to the metadata
from chains import progress
from chains.port import Watch
from chains.testing import CHAIN, FakeChain
from monitor.settlement import settle
from monitor.watcher import Watcher
from store.engine import Store, open_store
from store.metadata import metadata
from store.schema import leases
from tests.support.monitor_history import ADDRESSES
from tests.support.monitor_world import PRICE, RECEIVE, START, World, wallet
from tickets import addresses

LAGS = (12, 11, 8, 5, 0)


def history() -> FakeChain:
    """Return a chain with an exact payment, one in two parts, one too late for its seat, and one to an address."""
    chain = FakeChain().mine()
    chain.pay(RECEIVE, PRICE, memo=f"event:few:wallet:{wallet(1)}", sender=wallet(1))
    chain.pay(RECEIVE, PRICE // 2, memo=f"event:many:wallet:{wallet(2)}", sender=wallet(2)).mine()
    chain.pay(ADDRESSES[0], PRICE + 50, sender=wallet(3))
    chain.pay(RECEIVE, PRICE // 2, memo=f"event:many:wallet:{wallet(2)}", sender=wallet(2)).mine()
    return chain.pay(RECEIVE, PRICE, memo=f"event:few:wallet:{wallet(4)}", sender=wallet(4)).mine(12)


async def prepare(url: str) -> None:
    """Store the events, addresses and orders that the history speaks of."""
    store = open_store(url)
    world = World(store=store)
    await world.event(slug="few", capacity=1)
    await store.transact(lambda conn: addresses.extend(conn, CHAIN, ADDRESSES, start=0))
    await store.transact(lambda conn: addresses.acknowledge(conn, CHAIN, range(len(ADDRESSES))))
    await world.order(await world.event(slug="many"), 3)
    await store.aclose()


class Careless(Watcher):
    """What the watcher would be if it stored a checkpoint before the payments: the control of the whole matrix."""

    async def _advance(self) -> timedelta:
        start = await self.store.read(self._begin)
        checkpoint = await self._checkpoint(start.progress)
        sweep = await self.source.poll(checkpoint, Watch(active=start.addresses.active | frozenset(self.receive)))
        await self.store.transact(lambda conn: progress.save(conn, CHAIN, sweep, self.clock()))
        await self.store.transact(lambda conn: settle(conn, sweep, self.terms, self.clock()))
        return timedelta(0) if sweep.behind else self.terms.chain.block_time


async def live(url: str, *, kill_at: int = 0, after_a_kill: bool = False, careless: bool = False) -> tuple[str, str]:
    """Live through the history; return its steps, `s` for statements and `c` for commits, and the book it ended in."""
    store = open_store(url)
    if after_a_kill:  # half a minute later: the dead watcher's lease ran out
        await store.transact(lambda conn: conn.execute(update(leases).values(expires_at=START)).rowcount)

    passed = steps_of(store, kill_at)
    world = World(store=store, chain=history(), now=START)
    if careless:
        world.watcher.__class__ = Careless
    for lag in LAGS:
        world.chain.lag(lag)
        await world.catch_up()
    book = repr(await world.book())
    await store.aclose()
    return "".join(passed), book


def steps_of(store: Store, kill_at: int) -> list[str]:
    """Return a list that fills with the steps the store takes, `s` and `c`; before one of them this process dies."""
    passed: list[str] = []

    def before(step: str) -> None:
        passed.append(step)
        if len(passed) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(store.engine, "before_cursor_execute", lambda *_: before("s"))
    event.listen(store.engine, "commit", lambda _: before("c"))
    return passed


def in_fork(work: Callable[[], str]) -> str | None:
    """Run work in a process of its own and return its answer; None if it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.write(writing, work().encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
        return said
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    raise RuntimeError(f"the child ended with status {status}")


def databases(url: str) -> Iterator[str]:
    """Yield ever fresh copies of the prepared database at a URL; each is gone when the next is asked for."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        original = Path(str(parsed.database))
        copy = original.with_name("copy.db")
        while True:
            for leftover in original.parent.glob("copy.db*"):
                leftover.unlink()
            shutil.copy(original, copy)
            yield f"sqlite:///{copy}"
    admin = parsed.set(drivername="postgresql+psycopg", database="postgres")
    while True:
        engine = create_engine(admin, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {parsed.database}_copy WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {parsed.database}_copy TEMPLATE {parsed.database}"))
        engine.dispose()
        yield parsed.set(database=f"{parsed.database}_copy").render_as_string(hide_password=False)


def places(steps: str, *, every: int) -> list[int]:
    """Return before which steps to kill: on both sides of each commit, and before every so many-th statement."""
    around = {place for place, step in enumerate(steps, 1) if "c" in (step, steps[place - 2 : place - 1])}
    return sorted(around | set(range(1, len(steps) + 1, every)))


def matrix(url: str, *, every: int, careless: bool) -> tuple[int, list[str]]:
    """Kill at all those places; return how many they were, and which restarts ended in another book."""
    fresh, wrong = databases(url), []
    steps, expected = asyncio.run(live(next(fresh), careless=careless))
    chosen = places(steps, every=every)
    for place in chosen:
        copy = next(fresh)
        killed = in_fork(lambda copy=copy, place=place: asyncio.run(live(copy, kill_at=place, careless=careless))[1])
        if killed is not None:
            wrong.append(f"{place}: was not killed")
        if in_fork(lambda copy=copy: asyncio.run(live(copy, after_a_kill=True, careless=careless))[1]) != expected:
            wrong.append(f"{place}: ended in another book")
            if careless:  # one is what the control is for
                break
    return len(chosen), wrong


def main() -> None:
    """Run the matrix on the database at the URL given, which has every table and nothing in it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    url, every = sys.argv[1], int(sys.argv[2])
    asyncio.run(prepare(url))
    count, wrong = matrix(url, every=every, careless="careless" in sys.argv)
    print(count, "\n".join(wrong), sep="\n")  # noqa: T201  its answer


if __name__ == "__main__":
    assert metadata.tables
    main()
