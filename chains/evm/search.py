"""Finds the blocks in which something rose, by halving: asks for as little as it can. Pure: it is told by `send`."""

from collections import defaultdict
from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass, replace

Wanted = Mapping[int, set[str]]
"""By height, the addresses whose value there is asked for."""
Told = Mapping[int, Mapping[str, int] | None]
"""By height, the values there; None where the state of that block is not to be had any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rise:
    """By how much the value of an address rose in a block."""

    height: int
    address: str
    amount: int
    exact: bool = True  # False: what was below could not be read, and it may have risen in an earlier block


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """What is known of an address: its value at a height, and at a higher one."""

    address: str
    lower: int
    below: int
    upper: int
    above: int
    sure: bool = True  # whether `below` is the value at `lower`, and not an older one
    wavers: bool = False  # its value may fall as well, so that equal ends say nothing of what lies between

    @property
    def open(self) -> bool:
        """Whether there are blocks between that may matter."""
        return self.upper - self.lower > 1 and (self.wavers or self.above > self.below)

    @property
    def middle(self) -> int:
        """Where it is divided."""
        return (self.lower + self.upper) // 2


def rises(spans: Collection[Span]) -> Generator[Wanted, Told, tuple[Rise, ...]]:
    """Ask for values (`yield`) until every rise is known, and return them in order of height and address.

    A value that never falls is the same everywhere between equal ends: what does not waver is asked for along the
    paths to its rises alone, one level for all addresses at a time.
    """
    found: list[Rise] = []
    while spans:
        found += [_rise(span) for span in spans if not span.open and span.above > span.below]
        spans = [span for span in spans if span.open]
        if not spans:
            break
        wanted: defaultdict[int, set[str]] = defaultdict(set)
        for span in spans:
            wanted[span.middle].add(span.address)
        told = yield wanted
        spans = [half for span in spans for half in _halves(span, told[span.middle])]
    return tuple(sorted(found, key=lambda rise: (rise.height, rise.address)))


def _halves(span: Span, told: Mapping[str, int] | None) -> tuple[Span, ...]:
    """Divide a span; where the middle cannot be read, what rose below counts as risen at the first block that can."""
    if told is None:
        return (replace(span, lower=span.middle, sure=False),)
    value = told[span.address]
    return (
        replace(span, upper=span.middle, above=value),
        replace(span, lower=span.middle, below=value, sure=True),
    )


def _rise(span: Span) -> Rise:
    return Rise(height=span.upper, address=span.address, amount=span.above - span.below, exact=span.sure)
