"""Any bytes in the clock's account are a moment that can be stored and compared, or distrusted; nothing is raised."""

from datetime import datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from chains.distrust import Distrusted
from chains.solana.parse import CLOCK_SIZE, clock_time


@given(st.binary(max_size=2 * CLOCK_SIZE) | st.binary(min_size=CLOCK_SIZE, max_size=CLOCK_SIZE))
@example(bytes(CLOCK_SIZE - 1) + b"\x7f")
@example(bytes(CLOCK_SIZE))
def test_any_bytes_are_a_moment_or_distrusted(data):
    told = clock_time(data)
    if isinstance(told, Distrusted):
        return
    assert isinstance(told, datetime)
    assert told.utcoffset() == timedelta(0)
    assert int(told.timestamp()) == int.from_bytes(data[32:40], "little")
