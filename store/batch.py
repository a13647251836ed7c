"""Inserting many rows at little more than the driver's price, on both databases. No table stands here.

SQLAlchemy prepares each value of each row anew, which at the door cost more than the database itself. Here the SQL is
written once, by SQLAlchemy too, and a value is converted only where its column's type asks for it, once per statement.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ClauseElement, Connection, Dialect, Table

from store.upsert import insert_of

Values = Sequence[Any]
_INSERT = re.compile(r"(?P<head>.* VALUES )(?P<row>\([^()]*\))(?P<tail>.*)")
_POSITIONAL = {"sqlite": "qmark", "postgresql": "format"}  # PEP 249's names for `?` and `%s`


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """An INSERT of any number of rows."""

    table: Table
    columns: tuple[str, ...]  # in the table's order
    unless_there: bool = False  # leave a row alone that is there already
    returning: str | None = None  # a column of the rows that went in

    def insert(self, conn: Connection, rows: Sequence[Values]) -> list[Any]:
        """Insert the rows, each with its values in the order of `columns`; return what was asked for, in no order."""
        if not rows:
            return []
        plan = _plan(self, conn.dialect)
        converted = plan.converted(rows)
        if self.returning is None:  # psycopg sends them in one go, and reads one short statement instead of a long one
            conn.exec_driver_sql(plan.statement(1), converted)
            return []
        flat = tuple(value for row in converted for value in row)
        result = conn.exec_driver_sql(plan.statement(len(rows)), flat)
        return [] if self.returning is None else [value for (value,) in result.fetchall()]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """A batch in the words of one database."""

    head: str  # up to VALUES
    row: str
    tail: str
    converters: tuple[tuple[int, Callable[[Any], Any]], ...]  # by position

    def statement(self, rows: int) -> str:
        return f"{self.head}{', '.join([self.row] * rows)}{self.tail}"

    def converted(self, rows: Sequence[Values]) -> list[Values]:
        columns: list[Values] = [*zip(*rows, strict=True)]
        for position, convert in self.converters:
            known = {value: convert(value) for value in set(columns[position])}
            columns[position] = [known[value] for value in columns[position]]
        return [*zip(*columns, strict=True)]


@cache
def _plan(batch: Batch, dialect: Dialect) -> _Plan:
    columns = [column for column in batch.table.c if column.name in batch.columns]
    if [column.name for column in columns] != [*batch.columns]:
        raise ValueError(f"{batch.table.name}: name columns of the table in its order")
    kind: Callable[..., Dialect] = type(dialect)
    positional = kind(dbapi=dialect.dbapi, paramstyle=_POSITIONAL[dialect.name])
    written = _INSERT.fullmatch(str(_statement(batch, dialect).compile(dialect=positional, column_keys=batch.columns)))
    if written is None:
        raise ValueError(f"{batch.table.name}: SQLAlchemy writes this insert in another way")
    processors = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns]
    converters = tuple((number, process) for number, process in enumerate(processors) if process is not None)
    return _Plan(head=written["head"], row=written["row"], tail=written["tail"], converters=converters)


def _statement(batch: Batch, dialect: Dialect) -> ClauseElement:
    insert = insert_of(dialect.name, batch.table)
    if batch.unless_there:
        insert = insert.on_conflict_do_nothing()
    return insert if batch.returning is None else insert.returning(batch.table.c[batch.returning])
