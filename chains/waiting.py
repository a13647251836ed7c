"""What waits in pools and pays us: kept within a bound, told of beside the blocks, stored in the checkpoint. Pure.

How it is sighted, and what proves that it can never be mined, is its family's matter. That a pool no longer has it, or
has a replacement in its place, proves nothing.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from chains.port import JsonValue, Payment, PaymentKey, Pending, Sweep
from chains.position import read_payment, write_payment

T = TypeVar("T")

MOST_WAITING = 500
"""So many waiting payments are kept: what comes beyond is told of when it is in a block."""
MOST_NEEDED = 32
"""What needs more is told of when it is in a block, too: all of it is kept in mind, or a conflict about what is not
would never be noticed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A transaction in no block yet that pays us."""

    txid: str
    payments: tuple[Payment, ...]  # in no block
    needs: tuple[tuple[bytes, str], ...]  # what can be spent once only, and which transaction is to spend it


def with_waiting(sweep: Sweep, waiting: Sequence[Waiting], refuted: Iterable[PaymentKey] = ()) -> Sweep:
    """Add to a sweep of blocks what waits, and what is proved never to be mined.

    What a replaced block held is not gone if it waits to be mined again.
    """
    waits = {payment.key for one in waiting for payment in one.payments}
    gone = (*(key for key in sweep.gone if key not in waits), *refuted)
    told = (Pending(payment=payment, confirmations=0) for one in foremost(waiting) for payment in one.payments)
    return replace(sweep, pending=(*sweep.pending, *told), gone=tuple(dict.fromkeys(gone)))


def foremost(waiting: Sequence[Waiting]) -> tuple[Waiting, ...]:
    """Return those that can all be mined: of what spends the same, the one that was seen last.

    The earlier ones are kept, for nothing proves them gone yet; but one coin must not keep the places of many orders.
    """
    spenders: dict[bytes, str] = {}
    told: list[Waiting] = []
    for one in reversed(waiting):
        if all(spenders.get(needed, spender) == spender for needed, spender in one.needs):
            spenders.update(one.needs)
            told.append(one)
    return tuple(reversed(told))


def bounded(waiting: Iterable[Waiting], there: Collection[str] | None) -> tuple[Waiting, ...]:
    """Keep the bound: of what is too many, first that goes which no pool has any more, then that which came last.

    `there` are the ids of what the pool has; None where none was looked at.
    """
    unique = {one.txid: one for one in waiting}
    surplus = sum(len(one.payments) for one in unique.values()) - MOST_WAITING
    if there is not None:
        for txid in [txid for txid in unique if txid not in there]:
            if surplus <= 0:
                break
            surplus -= len(unique.pop(txid).payments)
    return fitting(unique.values(), lambda one: len(one.payments), MOST_WAITING)


def fitting(those: Iterable[T], size: Callable[[T], int], room: int) -> tuple[T, ...]:
    """Return those that find room, in their order."""
    kept: list[T] = []
    for one in those:
        if size(one) <= room:
            kept.append(one)
            room -= size(one)
    return tuple(kept)


def write(waiting: Iterable[Waiting]) -> list[JsonValue]:
    """Return what waits as a checkpoint holds it."""
    return [
        {
            "txid": one.txid,
            "payments": [write_payment(payment) for payment in one.payments],
            "needs": [[needed.hex(), spender] for needed, spender in one.needs],
        }
        for one in waiting
    ]


def read(stored: Iterable[Mapping[str, Any]], chain: str) -> tuple[Waiting, ...]:
    """Return what `write` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    return tuple(
        Waiting(
            txid=one["txid"],
            payments=tuple(read_payment(payment, chain) for payment in one["payments"]),
            needs=tuple((bytes.fromhex(needed), spender) for needed, spender in one["needs"]),
        )
        for one in stored
    )
