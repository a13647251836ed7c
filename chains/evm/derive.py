"""Order addresses out of a watch-only extended public key (BIP-32, public derivation). No private key ever comes here.

Written on coincurve: bitcoinlib writes to HOME when it is imported and takes milliseconds per key, PyPI's bip32 holds
coincurve at an old version. Tests hold this against bitcoinlib.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from coincurve import PublicKey

from chains import base58
from chains.evm.address import display
from config.keccak import keccak256

EXTERNAL = 0
"""BIP-44's branch of addresses that are shown to others; an `xpub` here is the account's key, m/44'/60'/account'."""
UNHARDENED = 2**31
"""Children that a public key has; the hardened ones above need the private key."""
_PUBLIC_VERSIONS = (bytes.fromhex("0488b21e"), bytes.fromhex("043587cf"))  # xpub, tpub
_SIZE = 78  # version 4, depth 1, parent's fingerprint 4, child number 4, chain code 32, key 33


class NotWatchOnlyError(ValueError):
    """The key for order addresses must be an extended public key (xpub…) of an account; keep the private one away."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _ExtendedKey:
    """A public key and the chain code that its children are made with."""

    point: PublicKey
    chain_code: bytes


def deriving(xpub: str) -> Callable[[int, int], list[str]]:
    """Return what gives the orders' addresses below an account's xpub, from a position on, so many of them."""
    return partial(addresses, xpub)


def addresses(xpub: str, start: int, count: int) -> list[str]:
    """Return the EIP-55 addresses at m/0/start … below the account's xpub.

    Raises NotWatchOnlyError for anything but an extended public key, ValueError for positions that do not exist.
    """
    if start < 0 or count < 0 or start + count > UNHARDENED:
        raise ValueError(f"positions {start} to {start + count} are not among a public key's {UNHARDENED} children")
    branch = _external_branch(xpub)
    return [_address(_child(branch, position).point) for position in range(start, start + count)]


@lru_cache(maxsize=16)
def _external_branch(xpub: str) -> _ExtendedKey:
    return _child(_parse(xpub), EXTERNAL)


def _parse(xpub: str) -> _ExtendedKey:
    """Read BIP-32's serialisation in base58check."""
    raw = base58.decode(xpub.strip()) or b""
    payload, checksum = raw[:-4], raw[-4:]
    digest = hashlib.sha256(hashlib.sha256(payload).digest()).digest()
    if len(payload) != _SIZE or payload[:4] not in _PUBLIC_VERSIONS or digest[:4] != checksum:
        raise NotWatchOnlyError
    try:
        return _ExtendedKey(point=PublicKey(payload[45:]), chain_code=payload[13:45])
    except ValueError:  # no point of the curve
        raise NotWatchOnlyError from None


def _child(parent: _ExtendedKey, number: int) -> _ExtendedKey:
    """Return CKDpub((K, c), number): BIP-32, "Public parent key to public child key"."""
    data = parent.point.format(compressed=True) + number.to_bytes(4, "big")
    digest = hmac.new(parent.chain_code, data, hashlib.sha512).digest()
    return _ExtendedKey(point=parent.point.add(digest[:32]), chain_code=digest[32:])


def _address(point: PublicKey) -> str:
    """Return the last 20 bytes of the Keccak of the point's 64 bytes (Yellow Paper, appendix F)."""
    return display(keccak256(point.format(compressed=False)[1:])[-20:])
