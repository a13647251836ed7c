"""What following a chain of blocks asks of its family: one endpoint, read for one scope. Nothing is decided here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from chains.blocks import Contradiction, Link
from chains.port import Watch
from chains.position import ReadBlock
from chains.rpc import Endpoint, EndpointError, Trouble

T = TypeVar("T")
B_co = TypeVar("B_co", bound=ReadBlock, covariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What an endpoint shows of its chain."""

    tip: Link
    final: int | None  # the height it calls final; None: it has no word for that
    at_our_tip: str | None  # hash of its block where our newest one stands

    def final_height(self, depth: int) -> int:
        """Return up to where its blocks are final: by its own word, or with `depth` confirmations."""
        return self.final if self.final is not None else self.tip.height - depth + 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What is looked for."""

    watch: Watch
    under_way: frozenset[str] = frozenset()  # assets of payments that can still change, accepted any more or not
    read_again: bool = False  # all of it before it is final: retired addresses may be left for then


NOBODY = Scope(watch=Watch(active=frozenset()))
"""For whoever looks at the chain alone."""


class Reader(Protocol[B_co]):
    """One endpoint, read for one scope. Every answer was checked; whatever is wrong with one is an EndpointError."""

    @property
    def endpoint(self) -> Endpoint:
        """Who is asked."""

    async def look(self, our_height: int | None) -> View:
        """Return what the endpoint shows now, and at our newest block's height where one is given."""

    async def link(self, height: int) -> Link:
        """Return the block at a height that the endpoint has seen."""

    async def hashes(self, heights: Sequence[int]) -> list[str | None]:
        """Return the hashes of the blocks at these heights; None where the endpoint has none."""

    async def read(self, first: int, last: int) -> Sequence[B_co]:
        """Return the blocks from `first` to `last` with their payments in order."""


Reading = Callable[[Endpoint, Scope], Reader[B_co]]
"""Makes the reader of an endpoint for a scope."""


async def all_there(reader: Reader[ReadBlock], heights: Sequence[int]) -> list[str]:
    """Return the hashes of blocks that the endpoint has seen."""
    hashes = await reader.hashes(heights)
    if None in hashes:
        raise EndpointError(Trouble.INCONSISTENT, "a block it has seen is not there")
    return [digest for digest in hashes if digest is not None]


def fitting(value: T | Contradiction) -> T:
    """Return what fits together; a contradiction is the endpoint's failure."""
    if isinstance(value, Contradiction):
        raise EndpointError(Trouble.INCONSISTENT, value.reason)
    return value
