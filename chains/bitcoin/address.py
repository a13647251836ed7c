"""Bitcoin addresses that a wallet can sign for: P2PKH, P2SH, P2WPKH, P2WSH and P2TR. Pure.

The canonical bytes are the address's own text: bech32 in lower case, base58 as it is. Text and output script determine
each other, but only the text keeps testnet and regtest apart and can be shown again without asking for the network.
"""

import hashlib

from chains import base58
from chains.bitcoin import bech32
from chains.bitcoin.script import address_of, script_of
from config.registry import AddressPrefixes, Network

_BECH32_PREFIXES = {Network.MAIN: ("bc",), Network.TEST: ("tb", "bcrt")}
_BASE58_VERSIONS = {Network.MAIN: (0x00, 0x05), Network.TEST: (0x6F, 0xC4)}  # P2PKH, P2SH
_SIGNABLE = {(0, 20), (0, 32), (1, 32)}
"""Witness version and program length of P2WPKH, P2WSH and P2TR. What has no meaning yet, anybody can spend."""
_VERSION_HASH_AND_CHECKSUM = 1 + 20 + 4


def canonical(address: str, network: Network) -> bytes | None:
    """Return the text's bytes in their one spelling; None if no wallet of this network has the address."""
    witness = bech32.decode(address)
    if witness is not None:
        known = (witness.version, len(witness.program)) in _SIGNABLE
        return address.lower().encode() if known and witness.prefix in _BECH32_PREFIXES[network] else None
    return address.encode() if _is_base58check(address, network) else None


def canonical_on(address: str, prefixes: AddressPrefixes) -> bytes | None:
    """Return the text's bytes in their one spelling on the chain with these prefixes; None if it has no such address.

    Of other chains of the family, whose prefixes no network of Bitcoin's has, this is the only reading.
    """
    script = script_of(address, prefixes)
    spelt = None if script is None else address_of(script, prefixes)
    return None if spelt is None else spelt.encode()


def is_spelt(address: str, prefixes: AddressPrefixes) -> bool:
    """Whether an address has the prefix of this very chain: testnet and regtest share some and not others."""
    witness = bech32.decode(address)
    if witness is not None:
        return witness.prefix == prefixes.bech32
    data = base58.decode(address)
    return data is not None and data[:1] in (bytes([prefixes.p2pkh]), bytes([prefixes.p2sh]))


def display(raw: bytes) -> str:
    """Return the address."""
    return raw.decode()


def _is_base58check(address: str, network: Network) -> bool:
    data = base58.decode(address)
    if data is None or len(data) != _VERSION_HASH_AND_CHECKSUM or data[0] not in _BASE58_VERSIONS[network]:
        return False
    return hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] == data[-4:]
