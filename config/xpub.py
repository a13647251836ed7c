"""Tells a watch-only key from a private one (BIP-32 serialisation), as far as a setting needs it. Derives nothing."""

import hashlib
import re
from collections.abc import Collection

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_LENGTH = 78
_CHECKSUM = 4
_PLAIN = (bytes.fromhex("0488b21e"), bytes.fromhex("043587cf"))  # xpub, tpub
_TYPED = tuple(bytes.fromhex(version) for version in ("049d7cb2", "044a5262", "04b24746", "045f1cf6"))
"""SLIP-132: ypub and upub (P2SH-P2WPKH), zpub and vpub (P2WPKH). They say which kind of address is derived."""
_PRIVATE = re.compile(r"\b[A-Za-z]prv")  # xprv, tprv, and SLIP-132's yprv, zprv, …
_WIF = re.compile(r"\b[5KLc9][1-9A-HJ-NP-Za-km-z]{50,51}\b")
_EXTENDED = re.compile(r"[A-Za-z]pub[1-9A-HJ-NP-Za-km-z]+")


def require_watch_only(key: str) -> str:
    """Return a watch-only key, or a descriptor (BIP-380) over such keys, unchanged.

    Raises ValueError with the reason, which never repeats the key.
    """
    if _PRIVATE.search(key) or _WIF.search(key):
        raise ValueError("is a PRIVATE key: Usher only watches. Put its xpub here, and treat this key as exposed")
    keys = _EXTENDED.findall(key) if "(" in key else [key]
    if not keys or not all(_is_extended(one, _PLAIN + _TYPED) for one in keys):
        raise ValueError("is not an extended public key (BIP-32 xpub); copy it again from the wallet")
    return key


def require_plain(key: str) -> str:
    """Return an xpub or tpub unchanged; where there is one kind of address, SLIP-132 and descriptors mean nothing."""
    if not _is_extended(key, _PLAIN):
        raise ValueError("is not an xpub (BIP-32); other kinds of extended keys are Bitcoin's")
    return key


def _is_extended(key: str, versions: Collection[bytes]) -> bool:
    serialised = _base58check(key)
    return serialised is not None and serialised[:4] in versions and _is_point(serialised[45:])


def _base58check(text: str) -> bytes | None:
    number = 0
    for letter in text:
        digit = _ALPHABET.find(letter)
        if digit < 0:
            return None
        number = number * 58 + digit
    if number.bit_length() > (_LENGTH + _CHECKSUM) * 8:
        return None
    decoded = number.to_bytes(_LENGTH + _CHECKSUM, "big")
    payload, checksum = decoded[:_LENGTH], decoded[_LENGTH:]
    return payload if hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:_CHECKSUM] == checksum else None


def _is_point(compressed: bytes) -> bool:
    from coincurve import PublicKey  # noqa: PLC0415  libsecp256k1, only where an xpub is configured

    try:
        PublicKey(compressed)
    except ValueError:
        return False
    return True
