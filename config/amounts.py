"""Human amounts to integers of the smallest unit and back, exactly. A float never passes through here."""

import re

_DECIMAL = re.compile(r"(?P<whole>[0-9]{1,78})(?:\.(?P<fraction>[0-9]{1,78}))?", re.ASCII)


def to_units(text: str, decimals: int) -> int:
    """Return `1.5` of an asset with 6 decimals as 1500000. Raises ValueError for anything inexact."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} is not a plain decimal such as "12.50"')
    fraction = (match["fraction"] or "").rstrip("0")
    if len(fraction) > decimals:
        raise ValueError(f"{text!r} has more than the asset's {decimals} decimals")
    return int(match["whole"] + fraction.ljust(decimals, "0"))


def to_text(units: int, decimals: int) -> str:
    """Return 1500000 of an asset with 6 decimals as `1.5`."""
    sign, digits = ("-" if units < 0 else ""), str(abs(units)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"
