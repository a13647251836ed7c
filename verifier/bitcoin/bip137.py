"""BIP-137 by Electrum's rule: whose key signed a text for an address of one key. Pure; libsecp256k1 calculates."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from coincurve import PublicKey

from chains.account import Account
from chains.bitcoin.script import output_script
from chains.bitcoin.spellings import SPELLINGS
from chains.hashes import hash160, sha256d, sized
from verifier.verdict import Invalid, Valid, Verdict

SIGNATURE_BYTES = 65
BITCOIN = b"\x18Bitcoin Signed Message:\n"
_BEGINNINGS = {spelling.chain: sized(spelling.prefixes.message.encode()) for spelling in SPELLINGS}
"""What is hashed before the text, by chain (CAIP-2): each coin's wallets have words of their own."""
LONGEST_NORMALISED = 1_024
"""Characters, twice a challenge's. Ordering combining marks takes time that grows with the square of their number."""


class Kind(Enum):
    """The addresses that stand for one key and that this signature is defined for. P2TR has none (BIP-137)."""

    P2PKH = auto()
    P2SH_P2WPKH = auto()
    P2WPKH = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Header:
    """What the first byte of a signature says."""

    recovery_id: bytes
    compressed: bool = True
    only: Kind | None = None  # None: whichever address the key gives


_HEADERS = {
    **{27 + at: _Header(recovery_id=bytes((at,)), compressed=False) for at in range(4)},
    **{31 + at: _Header(recovery_id=bytes((at,))) for at in range(4)},
    **{35 + at: _Header(recovery_id=bytes((at,)), only=Kind.P2SH_P2WPKH) for at in range(4)},
    **{39 + at: _Header(recovery_id=bytes((at,)), only=Kind.P2WPKH) for at in range(4)},
}
"""Electrum's reading: wallets older than BIP-137 write 27 to 34 for every kind, so only the later ones are exact."""


def kind_of(script: bytes) -> Kind | None:
    """Return which kind of one key's address an output script belongs to. Of P2SH it only may be."""
    if script[:3] == b"\x76\xa9\x14":
        return Kind.P2PKH
    return {b"\xa9\x14": Kind.P2SH_P2WPKH, b"\x00\x14": Kind.P2WPKH}.get(script[:2])


def digests(message: str, beginning: bytes = BITCOIN) -> Iterator[bytes]:
    """Yield what may have been signed: the text as it is, then in Unicode's normal form C where that differs.

    Trezor's library normalises before it signs. Whoever holds the other form gains nothing by this: time, nonce and
    names are read from the text that was given, and a nonce is spent once.
    """
    yield _digest(message, beginning)
    if not message.isascii() and len(message) <= LONGEST_NORMALISED:
        normal = unicodedata.normalize("NFC", message)
        if normal != message:
            yield _digest(normal, beginning)


def recover(hashed: bytes, signature: bytes) -> tuple[bytes, Kind | None] | None:
    """Return the public key in the form its header names and the only kind of address it may stand for.

    None if no key can have made this signature. Both s and n - s are taken, as Bitcoin Core and Electrum take them.
    """
    header = _HEADERS.get(signature[0]) if len(signature) == SIGNATURE_BYTES else None
    if header is None:
        return None
    try:
        key = PublicKey.from_signature_and_message(signature[1:] + header.recovery_id, hashed, hasher=None)
    except ValueError:  # r or s is zero or beyond the group's order, or r is no point's coordinate
        return None
    return key.format(compressed=header.compressed), header.only


def verify(account: Account, message: str, signature: bytes) -> Verdict:
    """Return whether the key of this account signed the message, in its chain's words. UTF-8 must hold the text."""
    script = output_script(account.address) or b""
    kind = kind_of(script)
    if kind is None:
        return Invalid(reason="BIP-137 is for addresses of one key: P2PKH, P2SH-P2WPKH and P2WPKH")
    for hashed in digests(message, _BEGINNINGS.get(account.chain, BITCOIN)):
        recovered = recover(hashed, signature)
        if recovered is None:
            return Invalid(reason="no key can have made this signature")
        key, only = recovered
        if only not in (None, kind):
            return Invalid(reason="the signature's header is for another type of address")
        if _script(kind, key) == script:
            return Valid(account=account, scheme="bip137")
    return Invalid(reason="another key made this signature, or of another text")


def _digest(message: str, beginning: bytes) -> bytes:
    return sha256d(beginning + sized(message.encode()))


def _script(kind: Kind, key: bytes) -> bytes:
    """Return the output script of a key's address."""
    if kind is Kind.P2PKH:
        return b"\x76\xa9\x14" + hash160(key) + b"\x88\xac"
    program = b"\x00\x14" + hash160(key)
    return program if kind is Kind.P2WPKH else b"\xa9\x14" + hash160(program) + b"\x87"
