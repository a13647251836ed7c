"""The door to the database: `await store.transact(work)`. What the work does is each room's own business."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import URL, Connection, Engine, make_url

from store import postgres, sqlite
from store.postgres import PostgresStore
from store.sqlite import SqliteStore

T = TypeVar("T")
Work = Callable[[Connection], T]
"""A unit of work: a plain function that may be run again from the start and touches its connection only."""


class Store(Protocol):
    """Runs units of work in transactions, off the event loop.

    Requirements: a result is handed out only after its COMMIT; a work that raises leaves no trace and takes
    no other work with it; a work may be run more than once, but is stored at most once; works see the
    database as if they ran one after the other as far as their conditional writes and row locks go.
    """

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, for migrations and checks; never for units of work."""

    async def transact(self, work: Work[T]) -> T:
        """Run `work` in a transaction and return its result once it is stored."""

    async def read(self, work: Work[T]) -> T:
        """Run `work`, which only reads, on a consistent snapshot."""

    async def aclose(self) -> None:
        """Finish what was accepted, then let go of the database. Safe to call twice."""


def open_store(url: str) -> Store:
    """Open the database at an SQLAlchemy URL: `sqlite:///path` or `postgresql://…`."""
    parsed = _parsed(url)
    return SqliteStore(parsed) if parsed.get_backend_name() == "sqlite" else PostgresStore(parsed)


def open_engine(url: str) -> Engine:
    """Open the same database without a store around it, for migrations and checks."""
    parsed = _parsed(url)
    return sqlite.writing_engine(parsed) if parsed.get_backend_name() == "sqlite" else postgres.engine(parsed)


def _parsed(url: str) -> URL:
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            return parsed.set(drivername="sqlite")
        case "postgresql":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise ValueError(f"database.url: {other!r} is neither sqlite nor postgresql")
