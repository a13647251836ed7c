"""Inserts that meet a row which is already there, in words both databases know. No table stands here."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Insert = postgresql.Insert | sqlite.Insert
"""An INSERT that knows ON CONFLICT; both dialects spell it alike."""


def insert_into(conn: Connection, table: Table) -> Insert:
    """Return the connected database's own INSERT, which offers `on_conflict_do_nothing` and `…_do_update`."""
    return insert_of(conn.dialect.name, table)


def insert_of(dialect: str, table: Table) -> Insert:
    """Return a database's own INSERT by its dialect's name."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def insert_ignore(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows that break no unique constraint; return how many went in. All have the same columns."""
    if not rows:
        return 0
    statement = _insert_ignore(conn.dialect.name, table)
    if len(rows) == 1:
        return conn.execute(statement, rows[0]).rowcount
    return len(conn.execute(statement.returning(*table.primary_key), rows).all())  # drivers count no batch


def upsert(conn: Connection, table: Table, row: Mapping[str, Any], *, key: Iterable[str]) -> None:
    """Insert the row, or give the row with the same `key` columns its other values."""
    keys = tuple(key)
    rest = tuple(column for column in row if column not in keys)
    conn.execute(_upsert(conn.dialect.name, table, keys, rest), dict(row))


@cache
def _insert_ignore(dialect: str, table: Table) -> Insert:
    return insert_of(dialect, table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


@cache
def _upsert(dialect: str, table: Table, keys: tuple[str, ...], rest: tuple[str, ...]) -> Insert:
    insert = insert_of(dialect, table)
    if not rest:
        return insert.on_conflict_do_nothing(index_elements=keys)
    return insert.on_conflict_do_update(index_elements=keys, set_={column: insert.excluded[column] for column in rest})
