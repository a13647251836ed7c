"""Single values of a node's answer, checked: numbers, hashes, addresses. Pure; other shapes raise one of MALFORMED."""

import re

from chains.evm.address import display

MALFORMED = (LookupError, TypeError, ValueError, AttributeError)
"""What looking into an answer of another shape raises."""
_DIGEST, _ADDRESS = re.compile("0x[0-9a-f]{64}"), re.compile("0x[0-9a-f]{40}")


def quantity(text: str) -> int:
    """Return a number as nodes write it, of at most 256 bits."""
    number = int(text, 16)
    if not text.startswith("0x") or not 0 <= number < 2**256:
        raise ValueError("no quantity")
    return number


def digest(value: str) -> str:
    """Return a hash in the one spelling that nodes use: a second one would be another payment's key."""
    if _DIGEST.fullmatch(value) is None:
        raise ValueError("no hash")
    return value


def spelled(lower: str) -> str:
    """Return a lower-case address as people read it (EIP-55)."""
    if _ADDRESS.fullmatch(lower) is None:
        raise ValueError("no address")
    return display(bytes.fromhex(lower[2:]))
