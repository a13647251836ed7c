"""Output scripts: which address stands for which, and what data one carries. Pure; runs no script."""

import hashlib
from functools import lru_cache

from chains import base58
from chains.bitcoin import bech32
from chains.bitcoin.spellings import SPELLINGS
from config.registry import AddressPrefixes

OP_0, OP_PUSHDATA1, OP_PUSHDATA2, OP_PUSHDATA4 = 0x00, 0x4C, 0x4D, 0x4E
OP_1 = 0x51
OP_RETURN = 0x6A
OP_DUP, OP_EQUAL, OP_EQUALVERIFY, OP_HASH160, OP_CHECKSIG = 0x76, 0x87, 0x88, 0xA9, 0xAC

_TO_KEY_HASH = (bytes((OP_DUP, OP_HASH160, 20)), bytes((OP_EQUALVERIFY, OP_CHECKSIG)))
_TO_SCRIPT_HASH = (bytes((OP_HASH160, 20)), bytes((OP_EQUAL,)))
_AROUND_HASH = {
    **{spelling.prefixes.p2pkh: _TO_KEY_HASH for spelling in SPELLINGS},
    **{spelling.prefixes.p2sh: _TO_SCRIPT_HASH for spelling in SPELLINGS},  # BIP-13
}
"""By base58 version, which means the same on every chain that has it."""
_VERSION_HASH_AND_CHECKSUM = 1 + 20 + 4
_HASH160 = 20
_WITNESS_FORMS = (bytes((OP_0, 20)), bytes((OP_0, 32)), bytes((OP_1, 32)))
"""How P2WPKH, P2WSH (BIP-141) and P2TR (BIP-341) begin; what has no meaning yet is nobody's address."""
_PUSH_WIDTHS = {OP_PUSHDATA1: 1, OP_PUSHDATA2: 2, OP_PUSHDATA4: 4}
_BECH32_PREFIXES = {spelling.prefixes.bech32 for spelling in SPELLINGS}
_REMEMBERED = 1_024
"""Addresses whose script is kept: a wallet shows itself several times, and bech32 takes longer to read than a signature
to check."""


def output_script(address: str) -> bytes | None:
    """Return the script of an output paid to this address of any chain; None for what is an address of none.

    Witness versions without a meaning yet have a script too: whether one may be paid or signed for is the caller's.
    """
    return _read(address) if len(address) <= bech32.LONGEST else None


@lru_cache(_REMEMBERED)
def _read(address: str) -> bytes | None:
    if (witness := bech32.decode(address)) is not None:
        return witness_script(witness.version, witness.program) if witness.prefix in _BECH32_PREFIXES else None
    data = _checked(address)
    if data is None or data[0] not in _AROUND_HASH:
        return None
    before, after = _AROUND_HASH[data[0]]
    return before + data[1:] + after


def script_of(address: str, prefixes: AddressPrefixes) -> bytes | None:
    """Return the script of an output paid to this address of one chain; None for what that chain does not know."""
    if (witness := bech32.decode(address)) is not None:
        return witness_script(witness.version, witness.program) if witness.prefix == prefixes.bech32 else None
    data = _checked(address)
    if data is None or data[0] not in (prefixes.p2pkh, prefixes.p2sh):
        return None
    before, after = _TO_KEY_HASH if data[0] == prefixes.p2pkh else _TO_SCRIPT_HASH
    return before + data[1:] + after


def address_of(script: bytes, prefixes: AddressPrefixes) -> str | None:
    """Return the address that stands for an output script on a chain; None where none does (bare keys, data, …)."""
    for version, (before, after) in ((prefixes.p2pkh, _TO_KEY_HASH), (prefixes.p2sh, _TO_SCRIPT_HASH)):
        if script.startswith(before) and len(script) == len(before) + _HASH160 + len(after) and script.endswith(after):
            return base58.encode(_with_checksum(bytes((version,)) + script[len(before) : len(before) + _HASH160]))
    known = next((form for form in _WITNESS_FORMS if script[: len(form)] == form and len(script) == 2 + form[1]), None)
    if known is None:
        return None
    version = 0 if known[0] == OP_0 else known[0] - OP_1 + 1
    return bech32.encode(bech32.WitnessProgram(prefix=prefixes.bech32, version=version, program=script[2:]))


def key_hash_script(digest: bytes) -> bytes:
    """Return P2PKH's script."""
    before, after = _TO_KEY_HASH
    return before + digest + after


def script_hash_script(digest: bytes) -> bytes:
    """Return P2SH's script (BIP-16)."""
    before, after = _TO_SCRIPT_HASH
    return before + digest + after


def witness_script(version: int, program: bytes) -> bytes:
    """Return the script of a witness program (BIP-141)."""
    return bytes((OP_1 + version - 1 if version else OP_0, len(program))) + program


def carried(script: bytes) -> bytes | None:
    """Return the data of an OP_RETURN output, that of several pushes joined; None where it carries none.

    Numbers (OP_1 to OP_16) are no text, and what is no push at all makes the whole unreadable.
    """
    if script[:1] != bytes((OP_RETURN,)):
        return None
    data, at = bytearray(), 1
    while at < len(script):
        opcode = script[at]
        width = _PUSH_WIDTHS.get(opcode, 0)
        size = int.from_bytes(script[at + 1 : at + 1 + width], "little") if width else opcode
        begin = at + 1 + width
        at = begin + size
        if opcode > OP_PUSHDATA4 or at > len(script):
            return None
        data += script[begin:at]
    return bytes(data)


def _checked(address: str) -> bytes | None:
    """Return version and hash of a base58check address."""
    data = base58.decode(address)
    if data is None or len(data) != _VERSION_HASH_AND_CHECKSUM or _with_checksum(data[:-4]) != data:
        return None
    return data[:-4]


def _with_checksum(payload: bytes) -> bytes:
    return payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
