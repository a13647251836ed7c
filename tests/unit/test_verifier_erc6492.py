"""ERC-6492's wrapping, held against another ABI encoder."""

import pytest
from eth_abi import encode

from verifier.evm.erc6492 import MAGIC, Wrapped, is_wrapped, unwrap, wrap

FACTORY = bytes(range(20))


@pytest.mark.parametrize("sizes", [(0, 0), (1, 65), (32, 64), (33, 31), (500, 2000)])
def test_what_another_encoder_wraps_is_opened_and_ours_is_the_same(sizes):
    deployment, signature = b"\x01" * sizes[0], b"\x02" * sizes[1]
    theirs = encode(["address", "bytes", "bytes"], [FACTORY, deployment, signature]) + MAGIC
    opened = Wrapped(factory=FACTORY, deployment=deployment, signature=signature)
    assert is_wrapped(theirs)
    assert unwrap(theirs) == opened
    assert wrap(opened) == theirs


def test_a_key_s_signature_is_not_wrapped():
    assert not is_wrapped(bytes(65))
    assert not is_wrapped(MAGIC[1:])


GOOD = wrap(Wrapped(factory=FACTORY, deployment=b"\x01" * 40, signature=b"\x02" * 65)).removesuffix(MAGIC)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        GOOD[:31],
        GOOD[:95],
        GOOD[:127],
        b"\x01" + GOOD[1:],  # more than twenty bytes of address
        GOOD[:32] + b"\xff" * 32 + GOOD[64:],  # an offset beyond everything
        GOOD[:96] + b"\xff" * 32 + GOOD[128:],  # a length beyond everything
        GOOD[:-128] + (97).to_bytes(32, "big") + GOOD[-96:],
    ],
)
def test_a_wrapping_that_points_outside_of_itself_is_not_opened(body):
    assert unwrap(body + MAGIC) is None
