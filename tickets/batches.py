"""Many keys and rows at once, but never more than one statement may carry. No table stands here."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection

from store.batch import Batch, Values

K = TypeVar("K", str, int)

AT_ONCE = 500
"""Keys or rows in one statement; far below what either database allows."""


def batches(keys: Iterable[K]) -> Iterator[Sequence[K]]:
    """Yield the keys in parts, each key once and in the order of the keys: that in which rows are locked."""
    wanted = iter(sorted(set(keys)))
    while some := tuple(islice(wanted, AT_ONCE)):
        yield some


def insert_all(conn: Connection, batch: Batch, rows: Iterable[Values]) -> None:
    """Insert any number of rows, each with its values in the order of the batch's columns."""
    wanted = iter(rows)
    while some := tuple(islice(wanted, AT_ONCE)):
        batch.insert(conn, some)
