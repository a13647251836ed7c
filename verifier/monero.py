"""How a Monero address shows itself: its spend key signs, as wallets' `sign` does. Pure; libsodium computes.

The view key is given to whoever may watch, so that its signatures, which `verify` in wallets also takes, prove nothing.
"""

from nacl import bindings, exceptions

from chains.account import Account
from chains.monero import base58
from config.keccak import keccak256
from verifier.port import Lookup
from verifier.verdict import Invalid, Valid, Verdict

_SCHEMES = {"SigV2": "monero-v2", "SigV1": "monero-v1"}
_HEADER = len("SigV2")
_LENGTH = _HEADER + 88  # two scalars of 32 bytes in base58
_SCALAR = 32
_SPEND, _VIEW = slice(1, 33), slice(33, 65)
"""Where an account's canonical bytes have its keys, behind the network byte. A subaddress has a pair of its own."""
_DOMAIN = b"MoneroMessageSignature\0"  # HASH_KEY_MESSAGE_SIGNING, with the byte that ends it in C
_BY_SPEND_KEY = b"\0"
_ORDER = 2**252 + 27742317777372353535851937790883648493
_INFINITY = b"\1" + bytes(31)


async def verify(
    account: Account,
    message: str,
    signature: str,
    *,
    lookup: Lookup,  # noqa: ARG001  every family's shape; a key needs no chain
) -> Verdict:
    """Return whether the spend key of this Monero address or subaddress signed the message.

    The signature is `SigV2` or the older `SigV1` and two scalars in Monero's base58. What it hashes is the only
    difference: V1 the message alone, V2 the purpose, both public keys and which of them signed, too.
    """
    scheme = _SCHEMES.get(signature[:_HEADER])
    raw = base58.decode(signature[_HEADER:]) if scheme and len(signature) == _LENGTH else None
    if scheme is None or raw is None:
        return Invalid(reason="a signature is SigV2 or SigV1 and 88 digits of Monero's base58")
    text = message.encode()
    keys = account.holder.canonical
    hashed = keccak256(text) if scheme == "monero-v1" else message_hash(text, spend=keys[_SPEND], view=keys[_VIEW])
    if not holds(keys[_SPEND], hashed, raw):
        return Invalid(reason="the address's spend key did not make this signature")
    return Valid(account=account, scheme=scheme)


def message_hash(text: bytes, *, spend: bytes, view: bytes) -> bytes:
    """Return what the spend key signs under V2 (wallet2's `get_message_hash`)."""
    return keccak256(b"".join((_DOMAIN, spend, view, _BY_SPEND_KEY, _varint(len(text)), text)))


def holds(key: bytes, hashed: bytes, signature: bytes) -> bool:
    """Return whether the key made this Schnorr signature (c, r) of a hash: c = H(hash, key, cP + rG).

    Scalars beyond the group's order are refused, as is zero, which no signer leaves standing; a key outside of the
    group of prime order too, for which libsodium does not compute.
    """
    c, r = signature[:_SCALAR], signature[_SCALAR:]
    if not (_is_reduced(c) and _is_reduced(r)):
        return False
    try:
        commitment = bindings.crypto_core_ed25519_add(
            bindings.crypto_scalarmult_ed25519_noclamp(c, key), bindings.crypto_scalarmult_ed25519_base_noclamp(r)
        )
    except exceptions.RuntimeError:  # the key is no point, or of small order
        return False
    challenge = int.from_bytes(keccak256(hashed + key + commitment), "little") % _ORDER
    return commitment != _INFINITY and challenge == int.from_bytes(c, "little")


def _is_reduced(scalar: bytes) -> bool:
    return 0 < int.from_bytes(scalar, "little") < _ORDER


def _varint(number: int) -> bytes:
    """Write a number in groups of seven bits, the lowest first."""
    groups = bytearray()
    while number > 0x7F:  # noqa: PLR2004  seven bits
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])
