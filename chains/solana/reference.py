"""References that find orders (Solana Pay): 32 bytes that nobody can sign for, made from the deployment's secret. Pure.

A reference lies off the curve, where no private key leads to; a wallet lies on it. By this the two are told apart.
"""

import hashlib
import hmac
from collections.abc import Callable
from functools import lru_cache, partial

from solders.pubkey import Pubkey

_LABEL = b"usher solana-pay reference 1"


def deriving(secret: bytes, chain: str) -> Callable[[int, int], list[str]]:
    """Return what gives the orders' references on a chain (CAIP-2), from an index on, so many of them."""
    return partial(references, secret, chain)


def references(secret: bytes, chain: str, start: int, count: int) -> list[str]:
    """Return the references with the indices from `start` on. Raises ValueError for negative ones."""
    if start < 0 or count < 0:
        raise ValueError(f"there are no references {start} to {start + count}")
    return [_reference(secret, chain, index) for index in range(start, start + count)]


def is_reference(address: str) -> bool:
    """Whether a text is an address that nobody can hold a key to."""
    return _on_curve(address) is False


def is_wallet(address: str) -> bool:
    """Whether a text is an address that somebody can sign for."""
    return _on_curve(address) is True


def _reference(secret: bytes, chain: str, index: int) -> str:
    """Return the first of a row of digests that is no point of the curve; every second one is none."""
    attempt = 0
    while True:
        row = b"\0".join((_LABEL, chain.encode(), index.to_bytes(8, "big"), attempt.to_bytes(4, "big")))
        key = Pubkey(hmac.new(secret, row, hashlib.sha256).digest())
        if not key.is_on_curve():
            return str(key)
        attempt += 1


@lru_cache(maxsize=2**17)
def _on_curve(address: str) -> bool | None:
    """Return whether a key may lead to an address; None where the text is no address."""
    try:
        return Pubkey.from_string(address).is_on_curve()
    except ValueError:
        return None
