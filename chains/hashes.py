"""The hashes that Bitcoin's scripts, transactions and signed messages are made of, and how it writes lengths. Pure."""

import hashlib
from collections.abc import Callable
from typing import Any

from Crypto.Hash import RIPEMD160

try:
    _RIPEMD160: Any = hashlib.new("ripemd160", usedforsecurity=False)
except ValueError:  # OpenSSL may be built without it; this one takes five times as long
    _RIPEMD160 = RIPEMD160.new()
_ONE_BYTE, _TWO_BYTES, _FOUR_BYTES = 0xFD, 0xFE, 0xFF
"""From the first on a length does not fit the byte; the byte then says how many follow."""


def sha256(data: bytes) -> bytes:
    """Return SHA-256."""
    return hashlib.sha256(data).digest()


def sha256d(data: bytes) -> bytes:
    """Return SHA-256 of SHA-256, which makes transaction ids and signature hashes before taproot."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def ripemd160(data: bytes) -> bytes:
    """Return RIPEMD-160."""
    hasher = _RIPEMD160.copy()
    hasher.update(data)
    digest: bytes = hasher.digest()
    return digest


def hash160(data: bytes) -> bytes:
    """Return RIPEMD-160 of SHA-256, which stands in addresses for a key or a script."""
    return ripemd160(hashlib.sha256(data).digest())


def tagged(tag: str) -> Callable[[bytes], bytes]:
    """Return BIP-340's hash for one use, which collides with that of no other use."""
    start = hashlib.sha256(hashlib.sha256(tag.encode()).digest() * 2)

    def hashed(data: bytes) -> bytes:
        hasher = start.copy()
        hasher.update(data)
        return hasher.digest()

    return hashed


def compact_size(length: int) -> bytes:
    """Return a length as Bitcoin writes it, in as few bytes as it allows."""
    if length < _ONE_BYTE:
        return bytes((length,))
    if length < 1 << 16:
        return bytes((_ONE_BYTE,)) + length.to_bytes(2, "little")
    if length < 1 << 32:
        return bytes((_TWO_BYTES,)) + length.to_bytes(4, "little")
    return bytes((_FOUR_BYTES,)) + length.to_bytes(8, "little")


def sized(data: bytes) -> bytes:
    """Return bytes behind their length."""
    return compact_size(len(data)) + data
