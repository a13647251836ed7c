"""When an output can be spent: the chain's own rule for unlock times. Pure.

That a new output rests for ten blocks is the mint depth's matter; coinbases carry their sixty blocks as an unlock time.
"""

from collections.abc import Sequence

TIMES_FROM = 500_000_000
"""CRYPTONOTE_MAX_BLOCK_NUMBER: from here on an unlock time is no height but seconds since 1970."""
WINDOW = 60
"""BLOCKCHAIN_TIMESTAMP_CHECK_WINDOW: so many blocks tell what time it is."""
_BLOCK_SECONDS = 120
_ALLOWED_SECONDS = 120  # CRYPTONOTE_LOCKED_TX_ALLOWED_DELTA_SECONDS_V2


def by_time(unlock_time: int) -> bool:
    """Whether the chain's clock decides, and not its height."""
    return unlock_time >= TIMES_FROM


def is_open(unlock_time: int, *, tip: int, times: Sequence[int]) -> bool:
    """Whether the next block may spend it (`is_tx_spendtime_unlocked`).

    `tip` is the newest block's height; `times` are those of the newest `WINDOW` blocks, oldest first, and are looked at
    only where the chain's clock decides.
    """
    if not by_time(unlock_time):
        return tip + 1 >= unlock_time
    return bool(times) and chain_time(times) + _ALLOWED_SECONDS >= unlock_time


def chain_time(times: Sequence[int]) -> int:
    """Return what time the chain says it is (`get_adjusted_time`): no miner alone can move it far.

    A chain younger than the window has no such clock; then its newest block's time is taken.
    """
    if len(times) != WINDOW:
        return times[-1]
    below, above = sorted(times)[WINDOW // 2 - 1 : WINDOW // 2 + 1]
    middle = (below + above) // 2
    return min(middle + (WINDOW + 1) * _BLOCK_SECONDS // 2, times[-1] + _BLOCK_SECONDS)
