"""Which output script an address stands for (P2PKH, P2SH, and BIP-141's witness programs). Pure; runs no script."""

import hashlib
from functools import lru_cache

from chains import base58
from chains.bitcoin import bech32

OP_0 = 0x00
OP_1 = 0x51
OP_DUP, OP_EQUAL, OP_EQUALVERIFY, OP_HASH160, OP_CHECKSIG = 0x76, 0x87, 0x88, 0xA9, 0xAC

_TO_KEY_HASH = (bytes((OP_DUP, OP_HASH160, 20)), bytes((OP_EQUALVERIFY, OP_CHECKSIG)))
_TO_SCRIPT_HASH = (bytes((OP_HASH160, 20)), bytes((OP_EQUAL,)))
_AROUND_HASH = {0x00: _TO_KEY_HASH, 0x6F: _TO_KEY_HASH, 0x05: _TO_SCRIPT_HASH, 0xC4: _TO_SCRIPT_HASH}
"""By base58 version: main and test network, P2PKH (BIP-13's predecessors) and P2SH (BIP-13)."""
_VERSION_HASH_AND_CHECKSUM = 1 + 20 + 4
_BECH32_PREFIXES = {"bc", "tb", "bcrt"}
_REMEMBERED = 1_024
"""Addresses whose script is kept: a wallet shows itself several times, and bech32 takes longer to read than a signature
to check."""


def output_script(address: str) -> bytes | None:
    """Return the script of an output paid to this address of any network; None for what is no Bitcoin address.

    Witness versions without a meaning yet have a script too: whether one may be paid or signed for is the caller's.
    """
    return _read(address) if len(address) <= bech32.LONGEST else None


@lru_cache(_REMEMBERED)
def _read(address: str) -> bytes | None:
    if (witness := bech32.decode(address)) is not None:
        if witness.prefix not in _BECH32_PREFIXES:
            return None
        return bytes((OP_1 + witness.version - 1 if witness.version else OP_0, len(witness.program))) + witness.program
    data = base58.decode(address)
    if data is None or len(data) != _VERSION_HASH_AND_CHECKSUM or data[0] not in _AROUND_HASH:
        return None
    if hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] != data[-4:]:
        return None
    before, after = _AROUND_HASH[data[0]]
    return before + data[1:-4] + after
