"""Monero's base58: blocks of 8 bytes, each 11 digits long, the last one as short as it needs to be. Pure.

Addresses carry a checksum of four bytes (Keccak-256) behind what they hold; signatures carry none.
"""

from chains import base58
from config.keccak import keccak256

_BYTES = {2: 1, 3: 2, 5: 3, 6: 4, 7: 5, 9: 6, 10: 7, 11: 8}
"""Bytes that a block of so many digits holds; blocks of 1, 4 or 8 digits do not occur."""
_DIGITS = {size: digits for digits, size in _BYTES.items()}
_FULL_BLOCK = 8
_CHECKSUM = 4


def decode(text: str) -> bytes | None:
    """Return the bytes; None for anything that `encode` would not have written. The cost grows with the length."""
    full = _DIGITS[_FULL_BLOCK]
    blocks = bytearray()
    for at in range(0, len(text), full):
        block = _decode_block(text[at : at + full])
        if block is None:
            return None
        blocks += block
    return bytes(blocks)


def encode(raw: bytes) -> str:
    """Return the one text that `decode` reads as these bytes."""
    return "".join(_encode_block(raw[at : at + _FULL_BLOCK]) for at in range(0, len(raw), _FULL_BLOCK))


def decode_checked(text: str) -> bytes | None:
    """Return what stands before the checksum; None where text or checksum is wrong."""
    raw = decode(text)
    if raw is None or len(raw) < _CHECKSUM:
        return None
    body, checksum = raw[:-_CHECKSUM], raw[-_CHECKSUM:]
    return body if keccak256(body)[:_CHECKSUM] == checksum else None


def encode_checked(body: bytes) -> str:
    """Return the bytes and their checksum as text."""
    return encode(body + keccak256(body)[:_CHECKSUM])


def _decode_block(digits: str) -> bytes | None:
    number, size = base58.to_int(digits), _BYTES.get(len(digits))
    if number is None or size is None or number >> 8 * size:
        return None
    return number.to_bytes(size, "big")


def _encode_block(block: bytes) -> str:
    return base58.from_int(int.from_bytes(block, "big")).rjust(_DIGITS[len(block)], base58.ALPHABET[0])
