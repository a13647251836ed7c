"""PostgreSQL: a small pool of threads with psycopg. No SQL of any room stands here."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError

from store.errors import StoreUnavailableError

T = TypeVar("T")

THREADS = 8
ATTEMPTS = 20
"""A work that met a deadlock or a serialisation failure is run again this often before the caller hears of it."""
RERUN = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
AWAY = (psycopg.OperationalError, psycopg.InterfaceError)


class PostgresStore:
    """A Store on PostgreSQL at READ COMMITTED: conditional writes and row locks carry the guarantees."""

    def __init__(self, url: URL) -> None:
        self._engine = engine(url)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="store")

    @property
    def engine(self) -> Engine:
        """The engine whose pool the threads share."""
        return self._engine

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one of the threads, again where the database asks for it."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` like any other: PostgreSQL's readers hold nobody up."""
        return await self.transact(work)

    async def aclose(self) -> None:
        """Finish what runs, then close the pool."""
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
        self._engine.dispose()

    def _run(self, work: Callable[[Connection], T]) -> T:
        for _ in range(ATTEMPTS):
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                if isinstance(error.orig, RERUN):
                    continue
                if isinstance(error.orig, AWAY) or error.connection_invalidated:
                    raise StoreUnavailableError(str(error.orig).partition("\n")[0]) from error
                raise
        raise StoreUnavailableError(f"still in conflict with other writers after {ATTEMPTS} attempts")


def engine(url: URL) -> Engine:
    """Return an engine with a connection for each thread."""
    return create_engine(
        url, pool_size=THREADS, max_overflow=0, connect_args={"options": "-c timezone=UTC", "connect_timeout": 5}
    )
