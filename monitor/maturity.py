"""How deep a payment must lie before it may become a ticket (DESIGN section 3). Pure: amounts and heights only.

Two depths: an order may settle at the *mint depth*, chosen by the value that one reorg could take away at once, or at
*finality*, whichever comes first. The value at stake is the larger of two sums that are not final yet: all that one
buyer pays towards one purchase, and all that stands in the same block. Splitting a large sum helps nobody.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from config.registry import MintStep


@dataclass(frozen=True, kw_only=True, slots=True)
class Stake:
    """What one payment puts at risk, and where it stands."""

    height: int
    asset: str  # CAIP-19
    amount: int  # smallest unit
    purse: str  # the same for all payments towards one purchase


class Stakes:
    """The payments that a sweep shows, summed by purse and by block."""

    def __init__(self, stakes: Iterable[Stake]) -> None:
        purses: defaultdict[tuple[str, str], defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
        self._blocks: defaultdict[tuple[int, str], int] = defaultdict(int)
        for stake in stakes:
            purses[stake.purse, stake.asset][stake.height] += stake.amount
            self._blocks[stake.height, stake.asset] += stake.amount
        self._purses = {key: _Rising(purse) for key, purse in purses.items()}

    def in_block(self, stake: Stake) -> int:
        """Return what is at stake in a payment's block, itself included."""
        return self._blocks[stake.height, stake.asset]

    def beside(self, stake: Stake, *, tip: int, finality: int) -> int:
        """Return what is at stake together with a payment while the chain's tip is at this height."""
        purse = self._purses[stake.purse, stake.asset]
        unfinal = purse.up_to(tip) - purse.up_to(tip - finality + 1)
        return max(unfinal, self.in_block(stake))


class _Rising:
    """Sums of one purse by height, so that a range of heights costs two searches and not the purse's length."""

    def __init__(self, by_height: Mapping[int, int]) -> None:
        self._heights = sorted(by_height)
        self._sums = [0, *accumulate(by_height[height] for height in self._heights)]

    def up_to(self, height: int) -> int:
        """Return the sum of everything at this height and below."""
        return self._sums[bisect_right(self._heights, height)]


def confirmations(height: int, tip: int) -> int:
    """Return how deep a block lies; the tip has one confirmation."""
    return tip - height + 1


def required_confirmations(steps: Sequence[MintStep], at_stake: int) -> int:
    """Return how many confirmations a value needs; `steps` ascend and the last one knows no limit."""
    return next(step.confirmations for step in steps if step.up_to is None or at_stake <= step.up_to)


def ripe_at(stake: Stake, stakes: Stakes, steps: Sequence[MintStep], *, finality: int) -> int:
    """Return the height of the tip at which this payment is first deep enough to mint.

    `finality` is the chain's own depth in blocks. The answer rests on the chain alone and not on when we looked, since
    payments above that tip do not bear on it: settling in its order gives the same tickets whether blocks came one by
    one or hundreds at once. All of a purse's payments in one block are ripe together.
    """
    alone = required_confirmations(steps, stakes.in_block(stake))
    for tip in range(stake.height + min(alone, finality) - 1, stake.height + finality - 1):
        required = required_confirmations(steps, stakes.beside(stake, tip=tip, finality=finality))
        if confirmations(stake.height, tip) >= required:
            return tip
    return stake.height + finality - 1
