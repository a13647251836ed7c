"""Who gets how much of a sum, in whole smallest units. No account, no asset and no rate of exchange is known here."""

from collections.abc import Mapping
from dataclasses import dataclass

WHOLE = 10_000
"""Basis points in everything: 2000 is 20 %."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """What a sale comes to, in the smallest unit of its asset."""

    commission: int
    creator: int


def split(amount: int, bps: int) -> Shares:
    """Return the platform's commission, rounded down, and the creator's share, which is the rest."""
    shares = apportion(amount, {"commission": bps}, rest="creator")
    return Shares(commission=shares["commission"], creator=shares["creator"])


def apportion(amount: int, bps: Mapping[str, int], *, rest: str) -> dict[str, int]:
    """Return each one's part of `amount`, rounded down; `rest` has what remains, so that the parts sum to it.

    Raises ValueError where a part would be negative: a negative amount or rate, or rates above the whole.
    """
    if amount < 0 or min(bps.values(), default=0) < 0 or sum(bps.values()) > WHOLE or rest in bps:
        raise ValueError(f"cannot share {amount} by {dict(bps)} basis points with the rest to {rest!r}")
    parts = {name: amount * rate // WHOLE for name, rate in bps.items()}
    return {**parts, rest: amount - sum(parts.values())}
