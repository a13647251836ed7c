"""Numbers in commit order: one by one or many at once, none twice and none left out."""

import asyncio

from store import counters


async def test_numbers_taken_singly_and_in_ranges_follow_each_other_without_gaps(store):
    counts = [1, 5, 1, 3] * 8
    taken = await asyncio.gather(
        *(store.transact(lambda conn, n=n: counters.next_value(conn, "tries", count=n)) for n in counts)
    )
    numbers = [number for first, n in zip(taken, counts, strict=True) for number in range(first, first + n)]
    assert sorted(numbers) == list(range(1, sum(counts) + 1))
