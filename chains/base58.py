"""Base58 in Bitcoin's alphabet, the digits several families write addresses in. No checksum stands here.

The copy inside `bip32` is not that package's public interface and raises where text from outside deserves a value.
"""

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGIT = {character: value for value, character in enumerate(ALPHABET)}
LONGEST = 128
"""No address is longer; the conversion's cost grows with the square of the length."""


def to_int(text: str) -> int | None:
    """Return the number that the digits write, or None where one of them is no digit."""
    number = 0
    for character in text:
        digit = _DIGIT.get(character)
        if digit is None:
            return None
        number = number * 58 + digit
    return number


def from_int(number: int) -> str:
    """Return the digits of a number, without leading zeros; nothing for 0."""
    digits = []
    while number:
        number, digit = divmod(number, 58)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def decode(text: str) -> bytes | None:
    """Return the bytes, each leading `1` being a zero byte; None for anything that is not base58."""
    number = to_int(text) if 0 < len(text) <= LONGEST else None
    if number is None:
        return None
    zeros = len(text) - len(text.lstrip(ALPHABET[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def encode(data: bytes) -> str:
    """Return the one text that `decode` reads as these bytes."""
    zeros = len(data) - len(data.lstrip(b"\0"))
    return ALPHABET[0] * zeros + from_int(int.from_bytes(data, "big"))
