"""EIP-55: how an EVM address is spelt so that a mistyped one does not pass."""

import re

from config.keccak import keccak256

_UPPER_FROM = "8"
"""A letter is written large where its nibble of the digest is at least this."""
_HEX_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)


def checksummed(address: bytes) -> str:
    """Return an address of twenty bytes in mixed case."""
    digits = address.hex()
    digest = keccak256(digits.encode()).hex()
    cased = (digit.upper() if nibble >= _UPPER_FROM else digit for digit, nibble in zip(digits, digest, strict=False))
    return f"0x{''.join(cased)}"


def require_checksum(address: str) -> str:
    """Return the address if it carries a right checksum. Raises ValueError with the reason otherwise."""
    if _HEX_ADDRESS.fullmatch(address) is None:
        raise ValueError("is not 0x and 40 hex digits")
    spelt = checksummed(bytes.fromhex(address[2:]))
    if spelt == address:
        return address
    if address[2:] in (address[2:].lower(), address[2:].upper()):
        raise ValueError(f"carries no EIP-55 checksum; if every digit is right, write {spelt}")
    raise ValueError("fails its EIP-55 checksum: a digit is wrong; copy it again from the wallet")
