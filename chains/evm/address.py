"""EVM addresses: twenty bytes, written in hex with EIP-55's checksum in the case of its letters. Pure."""

import re
from functools import lru_cache

from config.eip55 import checksummed
from config.registry import Network

_ADDRESS = re.compile(r"0[xX]([0-9a-fA-F]{40})")


def canonical(address: str, network: Network) -> bytes | None:  # noqa: ARG001  an EVM key is written alike on both networks
    """Return the twenty bytes; None if this is no address or its mixed case fails EIP-55."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        return None
    digits = match[1]
    raw = bytes.fromhex(digits)
    if digits in (digits.lower(), digits.upper()) or display(raw) == f"0x{digits}":
        return raw
    return None


@lru_cache(maxsize=4096)  # the same address is read, compared and shown on the way of one payment or one proof
def display(raw: bytes) -> str:
    """Return the address in EIP-55's mixed case."""
    return checksummed(raw)
