"""A block as its bytes say: header, hash, and the line of transactions under its Merkle root. Pure.

Only transactions that touch us are read; of all others no more than where they end and what they hash to.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from chains.bitcoin.encoding import read_compact_size, shown
from chains.bitcoin.transaction import (
    EXTENSION,
    FLAGS,
    OUTPOINT,
    WITNESS,
    Transaction,
    read_transaction,
)
from chains.blocks import Link
from chains.distrust import Distrusted
from chains.hashes import sha256d

HEADER = 80
_ONE_BYTE = 0xFC


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """A transaction and where in its block it stands."""

    place: int
    transaction: Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Touching:
    """What is looked for in a block."""

    scripts: Collection[bytes] = frozenset()  # outputs with one of these are ours
    outpoints: Collection[bytes] = frozenset()  # of which it matters who spends them


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedBlock:
    """A block whose transactions hash to its header's root and whose header hashes to its name."""

    link: Link  # its time is the header's own
    transactions: tuple[Placed, ...]  # those that pay one of our scripts
    spent: tuple[tuple[bytes, str], ...]  # outpoints that were looked for, and the id of what spends them


@dataclass(kw_only=True, slots=True)
class _Walk:
    """What one pass over the transactions finds."""

    leaves: list[bytes] = field(default_factory=list)
    touched: list[tuple[int, int, int]] = field(default_factory=list)  # place, first byte, byte behind the last
    spent: list[tuple[bytes, int]] = field(default_factory=list)  # outpoint, place of what spends it
    first: tuple[int, int] = (0, 0)  # where the first transaction begins and ends
    end: int = 0
    flags: int = 0  # of the last transaction


def check_header(raw: bytes, *, height: int, digest: str | None = None) -> Link | Distrusted:
    """Return what 80 bytes of header say; with `digest` they must hash to it. The height is the asker's."""
    if len(raw) != HEADER:
        return Distrusted(reason=f"the header of block {height} does not have {HEADER} bytes")
    name = shown(sha256d(raw))
    if digest is not None and name != digest:
        return Distrusted(reason=f"block {height} does not hash to {digest}")
    return Link(height=height, hash=name, parent=shown(raw[4:36]), time=int.from_bytes(raw[68:72], "little"))


def check_block(raw: bytes, touching: Touching, *, height: int, digest: str | None = None) -> CheckedBlock | Distrusted:
    """Check a whole block and return what touches us in it. No bytes raise; the time taken grows with their number."""
    link = check_header(raw[:HEADER], height=height, digest=digest)
    if isinstance(link, Distrusted):
        return link
    try:
        count, at = read_compact_size(raw, HEADER)
        walk = _walk(raw, at, count, touching)
    except IndexError:
        return Distrusted(reason=f"block {height} is cut off")
    if isinstance(walk, Distrusted):
        return walk
    # Behind a transaction of the extension comes the extension block, to which the root does not commit (LIP-3).
    if walk.end != len(raw) and not (walk.flags & EXTENSION and walk.end < len(raw)):
        return Distrusted(reason=f"block {height} does not end where it says")
    return _checked(raw, link, walk)


def _checked(raw: bytes, link: Link, walk: _Walk) -> CheckedBlock | Distrusted:
    root = merkle_root(walk.leaves)
    if root is None:
        return Distrusted(reason=f"block {link.height} names transactions twice (CVE-2012-2459), or none")
    if root != raw[36:68]:
        return Distrusted(reason=f"the transactions of block {link.height} do not hash to its root")
    begin = read_transaction(raw[slice(*walk.first)])
    if isinstance(begin, Distrusted) or not begin.coinbase:
        # Inner nodes of the tree can pass for transactions of 64 bytes; to make them begin with a coinbase takes at
        # least 2^224 attempts (Bitcoin Core's IsBlockMutated).
        return Distrusted(reason=f"block {link.height} does not begin with its coinbase")
    found: list[Placed] = []
    for place, first, behind in walk.touched:
        transaction = read_transaction(raw[first:behind])
        if isinstance(transaction, Distrusted):
            return transaction
        found.append(Placed(place=place, transaction=transaction))
    spent = tuple((outpoint, shown(walk.leaves[place])) for outpoint, place in walk.spent)
    return CheckedBlock(link=link, transactions=tuple(found), spent=spent)


def merkle_root(leaves: Sequence[bytes]) -> bytes | None:
    """Return the root over transaction hashes; None where there is no leaf, or where a level ends in a repetition.

    A line of transactions whose end is repeated has the same root as without (CVE-2012-2459): only one is the block.
    """
    level = list(leaves)
    while len(level) > 1:
        if len(level) % 2 == 0 and level[-1] == level[-2]:
            return None
        if len(level) % 2:
            level.append(level[-1])
        level = [sha256d(level[at] + level[at + 1]) for at in range(0, len(level), 2)]
    return level[0] if level else None


def _walk(  # noqa: C901, PLR0912, PLR0915  one pass without a call per input or output: calls double its time
    raw: bytes, at: int, count: int, touching: Touching
) -> _Walk | Distrusted:
    """Find where each transaction ends, what it hashes to, and whether it touches us. IndexError: the block is cut."""
    walk = _Walk()
    scripts, outpoints = touching.scripts, touching.outpoints
    leaf, looking, flags = walk.leaves.append, bool(outpoints), 0
    for place in range(count):
        start, ours = at, False
        at += 4
        inputs, flags = raw[at], 0
        if inputs == 0:
            flags = raw[at + 1]
            if flags not in FLAGS:
                return Distrusted(reason=f"transaction {place} of a block has unknown parts (flags {flags:#x})")
            at += 2
            inputs = raw[at]
        body = at
        at += 1
        if inputs > _ONE_BYTE:
            inputs, at = read_compact_size(raw, body)
        for _ in range(inputs):
            if looking and raw[at : at + OUTPOINT] in outpoints:
                walk.spent.append((raw[at : at + OUTPOINT], place))
            size = raw[at + OUTPOINT]
            if size > _ONE_BYTE:
                size, at = read_compact_size(raw, at + OUTPOINT)
                at += size + 4
            else:
                at += OUTPOINT + 1 + size + 4
        number = raw[at]
        at += 1
        if number > _ONE_BYTE:
            number, at = read_compact_size(raw, at - 1)
        for _ in range(number):
            size = raw[at + 8]
            if size > _ONE_BYTE:
                size, at = read_compact_size(raw, at + 8)
                at += size
            else:
                at += 9 + size
                if raw[at - size : at] in scripts:
                    ours = True
        end = at
        if flags & WITNESS:
            for _ in range(inputs):
                number = raw[at]
                at += 1
                if number > _ONE_BYTE:
                    number, at = read_compact_size(raw, at - 1)
                for _ in range(number):
                    size = raw[at]
                    if size > _ONE_BYTE:
                        size, at = read_compact_size(raw, at)
                        at += size
                    else:
                        at += size + 1
        if flags & EXTENSION:
            at += 1
        at += 4
        stripped = raw[start : start + 4] + raw[body:end] + raw[at - 4 : at] if flags else raw[start:at]
        leaf(sha256(sha256(stripped).digest()).digest())
        if ours:
            walk.touched.append((place, start, at))
        if place == 0:
            walk.first = (start, at)
    if at > len(raw):
        raise IndexError("the last transaction is cut off")
    walk.end, walk.flags = at, flags
    return walk
