"""Answers bent in one place: what a stranger's node may tell in place of the truth."""

import copy
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]


def places(answer: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every value in an answer, the answer itself first."""
    yield path
    items = answer.items() if isinstance(answer, dict) else enumerate(answer) if isinstance(answer, list) else ()
    for name, value in items:
        yield from places(value, (*path, name))


def replaced(answer: Any, path: Path, value: Any) -> Any:
    """Return an answer with another value in one place."""
    if not path:
        return value
    changed, within = _opened(answer, path)
    within[path[-1]] = value
    return changed


def without(answer: Any, path: Path) -> Any:
    """Return an answer with nothing in one place; without itself it is None."""
    if not path:
        return None
    changed, within = _opened(answer, path)
    del within[path[-1]]
    return changed


def _opened(answer: Any, path: Path) -> tuple[Any, Any]:
    """Return a copy, and what holds the place in it."""
    changed = within = copy.deepcopy(answer)
    for name in path[:-1]:
        within = within[name]
    return changed, within
