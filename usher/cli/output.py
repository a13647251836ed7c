"""What commands print: a table for people, tab-separated lines for pipes, JSON with `--json`. Nothing is computed here.

def list_events(context: typer.Context, *, as_json: AsJson = False) -> None:
    show_rows(rows, as_json=as_json)
"""

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import typer
from pydantic import BaseModel, SecretStr

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
"""The `--json` option of a command."""


def show_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool, columns: Sequence[str] = ()) -> None:
    """Print records that have the same keys; `columns` names those that a person sees, all by default."""
    if as_json:
        return show_json(rows)
    shown = tuple(columns) or tuple(rows[0] if rows else ())
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(_word(row[column]) for column in shown))
        return None
    from rich.console import Console  # noqa: PLC0415  a tenth of a second, only for people
    from rich.table import Table  # noqa: PLC0415

    table = Table(*(column.replace("_", " ") for column in shown), box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(_word(row[column]) for column in shown))
    Console().print(table if rows else "nothing to show")
    return None


def show_record(record: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one record, a line per value."""
    if as_json:
        return show_json(record)
    width = max(map(len, record), default=0)
    for key, value in record.items():
        print(f"{key.replace('_', ' '):<{width}}  {_word(value)}")
    return None


def show_json(value: Any) -> None:
    """Print a value as JSON: dataclasses and models by field, times in RFC 3339, everything else as its text."""
    print(json.dumps(_plain(value), ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str() if not isinstance(value, Enum):
            return value
        case Mapping():
            return {str(key): _plain(held) for key, held in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(held) for held in value]
        case BaseModel():
            return _plain(dict(value))
        case _ if dataclasses.is_dataclass(value) and type(value).__str__ is object.__str__:
            return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case _:
            return _text(value)


def _word(value: Any) -> str:
    """Return a value as a cell: one line, nothing for None."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Mapping() | list() | tuple():
            return json.dumps(_plain(value), ensure_ascii=False)
        case _:
            return " ".join(_text(value).split())


def _text(value: Any) -> str:
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Enum():
            return str(value.value)
        case SecretStr():
            return "[redacted]"
        case _:
            return str(value)
