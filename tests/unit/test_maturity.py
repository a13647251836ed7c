"""How deep is deep enough: steps of value over what one reorg could take away at once."""

from bisect import bisect_right
from random import Random

import pytest

from config.registry import MintStep
from monitor.maturity import Stake, Stakes, required_confirmations, ripe_at

STEPS = (
    MintStep(up_to=100, confirmations=2),
    MintStep(up_to=500, confirmations=4),
    MintStep(up_to=None, confirmations=8),
)
FINALITY = 20


def stake(height, amount, purse="mine", asset="coin"):
    return Stake(height=height, asset=asset, amount=amount, purse=purse)


def ripe(one, *others, finality=FINALITY):
    return ripe_at(one, Stakes((one, *others)), STEPS, finality=finality)


@pytest.mark.parametrize(("value", "confirmations"), [(1, 2), (100, 2), (101, 4), (500, 4), (501, 8), (10**30, 8)])
def test_a_step_reaches_up_to_its_value_inclusive(value, confirmations):
    assert required_confirmations(STEPS, value) == confirmations


def test_its_own_block_is_the_first_confirmation():
    assert ripe(stake(10, 100)) == 11


def test_parts_of_one_purchase_count_together():
    assert ripe(stake(10, 100), stake(11, 100)) == 13


def test_payments_in_one_block_count_together():
    assert ripe(stake(10, 100), stake(10, 450, purse="yours")) == 17


def test_another_asset_is_another_sum():
    assert ripe(stake(10, 100), stake(10, 450, asset="token")) == 11


def test_what_came_after_it_was_deep_enough_does_not_hold_it_up():
    assert ripe(stake(10, 100), stake(12, 10_000)) == 11


def test_what_is_final_is_at_stake_no_more():
    assert ripe(stake(40, 100), stake(20, 10_000)) == 41
    assert ripe(stake(40, 100), stake(23, 10_000)) == 42


def test_a_final_payment_is_ripe_whatever_its_value():
    assert ripe(stake(10, 10**6), finality=3) == 12


def test_an_answer_does_not_change_when_the_chain_grows():
    mine = stake(10, 60)
    early = ripe(mine, stake(11, 30))
    assert ripe(mine, stake(11, 30), *(stake(height, 1000) for height in range(early + 1, early + 9))) == early


def test_two_thousand_payments_of_one_purse_are_weighed_by_height_and_not_by_each_other(monkeypatch):
    searched = []

    def search(heights, height):
        searched.append(len(heights))
        return bisect_right(heights, height)

    monkeypatch.setattr("monitor.maturity.bisect_right", search)
    payments = [stake(100 + number % 20, 1) for number in range(2_000)] + [stake(100, 5_000)]
    stakes = Stakes(payments)
    at = {height: ripe_at(stake(height, 1), stakes, STEPS, finality=512) for height in range(100, 120)}
    assert at[100] == 107
    assert max(searched) == 20
    assert len(searched) < 20 * 2 * 8


def test_a_purse_summed_by_height_is_the_sum_of_its_unfinal_payments():
    thrown = Random(7)  # noqa: S311  no secret
    payments = [stake(thrown.randrange(60), thrown.randrange(1, 400), purse=thrown.choice("ab")) for _ in range(80)]
    stakes = Stakes(payments)
    for one in payments:
        for tip in range(one.height, one.height + FINALITY):
            unfinal = sum(p.amount for p in payments if p.purse == one.purse and tip - FINALITY + 1 < p.height <= tip)
            block = sum(p.amount for p in payments if p.height == one.height)
            assert stakes.beside(one, tip=tip, finality=FINALITY) == max(unfinal, block)
