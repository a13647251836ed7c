"""SQLite: one writer thread that commits several works at once, and a few readers. No SQL of any room stands here."""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from store.errors import StoreOverloadedError, StoreUnavailableError

T = TypeVar("T")

GROUP = 128
"""Works committed together at most; beyond this the first of a group waits too long for its answer."""
WAITING = 20_000
"""Works that may wait for the writer before new ones are refused."""
READERS = 2
BUSY_MS = 5_000


@dataclass(slots=True, eq=False)
class _Job:
    """A work on its way through the writer thread."""

    work: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = field(default=None)


class SqliteStore:
    """A Store on one SQLite file in WAL mode with synchronous=FULL."""

    def __init__(self, url: URL) -> None:
        self._engine = writing_engine(url)
        self._reader_engine = _reader_engine(url)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._local = threading.local()
        self._waiting: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._writer = threading.Thread(target=self._write, name="store-write", daemon=True)
        self._writer.start()

    @property
    def engine(self) -> Engine:
        """The writing engine."""
        return self._engine

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on the writer thread; its group's COMMIT comes before the answer."""
        loop = asyncio.get_running_loop()
        job = _Job(work, loop, loop.create_future())
        with self._wake:
            if self._closing:
                raise StoreUnavailableError("the store is closed")
            if len(self._waiting) >= WAITING:
                raise StoreOverloadedError
            self._waiting.append(job)
            self._wake.notify()
        result: T = await job.future
        return result

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a reader thread; WAL readers neither wait for the writer nor hold it up."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def aclose(self) -> None:
        """Write what was accepted, then close."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        await asyncio.get_running_loop().run_in_executor(None, self._writer.join)
        self._readers.shutdown()
        self._engine.dispose()
        self._reader_engine.dispose()

    def _read(self, work: Callable[[Connection], T]) -> T:
        connection: Connection | None = getattr(self._local, "connection", None)
        try:
            if connection is None:
                connection = self._local.connection = self._reader_engine.connect()
            with connection.begin():
                return work(connection)
        except DBAPIError as error:
            raise _translate(error) from error

    def _write(self) -> None:
        connection: Connection | None = None
        while group := self._next_group():
            try:
                connection = connection or self._engine.connect()
                _run_group(connection, group)
            except DBAPIError as error:
                connection = _discard(connection)
                unavailable = _translate(error)
                for job in group:
                    job.result, job.error = None, unavailable
            _hand_out(group)
        _discard(connection)

    def _next_group(self) -> list[_Job]:
        with self._wake:
            while not self._waiting and not self._closing:
                self._wake.wait()
            return [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]


def _run_group(connection: Connection, group: Sequence[_Job]) -> None:
    """Commit the works together; where one of them costs the whole transaction, each on its own."""
    if len(group) > 1 and _try_together(connection, group):
        return
    for job in group:
        _run_alone(connection, job)


def _try_together(connection: Connection, group: Sequence[_Job]) -> bool:
    """Return False, with nothing stored, if the transaction did not survive one of its works."""
    try:
        with connection.begin():
            driver = _driver(connection)
            for job in group:
                driver.execute("SAVEPOINT work")
                try:
                    job.result, job.error = job.work(connection), None
                except BaseException as error:  # noqa: BLE001  handed to the one who asked
                    if not driver.in_transaction:
                        raise
                    job.result, job.error = None, error
                    driver.execute("ROLLBACK TO work")
                driver.execute("RELEASE work")
    except (DBAPIError, sqlite3.Error):
        return False
    return True


def _run_alone(connection: Connection, job: _Job) -> None:
    try:
        with connection.begin():
            job.result = job.work(connection)
            job.error = None
    except DBAPIError as error:
        job.result, job.error = None, _translate(error)
    except BaseException as error:  # noqa: BLE001  handed to the one who asked
        job.result, job.error = None, error


def _hand_out(group: Sequence[_Job]) -> None:
    """Wake each event loop once for all of its works."""
    for loop in {job.loop for job in group}:
        mine = [job for job in group if job.loop is loop]
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, mine)


def _resolve(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        if job.future.done():  # the one who asked went away; the work stands
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError("a SQLite store speaks to sqlite3 only")
    return driver


def _discard(connection: Connection | None) -> None:
    if connection is not None:
        connection.invalidate()
        connection.close()


def _translate(error: DBAPIError) -> Exception:
    """Tell a database that cannot work now from a statement that was wrong."""
    if isinstance(error.orig, sqlite3.OperationalError) or error.connection_invalidated:
        return StoreUnavailableError(str(error.orig))
    return error


def writing_engine(url: URL) -> Engine:
    """Return an engine whose transactions begin as the one writer."""
    engine = create_engine(url, poolclass=NullPool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _reader_engine(url: URL) -> Engine:
    engine = create_engine(url, poolclass=NullPool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin_reading)
    return engine


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
