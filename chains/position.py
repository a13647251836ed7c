"""Where a follower of blocks stands: its memory and the payments that can still change. Pure; stored as the checkpoint.

Families that report blocks share this; their shells fetch what the functions here ask for and store what they return.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from chains.blocks import Contradiction, Link, Memory, extend, finalise
from chains.errors import PersistentError
from chains.port import Block, Checkpoint, Payment, PaymentKey, Pending, Sweep, Tip, Watch

VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadBlock:
    """A block that was read in full, and the payments in it, in order."""

    link: Link
    payments: tuple[Payment, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """What the checkpoint says."""

    memory: Memory
    payments: tuple[Payment, ...] = ()  # those in unfinal blocks, in order of height and place
    agreed: frozenset[str] = frozenset()  # hashes of blocks that a second endpoint told the same of

    def split(self, height: int) -> tuple[tuple[Payment, ...], tuple[Payment, ...]]:
        """Return the payments up to a height, and those above."""
        below = tuple(payment for payment in self.payments if _height(payment) <= height)
        return below, self.payments[len(below) :]


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """The position after a branch was followed."""

    position: Position
    displaced: tuple[Payment, ...]  # held before, and not, or not so, on the chain that is now the better one


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """The position after finality rose."""

    position: Position
    final: tuple[Payment, ...]
    replaced: tuple[Payment, ...]  # held before in these very blocks with other facts than they were now read with
    denied: tuple[Payment, ...]  # those of them of which the chain itself was told otherwise


def looked_for(position: Position, watch: Watch) -> Watch:
    """Return the watch with every address that something held was paid to, should it have left the watch since."""
    return replace(watch, active=watch.active | {payment.destination for payment in position.payments})


def follow(position: Position, fork: Link, branch: Sequence[ReadBlock]) -> Followed | Contradiction:
    """Put a branch that was read in full on top of `fork`; what stood above and is not found again is displaced."""
    extended = extend(position.memory, fork, [block.link for block in branch])
    if isinstance(extended, Contradiction):
        return extended
    below, above = position.split(fork.height)
    fresh = tuple(payment for block in branch for payment in block.payments)
    hashes = {block.link.hash for block in branch}
    if any(payment.block and payment.block.hash in hashes for payment in _denied(above, fresh)):
        return Contradiction(
            reason="a block that held a payment was read again without it, or with another in its place"
        )
    followed = Position(memory=extended.memory, payments=below + fresh, agreed=position.agreed & _hashes(below))
    return Followed(position=followed, displaced=_replaced(above, fresh))


def settle(position: Position, again: Sequence[ReadBlock]) -> Settled | Contradiction:
    """Move finality up over blocks that were read again. What that reading found is what becomes final."""
    memory = finalise(position.memory, [block.link for block in again])
    if isinstance(memory, Contradiction):
        return memory
    final = tuple(payment for block in again for payment in block.payments)
    held, rest = position.split(memory.final.height)
    return Settled(
        position=Position(memory=memory, payments=rest, agreed=position.agreed & _hashes(rest)),
        final=final,
        replaced=_replaced(held, final),
        denied=_denied(held, final),
    )


def large(payments: Iterable[Payment], limits: Mapping[str, int]) -> dict[Block, tuple[Payment, ...]]:
    """Return the blocks whose payments in some asset come to more than its limit, and all payments in them."""
    blocks: defaultdict[Block, list[Payment]] = defaultdict(list)
    sums: Counter[tuple[Block, str]] = Counter()
    for payment in payments:
        if payment.block is not None:
            blocks[payment.block].append(payment)
            sums[payment.block, payment.asset] += payment.amount
    above = {block for (block, asset), amount in sums.items() if asset in limits and amount > limits[asset]}
    return {block: tuple(blocks[block]) for block in blocks if block in above}


def sweep_of(
    position: Position,
    *,
    final: Iterable[Payment] = (),
    displaced: Iterable[Payment] = (),
    behind: bool = False,
    limits: Mapping[str, int] | None = None,
) -> Sweep:
    """Return what a poll that ended here tells. Confirmations are counted on the chain that was read.

    What stands in a block above the `limits` (smallest unit by asset) that two endpoints did not agree on counts for
    nothing yet: it is told of as if it were in no block.
    """
    tip = position.memory.tip
    unsure = {block.hash for block in large(position.payments, limits or {})} - position.agreed
    return Sweep(
        final=tuple(final),
        pending=tuple(_pending(payment, tip, unsure) for payment in position.payments),
        gone=tuple(dict.fromkeys(payment.key for payment in displaced)),
        tip=Tip(height=tip.height, hash=tip.hash, time=moment(tip.time)),
        final_height=position.memory.final.height,
        checkpoint=write(position),
        behind=behind,
    )


def moment(seconds: int) -> datetime:
    """Return a block's time as a moment in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def write(position: Position) -> Checkpoint:
    """Return the checkpoint of a position. Amounts are text: they do not fit the integers of every JSON reader."""
    return {
        "version": VERSION,
        "final": _write_link(position.memory.final),
        "unfinal": [_write_link(link) for link in position.memory.unfinal],
        "payments": [write_payment(payment) for payment in position.payments],
        "agreed": [*sorted(position.agreed)],
    }


def read(checkpoint: Checkpoint, chain: str) -> Position:
    """Return the position that `write` wrote for this chain. Raises PersistentError for anything else."""
    stored: Mapping[str, Any] = checkpoint
    if stored.get("version") != VERSION:
        raise PersistentError(f"{chain}: the checkpoint has another version than {VERSION}")
    try:
        memory = Memory(
            final=_read_link(stored["final"]), unfinal=tuple(_read_link(link) for link in stored["unfinal"])
        )
        payments = tuple(read_payment(payment, chain) for payment in stored["payments"])
        agreed = frozenset(stored["agreed"])
    except (KeyError, TypeError, ValueError) as error:
        raise PersistentError(f"{chain}: the checkpoint cannot be read: {error!r}") from error
    return Position(memory=memory, payments=payments, agreed=agreed)


def _replaced(held: Iterable[Payment], told: Iterable[Payment]) -> tuple[Payment, ...]:
    """Return what was held and is not told again, wherever it stands now."""
    facts = {replace(payment, block=None) for payment in told}
    return tuple(payment for payment in held if replace(payment, block=None) not in facts)


def _denied(held: Iterable[Payment], told: Iterable[Payment]) -> tuple[Payment, ...]:
    """Return the same but for what is only internal now, or no more: this the growing watch says, not the chain."""
    facts = {replace(payment, block=None, internal=False) for payment in told}
    return tuple(payment for payment in held if replace(payment, block=None, internal=False) not in facts)


def _hashes(payments: Iterable[Payment]) -> frozenset[str]:
    return frozenset(payment.block.hash for payment in payments if payment.block is not None)


def _pending(payment: Payment, tip: Link, unsure: Collection[str]) -> Pending:
    block = payment.block
    if block is None or block.hash in unsure:
        return Pending(payment=replace(payment, block=None), confirmations=0)
    return Pending(payment=payment, confirmations=tip.height - block.height + 1)


def _height(payment: Payment) -> int:
    return payment.block.height if payment.block else -1


def _write_link(link: Link) -> list[Any]:
    return [link.height, link.hash, link.parent, link.time]


def _read_link(stored: Sequence[Any]) -> Link:
    height, digest, parent, time = stored
    return Link(height=height, hash=digest, parent=parent, time=time)


def write_payment(payment: Payment) -> dict[str, Any]:
    """Return a payment as a checkpoint holds it. Its chain is the checkpoint's."""
    block = payment.block
    return {
        "txid": payment.key.txid,
        "index": payment.key.index,
        "asset": payment.asset,
        "amount": str(payment.amount),
        "destination": payment.destination,
        "sender": payment.sender,
        "memos": list(payment.memos),
        "block": [block.height, block.hash, int(block.time.timestamp())] if block else None,
        "direct": payment.direct,
        "internal": payment.internal,
        "references": list(payment.references),
    }


def read_payment(stored: Mapping[str, Any], chain: str) -> Payment:
    """Return the payment that `write_payment` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    return Payment(
        key=PaymentKey(chain=chain, txid=stored["txid"], index=stored["index"]),
        asset=stored["asset"],
        amount=int(stored["amount"]),
        destination=stored["destination"],
        sender=stored["sender"],
        memos=tuple(stored["memos"]),
        block=None if stored["block"] is None else _read_block(stored["block"]),
        direct=stored["direct"],
        internal=stored["internal"],
        references=tuple(stored["references"]),
    )


def _read_block(stored: Sequence[Any]) -> Block:
    height, digest, time = stored
    return Block(height=height, hash=digest, time=moment(time))
