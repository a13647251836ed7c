"""Encrypted memos (`#…`), read with the memo key of one of the two accounts. Pure.

    # base58( from:33 to:33 nonce:8 check:4 length:varint ciphertext )     little-endian

The secret is SHA-512 of the shared point's x; SHA-512 of nonce and secret gives AES-256-CBC's key and vector, and its
SHA-256 the check. hive-js writes the text's length before the text, beem does not: where both readings are possible,
both are told, and the memo's grammar decides.
"""

import hashlib
import struct
from dataclasses import dataclass, field

from coincurve import PublicKey
from Crypto.Cipher import AES

from chains import base58
from chains.hive import keys
from memo.carriers import text_of

MARK = "#"
LONGEST = 2048
"""Characters of a memo (HIVE_MAX_MEMO_SIZE)."""

_KEY = 33
_HEAD = struct.Struct(f"<{_KEY}s{_KEY}sQI")
_BLOCK = 16
_MOST_LENGTH_BYTES = 3
_MORE = 0x80


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoKey:
    """An account's memo key. It reads memos, and can neither spend nor sign anything else."""

    secret: bytes = field(repr=False)
    public: bytes  # 33 bytes

    @classmethod
    def of(cls, wif: str) -> "MemoKey | None":
        """Return the key that a WIF writes; None for anything else."""
        secret = keys.private_key(wif)
        return None if secret is None else cls(secret=secret, public=PublicKey.from_secret(secret).format())


def read(memo: str, key: MemoKey) -> tuple[str, ...] | None:
    """Return the texts that this memo may hold; None where it is not encrypted, or not for this key."""
    data = _bytes_of(memo)
    if data is None or len(data) < _HEAD.size:
        return None
    sender, recipient, nonce, check = _HEAD.unpack_from(data)
    if key.public not in (sender, recipient):
        return None
    cipher = _sized(data[_HEAD.size :])
    secret = _shared(sender if key.public == recipient else recipient, key)
    if cipher is None or secret is None:
        return None
    plain = _decrypted(cipher, secret, nonce, check)
    return None if plain is None else _texts(plain)


def _bytes_of(memo: str) -> bytes | None:
    """Return what stands behind the mark in base58; None for text that only begins with the same sign."""
    if not memo.startswith(MARK) or len(memo) > LONGEST:
        return None
    number = base58.to_int(memo[len(MARK) :])
    return None if number is None else number.to_bytes((number.bit_length() + 7) // 8, "big")


def _shared(public: bytes, key: MemoKey) -> bytes | None:
    try:
        point = PublicKey(public).multiply(key.secret)
    except ValueError:  # no point of the curve
        return None
    return hashlib.sha512(point.format()[1:]).digest()


def _decrypted(cipher: bytes, secret: bytes, nonce: int, check: int) -> bytes | None:
    digest = hashlib.sha512(nonce.to_bytes(8, "little") + secret).digest()
    if int.from_bytes(hashlib.sha256(digest).digest()[:4], "little") != check:
        return None
    if not cipher or len(cipher) % _BLOCK:
        return None
    padded = AES.new(digest[:32], AES.MODE_CBC, digest[32:48]).decrypt(cipher)
    padding = padded[-1]
    if not 0 < padding <= _BLOCK or padded[-padding:] != bytes((padding,)) * padding:
        return None
    return padded[:-padding]


def _texts(plain: bytes) -> tuple[str, ...] | None:
    """Return the text with its length taken off, where there is one, and as it stands."""
    readings = (text_of(reading) for reading in (_sized(plain), plain) if reading is not None)
    return tuple(reading for reading in readings if reading is not None) or None


def _sized(data: bytes) -> bytes | None:
    """Return what stands behind its own length; None unless that is all of it."""
    length = 0
    for place, byte in enumerate(data[:_MOST_LENGTH_BYTES]):
        length |= (byte & _MORE - 1) << 7 * place
        if byte < _MORE:
            rest = data[place + 1 :]
            return rest if len(rest) == length else None
    return None
