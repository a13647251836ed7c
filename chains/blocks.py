"""Follow a chain of blocks through reorgs with a bounded memory of hashes. Pure: it is told what an endpoint says.

The memory starts at the newest final block and holds the unfinal ones above it. Its newest `DENSE` links are complete;
below them ever fewer are kept, as in a Bitcoin block locator, so that it stays small while finality stalls.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

DENSE = 256
"""As many links below the tip are all kept: more than any chain of ours has unfinal in good times."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A block as far as following needs it."""

    height: int
    hash: str
    parent: str
    time: int  # seconds since 1970, as the block says


class Verdict(Enum):
    """What a tip that we are shown is to us."""

    COMMON = auto()  # our own tip: nothing is new
    BETTER = auto()  # at least as high as ours, and another
    WORSE = auto()  # lower than ours: it proves nothing, the endpoint lags


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """What we remember of a chain: its newest final block and the links above it, ascending."""

    final: Link
    unfinal: tuple[Link, ...] = ()

    @property
    def tip(self) -> Link:
        """The newest block we know."""
        return self.unfinal[-1] if self.unfinal else self.final

    @property
    def links(self) -> tuple[Link, ...]:
        """Everything remembered, ascending."""
        return (self.final, *self.unfinal)

    def at(self, height: int) -> Link | None:
        """Return the link at a height, if it is still remembered."""
        return next((link for link in self.links if link.height == height), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Extended:
    """The memory after a branch was followed, and what no longer stands."""

    memory: Memory
    orphaned: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeepReorg:
    """Our final block does not stand on the chain we are shown."""

    ours: Link
    theirs: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Contradiction:
    """What we are shown does not fit together; ask again, elsewhere."""

    reason: str


def judge(memory: Memory, tip: Link) -> Verdict:
    """Return what the tip of an endpoint's chain is to us."""
    if tip.hash == memory.tip.hash:
        return Verdict.COMMON
    return Verdict.BETTER if tip.height >= memory.tip.height else Verdict.WORSE


def fork_point(memory: Memory, theirs: Mapping[int, str]) -> Link | DeepReorg:
    """Return the highest remembered link that stands on their chain too; `theirs` is hashes by height.

    The final link must be among the heights asked for. Between thinned links the true fork may be higher: what lies
    between is read again, which changes nothing.
    """
    for link in reversed(memory.links):
        if theirs.get(link.height) == link.hash:
            return link
    return DeepReorg(ours=memory.final, theirs=theirs[memory.final.height])


def extend(memory: Memory, fork: Link, branch: Sequence[Link]) -> Extended | Contradiction:
    """Follow a branch that starts on top of `fork`. It must link up and reach at least our own height."""
    if fault := unlinked(fork, branch):
        return fault
    if not branch or branch[-1].height < memory.tip.height:
        return Contradiction(reason="the branch ends below our tip: it replaces nothing")
    fresh = {link.hash for link in branch}
    kept = tuple(link for link in memory.unfinal if link.height <= fork.height)
    orphaned = tuple(link for link in memory.unfinal if link.height > fork.height and link.hash not in fresh)
    return Extended(memory=replace(memory, unfinal=thinned((*kept, *branch))), orphaned=orphaned)


def finalise(memory: Memory, chain: Sequence[Link]) -> Memory | Contradiction:
    """Move finality up to the last of `chain`, which was read again from the final block on. It must be our chain."""
    if fault := unlinked(memory.final, chain):
        return fault
    hashes = {link.height: link.hash for link in chain}
    for link in memory.unfinal:
        if hashes.get(link.height, link.hash) != link.hash:
            return Contradiction(reason=f"two readings differ about block {link.height}")
    last = chain[-1]
    if last.height > memory.tip.height:
        return Contradiction(reason="a block cannot be final before it was followed")
    return Memory(final=last, unfinal=tuple(link for link in memory.unfinal if link.height > last.height))


def final_height(memory: Memory, *, tagged: int | None, depth: int) -> int:
    """Return how high finality reaches on the remembered chain.

    `tagged` is the height the node itself calls final, None where it does not say; then a block is final with `depth`
    confirmations. Finality never falls, and never runs ahead of what was read.
    """
    said = tagged if tagged is not None else memory.tip.height - depth + 1
    return max(memory.final.height, min(said, memory.tip.height))


def unlinked(below: Link, chain: Iterable[Link]) -> Contradiction | None:
    """Return what breaks the line of parents from `below` through `chain`, if anything does."""
    for link in chain:
        if link.height != below.height + 1 or link.parent != below.hash:
            return Contradiction(reason=f"block {link.height} does not stand on block {below.height}")
        below = link
    return None


def thinned(links: tuple[Link, ...], dense: int = DENSE) -> tuple[Link, ...]:
    """Keep all of the newest `dense` links, half of the next as many, a quarter of the next twice as many, and so on.

    A height that is dropped once would be dropped ever after, so thinning step by step or at once is the same.
    """
    if len(links) <= dense:
        return links
    tip = links[-1].height
    return tuple(link for link in links if link.height % (1 << ((tip - link.height) // dense).bit_length()) == 0)
