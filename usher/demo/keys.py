"""Fresh watch-only keys, as hardware wallets show them. The private half is forgotten at once."""

import hashlib
import secrets

from coincurve import PrivateKey

from chains import base58

XPUB = bytes.fromhex("0488b21e")
VPUB = bytes.fromhex("045f1cf6")
"""SLIP-132: a test network's key whose addresses are P2WPKH."""


def fresh_xpub(version: bytes = XPUB) -> str:
    """Make a new wallet's account key and return its public half."""
    depth, index = b"\x03", (2**31).to_bytes(4, "big")  # BIP-32: m/44'/60'/0'
    point = PrivateKey().public_key.format(compressed=True)
    payload = version + depth + secrets.token_bytes(4) + index + secrets.token_bytes(32) + point
    checksum = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    return base58.encode(payload + checksum)
