"""Reads chains.toml into the registry's records. What a deployment changes about them is the settings' business."""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from config.amounts import to_units
from config.registry import (
    AddressPrefixes,
    Asset,
    Chain,
    Explorer,
    Family,
    Finality,
    MintStep,
    Network,
    Registry,
)
from config.tokens import token_reference

SHIPPED = Path(__file__).with_name("chains.toml")
ANY_ASSET = "*"
"""The key of the mint steps that hold for every asset without its own."""


class Entry(BaseModel):
    """A table of the registry's file: nothing unknown, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StepEntry(Entry):
    """Up to this much, this many confirmations."""

    up_to: str | None = None
    confirmations: Annotated[int, Field(ge=1, le=10_000)]


class FinalityEntry(Entry):
    """Where a payment can no longer change."""

    tag: str | None = None
    blocks: Annotated[int, Field(ge=1, le=100_000)]
    tag_only: bool = False


class TokenEntry(Entry):
    """A token that is accepted, by its contract."""

    contract: str  # as its family writes it
    decimals: Annotated[int, Field(ge=0, le=36)]
    dust: str = "0"


class NativeEntry(Entry):
    """The coin that fees are paid in."""

    ticker: str
    slip44: int
    decimals: int
    dust: str


class ExplorerEntry(Entry):
    """Links with `{}` where the transaction or address belongs."""

    transaction: str
    address: str


class PrefixesEntry(Entry):
    """How a chain of the Bitcoin family spells its addresses, links and signed texts; left out: as Bitcoin does."""

    p2pkh: Annotated[int, Field(ge=0, le=255)]
    p2sh: Annotated[int, Field(ge=0, le=255)]
    bech32: Annotated[str, Field(pattern="^[a-z]{1,83}$")]
    link: Annotated[str, Field(pattern="^[a-z][a-z0-9+.-]*$")] = "bitcoin"
    message: Annotated[str, Field(min_length=1, max_length=252)] = "Bitcoin Signed Message:\n"


class ChainEntry(Entry):
    """One chain of the registry."""

    name: str
    alias: str
    family: Family
    network: Network
    block_seconds: str
    hold_cap_minutes: int
    finality: FinalityEntry
    explorer: ExplorerEntry | None = None
    payment_methods: dict[str, str]
    native: NativeEntry
    tokens: dict[str, TokenEntry] = Field(default_factory=dict)
    mint_steps: dict[str, tuple[StepEntry, ...]]
    prefixes: PrefixesEntry | None = None
    checked_headers: bool = True


_FILE = TypeAdapter(dict[str, ChainEntry])


@cache
def load_entries(path: Path = SHIPPED) -> Mapping[str, ChainEntry]:
    """Read the registry's file, by CAIP-2 id. Raises pydantic.ValidationError where it is wrong."""
    return _FILE.validate_python(tomllib.loads(path.read_text("utf-8")))


def load_registry(path: Path | None = None) -> Registry:
    """Return all chains of the registry's file, as they are shipped."""
    return Registry(tuple(chain_of(chain_id, entry) for chain_id, entry in load_entries(path or SHIPPED).items()))


def chain_of(chain_id: str, entry: ChainEntry) -> Chain:
    """Turn an entry into the record that the other rooms know. Raises ValueError where it contradicts itself."""
    native = Asset(
        id=f"{chain_id}/slip44:{entry.native.slip44}",
        chain=chain_id,
        ticker=entry.native.ticker,
        decimals=entry.native.decimals,
        dust=to_units(entry.native.dust, entry.native.decimals),
    )
    tokens = tuple(_token(chain_id, entry.family, ticker, token) for ticker, token in entry.tokens.items())
    by_ticker = {asset.ticker: asset for asset in (native, *tokens)}
    spoken = {f"{ticker.lower()}:{entry.alias}": asset.id for ticker, asset in by_ticker.items()}
    return Chain(
        id=chain_id,
        family=entry.family,
        network=entry.network,
        name=entry.name,
        block_time=timedelta(milliseconds=int(Decimal(entry.block_seconds) * 1000)),
        native=native,
        tokens=tokens,
        mint_steps=mint_steps_of(entry.mint_steps, by_ticker),
        finality=Finality(**entry.finality.model_dump()),
        explorer=None if entry.explorer is None else Explorer(**entry.explorer.model_dump()),
        payment_methods=spoken | {name: by_ticker[ticker].id for name, ticker in entry.payment_methods.items()},
        hold_cap=timedelta(minutes=entry.hold_cap_minutes),
        prefixes=None if entry.prefixes is None else AddressPrefixes(**entry.prefixes.model_dump()),
        checked_headers=entry.checked_headers,
    )


def mint_steps_of(
    steps: Mapping[str, tuple[StepEntry, ...]], by_ticker: Mapping[str, Asset]
) -> Mapping[str, tuple[MintStep, ...]]:
    """Return mint steps by asset id, checked: values and depths rise, and the last step has no bound."""
    return {
        by_ticker[ticker].id if ticker != ANY_ASSET else ANY_ASSET: _steps(ticker, entries, by_ticker)
        for ticker, entries in steps.items()
    }


def _steps(ticker: str, entries: tuple[StepEntry, ...], by_ticker: Mapping[str, Asset]) -> tuple[MintStep, ...]:
    if not entries or entries[-1].up_to is not None:
        raise ValueError(f"mint_steps.{ticker}: the last step must have no `up_to`, so that any value is covered")
    if ticker == ANY_ASSET and len(entries) > 1:
        raise ValueError('mint_steps."*": one step only, since a value means nothing without its asset')
    steps = tuple(
        MintStep(
            up_to=None if entry.up_to is None else to_units(entry.up_to, by_ticker[ticker].decimals),
            confirmations=entry.confirmations,
        )
        for entry in entries
    )
    bounds = [step.up_to for step in steps[:-1]]
    depths = [step.confirmations for step in steps]
    if None in bounds or bounds != sorted(set(bounds), key=lambda bound: bound or 0) or depths != sorted(depths):
        raise ValueError(f"mint_steps.{ticker}: `up_to` must rise from step to step and confirmations never fall")
    return steps


def _token(chain_id: str, family: Family, ticker: str, token: TokenEntry) -> Asset:
    named = token_reference(family, token.contract)
    return Asset(
        id=f"{chain_id}/{named.namespace}:{named.reference}",
        chain=chain_id,
        ticker=ticker,
        decimals=token.decimals,
        contract=named.contract,
        dust=to_units(token.dust, token.decimals),
    )
