"""Invariant: shares sum to the amount, none is negative, and the order in which they are named does not matter."""

from hypothesis import given
from hypothesis import strategies as st

from payouts.split import WHOLE, apportion, split

amounts = st.integers(min_value=0, max_value=2**256 - 1)
rates = st.integers(min_value=0, max_value=WHOLE)


@given(amounts, rates)
def test_a_split_loses_nothing_and_takes_no_more_than_its_rate(amount, bps):
    shares = split(amount, bps)
    assert shares.commission + shares.creator == amount
    assert shares.commission >= 0
    assert shares.creator >= 0
    assert shares.commission * WHOLE <= amount * bps < (shares.commission + 1) * WHOLE


@given(amounts, st.lists(st.integers(min_value=0, max_value=1000), max_size=10), st.randoms())
def test_many_shares_sum_to_the_amount_in_any_order(amount, bps, order):
    named = [(f"share {number}", rate) for number, rate in enumerate(bps)]
    shares = apportion(amount, dict(named), rest="rest")
    assert sum(shares.values()) == amount
    assert min(shares.values()) >= 0
    order.shuffle(named)
    assert apportion(amount, dict(named), rest="rest") == shares
