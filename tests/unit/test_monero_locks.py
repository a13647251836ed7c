"""When the chain lets an output be spent."""

import pytest

from chains.monero.locks import TIMES_FROM, WINDOW, by_time, chain_time, is_open

NOW = 1_800_000_000
STEADY = tuple(NOW - 120 * age for age in range(WINDOW - 1, -1, -1))
"""Sixty blocks, one each two minutes."""


@pytest.mark.parametrize(
    ("unlock_time", "tip", "opens"),
    [(100, 98, False), (100, 99, True), (100, 100, True), (1, 0, True), (TIMES_FROM - 1, 5, False)],
)
def test_a_height_opens_for_the_block_at_that_height(unlock_time, tip, opens):
    assert is_open(unlock_time, tip=tip, times=()) is opens


def test_a_coinbase_is_spendable_with_sixty_confirmations():
    height = 98
    opening = next(tip for tip in range(height, height + 100) if is_open(height + 60, tip=tip, times=()))
    assert opening - height + 1 == 60


def test_from_500_million_on_it_is_a_time():
    assert not by_time(TIMES_FROM - 1)
    assert by_time(TIMES_FROM)
    assert not is_open(TIMES_FROM, tip=TIMES_FROM, times=())


def test_on_a_steady_chain_the_time_is_that_of_the_block_to_come():
    assert chain_time(STEADY) == NOW + 120


@pytest.mark.parametrize(("ahead", "opens"), [(240, True), (241, False), (0, True), (-5, True)])
def test_a_time_opens_two_minutes_early_as_the_chain_allows(ahead, opens):
    assert is_open(NOW + ahead, tip=3_000_000, times=STEADY) is opens


def test_a_miner_who_writes_a_time_two_hours_ahead_opens_nothing_early():
    lying = (*STEADY[1:], NOW + 7200)
    assert not is_open(NOW + 3600, tip=3_000_000, times=lying)
    assert chain_time(lying) == NOW + 240  # the middle of the window has moved by one block


def test_by_the_newest_block_alone_that_miner_would_have_his_way():
    """Negative control: a chain too young for a window has nothing better."""
    assert is_open(NOW + 3600, tip=5, times=(NOW + 7200,))


def test_without_any_time_nothing_opens_by_time():
    assert not is_open(NOW, tip=5, times=())
