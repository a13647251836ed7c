"""How numbers and hashes are read out of blocks and transactions. Pure; reading beyond the end is an IndexError."""

LONGEST_COUNT = 0xFC
"""A compact size up to this is one byte; the bytes above say how many follow (Bitcoin Core's serialize.h)."""
_HASH = 32
_WIDTHS = {0xFD: 2, 0xFE: 4, 0xFF: 8}


def read_compact_size(raw: bytes, at: int) -> tuple[int, int]:
    """Return the number that stands at a position, and the position behind it."""
    first = raw[at]
    if first <= LONGEST_COUNT:
        return first, at + 1
    behind = at + 1 + _WIDTHS[first]
    if behind > len(raw):
        raise IndexError("a number is cut off")
    return int.from_bytes(raw[at + 1 : behind], "little"), behind


def shown(digest: bytes) -> str:
    """Return a hash as the chain's tools print it: reversed, in hex."""
    return digest[::-1].hex()


def unshown(printed: str) -> bytes:
    """Return the hash that was printed. Raises ValueError for anything else than 64 hex digits."""
    digest = bytes.fromhex(printed)
    if len(digest) != _HASH or len(printed) != 2 * _HASH:
        raise ValueError("no hash")
    return digest[::-1]
