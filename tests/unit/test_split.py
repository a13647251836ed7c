"""Who gets how much, in figures one can check by hand."""

import pytest

from payouts.split import Shares, apportion, split


@pytest.mark.parametrize(
    ("amount", "bps", "commission", "creator"),
    [
        (1000, 2000, 200, 800),
        (1, 2000, 0, 1),  # rounded down: the creator has the rest
        (4, 2000, 0, 4),
        (5, 2000, 1, 4),
        (0, 2000, 0, 0),
        (999, 0, 0, 999),
        (999, 10_000, 999, 0),
        (10**30 + 9, 2000, 2 * 10**29 + 1, 8 * 10**29 + 8),
    ],
)
def test_the_commission_is_rounded_down_and_the_creator_has_the_rest(amount, bps, commission, creator):
    assert split(amount, bps) == Shares(commission=commission, creator=creator)


@pytest.mark.parametrize(("amount", "bps"), [(-1, 2000), (1, -1), (1, 10_001)])
def test_a_share_below_nothing_is_refused(amount, bps):
    with pytest.raises(ValueError, match="cannot share"):
        split(amount, bps)


def test_nobody_has_two_shares():
    with pytest.raises(ValueError, match="cannot share"):
        apportion(100, {"creator": 100}, rest="creator")
