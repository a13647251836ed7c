"""Amounts in both spellings of Hive's interfaces: `1.000 HIVE`, and an object with a numerical asset id (NAI). Pure."""

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

HIVE, HBD, VESTS = "@@000000021", "@@000000013", "@@000000037"
PRECISION = MappingProxyType({HIVE: 3, HBD: 3, VESTS: 6})
"""Decimals by NAI, which consensus fixes."""
SYMBOLS = MappingProxyType({"HIVE": HIVE, "HBD": HBD, "VESTS": VESTS, "TESTS": HIVE, "TBD": HBD})
"""NAI by what people call it; TESTS and TBD are what networks built for tests call the same two."""
LARGEST = 2**63 - 1
"""Units: amounts are signed 64-bit numbers."""

_SPOKEN = re.compile(r"([0-9]{1,19})\.([0-9]{3}(?:[0-9]{3})?) ([A-Z]{3,5})")
_DIGITS = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """So many units of an asset."""

    nai: str
    units: int

    def __str__(self) -> str:
        """Return what the older interface and wallets write, e.g. `1.000 HIVE`."""
        return spoken(self)


def parse(raw: Any) -> Amount | None:
    """Return an amount of an asset we know, in either spelling; None for anything else."""
    return _spoken(raw) if isinstance(raw, str) else _object(raw) if isinstance(raw, dict) else None


def spoken(amount: Amount, *, test: bool = False) -> str:
    """Return `1.000 HIVE`; on a network built for tests, `1.000 TESTS`."""
    names = {nai: symbol for symbol, nai in SYMBOLS.items() if (symbol in {"TESTS", "TBD"}) is test or nai == VESTS}
    whole, fraction = divmod(amount.units, 10 ** PRECISION[amount.nai])
    return f"{whole}.{fraction:0{PRECISION[amount.nai]}} {names[amount.nai]}"


def as_object(amount: Amount) -> dict[str, str | int]:
    """Return the newer interface's spelling."""
    return {"amount": str(amount.units), "precision": PRECISION[amount.nai], "nai": amount.nai}


def _spoken(text: str) -> Amount | None:
    match = _SPOKEN.fullmatch(text)
    nai = None if match is None else SYMBOLS.get(match[3])
    if match is None or nai is None or len(match[2]) != PRECISION[nai]:
        return None
    return _bounded(nai, int(match[1] + match[2]))


def _object(raw: dict[str, Any]) -> Amount | None:
    nai, precision, units = raw.get("nai"), raw.get("precision"), raw.get("amount")
    if not isinstance(nai, str) or PRECISION.get(nai) != precision or type(precision) is not int:
        return None
    if type(units) is int:
        return _bounded(nai, units)
    return _bounded(nai, int(units)) if isinstance(units, str) and _DIGITS.fullmatch(units) else None


def _bounded(nai: str, units: int) -> Amount | None:
    return Amount(nai=nai, units=units) if 0 <= units <= LARGEST else None
