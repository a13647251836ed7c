"""Watch-only keys as operators paste them: descriptors over one key (BIP-380 to 386, 389), xpub, SLIP-132's kin. Pure.

A bare key says by its prefix which addresses it makes: xpub P2PKH (BIP-44), ypub P2SH-P2WPKH (BIP-49), zpub P2WPKH
(BIP-84), all on the branch of addresses that are shown to others. Whoever wants another kind writes a descriptor.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from chains import base58
from chains.hashes import sha256d
from config.registry import Network

UNHARDENED = 2**31
"""Children that a public key has; the hardened ones above need the private key (BIP-32)."""
EXTERNAL = 0
LONGEST = 1_024
_CHECKSUM = 8
_COMPRESSED = (2, 3)
_SERIALISED = 78  # version 4, depth 1, parent's fingerprint 4, child number 4, chain code 32, key 33


class Kind(StrEnum):
    """Which address a key makes."""

    P2PKH = "pkh(…)"
    P2SH_P2WPKH = "sh(wpkh(…))"
    P2WPKH = "wpkh(…)"
    P2TR = "tr(…)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Descriptor:
    """A line of addresses: the key above them, and the way down to where they are counted from 0."""

    kind: Kind
    network: Network
    point: bytes  # compressed public key
    chain_code: bytes
    steps: tuple[int, ...]  # children to descend to before the last, which counts


@dataclass(frozen=True, kw_only=True, slots=True)
class Unusable:
    """A text that gives no addresses to orders, and why; the reason never repeats it."""

    reason: str


_VERSIONS = {
    bytes.fromhex(version): (network, kind)
    for version, network, kind in (
        ("0488b21e", Network.MAIN, Kind.P2PKH),  # xpub
        ("049d7cb2", Network.MAIN, Kind.P2SH_P2WPKH),  # ypub
        ("04b24746", Network.MAIN, Kind.P2WPKH),  # zpub
        ("043587cf", Network.TEST, Kind.P2PKH),  # tpub
        ("044a5262", Network.TEST, Kind.P2SH_P2WPKH),  # upub
        ("045f1cf6", Network.TEST, Kind.P2WPKH),  # vpub
    )
}
_FORMS = (
    (re.compile(r"pkh\((?P<key>[^()]*)\)"), Kind.P2PKH),
    (re.compile(r"wpkh\((?P<key>[^()]*)\)"), Kind.P2WPKH),
    (re.compile(r"sh\(wpkh\((?P<key>[^()]*)\)\)"), Kind.P2SH_P2WPKH),
    (re.compile(r"tr\((?P<key>[^()]*)\)"), Kind.P2TR),
)
_KEY = re.compile(
    r"(?:\[[0-9a-fA-F]{8}(?:/[0-9]{1,10}['hH]?)*\])?"  # where it comes from: for signers, not for us
    r"(?P<key>[1-9A-HJ-NP-Za-km-z]{100,120})"
    r"(?P<path>(?:/(?:[0-9]{1,10}|<[0-9]{1,10}(?:;[0-9]{1,10}){1,9}>))*)"
    r"(?P<wildcard>/\*)?"
)
_CHARSET = (
    "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "  # BIP-380
)
_CHECKSUM_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0xF5DEE51989, 0xA9FDCA3312, 0x1BAB10E32D, 0x3706B1677A, 0x644D626FFD)


def parse(text: str) -> Descriptor | Unusable:
    """Read an extended public key or a descriptor. No text raises."""
    written = text.strip()
    if len(written) > LONGEST:
        return Unusable(reason="is longer than any key or descriptor")
    if "(" not in written:
        return _bare(written)
    body, hash_sign, told = written.partition("#")
    if hash_sign and checksum(body) != told:
        return Unusable(reason="fails its checksum (BIP-380): copy it again from the wallet")
    for form, kind in _FORMS:
        if (match := form.fullmatch(body)) is not None:
            return _over_key(match["key"], kind)
    return Unusable(reason="must be pkh(KEY), wpkh(KEY), sh(wpkh(KEY)) or tr(KEY) over one key, without scripts")


def checksum(body: str) -> str | None:
    """Return the eight characters behind a descriptor's `#` (BIP-380); None where it has characters that none has."""
    places = [_CHARSET.find(character) for character in body]
    if -1 in places:
        return None
    remainder = 1
    for start in range(0, len(places), 3):
        three = places[start : start + 3]
        group = 0
        for place in three:
            remainder = _fed(remainder, place % 32)
            group = group * 3 + place // 32
        remainder = _fed(remainder, group)
    for _ in range(_CHECKSUM):
        remainder = _fed(remainder, 0)
    remainder ^= 1
    return "".join(_CHECKSUM_CHARSET[remainder >> 5 * (_CHECKSUM - 1 - at) & 31] for at in range(_CHECKSUM))


def _fed(remainder: int, symbol: int) -> int:
    """Return the remainder of BIP-380's code after one more symbol of five bits."""
    top = remainder >> 35
    remainder = (remainder & 0x7FFFFFFFF) << 5 ^ symbol
    for bit, generator in enumerate(_GENERATOR):
        if top >> bit & 1:
            remainder ^= generator
    return remainder


def _bare(key: str) -> Descriptor | Unusable:
    serialised = _serialised(key)
    if serialised is None:
        return Unusable(reason="is neither an extended public key nor a descriptor over one; copy it again")
    network, kind = _VERSIONS[serialised[:4]]
    return _descriptor(serialised, network, kind, (EXTERNAL,))


def _over_key(expression: str, kind: Kind) -> Descriptor | Unusable:
    match = _KEY.fullmatch(expression)
    if match is None:
        return Unusable(reason="must hold [origin]xpub/0/*, or <0;1>/*, without hardened steps behind the key")
    serialised = _serialised(match["key"])
    if serialised is None:
        return Unusable(reason="holds no extended public key; copy it again")
    network, implied = _VERSIONS[serialised[:4]]
    if implied is not Kind.P2PKH:
        return Unusable(reason="holds a ypub, zpub or the like: within a descriptor it must be the xpub (BIP-380)")
    if match["wildcard"] is None:
        return Unusable(reason="must end in /*: every order gets an address of its own")
    # Of several branches the first is the one that is shown to others (BIP-389).
    steps = tuple(int(re.split(r"[<;]", step)[step.startswith("<")]) for step in match["path"].split("/")[1:])
    if any(step >= UNHARDENED for step in steps):
        return Unusable(reason="has a step that no public key can make")
    return _descriptor(serialised, network, kind, steps)


def _descriptor(serialised: bytes, network: Network, kind: Kind, steps: tuple[int, ...]) -> Descriptor:
    return Descriptor(kind=kind, network=network, point=serialised[45:], chain_code=serialised[13:45], steps=steps)


def _serialised(key: str) -> bytes | None:
    """Return BIP-32's serialisation of a public key out of base58check."""
    raw = base58.decode(key) or b""
    payload = raw[:-4]
    known = len(payload) == _SERIALISED and payload[:4] in _VERSIONS and payload[45] in _COMPRESSED
    return payload if known and sha256d(payload)[:4] == raw[-4:] else None
