"""Whether one signature of a Bitcoin input holds for one key, by the rules that BIP-322 requires. Pure."""

from collections.abc import Callable

from coincurve import PublicKey, PublicKeyXOnly

from verifier.bitcoin.transaction import SIGHASH_ALL, SIGHASH_DEFAULT

_SCHNORR_BYTES = 64
_COMPRESSED_KEY, _UNCOMPRESSED_KEY = 33, 65


def is_key(key: bytes, *, uncompressed: bool) -> bool:
    """Whether a key for ECDSA is written as STRICTENC asks; the long form is forbidden in a witness (BIP-143)."""
    if len(key) == _UNCOMPRESSED_KEY:
        return uncompressed and key[0] == 4  # noqa: PLR2004  SEC 1 §2.3.3
    return len(key) == _COMPRESSED_KEY and key[0] in (2, 3)


def ecdsa_holds(signature: bytes, key: bytes, digest: bytes) -> bool:
    """Whether a DER signature with its hash type behind it, SIGHASH_ALL alone, is this key's for a digest.

    libsecp256k1 reads DER as strictly as BIP-66 asks and takes the low s only (STRICTENC, LOW_S).
    """
    if signature[-1:] != bytes((SIGHASH_ALL,)):
        return False
    try:
        return PublicKey(key).verify(signature[:-1], digest, hasher=None)
    except ValueError:  # no point of the curve, or no DER
        return False


def schnorr_holds(signature: bytes, key: bytes, sighash: Callable[[int], bytes]) -> bool:
    """Whether a BIP-340 signature is this key's: 64 bytes, or SIGHASH_ALL behind them (BIP-341 §Common)."""
    kind = SIGHASH_DEFAULT
    if len(signature) == _SCHNORR_BYTES + 1 and signature[-1] == SIGHASH_ALL:
        kind = SIGHASH_ALL
    elif len(signature) != _SCHNORR_BYTES:
        return False
    try:
        return PublicKeyXOnly(key).verify(signature[:_SCHNORR_BYTES], sighash(kind))
    except ValueError:  # no point of the curve
        return False
