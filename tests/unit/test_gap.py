"""How far a wallet must look along a line of addresses to find all that was paid to it."""

import pytest

from chains.gap import gap_limit, look_ahead


@pytest.mark.parametrize(
    ("paid", "shown", "limit"),
    [
        ([], 0, 0),
        ([0], 1, 1),
        ([0, 1, 2], 3, 1),
        ([0, 30], 31, 30),  # 29 unpaid addresses lie between
        ([29], 30, 30),
        ([0], 41, 40),  # the last that was shown may be paid yet
        ([5, 3, 40, 3], 41, 35),
    ],
)
def test_the_gap_limit_is_what_a_wallet_needs_to_find_everything(paid, shown, limit):
    assert gap_limit(paid, shown) == limit
    found, unused, place = set(), 0, 0
    while unused < limit:  # as wallets look: until so many unused ones follow each other
        found, unused = (found | {place}, 0) if place in paid else (found, unused + 1)
        place += 1
    assert found == set(paid)


@pytest.mark.parametrize(
    ("paid", "shown", "count"),
    [
        ([], 0, 0),
        ([], 1, 2),  # the primary address and the first order's
        ([0, 1, 2], 3, 4),
        ([0, 30], 31, 32),  # as far as the last one, whatever was paid on the way
        ([40], 31, 42),
    ],
)
def test_a_look_ahead_reaches_the_last_address_from_the_primary_one(paid, shown, count):
    assert look_ahead(paid, shown) == count
