"""Strict Ed25519 (RFC 8032): what one key signed, in one encoding. Pure; solders' ed25519-dalek does the mathematics.

Strict is what libsodium and Solana's own validators are: no key or commitment of small order, under which one signature
holds for many texts, no scalar beyond the group's order, no second encoding of a point.
"""

from solders.pubkey import Pubkey
from solders.signature import Signature

KEY_BYTES = 32
SIGNATURE_BYTES = 64
_PRIME = 2**255 - 19
_SIGN_BIT = 1 << 255


def holds(key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether the key made this signature of the message. Lengths other than 32 and 64 bytes hold for nothing.

    dalek's `verify_strict` sees to order, scalar and the commitment's encoding; the key's encoding it leaves open.
    """
    if len(key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    if int.from_bytes(key, "little") % _SIGN_BIT >= _PRIME:
        return False
    return Signature(signature).verify(Pubkey(key), message)
