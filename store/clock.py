"""The database's own present moment: the one clock that all processes of a deployment share."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from store.types import Instant


class _Moment(FunctionElement[datetime]):
    """The moment at which the statement runs; CURRENT_TIMESTAMP would be the transaction's start."""

    type = Instant()
    inherit_cache = True
    name = "moment"


@compiles(_Moment, "postgresql")
def _on_postgresql(_element: _Moment, _compiler: SQLCompiler, **_options: Any) -> str:
    return "clock_timestamp()"


@compiles(_Moment, "sqlite")
def _on_sqlite(_element: _Moment, _compiler: SQLCompiler, **_options: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"  # Instant's own layout; SQLite counts milliseconds


_NOW = select(_Moment())


def database_now(conn: Connection) -> datetime:
    """Return the database's time, aware and in UTC."""
    return conn.execute(_NOW).scalar_one()
