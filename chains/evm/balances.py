"""Value that no transaction of a block explains: it came inside contract calls, as withdrawal or as a miner's reward.

    unexplained = change of the balance - what is known to have come in + what is known to have gone out, fees included

Pure. An account without code loses only by its own transactions, so that what is unexplained of it never falls, and
equal ends of a range say that nothing came in between. One with code may pay and be paid within one block: only the
difference is seen of that. A key that lends itself to code (EIP-7702) and takes it back within one range counts as
one without.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from chains.errors import PersistentError
from chains.evm.holdings import Holdings
from chains.evm.ours import Ours
from chains.evm.search import Rise, Span
from chains.port import Block, Checkpoint, JsonValue, Payment, PaymentKey
from chains.position import ReadBlock, moment

KEY = "balances"
"""Where the memory stands in the checkpoint."""
INTERNAL_INDEX = "internal"
RETIRED_PER_ROUND = 1000
"""So many retired addresses are looked at each time that finality rises: all in turn, however many there are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvmBlock(ReadBlock):
    """A block that was read in full, with what left our addresses in it."""

    spent: tuple[tuple[str, int], ...] = ()  # by lower-case address: wei, fees included


@dataclass(frozen=True, kw_only=True, slots=True)
class Balances:
    """What our addresses are expected to hold at the newest final block. Kept in the checkpoint."""

    read: int | None = None  # height at which all active ones were read; None: never yet
    turn: int = 0  # how often that was done: says whose turn it is among the retired ones
    of: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Wei by lower-case address, as last read, and what is known to have moved since. Who is not named has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Blocks that became final, in order, and what is known to have moved in them."""

    blocks: Sequence[EvmBlock]
    moved: Sequence[Mapping[str, int]]  # by block: wei by address, less what left it

    @classmethod
    def of(cls, blocks: Sequence[EvmBlock], ours: Ours) -> "Range":
        """Return the blocks with their known movements of the native coin."""
        return cls(blocks=blocks, moved=[_moved(block, ours) for block in blocks])

    @property
    def below(self) -> int:
        """The final height before."""
        return self.blocks[0].link.height - 1

    @property
    def last(self) -> int:
        """The final height now."""
        return self.blocks[-1].link.height

    def hash_at(self, height: int) -> str:
        """Return the hash of a block of the range, or of the one below it."""
        first = self.blocks[0].link
        return first.parent if height < first.height else self.blocks[height - first.height].link.hash

    def until(self, height: int) -> Counter[str]:
        """Return what is known to have moved up to a height."""
        total: Counter[str] = Counter()
        for moved in self.moved[: height - self.below]:
            total.update(moved)
        return total

    def spenders(self) -> frozenset[str]:
        """Return the addresses with transactions of their own."""
        return frozenset(address for block in self.blocks for address, _ in block.spent)


def looked_at(balances: Balances, ours: Ours) -> list[str]:
    """Return whose balances are read this time: the active ones', and in turn some of the retired ones'."""
    retired = ours.everyone - ours.active
    digits = 0
    while len(retired) > RETIRED_PER_ROUND * 16**digits:
        digits += 1
    if balances.read is None or not digits:
        return sorted(ours.everyone)
    due = f"{balances.turn % 16**digits:0{digits}x}"
    return sorted(ours.active.union(address for address in retired if address.endswith(due)))


def strangers(balances: Balances, now: Holdings, span: Range, ours: Ours) -> list[str]:
    """Return the addresses that hold something unexplained and of which it is not known what they held before.

    They held nothing, or came into the watch with something on them. What is retired was watched long enough.
    """
    moved = span.until(span.last)
    asked = now.keys() if balances.read is None else now.keys() & ours.active
    return sorted(address for address in asked - balances.of.keys() if now[address].wei != moved[address])


def spans(balances: Balances, now: Holdings, bases: Mapping[str, int], span: Range, ours: Ours) -> list[Span]:
    """Return what is to be searched for rises: per address, what was expected before the range and what is there.

    `bases`: what the strangers held. Values are balances less what is known to have moved within the range.
    """
    moved = span.until(span.last)
    return [
        Span(
            address=address,
            lower=span.below,
            below=balances.of.get(address, bases.get(address, 0)),
            upper=span.last,
            above=holding.wei - moved[address],
            sure=balances.read is None or (balances.read == span.below and address in ours.active),
            wavers=holding.coded,
        )
        for address, holding in sorted(now.items())
    ]


def first_seen(now: Holdings, unread: Iterable[str], span: Range) -> dict[str, int]:
    """Return bases for addresses never read before whose past cannot be read: what they hold is where they begin."""
    moved = span.until(span.last)
    return {address: now[address].wei - moved[address] for address in unread}


def carried(balances: Balances, span: Range) -> Balances:
    """Return the memory after a range at whose end no balance could be read: what moved is expected to be there."""
    if balances.read is None:
        return balances
    expected = dict(balances.of)
    for address, wei in span.until(span.last).items():
        expected[address] = expected.get(address, 0) + wei  # kept at zero too: it is not unknown
    return Balances(read=balances.read, turn=balances.turn, of=expected)


def remembered(
    balances: Balances, now: Holdings, bases: Mapping[str, int], span: Range, doubted: Collection[str] = ()
) -> Balances:
    """Return the memory after the balances at the end of a range were read.

    What is `doubted` is not taken over: it is found again next time. Nor is less than expected of an account that
    cannot have lost it: a node that answers so for a state it does not have would have us find it again later.
    """
    moved, spenders = span.until(span.last), span.spenders()
    expected = {
        address: balances.of.get(address, bases.get(address, 0)) + moved[address]
        for address in {*balances.of, *now, *moved}
    }
    for address, holding in now.items():
        if address not in doubted and (holding.wei > expected[address] or holding.coded or address in spenders):
            expected[address] = holding.wei
    if doubted:
        return Balances(read=balances.read, turn=balances.turn, of=expected)
    held = {address: wei for address, wei in expected.items() if wei}
    return Balances(read=span.last, turn=balances.turn + 1, of=held)


def payments(rises: Iterable[Rise], span: Range, ours: Ours) -> tuple[Payment, ...]:
    """Return the rises as payments. Their transaction is not known: the id is made of block and address.

    `<block hash>:<address>` in lower case, with the index `internal`, is the same whoever finds it: one per block.
    """
    made = []
    for rise in rises:
        link = span.blocks[rise.height - span.below - 1].link
        destination = ours.addresses[rise.address]
        made.append(
            Payment(
                key=PaymentKey(chain=ours.chain, txid=unnamed(link.hash, rise.address), index=INTERNAL_INDEX),
                asset=ours.native.id,
                amount=rise.amount,
                destination=destination,
                sender=None,
                memos=(),
                block=Block(height=link.height, hash=link.hash, time=moment(link.time)),
                direct=False,
            )
        )
    return tuple(made)


def unnamed(block: str, address: str) -> str:
    """Return what stands for the transaction of a payment that none of its block names: block and address."""
    return f"{block}:{address}"


def in_order(known: Iterable[Payment], found: Iterable[Payment]) -> tuple[Payment, ...]:
    """Return payments in order of height; what no transaction explains comes last in its block."""
    return tuple(sorted((*known, *found), key=_height))


def write(balances: Balances) -> dict[str, JsonValue]:
    """Return the memory as it stands in the checkpoint."""
    return {
        "read": balances.read,
        "turn": balances.turn,
        "of": {address: str(wei) for address, wei in sorted(balances.of.items())},
    }


def read(checkpoint: Checkpoint, chain: str) -> Balances:
    """Return the memory that a checkpoint holds; an empty one where it was written without. Raises PersistentError."""
    stored: Any = checkpoint.get(KEY)
    if stored is None:
        return Balances()
    try:
        return Balances(
            read=stored["read"],
            turn=stored["turn"],
            of={address: int(wei) for address, wei in stored["of"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PersistentError(f"{chain}: the balances in the checkpoint cannot be read: {error!r}") from error


def _moved(block: EvmBlock, ours: Ours) -> Counter[str]:
    moved: Counter[str] = Counter()
    for payment in block.payments:
        if payment.asset == ours.native.id:
            moved[payment.destination.lower()] += payment.amount
    for address, wei in block.spent:
        moved[address] -= wei
    return moved


def _height(payment: Payment) -> int:
    return payment.block.height if payment.block else 0
