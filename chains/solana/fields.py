"""Single values of a node's answer, checked: numbers, texts, base58. Pure; other shapes raise one of MALFORMED."""

from typing import Any

from chains import base58

MALFORMED = (LookupError, TypeError, ValueError, AttributeError, OverflowError)
"""What looking into an answer of another shape raises."""
LONGEST_BASE58 = 8192
"""Characters; the largest transaction has 4096 bytes (SIMD-0296)."""
UINT64 = 2**64
_DIGITS = 20
_AT_ONCE = 10


def whole(value: Any) -> int:
    """Return an unsigned number of 64 bits."""
    if type(value) is not int or not 0 <= value < UINT64:
        raise ValueError("no unsigned number of 64 bits")
    return value


def amount(value: Any) -> int:
    """Return an amount, which nodes write as text where it may exceed JavaScript's integers."""
    if not isinstance(value, str):
        return whole(value)
    if not (value.isascii() and value.isdigit() and len(value) <= _DIGITS):
        raise ValueError("no amount")
    return whole(int(value))


def text(value: Any) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def from_base58(written: str) -> bytes:
    """Return bytes as many as a transaction may have; ten digits at a time, for the cost grows with the square."""
    if len(text(written)) > LONGEST_BASE58:
        raise ValueError("longer than any transaction")
    number = 0
    for start in range(0, len(written), _AT_ONCE):
        part = written[start : start + _AT_ONCE]
        digits = base58.to_int(part)
        if digits is None:
            raise ValueError("no base58")
        number = number * 58 ** len(part) + digits
    zeros = len(written) - len(written.lstrip(base58.ALPHABET[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
