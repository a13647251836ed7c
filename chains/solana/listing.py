"""An account's signatures, page by page down from the newest: what is asked, what is kept, when it is enough. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chains.solana.fields import text, whole
from chains.solana.position import Account, Signature

PAGE = 1000
"""Signatures in one answer, the most that nodes give."""
MOST_LISTED = 20_000
"""Signatures of one account that are held at once: the oldest, for they are read first."""
LONGEST_SIGNATURE = 88
"""Characters of 64 bytes in base58."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """An account's signatures that are not in the book yet."""

    account: Account
    entries: tuple[Signature, ...]  # of transactions that succeeded, ascending
    failed: tuple[Signature, ...]  # and of those that did nothing
    complete_below: int | None  # slots from here on were too many to hold


@dataclass(slots=True)
class Pages:
    """The pages of a listing as they come, from the newest to the oldest."""

    account: Account
    required: frozenset[Signature]
    entries: dict[str, int] = field(default_factory=dict)  # slot by signature
    failed: dict[str, int] = field(default_factory=dict)
    shown: set[Signature] = field(default_factory=set)  # of those that are required
    before: str | None = None
    complete_below: int | None = None
    done: bool = False

    def take(self, page: Sequence[Any]) -> None:
        """Add a page. At a seam some nodes tell a signature twice."""
        told = [(whole(entry["slot"]), _signature(entry), entry["err"] is not None) for entry in page]
        count = len(self.entries) + len(self.failed) + len(self.shown)
        for slot, txid, failed in told:
            if (slot, txid) in self.required:
                self.shown.add((slot, txid))
            else:
                (self.failed if failed else self.entries).setdefault(txid, slot)
        stands = len(self.entries) + len(self.failed) + len(self.shown) == count
        slots = [slot for slot, _, _ in told]
        low = any(slot <= self.account.floor for slot in slots)
        self.done = stands or (low and (self.required <= self.shown or self.account.complete(slots)))
        self.before = told[-1][1] if told else None
        if len(self.entries) > MOST_LISTED:
            self.complete_below = _shorten(self.entries)
        if len(self.failed) > MOST_LISTED:
            _shorten(self.failed)

    def asks(self, at_least: int, commitment: str) -> tuple[str, dict[str, Any]]:
        """Return the parameters of `getSignaturesForAddress` for the next page, of a node that has seen a slot."""
        options: dict[str, Any] = {"commitment": commitment, "limit": PAGE, "minContextSlot": at_least}
        if self.before is not None:
            options["before"] = self.before
        if self.account.hint is not None:
            options["until"] = self.account.hint
        return self.account.address, options

    @property
    def listing(self) -> Listing:
        """Return what the pages list, once they are done."""
        return Listing(
            account=self.account,
            entries=_ascending(self.entries),
            failed=_ascending(self.failed),
            complete_below=self.complete_below,
        )


def _ascending(slots: Mapping[str, int]) -> tuple[Signature, ...]:
    return tuple(sorted((slot, txid) for txid, slot in slots.items()))


def _signature(entry: Mapping[str, Any]) -> str:
    txid = text(entry["signature"])
    if len(txid) > LONGEST_SIGNATURE:
        raise ValueError("no signature")
    return txid


def _shorten(slots: dict[str, int]) -> int:
    """Drop the newest half and more, in whole slots; return the slot from which on all were dropped."""
    oldest_first = sorted(slots.values())
    bound = max(oldest_first[MOST_LISTED // 2], oldest_first[0] + 1)
    for txid in [txid for txid, slot in slots.items() if slot >= bound]:
        del slots[txid]
    return bound
