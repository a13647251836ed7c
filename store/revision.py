"""Brings a database to the revision this program was written for, and tells whether it is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from store.engine import open_engine
from store.errors import StoreOutdatedError, StoreUnavailableError
from store.sqlite import READING

UPGRADE_LOCK = 0x7573686572
"""PostgreSQL's advisory lock under which one process upgrades while others wait ("usher" in ASCII)."""


@contextmanager
def engine_at(url: str) -> Iterator[Engine]:
    """Open a database for its revision alone. Raises StoreUnavailableError where it cannot be reached."""
    engine = open_engine(url)
    try:
        yield engine
    except OperationalError as error:
        raise _unavailable(error) from error
    finally:
        engine.dispose()


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Run what is missing, in one transaction; return the revisions before and after."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        before = current(connection)
        command.upgrade(alembic_config(connection), "head")
        return before, head()


def check(engine: Engine) -> str:
    """Return the database's revision. Raises StoreOutdatedError where this program needs another."""
    try:
        with engine.connect().execution_options(**{READING: True}) as connection:
            found = current(connection)
    except OperationalError as error:
        raise _unavailable(error) from error
    if found != head():
        raise StoreOutdatedError(f"it is at {found or 'none'}, this program needs {head()}")
    return head()


def current(connection: Connection) -> str | None:
    """Return the revision a database is at; None: it has no tables yet."""
    return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Return the revision this program was written for."""
    revision = ScriptDirectory.from_config(alembic_config(None)).get_current_head()
    if revision is None:
        raise StoreOutdatedError("no revisions are installed beside this program")
    return revision


def _unavailable(error: OperationalError) -> StoreUnavailableError:
    return StoreUnavailableError(str(error.orig).partition("\n")[0])


def alembic_config(connection: Connection | None, **attributes: Any) -> Config:
    """Return Alembic's configuration for one connection; there is no alembic.ini."""
    config = Config(attributes={"connection": connection, **attributes})
    config.set_main_option("script_location", "store:migrations")
    config.set_main_option("path_separator", "os")
    return config
