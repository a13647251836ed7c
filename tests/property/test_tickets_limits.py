"""However strangers share out their wishes: never more than half of what is left is held by them, nor two by one."""

from hypothesis import given
from hypothesis import strategies as st

from tickets.limits import UNPROVED_PER_CLIENT, may_hold


@given(capacity=st.integers(0, 60), wishes=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 3)), max_size=60))
def test_strangers_never_hold_more_than_half_and_no_client_more_than_two(capacity, wishes):
    by_client: dict[int, int] = {}
    held = 0
    for client, n in wishes:
        mine = by_client.get(client, 0)
        if n <= capacity - held and may_hold(left=capacity - held, in_tier=held, by_client=mine, n=n):
            by_client[client], held = mine + n, held + n
        assert 2 * held <= capacity
        assert all(count <= UNPROVED_PER_CLIENT for count in by_client.values())


@given(left=st.integers(0, 1000), in_tier=st.integers(0, 1000), n=st.integers(1, 2))
def test_a_hold_that_is_allowed_fits_into_what_is_left(left, in_tier, n):
    if in_tier <= left and may_hold(left=left, in_tier=in_tier, by_client=0, n=n):
        assert n <= left
