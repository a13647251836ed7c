"""Solana addresses that a wallet can sign for: base58 of an Ed25519 public key. Pure.

A point off the curve is a program's address; nobody holds a key to it.
"""

from solders.pubkey import Pubkey

from config.registry import Network


def canonical(address: str, network: Network) -> bytes | None:  # noqa: ARG001  written alike on every cluster
    """Return the 32 bytes; None if this is no address or lies off the curve."""
    try:
        key = Pubkey.from_string(address)
    except ValueError:
        return None
    return bytes(key) if key.is_on_curve() else None


def display(raw: bytes) -> str:
    """Return the address in base58."""
    return str(Pubkey(raw))
