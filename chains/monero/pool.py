"""What becomes of transactions that were seen in the pool, or fell back into it. Pure: answers in, facts out.

That one is not found proves nothing: pools forget and differ. That another one has spent its key images proves that it
can never be mined.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chains.distrust import Distrusted
from chains.monero.rings import images_of, keys_of, rings_of
from chains.port import Payment, PaymentKey, Sweep
from chains.waiting import MOST_NEEDED, Waiting, bounded, with_waiting

MOST_AT_ONCE = 100
"""Transactions in one question; restricted daemons answer no more."""
_SPENT_IN_A_BLOCK = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A transaction that the daemon has."""

    in_pool: bool
    images: tuple[bytes, ...]
    rings: tuple[frozenset[int], ...]
    height: int | None = None  # of its block
    keys: frozenset[str] = frozenset()  # one-time keys of its outputs


def check_transactions(raw: Any) -> dict[str, Seen] | Distrusted:
    """Read the answer of `/get_transactions` with decoded transactions; those it does not have are not in it."""
    entries = raw.get("txs", []) if isinstance(raw, Mapping) else None
    if not isinstance(entries, list):
        return Distrusted(reason="transactions came as no list")
    seen: dict[str, Seen] = {}
    for entry in entries:
        match entry:
            case {"tx_hash": str() as txid, "in_pool": bool() as in_pool, "as_json": str() as as_json}:
                rings, images = rings_of(as_json), images_of(as_json)
            case _:
                return Distrusted(reason="a transaction came without its hash or inputs")
        if isinstance(rings, Distrusted):
            return rings
        if isinstance(images, Distrusted):
            return images
        height = entry.get("block_height")
        seen[txid] = Seen(
            in_pool=in_pool,
            images=images,
            rings=tuple(rings),
            height=height if isinstance(height, int) and not in_pool else None,
            keys=keys_of(as_json),
        )
    return seen


def check_spent(raw: Any, images: Iterable[bytes]) -> frozenset[bytes] | Distrusted:
    """Return which of the key images asked for were spent in a block, by the answer of `/is_key_image_spent`."""
    asked = list(images)
    status = raw.get("spent_status") if isinstance(raw, Mapping) else None
    if not isinstance(status, list) or len(status) != len(asked):
        return Distrusted(reason="key images were answered in part")
    return frozenset(image for image, said in zip(asked, status, strict=True) if said == _SPENT_IN_A_BLOCK)


def double_spent(waiting: Iterable[Waiting], seen: Mapping[str, Seen], spent: frozenset[bytes]) -> frozenset[str]:
    """Return those that can never be mined: another transaction, in a block, has spent what they would spend."""
    return frozenset(
        one.txid for one in waiting if one.txid not in seen and any(image in spent for image, _ in one.needs)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """What stands in no block that was read."""

    known: tuple[Waiting, ...]  # was told of as waiting before
    new: tuple[Payment, ...]  # sighted by the wallet, or fallen out of a block


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What daemons said of the queue."""

    seen: Mapping[str, Seen]  # by txid: what one of them has
    double_spent: frozenset[str]  # txids
    burnt: frozenset[PaymentKey] = frozenset()  # mined, and worth nothing


def queue(
    waiting: Sequence[Waiting], sighted: Iterable[Payment], fallen: Iterable[Payment], in_blocks: Container[PaymentKey]
) -> Queue:
    """Return what has to be asked about. `fallen`: stood in a block that was replaced."""
    known = _without(waiting, in_blocks)
    before = {payment.key for one in known for payment in one.payments}
    new = {one.key: replace(one, block=None) for one in (*sighted, *fallen)}
    return Queue(
        known=known,
        new=tuple(one for key, one in new.items() if key not in before and key not in in_blocks),
    )


def with_pool(sweep: Sweep, waits: Queue, look: Look | None) -> tuple[Sweep, tuple[Waiting, ...]]:
    """Add what waits to a sweep of blocks, and return what is to be remembered of it.

    `look` is None where no daemon answered: then nothing new is told, and what was told before still waits.
    """
    waiting = {one.txid: one for one in waits.known}
    never: list[PaymentKey] = []
    if look is not None:
        double_spent = [waiting.pop(txid) for txid in sorted(look.double_spent & waiting.keys())]
        never = [*(payment.key for one in double_spent for payment in one.payments), *sorted(look.burnt)]
        waiting = {one.txid: one for one in _without(waiting.values(), look.burnt)}
        for payment in waits.new:
            seen = look.seen.get(payment.key.txid)
            if seen is not None and seen.in_pool and len(seen.images) <= MOST_NEEDED:
                _enter(waiting, payment, seen)
    kept = bounded(waiting.values(), None if look is None else look.seen)
    return with_waiting(sweep, kept, never), kept


def _without(waiting: Iterable[Waiting], keys: Container[PaymentKey]) -> tuple[Waiting, ...]:
    """Return what waits, but for these payments."""
    left = (replace(one, payments=tuple(paid for paid in one.payments if paid.key not in keys)) for one in waiting)
    return tuple(one for one in left if one.payments)


def _enter(waiting: dict[str, Waiting], payment: Payment, seen: Seen) -> None:
    """Let a payment wait with what else its transaction brings."""
    txid = payment.key.txid
    before = waiting.get(txid) or Waiting(txid=txid, payments=(), needs=tuple((image, txid) for image in seen.images))
    waiting[txid] = replace(before, payments=(*before.payments, payment))
