"""How far a wallet must look along a line of addresses to find all that was paid to it."""

from collections.abc import Iterable
from itertools import pairwise


def gap_limit(paid: Iterable[int], shown: int = 0) -> int:
    """Return the smallest gap limit (BIP-44) with which a wallet finds all that was paid to a line of addresses.

    `paid`: positions that were paid to. `shown`: how many addresses buyers were shown, each of which may be paid yet.
    """
    known = sorted({-1, *paid, shown - 1})
    return max((after - before for before, after in pairwise(known)), default=0)


def look_ahead(paid: Iterable[int], shown: int = 0) -> int:
    """Return the smallest look-ahead with which a Monero wallet finds the same in one scan.

    It counts the primary address too, which stands before position 0, and bridges no gaps: a payment widens what the
    wallet knows only behind the blocks that it takes up together with it.
    """
    end = max((shown, *(position + 1 for position in paid)))
    return end + 1 if end else 0
