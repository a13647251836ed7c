"""The short order code: twelve digits of Crockford's base32 and his check symbol. It means nothing but itself. Pure."""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHECK_ALPHABET = f"{ALPHABET}*~$=U"
"""Symbols of the check value, which is the number modulo 37."""
DIGITS = 12
_BITS = 5 * DIGITS
_READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None})  # what a hand or a font makes of the digits


def new_code(random_bytes: bytes) -> str:
    """Return the code made of the first 60 of these bits. Raises ValueError where there are fewer.

    A number whose check symbol is none of the base32 digits is passed over for the next one, so that every code we
    print is letters and digits: fit for a URL, for a QR code and for a double click.
    """
    if 8 * len(random_bytes) < _BITS:
        raise ValueError(f"an order code needs {_BITS} random bits")
    number = int.from_bytes(random_bytes, "big") >> 8 * len(random_bytes) - _BITS
    while number % len(CHECK_ALPHABET) >= len(ALPHABET):
        number += 1
    return _write(number)


def normalise(text: str) -> str | None:
    """Return the code as we print it; None if this is none, or was mistyped.

    Read as Crockford asks: any case, I and L as 1, O as 0, hyphens as nothing.
    """
    if not text.isascii() or len(text) > 2 * DIGITS + 1:
        return None
    code = text.upper().translate(_READ_AS)
    if len(code) != DIGITS + 1 or any(digit not in ALPHABET for digit in code[:-1]):
        return None
    number = 0
    for digit in code[:-1]:
        number = number << 5 | ALPHABET.index(digit)
    return code if code == _write(number) else None


def _write(number: int) -> str:
    digits = (ALPHABET[number >> 5 * place & 31] for place in reversed(range(DIGITS)))
    return "".join(digits) + CHECK_ALPHABET[number % len(CHECK_ALPHABET)]
