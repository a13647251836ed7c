"""What waits in the node's pool, and coinbases that cannot be spent yet: kept beside the position of the blocks. Pure.

A waiting payment is `gone` once a block holds another spender of an output that it needs, directly or through what it
stands on that waits as well. That a node no longer has it, or has a replacement in its place, proves nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chains.errors import PersistentError
from chains.port import Checkpoint, Payment, Pending, Sweep, Watch
from chains.position import read_payment, write_payment
from chains.waiting import Waiting, bounded, with_waiting
from chains.waiting import read as read_waiting
from chains.waiting import write as write_waiting

MATURITY = 100
"""Confirmations with which a coinbase can be spent in the next block (Bitcoin Core's COINBASE_MATURITY)."""
_POOL, _IMMATURE, _COINBASES = "pool", "immature", "coinbases"


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What is kept from poll to poll."""

    waiting: tuple[Waiting, ...] = ()  # in order of sighting
    immature: tuple[Payment, ...] = ()  # out of final blocks
    coinbases: frozenset[str] = frozenset()  # ids of those among everything that is held

    @property
    def needed(self) -> frozenset[bytes]:
        """Outputs of which it matters who spends them."""
        return frozenset(output for waiting in self.waiting for output, _ in waiting.needs)

    def looked_for(self, watch: Watch) -> Watch:
        """Return the watch with every address that something held was paid to."""
        payments = (*self.immature, *(payment for waiting in self.waiting for payment in waiting.payments))
        return replace(watch, active=watch.active | {payment.destination for payment in payments})


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What the blocks of a poll showed besides their payments."""

    coinbases: frozenset[str] = frozenset()  # ids of those that pay us
    spent: Mapping[bytes, str] = field(default_factory=dict)  # outputs that were needed, and what spends them


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool:
    """What an endpoint's pool showed at the tip of the poll."""

    ours: tuple[Waiting, ...] = ()  # those that pay us and were not held
    txids: frozenset[str] = frozenset()  # all that waits there


def with_pool(sweep: Sweep, held: Held, news: News, pool: Pool | None) -> Sweep:
    """Return the sweep of a chain's blocks with what waits and what matures, and all of it in the checkpoint.

    `pool` is None where none was looked at.
    """
    coinbases = held.coinbases | news.coinbases
    mature, immature = _matured(sweep, held, coinbases)
    in_blocks = {payment.key: payment for payment in (*sweep.final, *(entry.payment for entry in sweep.pending))}
    mined = {key.txid for key in in_blocks}
    waiting, refuted = _sorted_out((waiting for waiting in held.waiting if waiting.txid not in mined), news)
    seen = () if pool is None else pool.ours
    waiting = bounded((*waiting, *(one for one in seen if one.txid not in mined)), None if pool is None else pool.txids)
    otherwise = (
        payment.key
        for one in held.waiting
        for payment in one.payments
        if payment.key in in_blocks and replace(in_blocks[payment.key], block=None) != payment
    )
    pending = (
        *(Pending(payment=replace(payment, block=None), confirmations=0) for payment in immature),
        *(_unspendable(entry) if entry.payment.key.txid in coinbases else entry for entry in sweep.pending),
    )
    final = tuple(sorted((*mature, *_spendable(sweep, coinbases)), key=_height))
    never = (*(payment.key for one in refuted for payment in one.payments), *otherwise)
    told = with_waiting(replace(sweep, final=final, pending=pending), waiting, never)
    kept = Held(
        waiting=waiting,
        immature=immature,
        coinbases=coinbases & {entry.payment.key.txid for entry in told.pending},
    )
    return replace(told, checkpoint={**sweep.checkpoint, **write(kept)})


def _matured(sweep: Sweep, held: Held, coinbases: frozenset[str]) -> tuple[tuple[Payment, ...], tuple[Payment, ...]]:
    """Return the payments by coinbases out of final blocks: those that can be spent now, and the others."""
    made = (*held.immature, *(payment for payment in sweep.final if payment.key.txid in coinbases))
    ripe = {payment.key for payment in made if sweep.tip.height - _height(payment) + 1 >= MATURITY}
    return (
        tuple(payment for payment in made if payment.key in ripe),
        tuple(payment for payment in made if payment.key not in ripe),
    )


def _spendable(sweep: Sweep, coinbases: frozenset[str]) -> Iterable[Payment]:
    return (payment for payment in sweep.final if payment.key.txid not in coinbases)


def _unspendable(entry: Pending) -> Pending:
    """Tell of a coinbase as in no block that counts, unless finality stands still for so long that it is mature."""
    if entry.confirmations >= MATURITY:
        return entry
    return Pending(payment=replace(entry.payment, block=None), confirmations=0)


def _sorted_out(held: Iterable[Waiting], news: News) -> tuple[tuple[Waiting, ...], tuple[Waiting, ...]]:
    """Return what still waits, and what can never be mined since a block holds another spender of what it needs."""
    still: list[Waiting] = []
    refuted: list[Waiting] = []
    for one in held:
        conflicts = any(news.spent.get(output, spender) != spender for output, spender in one.needs)
        (refuted if conflicts else still).append(one)
    return tuple(still), tuple(refuted)


def _height(payment: Payment) -> int:
    return payment.block.height if payment.block else -1


def write(held: Held) -> Checkpoint:
    """Return what is held as part of the checkpoint."""
    return {
        _POOL: write_waiting(held.waiting),
        _IMMATURE: [write_payment(payment) for payment in held.immature],
        _COINBASES: [*sorted(held.coinbases)],
    }


def read(checkpoint: Checkpoint, chain: str) -> Held:
    """Return what `write` wrote, nothing on a chain that was just begun. Raises PersistentError for anything else."""
    stored: Mapping[str, Any] = checkpoint
    try:
        return Held(
            waiting=read_waiting(stored.get(_POOL, ()), chain),
            immature=tuple(read_payment(payment, chain) for payment in stored.get(_IMMATURE, ())),
            coinbases=frozenset(stored.get(_COINBASES, ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PersistentError(f"{chain}: the checkpoint cannot be read: {error!r}") from error
