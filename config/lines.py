"""Finds the line of a TOML text on which a key stands, which `tomllib` does not tell. Reads no file."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

KeyPath = tuple[str | int, ...]
"""A key as pydantic names it: table keys, and indices into arrays."""


def key_lines(text: str) -> Mapping[KeyPath, int]:
    """Return the line (from 1) of each table and each key of a valid TOML text."""
    lines: dict[KeyPath, int] = {}
    array_lengths: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, statement in _statements(text):
        if statement.startswith("[["):
            name = _named(tomllib.loads(statement))
            index = array_lengths[name] = array_lengths.get(name, -1) + 1
            lines.setdefault(name, number)
            table = (*name, index)
            lines[table] = number
        elif statement.startswith("["):
            table = _inside_arrays(_named(tomllib.loads(statement)), array_lengths)
            lines[table] = number
        else:
            for path in _paths(tomllib.loads(statement)):
                lines[table + path] = number
    return lines


def line_of(path: KeyPath, lines: Mapping[KeyPath, int]) -> int | None:
    """Return the line of a key, or of the nearest table around it; None: it stands nowhere in the text."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Split into headers and assignments; one that spans lines ends where it can be read by itself."""
    collected, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if not collected:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            start = number
        collected += line + "\n"
        try:
            tomllib.loads(collected)
        except tomllib.TOMLDecodeError:
            continue
        yield start, collected.strip()
        collected = ""


def _named(table: Mapping[str, Any]) -> KeyPath:
    """Return the path of the one table that a header opens."""
    path: KeyPath = ()
    node: Any = table
    while isinstance(node, dict) and node:
        key, node = next(iter(node.items()))
        path += (key,)
    return path


def _inside_arrays(name: KeyPath, array_lengths: Mapping[KeyPath, int]) -> KeyPath:
    """Read `[a.b]` below `[[a]]` as a key of the newest element of `a` (TOML 1.0, Array of Tables)."""
    path: KeyPath = ()
    for depth, key in enumerate(name, 1):
        path += (key,)
        if name[:depth] in array_lengths:
            path += (array_lengths[name[:depth]],)
    return path


def _paths(value: Any) -> Iterator[KeyPath]:
    """Yield the path of each key and element within a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (key,)
        yield from ((key, *rest) for rest in _paths(inner))
