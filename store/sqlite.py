"""SQLite: one writer thread that commits works in groups, and a few readers. No SQL of any room stands here."""

import asyncio
import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from store.errors import StoreOverloadedError, StoreUnavailableError
from store.group import Job, run_group, told

T = TypeVar("T")

GROUP = 128
"""Works committed together at most; beyond this the first of a group waits too long for its answer."""
WAITING = 20_000
"""Works that may wait for the writer before new ones are refused."""
READERS = 2
READING = "usher_reading"
"""Execution option of a connection that waits for no writer."""
BUSY_MS = 5_000


class SqliteStore:
    """A Store on one SQLite file in WAL mode with synchronous=FULL."""

    def __init__(self, url: URL) -> None:
        self._engine = writing_engine(url)
        self._reader_engine = _reading_engine(url)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._local = threading.local()
        self._waiting: deque[Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._writer = threading.Thread(target=self._write, name="store-write", daemon=True)
        self._writer.start()

    @property
    def engine(self) -> Engine:
        """The writing engine."""
        return self._engine

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on the writer thread; its group's COMMIT comes before the answer.

        Whoever stops waiting before the work began takes it back; later it stands although nobody hears of it.
        """
        loop = asyncio.get_running_loop()
        job = Job(work, loop, loop.create_future())
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
        if self._closing:
            raise StoreUnavailableError("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def aclose(self) -> None:
        """Write what was accepted, then close."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._writer.join)
        await loop.run_in_executor(None, self._readers.shutdown)
        self._engine.dispose()
        self._reader_engine.dispose()

    def _read(self, work: Callable[[Connection], T]) -> T:
        connection: Connection | None = getattr(self._local, "connection", None)
        try:
            if connection is None:
                connection = self._local.connection = self._reader_engine.connect()
            with connection.begin():
                return work(connection)
        except (DBAPIError, StopIteration) as error:
            answer = told(error)
            if isinstance(answer, StoreUnavailableError):
                self._local.connection = None
                _discard(connection)
            raise answer from error

    def _write(self) -> None:
        connection: Connection | None = None
        group: list[Job] = []
        try:
            while group := self._next_group():
                try:
                    connection = connection or self._engine.connect()
                    run_group(connection, group)
                except (DBAPIError, sqlite3.Error) as error:
                    _settle_rest(group, StoreUnavailableError(str(getattr(error, "orig", error))))
                if any(isinstance(job.error, StoreUnavailableError) for job in group):
                    _discard(connection)  # the file may be another one when it is back
                    connection = None
                _hand_out(group)
        finally:
            self._refuse_rest(group)
            _discard(connection)

    def _next_group(self) -> list[Job]:
        """Wait for works; an empty group says that the store is closed and nothing is left to write."""
        with self._wake:
            while True:
                while not self._waiting and not self._closing:
                    self._wake.wait()
                taken = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
                wanted = [job for job in taken if not job.future.cancelled()]
                if wanted or not taken:
                    return wanted

    def _refuse_rest(self, group: list[Job]) -> None:
        """Leave nobody waiting for a writer that is gone, whatever ended it."""
        with self._wake:
            self._closing = True
            rest = [*group, *self._waiting]
            self._waiting.clear()
        _settle_rest(rest, StoreUnavailableError("the store's writer has ended"))
        _hand_out(rest)


def writing_engine(url: URL) -> Engine:
    """Return an engine whose transactions begin as the one writer."""
    engine = create_engine(url, poolclass=NullPool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _reading_engine(url: URL) -> Engine:
    engine = create_engine(url, poolclass=NullPool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "connect", _only_read)
    event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _only_read(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA query_only=ON")


def _begin_immediate(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads first could not get it later without starting over."""
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _settle_rest(group: Sequence[Job], error: BaseException) -> None:
    for job in group:
        if not job.decided:
            job.settle(error=error)


def _hand_out(group: Sequence[Job]) -> None:
    """Wake each event loop once for all of its works."""
    for loop in {job.loop for job in group}:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to hear it
            loop.call_soon_threadsafe(_resolve, [job for job in group if job.loop is loop])


def _resolve(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.future.done():  # the one who asked went away; the work stands
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)


def _discard(connection: Connection | None) -> None:
    if connection is not None:
        connection.invalidate()
        connection.close()
