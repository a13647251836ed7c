"""Order addresses out of a watch-only key (BIP-32, public derivation). No private key ever comes here.

What the key says is read here, strictly; bitcoinlib makes its children; what address a key has, and Taproot's tweak,
is ours again, for bitcoinlib knows no P2TR of a single key.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from coincurve import PublicKey, PublicKeyXOnly

from chains.bitcoin.descriptor import UNHARDENED, Descriptor, Kind, Unusable, parse
from chains.bitcoin.ours import prefixes_of
from chains.bitcoin.script import address_of, key_hash_script, script_hash_script, witness_script
from chains.hashes import hash160, tagged
from config import bitcoinlib_home
from config.registry import AddressPrefixes, Chain

_tap_tweak = tagged("TapTweak")


class UnusableKeyError(ValueError):
    """The key for order addresses cannot be used."""


def deriving(key: str, chain: Chain) -> Callable[[int, int], list[str]]:
    """Return what gives a chain's order addresses, from a position on, so many of them.

    `key`: xpub, ypub, zpub, or a descriptor. Raises UnusableKeyError with the reason, which never repeats the key.
    """
    descriptor = parse(key)
    if isinstance(descriptor, Unusable):
        raise UnusableKeyError(f"the key for order addresses {descriptor.reason}")
    if descriptor.network is not chain.network:
        raise UnusableKeyError(f"the key for order addresses is of the {descriptor.network} network")
    try:
        PublicKey(descriptor.point)
    except ValueError:
        raise UnusableKeyError("the key for order addresses is no point of the curve; copy it again") from None
    return partial(_addresses, descriptor, prefixes_of(chain))


def _addresses(descriptor: Descriptor, prefixes: AddressPrefixes, start: int, count: int) -> list[str]:
    """Return the addresses from a position on. Raises ValueError for positions that do not exist."""
    if start < 0 or count < 0 or start + count > UNHARDENED:
        raise ValueError(f"positions {start} to {start + count} are not among a public key's {UNHARDENED} children")
    above = _above(descriptor)
    scripts = (_script(descriptor.kind, above.child_public(place).public_byte) for place in range(start, start + count))
    return [address for script in scripts if (address := address_of(script, prefixes)) is not None]


@lru_cache(maxsize=16)
def _above(descriptor: Descriptor) -> Any:
    """Return the key whose children are the orders' keys, as bitcoinlib's HDKey."""
    bitcoinlib_home.prepare()
    from bitcoinlib.keys import HDKey  # noqa: PLC0415  heavy, and it writes where it is told by now

    key = HDKey(key=descriptor.point, chain=descriptor.chain_code, is_private=False, witness_type="legacy")
    for step in descriptor.steps:
        key = key.child_public(step)
    return key


def _script(kind: Kind, point: bytes) -> bytes:
    """Return the output script of a compressed public key."""
    match kind:
        case Kind.P2PKH:
            return key_hash_script(hash160(point))
        case Kind.P2WPKH:
            return witness_script(0, hash160(point))
        case Kind.P2SH_P2WPKH:
            return script_hash_script(hash160(witness_script(0, hash160(point))))
        case Kind.P2TR:
            internal = point[1:]
            output = PublicKeyXOnly(internal)
            output.tweak_add(_tap_tweak(internal))  # BIP-341: without scripts
            return witness_script(1, output.format())
