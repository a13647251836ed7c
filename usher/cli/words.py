"""How moments, money and pairs are written on a command line. A word that cannot be read is a usage error."""

from collections.abc import Iterable
from datetime import datetime

import typer

from config.amounts import to_text, to_units
from config.registry import Asset, Registry
from usher.cli.exits import CommandError, Exit
from verifier import rfc3339


def moment(word: str) -> datetime:
    """Read an RFC 3339 time; the parser of time options."""
    at = rfc3339.moment(word)
    if at is None:
        raise typer.BadParameter(f"{word!r} is not a time like 2026-11-20T20:00:00Z or 2026-11-20T21:00:00+01:00")
    return at


def pair(word: str, *, option: str) -> tuple[str, str]:
    """Read `KEY=VALUE`."""
    key, equals, value = word.partition("=")
    if not equals or not key or not value:
        raise CommandError(f"{option}: {word!r} is not KEY=VALUE", Exit.USAGE)
    return key, value


def pairs(words: Iterable[str], *, option: str) -> dict[str, str]:
    """Read several `KEY=VALUE`, no key twice."""
    read: dict[str, str] = {}
    for key, value in (pair(word, option=option) for word in words):
        if key in read:
            raise CommandError(f"{option}: {key} stands there twice", Exit.USAGE)
        read[key] = value
    return read


def price(registry: Registry, named: str, amount: str, *, option: str) -> tuple[Asset, int]:
    """Read what costs how much: `eth`, `usdc:polygon` or a CAIP-19 id, and a decimal such as 0.05."""
    asset = registry.by_payment_method(named)
    if asset is None:
        raise CommandError(f"{option}: {named!r} is no currency that this deployment takes", Exit.USAGE)
    try:
        return asset, to_units(amount, asset.decimals)
    except ValueError as error:
        raise CommandError(f"{option} {named}: {error}", Exit.USAGE) from None


def money(registry: Registry, asset_id: str, units: int) -> dict[str, str]:
    """Return an amount as it is printed: a decimal text beside its currency; bare units where the asset is unknown."""
    asset = registry.asset(asset_id)
    if asset is None:
        return {"amount": str(units), "currency": "units", "asset": asset_id}
    return {"amount": to_text(units, asset.decimals), "currency": asset.ticker, "asset": asset_id}
