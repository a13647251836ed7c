"""What becomes of transactions that were seen in the pool, or fell back into it. Pure: answers in, facts out.

That one is not found proves nothing: pools forget and differ. That another one has spent its key images proves that it
can never be mined.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chains.distrust import Distrusted
from chains.monero.rings import images_of, rings_of
from chains.port import Payment

MOST_AT_ONCE = 100
"""Transactions in one question; restricted daemons answer no more."""
_SPENT_IN_A_BLOCK = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A payment that stands in no block, and what would have to be spent elsewhere to make it impossible."""

    payment: Payment  # in no block
    images: tuple[str, ...]  # key images of its transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A transaction that the daemon has."""

    in_pool: bool
    images: tuple[str, ...]
    rings: tuple[frozenset[int], ...]


def check_transactions(raw: Any) -> dict[str, Seen] | Distrusted:
    """Read the answer of `/get_transactions` with decoded transactions; those it does not have are not in it."""
    entries = raw.get("txs", []) if isinstance(raw, Mapping) else None
    if not isinstance(entries, list):
        return Distrusted(reason="transactions came as no list")
    seen: dict[str, Seen] = {}
    for entry in entries:
        match entry:
            case {"tx_hash": str() as txid, "in_pool": bool() as in_pool, "as_json": str() as as_json}:
                rings = rings_of(as_json)
            case _:
                return Distrusted(reason="a transaction came without its hash or inputs")
        if isinstance(rings, Distrusted):
            return rings
        seen[txid] = Seen(in_pool=in_pool, images=images_of(as_json), rings=tuple(rings))
    return seen


def check_spent(raw: Any, images: Iterable[str]) -> frozenset[str] | Distrusted:
    """Return which of the key images asked for were spent in a block, by the answer of `/is_key_image_spent`."""
    asked = list(images)
    status = raw.get("spent_status") if isinstance(raw, Mapping) else None
    if not isinstance(status, list) or len(status) != len(asked):
        return Distrusted(reason="key images were answered in part")
    return frozenset(image for image, said in zip(asked, status, strict=True) if said == _SPENT_IN_A_BLOCK)


def lost(waiting: Iterable[Waiting], seen: Mapping[str, Seen], spent: frozenset[str]) -> list[Waiting]:
    """Return those that can never be mined: another transaction, in a block, has spent what they would spend."""
    return [one for one in waiting if one.payment.key.txid not in seen and not spent.isdisjoint(one.images)]
