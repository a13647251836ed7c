"""Keys and signatures as Hive's wallets make them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coincurve import PrivateKey, PublicKey

from chains import base58
from chains.hashes import ripemd160, sha256d
from chains.hive import digest
from chains.hive.binary import Form
from chains.hive.keys import PREFIX

ROLES = ("owner", "active", "posting", "memo")
_COMPRESSED = 31
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def write_public(key: bytes, prefix: str = PREFIX) -> str:
    """Return the text of a compressed public key."""
    return prefix + base58.encode(key + ripemd160(key)[:4])


def write_private(secret: bytes) -> str:
    """Return the WIF of a private key."""
    versioned = b"\x80" + secret
    return base58.encode(versioned + sha256d(versioned)[:4])


@dataclass(frozen=True)
class Keys:
    """An account's private keys, made of a name and a master password as wallets do it."""

    name: str
    password: str

    def secret(self, role: str) -> bytes:
        return hashlib.sha256(f"{self.name}{role}{self.password}".encode()).digest()

    def wif(self, role: str) -> str:
        return write_private(self.secret(role))

    def public(self, role: str, prefix: str = PREFIX) -> str:
        return write_public(PrivateKey(self.secret(role)).public_key.format(), prefix)


def sign(message: bytes, secret: bytes) -> str:
    """Return a signature of SHA-256 of the message in the chain's form: header, r, s, in hex."""
    made = PrivateKey(secret).sign_recoverable(hashlib.sha256(message).digest(), hasher=None)
    return (bytes((_COMPRESSED + made[64],)) + made[:64]).hex()


def recover(message: bytes, signature: str) -> bytes | None:
    """Return the key that signed, 33 bytes; None if no key can have, or s is the large twin (BIP-62)."""
    try:
        raw = bytes.fromhex(signature)
        if len(raw) != 65 or int.from_bytes(raw[33:], "big") > _HALF_ORDER:
            return None
        recoverable = raw[1:] + bytes((raw[0] - _COMPRESSED & 3,))
        key = PublicKey.from_signature_and_message(recoverable, hashlib.sha256(message).digest(), hasher=None)
    except ValueError:
        return None
    return key.format()


def signed(
    transaction: Mapping[str, Any], chain_id: bytes, secrets: Sequence[bytes], form: Form = Form.LEGACY
) -> dict[str, Any]:
    """Return a transaction with the signatures of these keys."""
    body = digest.unsigned(transaction, form)
    assert body is not None
    return {**transaction, "signatures": [sign(chain_id + body, secret) for secret in secrets]}
