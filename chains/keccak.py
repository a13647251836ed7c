"""Keccak-256 as Ethereum and Monero use it (the original padding, not SHA-3's), from pycryptodome's C."""

from Crypto.Hash import keccak


def keccak256(data: bytes) -> bytes:
    """Return the 32-byte Keccak-256 digest."""
    return keccak.new(digest_bits=256, data=data).digest()
