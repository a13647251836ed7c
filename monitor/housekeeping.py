"""What is due by the clock and not by a payment. APScheduler only ticks; what is due stands in our tables.

Every chore claims what it does by conditional writes or row locks, so any number of processes may tick at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from apscheduler.events import (  # type: ignore[import-untyped]  # no type information published
    EVENT_JOB_ERROR,
    JobExecutionEvent,
)
from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]  # likewise
from sqlalchemy import Connection

from config.clock import Clock, utc_now
from monitor import closing, extent, reorg
from monitor.sitting import Sitting, Terms
from store.engine import Store
from store.errors import StoreUnavailableError
from tickets import addresses, events, orders
from tickets.orders import Known

RETIRE_AFTER = timedelta(days=7)
"""An ended order's address is looked at slowly from then on."""

Derive = Callable[[int, int], Sequence[str]]
"""Gives a chain's own addresses from a child index on, that many of them."""


@dataclass(kw_only=True)
class Housekeeping:
    """The chores of a deployment, each safe to repeat."""

    store: Store
    terms: Sequence[Terms]  # of every chain
    derive: Mapping[str, Derive] = field(default_factory=dict)  # by chain, where it has an xpub
    address_ranges: Mapping[str, int] = field(default_factory=dict)  # by chain, how many are to stand ready for orders
    clock: Clock = utc_now

    async def run(self, stop: asyncio.Event) -> None:
        """Do every chore at its interval until `stop` is set. Raises what a chore raised."""
        broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def report(event: JobExecutionEvent) -> None:
            if not broken.done():
                broken.set_exception(event.exception)

        scheduler = AsyncIOScheduler(timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1})
        scheduler.add_listener(report, EVENT_JOB_ERROR)
        for chore, seconds in self.chores:
            scheduler.add_job(_tolerant(chore), "interval", seconds=seconds, next_run_time=utc_now())
        scheduler.start()
        stopping = asyncio.create_task(stop.wait())
        try:
            ends: set[asyncio.Future[Any]] = {stopping, broken}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if broken.done():
                await broken
        finally:
            stopping.cancel()
            broken.cancel()  # a chore that the shutdown cuts off has nobody to tell
            scheduler.shutdown(wait=False)

    @property
    def chores(self) -> tuple[tuple[Callable[[], Awaitable[int]], int], ...]:
        """What is done, and every how many seconds."""
        return (
            (self.expire_orders, 5),
            (self.end_grace, 5),
            (self.return_topups, 30),
            (self.extend_addresses, 2),
            (self.retire_addresses, 3600),
            (self.complete_events, 60),
        )

    async def expire_orders(self) -> int:
        """End the orders whose time ran out, so far as their chain was read; those of buyers end at their cap."""
        now = self.clock()

        def work(conn: Connection) -> int:
            chains = {terms.chain.id: _known(conn, terms, now) for terms in self.terms}
            known = {chain: until for chain, until in chains.items() if until is not None}
            return orders.expire_due(conn, now=now, known=known)

        return await self.store.transact(work)

    async def end_grace(self) -> int:
        """Revoke tickets whose payment did not return in time; on a chain that is not being read, none."""
        return await self._for_each_chain(_end_grace)

    async def return_topups(self) -> int:
        """Owe back the parts of what was never paid in full."""
        return await self._for_each_chain(closing.return_topups)

    async def extend_addresses(self) -> int:
        """Commit more of our own addresses where less than half of the chain's range stands ready."""
        added = 0
        for chain, derive in self.derive.items():
            unused, start = await self.store.read(partial(_stock, chain=chain))
            missing = self.address_ranges[chain] - unused
            if missing > unused:
                fresh = await asyncio.to_thread(derive, start, missing)
                added += await self.store.transact(
                    partial(addresses.extend, chain_id=chain, addresses=fresh, start=start)
                )
        return added

    async def retire_addresses(self) -> int:
        """Look slowly at the addresses of orders that ended long ago."""
        before = self.clock() - RETIRE_AFTER
        return await self.store.transact(lambda conn: addresses.retire_ended(conn, before=before))

    async def complete_events(self) -> int:
        """Close the doors of events that are over."""
        now = self.clock()
        return await self.store.transact(lambda conn: events.complete_due(conn, now=now))

    async def _for_each_chain(self, chore: Callable[..., int]) -> int:
        now, done = self.clock(), 0
        for terms in self.terms:
            done += await self.store.transact(partial(chore, terms=terms, now=now))
        return done


def _tolerant(chore: Callable[[], Awaitable[int]]) -> Callable[[], Awaitable[None]]:
    """Let a chore fail for now where the database is away; it is done at its next tick."""
    log = structlog.get_logger(__name__)

    async def tick() -> None:
        try:
            await chore()
        except StoreUnavailableError as error:
            log.warning("will try again", error=str(error))

    return tick


def _stock(conn: Connection, chain: str) -> tuple[int, int]:
    """Return how many of a chain's addresses stand ready, and the child index at which more begin."""
    return addresses.unused(conn, chain), addresses.next_position(conn, chain)


def _end_grace(conn: Connection, terms: Terms, now: datetime) -> int:
    until = extent.of_chain(conn, terms, now)
    return 0 if until is None else reorg.end_grace(Sitting(conn, terms, now), until=until)


def _known(conn: Connection, terms: Terms, now: datetime) -> Known | None:
    """Return up to which moments a chain is known, if it is being read at all."""
    read = extent.of_chain(conn, terms, now)
    decided = extent.decided_until(conn, terms, now)
    return None if read is None or decided is None else Known(read=read, decided=decided)
