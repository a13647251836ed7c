"""Any eighty bytes prove their work on a chain or are distrusted, and nothing is raised. No target is above the easiest
one, and what is believed hashes to no more than the target that it names.
"""

from hypothesis import example, given
from hypothesis import strategies as st

from chains.bitcoin.work import RULES, target_of, unproved
from chains.distrust import Distrusted

HEADERS = st.binary(min_size=80, max_size=80)
BITS = st.integers(0, 2**32 - 1) | st.sampled_from([0x207FFFFF, 0x1D00FFFF, 0x1E0FFFFF, 0xFF7FFFFF, 0x01FFFFFF, 0])
CHAINS = st.sampled_from([*RULES, "bip122:00000000000000000000000000000000"])


def with_bits(header, bits):
    return header[:72] + bits.to_bytes(4, "little") + header[76:]


@given(header=HEADERS, bits=BITS, parent=st.none() | HEADERS, height=st.integers(0, 2**40), chain=CHAINS)
@example(header=bytes(80), bits=0x207FFFFF, parent=None, height=0, chain="bip122:0f9188f13cb7b2c71f2a335e3a4fc328")
def test_any_header_proves_its_work_or_is_distrusted(header, bits, parent, height, chain):
    raw = with_bits(header, bits)
    told = unproved(raw, parent, height, chain)
    if isinstance(told, Distrusted):
        assert told.reason
    elif (rules := RULES.get(chain)) is not None:
        assert int.from_bytes(rules.hashed(raw), "little") <= target_of(bits) <= target_of(rules.easiest)


@given(bits=BITS)
def test_any_short_form_is_a_number_that_is_not_below_zero(bits):
    assert 0 <= target_of(bits) < 1 << 2048
