"""One task per chain: poll, then store the sweep with all its effects in one transaction, then again.

    checkpoint + addresses -> poll -> [payments, orders, tickets, journal, checkpoint] -> acknowledge the addresses

Nothing is remembered between two turns but the lease and the addresses that only ever become more: whenever this
process dies, the next one goes on from what was committed, and a stand-by that takes the lease over fences it off.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from chains import progress
from chains.errors import PersistentError, TransientError
from chains.port import ChainSource, Checkpoint, Sweep, Watch
from chains.progress import Progress, Status
from config.clock import Clock, utc_now
from monitor.hooks import Hooks, Silence
from monitor.resume import begins_at
from monitor.settlement import Settlement, settle
from monitor.sitting import Terms
from store import leases
from store.engine import Store
from store.errors import StoreUnavailableError
from store.leases import Lease, LeaseLostError
from tickets import addresses
from tickets.addresses import WatchedSet

LEASE = timedelta(seconds=30)
"""After a watcher died, a stand-by reads on within this time."""
IDLE = timedelta(seconds=5)
"""How often a stand-by tries for the lease, and a stopped chain is looked at for the operator's word."""
LONGEST_REST = timedelta(seconds=5)
"""However slow its blocks, a chain is looked at so often: pools fill in between, and fresh addresses wait for it."""
LONGEST_PAUSE = timedelta(seconds=60)

Wait = Callable[[asyncio.Event, timedelta], Awaitable[None]]
"""Returns after the time, or as soon as the event is set."""


async def pause(stop: asyncio.Event, time: timedelta) -> None:
    """Wait for a time, or until asked to stop."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), time.total_seconds())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Start:
    """What a turn begins with."""

    progress: Progress | None
    addresses: WatchedSet


@dataclass(kw_only=True)
class Watcher:
    """Follows one chain for as long as it holds the chain's lease."""

    source: ChainSource
    store: Store
    terms: Terms
    receive: Collection[str]  # the platform's own addresses, in canonical spelling: bare memos are paid there
    start_height: int | None = None  # where a chain never read before is begun; None: at its present tip
    clock: Clock = utc_now
    hooks: Hooks = field(default_factory=Silence)
    wait: Wait = pause
    name: str = field(default_factory=lambda: secrets.token_hex(8))  # as a holder of leases

    def __post_init__(self) -> None:
        self._chain = self.terms.chain.id
        self._log = structlog.get_logger(__name__).bind(chain=self._chain)
        self._lease: Lease | None = None
        self._renewed: datetime | None = None
        self._addresses: WatchedSet | None = None
        self._failures = 0
        self._halted = False

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the chain until `stop` is set; a transaction under way is finished, then the lease is let go."""
        while not stop.is_set():
            self.hooks.alive(self._chain)
            await self.wait(stop, await self.turn())
        await self._release()

    async def turn(self) -> timedelta:
        """Do one turn, whatever comes of it, and return how long to wait before the next."""
        try:
            if self._halted or not await self._holds_lease():
                return IDLE
            rest = await self._advance()
        except PersistentError as error:
            return await self._stop(str(error))
        except LeaseLostError:
            return self._overtaken()
        except (TransientError, StoreUnavailableError) as error:
            self._failures += 1
            self.hooks.failed(self._chain, error)
            self._log.warning("will try again", error=str(error), failures=self._failures)
            return self._back_off()
        self._failures = 0
        return rest

    async def _advance(self) -> timedelta:
        if self._addresses is None:
            await self.store.transact(lambda conn: addresses.receive_at(conn, self._chain, self.receive))
        start = await self.store.read(self._begin)
        self._addresses = start.addresses
        if start.progress is not None and start.progress.status is Status.STOPPED:
            return IDLE
        checkpoint = await self._checkpoint(start.progress)
        watch = Watch(active=start.addresses.active, retired=start.addresses.retired)
        sweep = await self.source.poll(checkpoint, watch)
        now = self.clock()
        settlement = await self.store.transact(lambda conn: self._store(conn, sweep, start.addresses, now))
        self._tell(sweep, settlement)
        return timedelta(0) if sweep.behind else min(self.terms.chain.block_time, LONGEST_REST)

    async def _checkpoint(self, read: Progress | None) -> Checkpoint:
        """Return where to read on; on a chain never read before, or anew at the operator's word, where to begin."""
        if read is None:
            return await self.source.start(self.start_height)
        if not read.checkpoint:
            return await self.source.start(begins_at(read, self.terms.chain))
        return read.checkpoint

    def _begin(self, conn: Connection) -> _Start:
        watched = addresses.watched_set(conn, self._chain, known=self._addresses)
        return _Start(progress=progress.load(conn, self._chain), addresses=watched)

    def _store(self, conn: Connection, sweep: Sweep, watched: WatchedSet, now: datetime) -> Settlement:
        """Store a sweep and all that follows from it, or nothing."""
        if self._lease is not None:
            leases.guard(conn, self._lease)
        settlement = settle(conn, sweep, self.terms, now)
        progress.save(conn, self._chain, sweep, now)
        addresses.acknowledge(conn, self._chain, watched.committed)
        return settlement

    async def _holds_lease(self) -> bool:
        """Claim the chain, or renew the claim before it runs out."""
        now, lease, name = self.clock(), self._lease, f"watch:{self._chain}"
        if lease is None:
            self._lease = await self.store.transact(lambda conn: leases.claim(conn, name, self.name, LEASE))
        elif self._renewed is None or now - self._renewed >= LEASE / 3:
            self._lease = await self.store.transact(lambda conn: leases.renew(conn, lease, LEASE))
        else:
            return True
        self._renewed = now
        return self._lease is not None

    async def _release(self) -> None:
        if (lease := self._lease) is not None:
            with contextlib.suppress(StoreUnavailableError):  # then it runs out by itself
                await self.store.transact(lambda conn: leases.release(conn, lease))
        self._lease = None

    async def _stop(self, reason: str) -> timedelta:
        """Stop reading until the operator has looked: sales in the chain's assets pause by what is written here."""
        now = self.clock()
        try:
            await self.store.transact(lambda conn: self._mark_stopped(conn, reason, now))
        except LeaseLostError:
            return self._overtaken()
        except StoreUnavailableError:
            self._halted = True  # others see it by the poll that does not come
        self._log.error("chain stopped", reason=reason)
        self.hooks.stopped(self._chain, reason)
        return IDLE

    def _mark_stopped(self, conn: Connection, reason: str, now: datetime) -> None:
        if self._lease is not None:
            leases.guard(conn, self._lease)
        progress.stop(conn, self._chain, reason, now)

    def _overtaken(self) -> timedelta:
        """Leave the chain to the watcher that holds its lease now."""
        self._lease = None
        self._log.warning("another watcher took over")
        return IDLE

    def _back_off(self) -> timedelta:
        return min(self.terms.chain.block_time * (1 << min(self._failures - 1, 10)), LONGEST_PAUSE)

    def _tell(self, sweep: Sweep, settlement: Settlement) -> None:
        self.hooks.swept(self._chain, sweep, settlement)
        for record in settlement.changes.lost:
            self._log.error("final payment no longer on its chain", payment=record.id, order=record.order_id)
        for record in settlement.changes.undone:
            self._log.warning("payment undone by its chain", payment=record.id, order=record.order_id)
        for record in settlement.settled:
            self._log.info(
                "payment settled",
                payment=record.id,
                outcome=record.outcome,
                reason=record.reason,
                order=record.order_id,
            )
