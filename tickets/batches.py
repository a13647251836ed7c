"""Many keys at once, but never more than one statement may name. No table stands here."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

K = TypeVar("K", str, int)

AT_ONCE = 500
"""Keys named in one statement; far below what either database allows."""


def batches(keys: Iterable[K]) -> Iterator[Sequence[K]]:
    """Yield the keys in parts, each key once and in the order of the keys: that in which rows are locked."""
    wanted = iter(sorted(set(keys)))
    while some := tuple(islice(wanted, AT_ONCE)):
        yield some
