"""EIP-712: a sign-in text as typed data, for wallets that show its fields one by one. Pure.

Text and typed data determine each other, so that whichever a wallet signs, one text is spent. The domain separator
names us and the chain; the page's domain stands among the fields, as it does in the text.
"""

from functools import lru_cache
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


def typed_data(text: str, network: Network) -> dict[str, Any] | None:
    """Return what `eth_signTypedData_v4` takes in place of one of our sign-in texts; None for any other text."""
    message = _ours(text, network)
    if message is None:
        return None
    values = _values(message)
    chain_id = values["chainId"]
    values["chainId"] = written = int(chain_id) if len(chain_id) <= _SAFE_DIGITS else chain_id
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": kind} for name, kind in _DOMAIN],
            "SignIn": [{"name": name, "type": kind} for name, kind in _SIGN_IN],
        },
        "primaryType": "SignIn",
        "domain": {"name": NAME, "version": VERSION, "chainId": written},
        "message": values,
    }


def digest(text: str, network: Network) -> bytes | None:
    """Return the 32 bytes that are signed for the typed data of one of our sign-in texts; None for any other text."""
    message = _ours(text, network)
    if message is None:
        return None
    values = _values(message)
    fields = b"".join(_encoded(kind, values[name]) for name, kind in _SIGN_IN)
    return keccak256(b"\x19\x01" + _separator(values["chainId"]) + keccak256(_SIGN_IN_TYPE + fields))


def _ours(text: str, network: Network) -> SignIn | None:
    read = challenge.parse(text, network=network)
    if isinstance(read, Malformed) or read.account.holder.family is not Family.EVM:
        return None
    message = siwe.parse(text)
    return None if isinstance(message, Malformed) else message


def _values(message: SignIn) -> dict[str, Any]:
    return {
        "domain": message.domain,
        "address": message.address,
        "statement": message.statement,
        "uri": message.uri,
        "version": message.version,
        "chainId": message.chain_id,
        "nonce": message.nonce,
        "issuedAt": message.issued_at,
        "expirationTime": message.expiration_time,
        "resources": list(message.resources or ()),
    }


def _type_hash(name: str, fields: tuple[tuple[str, str], ...]) -> bytes:
    """Return the hash of `encodeType`."""
    members = ",".join(f"{kind} {field}" for field, kind in fields)
    return keccak256(f"{name}({members})".encode())


@lru_cache(16)  # a deployment sells on a few chains
def _separator(chain_id: str) -> bytes:
    values = {"name": NAME, "version": VERSION, "chainId": chain_id}
    fields = b"".join(_encoded(kind, values[name]) for name, kind in _DOMAIN)
    return keccak256(_type_hash("EIP712Domain", _DOMAIN) + fields)


def _encoded(kind: str, value: Any) -> bytes:
    """Return a field's 32 bytes: EIP-712's `encodeData`, for the types that stand here."""
    match kind:
        case "string":
            return _hashed(value)
        case "string[]":
            return keccak256(b"".join(map(_hashed, value)))
        case "address":
            return bytes.fromhex(value[2:]).rjust(_WORD, b"\0")
    return int(value).to_bytes(_WORD, "big")


@lru_cache(256)  # all visitors of an event sign the same words, and those of one second the same times
def _hashed(text: str) -> bytes:
    return keccak256(text.encode())


_SIGN_IN_TYPE = _type_hash("SignIn", _SIGN_IN)
