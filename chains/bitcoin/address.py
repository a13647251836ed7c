"""Addresses of the family that a wallet can sign for: P2PKH, P2SH, P2WPKH, P2WSH and P2TR. Pure.

The canonical bytes are the address's own text: bech32 in lower case, base58 as it is. Text and output script determine
each other, but only the text keeps the chains apart and can be shown again without asking for the network.
"""

import hashlib
from collections.abc import Mapping

from chains import base58
from chains.bitcoin import bech32
from chains.bitcoin.script import address_of, script_of
from chains.bitcoin.spellings import SPELLINGS, spelling_of
from config.registry import AddressPrefixes, Network

BECH32_PREFIXES = frozenset(spelling.prefixes.bech32 for spelling in SPELLINGS)
_MARKS: Mapping[Network, Mapping[str | int, str]] = {
    network: {
        mark: spelling.chain
        for spelling in reversed(SPELLINGS)
        if spelling.network is network
        for mark in (spelling.prefixes.bech32, spelling.prefixes.p2pkh, spelling.prefixes.p2sh)
    }
    for network in Network
}
"""What addresses of a network begin with (bech32's prefix, base58's version), and the first chain that writes it so."""
_SIGNABLE = {(0, 20), (0, 32), (1, 32)}
"""Witness version and program length of P2WPKH, P2WSH and P2TR. What has no meaning yet, anybody can spend."""
_VERSION_HASH_AND_CHECKSUM = 1 + 20 + 4


def canonical(address: str, network: Network) -> bytes | None:
    """Return the text's bytes in their one spelling; None if no wallet on any chain of this network has the address."""
    witness = bech32.decode(address)
    if witness is not None:
        known = (witness.version, len(witness.program)) in _SIGNABLE
        return address.lower().encode() if known and witness.prefix in _MARKS[network] else None
    return address.encode() if _is_base58check(address, network) else None


def canonical_on(address: str, prefixes: AddressPrefixes) -> bytes | None:
    """Return the text's bytes in their one spelling on the chain with these prefixes; None if it is none of its own."""
    script = script_of(address, prefixes)
    spelt = None if script is None else address_of(script, prefixes)
    return None if spelt is None else spelt.encode()


def is_spelt(address: str, prefixes: AddressPrefixes) -> bool:
    """Whether an address begins as this very chain's do: testnet and regtest share some beginnings and not others."""
    return _mark(address) in (prefixes.bech32, prefixes.p2pkh, prefixes.p2sh)


def is_spelt_on(address: str, chain: str) -> bool:
    """Whether an address may be on a chain (CAIP-2). Of a chain that the registry does not know, nothing is said."""
    spelling = spelling_of(chain)
    return spelling is None or is_spelt(address, spelling.prefixes)


def home(address: str, network: Network) -> str | None:
    """Return the chain (CAIP-2) that an address is taken to be on where none is named: the first that spells it so."""
    mark = _mark(address)
    return None if mark is None else _MARKS[network].get(mark)


def display(raw: bytes) -> str:
    """Return the address."""
    return raw.decode()


def _mark(address: str) -> str | int | None:
    """Return what an address begins with; whether the rest is right is another question."""
    prefix = address.lower().rpartition("1")[0]
    if prefix in BECH32_PREFIXES:
        return prefix
    data = base58.decode(address)
    return data[0] if data else None


def _is_base58check(address: str, network: Network) -> bool:
    data = base58.decode(address)
    if data is None or len(data) != _VERSION_HASH_AND_CHECKSUM or data[0] not in _MARKS[network]:
        return False
    return hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] == data[-4:]
