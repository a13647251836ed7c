"""How Bitcoin writes numbers and hashes into blocks and transactions. Pure; reading beyond the end is an IndexError."""

import hashlib

LONGEST_COUNT = 0xFC
"""A compact size up to this is one byte; the bytes above say how many follow (Bitcoin Core's serialize.h)."""
_WIDTHS = {0xFD: 2, 0xFE: 4, 0xFF: 8}


def compact_size(raw: bytes, at: int) -> tuple[int, int]:
    """Return the number that stands at a position, and the position behind it."""
    first = raw[at]
    if first <= LONGEST_COUNT:
        return first, at + 1
    behind = at + 1 + _WIDTHS[first]
    if behind > len(raw):
        raise IndexError("a number is cut off")
    return int.from_bytes(raw[at + 1 : behind], "little"), behind


def write_compact_size(number: int) -> bytes:
    """Return a number as `compact_size` reads it, in its shortest form."""
    if number <= LONGEST_COUNT:
        return bytes((number,))
    marker = next(marker for marker, width in _WIDTHS.items() if number < 1 << 8 * width)
    return bytes((marker,)) + number.to_bytes(_WIDTHS[marker], "little")


def double_sha256(data: bytes) -> bytes:
    """Return the hash that names blocks and transactions, in the order of bytes that is written into them."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def shown(digest: bytes) -> str:
    """Return a hash as the chain's tools print it: reversed, in hex."""
    return digest[::-1].hex()


def unshown(printed: str) -> bytes:
    """Return the hash that was printed. Raises ValueError for anything else than 64 hex digits."""
    digest = bytes.fromhex(printed)
    if len(digest) != hashlib.sha256().digest_size or len(printed) != 2 * len(digest):
        raise ValueError("no hash")
    return digest[::-1]
