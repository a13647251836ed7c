"""How deep a payment must lie before it may become a ticket (DESIGN section 3). Pure: amounts and heights only.

Two depths: an order may settle at the *mint depth*, chosen by the value that one reorg could take away at once, or at
*finality*, whichever comes first. The value at stake is the larger of two sums that are not final yet: all that one
buyer pays towards one purchase, and all that stands in the same block. Splitting a large sum helps nobody.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
        self._purses: defaultdict[tuple[str, str], list[Stake]] = defaultdict(list)
        self._blocks: defaultdict[tuple[int, str], int] = defaultdict(int)
        for stake in stakes:
            self._purses[stake.purse, stake.asset].append(stake)
            self._blocks[stake.height, stake.asset] += stake.amount

    def beside(self, stake: Stake, *, tip: int, finality: int) -> int:
        """Return what is at stake together with a payment while the chain's tip is at this height."""
        purse = sum(
            other.amount
            for other in self._purses[stake.purse, stake.asset]
            if other.height <= tip and confirmations(other.height, tip) < finality
        )
        return max(purse, self._blocks[stake.height, stake.asset])


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
    one or hundreds at once.
    """
    alone = required_confirmations(steps, stake.amount)
    for tip in range(stake.height + min(alone, finality) - 1, stake.height + finality - 1):
        required = required_confirmations(steps, stakes.beside(stake, tip=tip, finality=finality))
        if confirmations(stake.height, tip) >= required:
            return tip
    return stake.height + finality - 1
