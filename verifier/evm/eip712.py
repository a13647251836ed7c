"""EIP-712: a sign-in text as typed data, for wallets that show its fields one by one. Pure.

Text and typed data determine each other, so that whichever a wallet signs, one text is spent. The domain separator
names us and the chain; the page's domain stands among the fields, as it does in the text.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any

from config.keccak import keccak256
from config.registry import Family, Network
from verifier.texts import challenge, siwe
from verifier.texts.layout import Malformed, SignIn

NAME, VERSION = "Usher", "1"
_WORD = 32
_SAFE_DIGITS = 15
"""So many digits every reader of JSON keeps exactly (RFC 8259 §6); a longer chain id is written as text."""

_DOMAIN = (("name", "string"), ("version", "string"), ("chainId", "uint256"))
_SIGN_IN = (
    ("domain", "string"),
    ("address", "address"),
    ("statement", "string"),
    ("uri", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("nonce", "string"),
    ("issuedAt", "string"),
    ("expirationTime", "string"),
    ("resources", "string[]"),
)
"""Every field that our sign-in texts have, named as EIP-4361 names it."""
_values = attrgetter(
    "domain", "address", "statement", "uri", "version", "chain_id", "nonce", "issued_at", "expiration_time", "resources"
)
"""The same of a SignIn, one for one."""


def typed_data(text: str, network: Network) -> dict[str, Any] | None:
    """Return what `eth_signTypedData_v4` takes in place of one of our sign-in texts; None for any other text."""
    message = _ours(text, network)
    if message is None:
        return None
    chain_id = message.chain_id or ""
    written = int(chain_id) if len(chain_id) <= _SAFE_DIGITS else chain_id
    values = dict(zip((name for name, _ in _SIGN_IN), _values(message), strict=True))
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": kind} for name, kind in _DOMAIN],
            "SignIn": [{"name": name, "type": kind} for name, kind in _SIGN_IN],
        },
        "primaryType": "SignIn",
        "domain": {"name": NAME, "version": VERSION, "chainId": written},
        "message": values | {"chainId": written, "resources": list(values["resources"])},
    }


def digest(text: str, network: Network) -> bytes | None:
    """Return the 32 bytes that are signed for the typed data of one of our sign-in texts; None for any other text."""
    message = _ours(text, network)
    if message is None:
        return None
    fields = b"".join(encoded(value) for encoded, value in zip(_SIGN_IN_ENCODING, _values(message), strict=True))
    return keccak256(b"\x19\x01" + _separator(message.chain_id or "") + keccak256(_SIGN_IN_TYPE + fields))


def _ours(text: str, network: Network) -> SignIn | None:
    read = challenge.parse(text, network=network)
    if isinstance(read, Malformed) or read.account.holder.family is not Family.EVM:
        return None
    message = siwe.parse(text)
    return None if isinstance(message, Malformed) else message


def _type_hash(name: str, fields: tuple[tuple[str, str], ...]) -> bytes:
    """Return the hash of `encodeType`."""
    members = ",".join(f"{kind} {field}" for field, kind in fields)
    return keccak256(f"{name}({members})".encode())


@lru_cache(16)  # a deployment sells on a few chains
def _separator(chain_id: str) -> bytes:
    fields = _hashed(NAME) + _hashed(VERSION) + _number(chain_id)
    return keccak256(_type_hash("EIP712Domain", _DOMAIN) + fields)


@lru_cache(256)  # all visitors of an event sign the same words, and those of one second the same times
def _hashed(text: str) -> bytes:
    return keccak256(text.encode())


def _number(digits: str) -> bytes:
    return int(digits).to_bytes(_WORD, "big")


_ENCODED: Mapping[str, Callable[[Any], bytes]] = {
    "string": _hashed,
    "string[]": lambda texts: keccak256(b"".join(map(_hashed, texts))),
    "address": lambda address: bytes.fromhex(address[2:]).rjust(_WORD, b"\0"),
    "uint256": _number,
}
"""A field's 32 bytes by its type: EIP-712's `encodeData`, for the types that stand here."""
_SIGN_IN_ENCODING = tuple(_ENCODED[kind] for _, kind in _SIGN_IN)
_SIGN_IN_TYPE = _type_hash("SignIn", _SIGN_IN)
