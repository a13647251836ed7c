"""Monero addresses that a wallet can sign for: standard ones and subaddresses. Pure.

An integrated address is refused: its payment id is a note for one transfer, and no part of who somebody is.
"""

from chains import base58
from chains.keccak import keccak256
from config.registry import Network

_PREFIXES = {Network.MAIN: (18, 42), Network.TEST: (53, 63, 24, 36)}  # standard, subaddress; testnet, then stagenet
_ENCODED_SIZES = {2: 1, 3: 2, 5: 3, 6: 4, 7: 5, 9: 6, 10: 7, 11: 8}
"""Bytes that a block of so many digits holds. Monero writes base58 in blocks of 8 bytes, each 11 digits long."""
_DIGITS = {size: digits for digits, size in _ENCODED_SIZES.items()}
_LENGTH = 95
_CHECKSUM = 4


def canonical(address: str, network: Network) -> bytes | None:
    """Return the network byte and both public keys (65 bytes); None if no wallet of this network has the address."""
    data = _decode(address) if len(address) == _LENGTH else None
    if data is None or data[0] not in _PREFIXES[network]:
        return None
    body, checksum = data[:-_CHECKSUM], data[-_CHECKSUM:]
    return body if keccak256(body)[:_CHECKSUM] == checksum else None


def display(raw: bytes) -> str:
    """Return the address."""
    data = raw + keccak256(raw)[:_CHECKSUM]
    return "".join(_encode_block(data[at : at + 8]) for at in range(0, len(data), 8))


def _decode(text: str) -> bytes | None:
    blocks = [_decode_block(text[at : at + 11]) for at in range(0, len(text), 11)]
    return None if None in blocks else b"".join(block for block in blocks if block is not None)


def _decode_block(digits: str) -> bytes | None:
    number, size = base58.to_int(digits), _ENCODED_SIZES.get(len(digits))
    if number is None or size is None or number >> 8 * size:
        return None
    return number.to_bytes(size, "big")


def _encode_block(block: bytes) -> str:
    return base58.from_int(int.from_bytes(block, "big")).rjust(_DIGITS[len(block)], base58.ALPHABET[0])
