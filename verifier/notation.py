"""How wallets write bytes, hex and base64, each read as it is written and in no other way. Pure."""

import binascii
import re

_HEX = re.compile(r"(?:0[xX])?([0-9a-fA-F]*+)")


def from_hex(text: str) -> bytes | None:
    """Return what hex digits say, with `0x` before them or without; None for anything else."""
    match = _HEX.fullmatch(text)
    return bytes.fromhex(match[1]) if match and len(match[1]) % 2 == 0 else None


def from_base64(text: str) -> bytes | None:
    """Return what base64 says; None where it has white space or bits left over, which would be a second spelling."""
    try:
        raw = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # not ASCII, no base64
        return None
    return raw if binascii.b2a_base64(raw, newline=False).decode() == text else None
