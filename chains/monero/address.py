"""Monero addresses: those that a wallet can sign for (standard ones and subaddresses), and integrated ones. Pure.

An integrated address is never an account: its payment id is a note for one transfer, and no part of who somebody is.
"""

from dataclasses import dataclass

from chains.monero import base58
from config.registry import Network

STANDARD, INTEGRATED, SUBADDRESS = 18, 19, 42
"""Network bytes of the main network. monerod --regtest writes its addresses with these too."""
_PREFIXES = {
    Network.MAIN: {STANDARD, SUBADDRESS},
    # testnet, then stagenet; then the main network's, as a regtest writes them: a deployment is of one network, so that
    # whoever sells for play money takes such an address for a regtest's and never meets the money of the other one.
    Network.TEST: {53, 63, 24, 36, STANDARD, SUBADDRESS},
}
_INTEGRATED_PREFIXES = {Network.MAIN: {INTEGRATED: STANDARD}, Network.TEST: {54: 53, 25: 24, INTEGRATED: STANDARD}}
"""By the network byte of an integrated address, that of the standard address in it."""
_LENGTH, _INTEGRATED_LENGTH = 95, 106
_KEYS, _PAYMENT_ID = 64, 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Integrated:
    """An integrated address taken apart."""

    address: str  # the standard one in it
    payment_id: str  # 16 hex digits


def canonical(address: str, network: Network) -> bytes | None:
    """Return the network byte and both public keys (65 bytes); None if no wallet of this network has the address."""
    body = base58.decode_checked(address) if len(address) == _LENGTH else None
    return body if body is not None and body[0] in _PREFIXES[network] else None


def display(raw: bytes) -> str:
    """Return the address."""
    return base58.encode_checked(raw)


def split(address: str, network: Network) -> Integrated | None:
    """Return what an integrated address of this network is made of; None for any other text."""
    body = base58.decode_checked(address) if len(address) == _INTEGRATED_LENGTH else None
    if body is None or body[0] not in _INTEGRATED_PREFIXES[network]:
        return None
    standard = bytes([_INTEGRATED_PREFIXES[network][body[0]]]) + body[1 : 1 + _KEYS]
    return Integrated(address=display(standard), payment_id=body[1 + _KEYS :].hex())


def integrated(address: str, payment_id: str, network: Network) -> str | None:
    """Return the address that asks payers of a standard one to send a payment id (16 hex digits) along.

    None where `address` is no standard address of this network, or the id is none.
    """
    keys = canonical(address, network)
    prefixes = {standard: prefix for prefix, standard in _INTEGRATED_PREFIXES[network].items()}
    raw = _id_bytes(payment_id)
    if keys is None or raw is None or keys[0] not in prefixes:
        return None
    return display(bytes([prefixes[keys[0]]]) + keys[1:] + raw)


def _id_bytes(payment_id: str) -> bytes | None:
    try:
        raw = bytes.fromhex(payment_id)
    except ValueError:
        return None
    return raw if len(raw) == _PAYMENT_ID and len(payment_id) == 2 * _PAYMENT_ID else None
