"""Where the reading of a Solana chain stands: the newest final slot, what is above it, what accounts have shown. Pure.

Slots are heights here. No line of parents is followed: blocks without payments to us are never looked at.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chains.errors import PersistentError
from chains.port import Checkpoint, Payment, Pending, Sweep, Tip, Watch
from chains.position import large, moment, read_payment, write_payment

VERSION = 1
OVERLAP = 300
"""Slots below the final one that are listed again with each poll: some nodes' index of addresses comes late."""
MOST_KNOWN = 256
"""Signatures that are remembered of one account; where it has more within the overlap, the overlap is shorter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """A slot with the block in it."""

    slot: int
    hash: str
    time: int  # seconds since 1970


Signature = tuple[int, str]
"""Where a transaction stands (its slot), and what it is known by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A wallet or one of its token accounts, and how far its signatures were read."""

    address: str
    wallet: str  # whose it is; the address itself for a wallet
    floor: int  # slot up to which nothing new is looked for
    known: tuple[Signature, ...] = ()  # final ones above the floor, ascending, of transactions that succeeded
    ends: tuple[Signature, ...] = ()  # the newest two slots' at or below the floor, ascending, failed ones too
    firm: bool = False  # whether the last of `ends` succeeded

    @property
    def hint(self) -> str | None:
        """Where a listing may end: below the last of `ends`, which it shows then."""
        return self.ends[0][1] if len(self.ends) > 1 else None

    @property
    def required(self) -> frozenset[Signature]:
        """What a complete listing shows again. Nobody ever checked what is said to have failed: it may be invented."""
        return frozenset((*self.known, *(self.ends[-1:] if self.firm else ())))

    def complete(self, slots: Iterable[int]) -> bool:
        """Whether a listing that has come to these slots can show nothing more that is required."""
        last = self.ends[-1][0] if self.ends else self.floor
        return any(slot < last for slot in slots)  # within a slot signatures come in no certain order

    def after(self, read: Iterable[Signature], failed: Iterable[Signature], final: int) -> "Account":
        """Return the account when these signatures were read and finality stands at a slot."""
        succeeded = sorted({*self.known, *read})
        floor = max(self.floor, final - OVERLAP)
        known = [entry for entry in succeeded if entry[0] > floor]
        if len(known) > MOST_KNOWN:  # a slot is remembered in full or not at all
            floor = known[-MOST_KNOWN - 1][0]
            known = [entry for entry in known if entry[0] > floor]
        below = sorted(entry for entry in {*self.ends, *succeeded, *failed} if entry[0] <= floor)
        ends = (*[entry for entry in below if entry[0] < below[-1][0]][-1:], *below[-1:])
        firm = ends[-1:] != () and (ends[-1] in succeeded or (self.firm and ends[-1:] == self.ends[-1:]))
        return replace(self, floor=floor, known=tuple(known), ends=ends, firm=firm)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A transaction that names an account of ours, in its block, and the payments in it, if any."""

    txid: str
    spot: Spot
    place: int  # within the block
    payments: tuple[Payment, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """What the checkpoint says."""

    final: Spot
    tip: Spot
    accounts: Mapping[str, Account]  # by address
    seen: tuple[Seen, ...] = ()  # above the final slot, in order of slot and place
    agreed: frozenset[str] = frozenset()  # hashes of blocks that a second endpoint told the same of
    began: int = 0  # slot up to which nothing was ever looked for
    discovered: int = -1  # slot at which the wallets' token accounts were last asked for

    @property
    def payments(self) -> tuple[Payment, ...]:
        """All that can still change, in order."""
        return tuple(payment for seen in self.seen for payment in seen.payments)


def looked_for(position: Position, watch: Watch) -> Watch:
    """Return the watch with every address that something held was paid to, should it have left the watch since."""
    return replace(watch, active=watch.active | {payment.destination for payment in position.payments})


def ordered(seen: Iterable[Seen]) -> tuple[Seen, ...]:
    """Return transactions in the chain's order."""
    return tuple(sorted(seen, key=lambda one: (one.spot.slot, one.place)))


def displaced(held: Iterable[Payment], told: Iterable[Payment]) -> tuple[Payment, ...]:
    """Return what was held and is not told again with the same facts, wherever it stands now."""
    facts = {replace(payment, block=None) for payment in told}
    return tuple(payment for payment in held if replace(payment, block=None) not in facts)


def sweep_of(
    position: Position,
    *,
    depth: int,
    final: Iterable[Payment] = (),
    gone: Iterable[Payment] = (),
    behind: bool = False,
    limits: Mapping[str, int] | None = None,
) -> Sweep:
    """Return what a poll that ended here tells.

    `depth` is what finality usually takes: no pending payment is said to have as much, since only the word of the
    chain makes one final. What stands in a block above the `limits` (smallest unit by asset) that two endpoints did
    not agree on counts for nothing yet: it is told of as if it were in no block.
    """
    tip = position.tip
    payments = position.payments
    unsure = {block.hash for block in large(payments, limits or {})} - position.agreed
    return Sweep(
        final=tuple(final),
        pending=tuple(_pending(payment, tip.slot, depth, unsure) for payment in payments),
        gone=tuple(dict.fromkeys(payment.key for payment in gone)),
        tip=Tip(height=tip.slot, hash=tip.hash, time=moment(tip.time)),
        final_height=position.final.slot,
        checkpoint=write(position),
        behind=behind,
    )


def write(position: Position) -> Checkpoint:
    """Return the checkpoint of a position."""
    return {
        "version": VERSION,
        "final": _write_spot(position.final),
        "tip": _write_spot(position.tip),
        "accounts": [
            {
                "address": account.address,
                "wallet": account.wallet,
                "floor": account.floor,
                "known": [[slot, txid] for slot, txid in account.known],
                "ends": [[slot, txid] for slot, txid in account.ends],
                "firm": account.firm,
            }
            for account in sorted(position.accounts.values(), key=lambda account: account.address)
        ],
        "seen": [
            {
                "txid": seen.txid,
                "spot": _write_spot(seen.spot),
                "place": seen.place,
                "payments": [{**write_payment(payment)} for payment in seen.payments],
            }
            for seen in position.seen
        ],
        "agreed": [*sorted(position.agreed)],
        "began": position.began,
        "discovered": position.discovered,
    }


def read(checkpoint: Checkpoint, chain: str) -> Position:
    """Return the position that `write` wrote for this chain. Raises PersistentError for anything else."""
    stored: Mapping[str, Any] = checkpoint
    if stored.get("version") != VERSION:
        raise PersistentError(f"{chain}: the checkpoint has another version than {VERSION}")
    try:
        accounts = [
            Account(
                address=account["address"],
                wallet=account["wallet"],
                floor=account["floor"],
                known=tuple((slot, txid) for slot, txid in account["known"]),
                ends=tuple((slot, txid) for slot, txid in account["ends"]),
                firm=account["firm"],
            )
            for account in stored["accounts"]
        ]
        seen = tuple(
            Seen(
                txid=one["txid"],
                spot=_read_spot(one["spot"]),
                place=one["place"],
                payments=tuple(read_payment(payment, chain) for payment in one["payments"]),
            )
            for one in stored["seen"]
        )
        return Position(
            final=_read_spot(stored["final"]),
            tip=_read_spot(stored["tip"]),
            accounts={account.address: account for account in accounts},
            seen=seen,
            agreed=frozenset(stored["agreed"]),
            began=stored["began"],
            discovered=stored["discovered"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PersistentError(f"{chain}: the checkpoint cannot be read: {error!r}") from error


def _pending(payment: Payment, tip: int, depth: int, unsure: Iterable[str]) -> Pending:
    block = payment.block
    if block is None or block.hash in unsure:
        return Pending(payment=replace(payment, block=None), confirmations=0)
    confirmations = tip - block.height + 1
    return Pending(payment=payment, confirmations=max(1, min(confirmations, depth - 1)))


def _write_spot(spot: Spot) -> list[Any]:
    return [spot.slot, spot.hash, spot.time]


def _read_spot(stored: Sequence[Any]) -> Spot:
    slot, digest, time = stored
    return Spot(slot=slot, hash=digest, time=time)
