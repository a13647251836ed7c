"""PostgreSQL: a small pool of threads with psycopg. No SQL of any room stands here."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError

from store.errors import StoreOverloadedError, StoreUnavailableError, StoreUncertainError

T = TypeVar("T")

THREADS = 8
WAITING = 20_000
"""Works that may wait for a thread before new ones are refused."""
ATTEMPTS = 20
"""How often a work is run that meets deadlocks or serialisation failures before the caller hears of it."""
RERUN = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction)
SESSION = "-c timezone=UTC -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
"""A process that hangs must not keep its row locks, nor wait for others' for ever."""


class PostgresStore:
    """A Store on PostgreSQL: writes at READ COMMITTED, where conditional writes and row locks carry the guarantees."""

    def __init__(self, url: URL) -> None:
        self._engine = engine(url)
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="store")
        self._counting = threading.Lock()
        self._waiting = 0
        self._closing = False

    @property
    def engine(self) -> Engine:
        """The engine whose pool the threads share."""
        return self._engine

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one of the threads, again where the database asks for it."""
        return await self._submit(self._engine, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one snapshot (REPEATABLE READ, READ ONLY)."""
        return await self._submit(self._snapshots, work)

    async def aclose(self) -> None:
        """Finish what was accepted, then close the pool."""
        self._closing = True
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
        self._engine.dispose()

    async def _submit(self, on: Engine, work: Callable[[Connection], T]) -> T:
        if self._closing:
            raise StoreUnavailableError("the store is closed")
        with self._place():
            return await asyncio.get_running_loop().run_in_executor(self._threads, _run, on, work)

    @contextmanager
    def _place(self) -> Iterator[None]:
        with self._counting:
            if self._waiting >= WAITING:
                raise StoreOverloadedError
            self._waiting += 1
        try:
            yield
        finally:
            with self._counting:
                self._waiting -= 1


def engine(url: URL) -> Engine:
    """Return an engine with a connection for each thread."""
    return create_engine(
        url,
        pool_size=THREADS,
        max_overflow=0,
        connect_args={"options": SESSION, "connect_timeout": 5, "tcp_user_timeout": 15_000},
    )


def _run(on: Engine, work: Callable[[Connection], T]) -> T:
    """Run a work until it is stored, refused by itself, or the database cannot do it."""
    fresh = False  # whether the pool has been emptied of connections that broke while they lay there
    for _ in range(ATTEMPTS):
        try:
            return _once(on, work)
        except DBAPIError as error:
            if isinstance(error.orig, RERUN):
                continue
            if error.connection_invalidated and not fresh:
                fresh = True
                continue
            if error.connection_invalidated or isinstance(error.orig, AWAY):
                raise StoreUnavailableError(_first_line(error)) from error
            raise
        except StopIteration as error:  # a future cannot carry it
            raise RuntimeError(f"a unit of work raised {error!r}") from error
    raise StoreUnavailableError(f"still in conflict with other writers after {ATTEMPTS} attempts")


def _once(on: Engine, work: Callable[[Connection], T]) -> T:
    with on.connect() as connection:
        with connection.begin() as transaction:
            result = work(connection)
            try:
                transaction.commit()
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise StoreUncertainError(_first_line(error)) from error
                raise
        return result


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).partition("\n")[0]
