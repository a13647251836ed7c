"""Commits several works at once on SQLite, so that one fsync serves them all. Threads and queues are `sqlite`'s."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RootTransaction
from sqlalchemy.exc import DBAPIError

from store.errors import StoreError, StoreUnavailableError

_UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
"""Primary result codes that say the database cannot work now (sqlite.org/rescode.html); others blame the work."""
_PRIMARY = 0xFF


@dataclass(slots=True, eq=False)
class Job:
    """A work on its way through the writer thread, and what came of it."""

    work: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None
    decided: bool = False

    def settle(self, *, result: Any = None, error: BaseException | None = None) -> None:
        """Fix the answer; it is stored, or will never be."""
        self.result, self.error, self.decided = result, error, True


def run_group(connection: Connection, group: Sequence[Job]) -> None:
    """Settle every job: together, or each on its own where one of them cost all the transaction.

    Raises DBAPIError or sqlite3.Error if no transaction can be begun or ended; what is undecided was not stored.
    """
    if len(group) > 1 and _together(connection, group):
        return
    for job in group:
        _alone(connection, job)


def _unavailable(error: DBAPIError) -> bool:
    """Whether this is the database's trouble, which passes, rather than the work's."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return error.connection_invalidated or (code is not None and code & _PRIMARY in _UNAVAILABLE)


def told(error: BaseException) -> BaseException:
    """Return what the one who asked is told: our word for the database's trouble, else the work's own error."""
    if isinstance(error, DBAPIError) and _unavailable(error):
        return StoreUnavailableError(str(error.orig))
    if isinstance(error, StopIteration):  # a future cannot carry it
        return RuntimeError(f"a unit of work raised {error!r}")
    return error


def _together(connection: Connection, group: Sequence[Job]) -> bool:
    """Return False, with nothing stored and nobody settled, if the transaction was lost on the way."""
    transaction = connection.begin()
    driver = _driver(connection)
    try:
        answers = [_in_savepoint(connection, driver, job.work) for job in group]
        transaction.commit()
    except (_TransactionLostError, DBAPIError):
        _abandon(transaction, driver)
        return False
    for job, (result, error) in zip(group, answers, strict=True):
        job.settle(result=result, error=error)
    return True


def _in_savepoint(
    connection: Connection, driver: sqlite3.Connection, work: Callable[[Connection], Any]
) -> tuple[Any, BaseException | None]:
    """Run a work that leaves no trace if it raises; its neighbours stand."""
    driver.execute("SAVEPOINT work")
    result, error = None, None
    try:
        result = work(connection)
    except BaseException as raised:  # noqa: BLE001  handed to the one who asked
        error = told(raised)
    if not driver.in_transaction:  # SQLITE_FULL and its like may roll everything back
        raise _TransactionLostError
    if error is not None:
        driver.execute("ROLLBACK TO work")
    driver.execute("RELEASE work")
    return result, error


def _alone(connection: Connection, job: Job) -> None:
    transaction = connection.begin()
    driver = _driver(connection)
    try:
        result = job.work(connection)
        _commit(transaction, driver)
    except BaseException as error:  # noqa: BLE001  handed to the one who asked
        _abandon(transaction, driver)
        job.settle(error=told(error))
    else:
        job.settle(result=result)


def _commit(transaction: RootTransaction, driver: sqlite3.Connection) -> None:
    if not driver.in_transaction:
        raise StoreError("a unit of work hid a database error that had rolled it back")
    transaction.commit()


def _abandon(transaction: RootTransaction, driver: sqlite3.Connection) -> None:
    transaction.rollback()
    if driver.in_transaction:  # a COMMIT that failed may leave it open, which SQLAlchemy does not know
        driver.rollback()


class _TransactionLostError(Exception):
    """A work's error rolled back the whole group."""


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError("a SQLite store speaks to sqlite3 only")
    return driver
