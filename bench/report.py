"""How every benchmark tells what it measured: a table for people, JSON with `--json`. It measures nothing itself."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One figure beside the peer it is held against."""

    name: str
    value: float
    unit: str
    peer: str = ""  # what it is compared with, and that one's figure
    ratio: float | None = None  # ours to the peer's
    aim: str = ""  # e.g. ">= 0.6" or "<= 1.5"
    ok: bool | None = None  # None: a figure without an aim


def meets(ratio: float, aim: str) -> bool:
    """Return whether a ratio satisfies an aim written as `>= x` or `<= x`."""
    relation, _, bound = aim.partition(" ")
    return ratio >= float(bound) if relation == ">=" else ratio <= float(bound)


def against(name: str, value: float, unit: str, *, peer: str, peer_value: float, aim: str = "") -> Result:
    """Return a result with its ratio to a peer's value, judged by the aim if there is one."""
    ratio = value / peer_value
    ok = meets(ratio, aim) if aim else None
    return Result(
        name=name, value=value, unit=unit, peer=f"{peer}: {peer_value:,.4g} {unit}", ratio=ratio, aim=aim, ok=ok
    )


def print_table(results: Sequence[Result]) -> None:
    """Print the results as an aligned table."""
    head = ("what", "figure", "against", "ratio", "aim", "")
    rows = [head, *(_cells(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def progress(text: str) -> None:
    """Show on a terminal what is measured now; the next one takes its line, an empty one clears it."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text and f'  {text} …'}", end="", file=sys.stderr, flush=True)


def report(results: Sequence[Result], *, as_json: bool | None = None) -> None:
    """Print the results, as JSON where the command line says `--json`."""
    if as_json if as_json is not None else "--json" in sys.argv:
        print(json.dumps([asdict(result) for result in results], indent=2))
    else:
        print_table(results)


def _cells(result: Result) -> tuple[str, ...]:
    return (
        result.name,
        f"{result.value:,.4g} {result.unit}",
        result.peer,
        "" if result.ratio is None else f"{result.ratio:.2f}",
        result.aim,
        "" if result.ok is None else ("ok" if result.ok else "missed"),
    )
