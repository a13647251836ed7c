"""EIP-191 version 0x45, `personal_sign`: whose key signed a text. Pure; libsecp256k1 does the mathematics."""

from coincurve import PublicKey

from config.keccak import keccak256

SIGNATURE_BYTES = 65
_RECOVERY_IDS = {0: b"\x00", 1: b"\x01", 27: b"\x00", 28: b"\x01"}
"""The last byte as wallets write it. From 35 on (EIP-155) it is a transaction's; 2 and 3 name an r no wallet makes."""


def digest(message: str) -> bytes:
    """Return the 32 bytes that are signed for a text. Raises UnicodeEncodeError where UTF-8 cannot hold it."""
    data = message.encode()
    return keccak256(b"\x19Ethereum Signed Message:\n%d%b" % (len(data), data))


def recover(hashed: bytes, signature: bytes) -> bytes | None:
    """Return the address whose key made this 65-byte signature of a digest; None if no key can have.

    Both s and n - s are taken, as the chain's own `ecrecover` takes them: whoever changes one into the other gains
    nothing, since the nonce in the text is spent and never the bytes of a signature.
    """
    if len(signature) != SIGNATURE_BYTES or signature[64] not in _RECOVERY_IDS:
        return None
    try:
        key = PublicKey.from_signature_and_message(signature[:64] + _RECOVERY_IDS[signature[64]], hashed, hasher=None)
    except ValueError:  # r or s is zero or beyond the group's order, or r is no point's coordinate
        return None
    return keccak256(key.format(compressed=False)[1:])[12:]
