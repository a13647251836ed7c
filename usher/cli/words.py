"""How moments, money, chains and accounts are written on a command line. What cannot be read is a usage error."""

from collections.abc import Iterable
from datetime import datetime

import typer

from chains.account import CAIP10, Account, NotAnAccount
from chains.accounts import account_of, can_be_on, parse_caip10
from config.amounts import to_text, to_units
from config.loader import load_entries
from config.registry import Asset, Chain, Network, Registry
from usher.cli.exits import CommandError, Exit
from verifier.texts import rfc3339


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


def chain(registry: Registry, word: str) -> Chain:
    """Read a chain: its CAIP-2 id, name or alias, in any case."""
    spoken = word.strip().lower()
    aliases = {entry.alias: chain_id for chain_id, entry in load_entries().items()}
    names = {chain.name.lower(): chain_id for chain_id, chain in registry.chains.items()}
    found = registry.chain(aliases.get(spoken) or names.get(spoken) or word.strip())
    if found is None:
        raise CommandError(f"no chain {word!r}; there are {', '.join(registry.chains)}", Exit.USAGE)
    return found


def account(registry: Registry, network: Network, word: str) -> Account:
    """Read an account: a CAIP-10 id, or an address at its family's home or on the first chain sold on in its family."""
    if CAIP10.fullmatch(word):
        named = parse_caip10(word, network)
    else:
        named = account_of(word, network=network)
        if isinstance(named, Account) and named.chain not in registry.chains:
            family, address = named.holder.family, named.address
            ours = (chain for chain in registry.chains.values() if can_be_on(address, family, chain))
            named = account_of(word, network=network, chain=next(ours, None))
    if isinstance(named, NotAnAccount):
        raise CommandError(f"{word!r}: {named.reason}", Exit.USAGE)
    return named


def money(registry: Registry, asset_id: str, units: int) -> dict[str, str]:
    """Return an amount as it is printed: a decimal text beside its currency; bare units where the asset is unknown."""
    asset = registry.asset(asset_id)
    if asset is None:
        return {"amount": str(units), "currency": "units", "asset": asset_id}
    return {"amount": to_text(units, asset.decimals), "currency": asset.ticker, "asset": asset_id}
