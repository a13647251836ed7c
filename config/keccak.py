"""Keccak-256 as Ethereum and Monero use it (the original padding, not SHA-3's), in the C of the Keccak team."""

from sha3 import keccak_256


def keccak256(data: bytes) -> bytes:
    """Return the 32-byte Keccak-256 digest."""
    digest: bytes = keccak_256(data).digest()
    return digest
