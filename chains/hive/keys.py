"""How Hive writes keys: public ones in base58 behind a prefix, private ones in Bitcoin's wallet import format. Pure."""

from chains import base58
from chains.hashes import ripemd160, sha256d

PREFIX, TEST_PREFIX = "STM", "TST"
"""STM is older than Hive, and stays. Networks that hived was built for as a test network write TST."""
_CHECKSUM = 4
_PUBLIC, _PRIVATE = 33, 32
_WIF_VERSION = 0x80
_GROUP_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1 (SEC 2 §2.4.1): a private key is a number below it."""


def public_key(text: str) -> bytes | None:
    """Return the 33 bytes of a compressed public key; None for anything else. Whether a curve has it is not asked."""
    raw = base58.decode(text[len(PREFIX) :]) if text.startswith((PREFIX, TEST_PREFIX)) else None
    if raw is None or len(raw) != _PUBLIC + _CHECKSUM:
        return None
    key, checksum = raw[:_PUBLIC], raw[_PUBLIC:]
    return key if ripemd160(key)[:_CHECKSUM] == checksum else None


def private_key(wif: str) -> bytes | None:
    """Return the 32 bytes that a WIF writes; None for anything else."""
    raw = base58.decode(wif)
    if raw is None or len(raw) != 1 + _PRIVATE + _CHECKSUM or raw[0] != _WIF_VERSION:
        return None
    versioned, checksum = raw[:-_CHECKSUM], raw[-_CHECKSUM:]
    if sha256d(versioned)[:_CHECKSUM] != checksum or not 0 < int.from_bytes(versioned[1:], "big") < _GROUP_ORDER:
        return None
    return versioned[1:]
