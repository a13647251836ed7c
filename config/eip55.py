"""EIP-55, as far as the operator's own addresses need it: a mistyped receive address must not pass."""

import re

from Crypto.Hash import keccak

_UPPER_FROM = 8
"""A letter is written large where its nibble of the digest is at least this."""
_HEX_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)


def checksummed(address: str) -> str:
    """Return the address in its EIP-55 spelling. Raises ValueError where it is no EVM address."""
    if _HEX_ADDRESS.fullmatch(address) is None:
        raise ValueError("is not 0x and 40 hex digits")
    digits = address[2:].lower()
    digest = keccak.new(digest_bits=256, data=digits.encode()).hexdigest()
    return "0x" + "".join(
        digit.upper() if int(nibble, 16) >= _UPPER_FROM else digit
        for digit, nibble in zip(digits, digest, strict=False)
    )


def require_checksum(address: str) -> str:
    """Return the address if it carries a right checksum. Raises ValueError with the reason otherwise."""
    if checksummed(address) == address:
        return address
    if address[2:] in (address[2:].lower(), address[2:].upper()):
        raise ValueError(f"carries no EIP-55 checksum; if every digit is right, write {checksummed(address)}")
    raise ValueError("fails its EIP-55 checksum: a digit is wrong; copy it again from the wallet")
