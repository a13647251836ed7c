"""Tells a watch-only key from a private one (BIP-32 serialisation), as far as a setting needs it. Derives nothing."""

import hashlib

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_LENGTH = 78
_CHECKSUM = 4
_PUBLIC = (bytes.fromhex("0488b21e"), bytes.fromhex("043587cf"))  # xpub, tpub
_PRIVATE = "prv"  # xprv, tprv, and SLIP-132's yprv, zprv, …


def require_watch_only(key: str) -> str:
    """Return an extended public key unchanged. Raises ValueError with the reason, which never repeats the key."""
    if key[1:4] == _PRIVATE:
        raise ValueError("is a PRIVATE key: Usher only watches. Put its xpub here, and treat this key as exposed")
    serialised = _base58check(key)
    if serialised is None or serialised[:4] not in _PUBLIC or not _is_point(serialised[45:]):
        raise ValueError("is not an extended public key (BIP-32 xpub); copy it again from the wallet")
    return key


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
