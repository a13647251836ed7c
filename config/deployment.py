"""What a deployment makes of the shipped registry: its chains, its depths, its development tokens. No I/O here."""

from collections.abc import Callable, Iterator, Mapping

from config import loader
from config.amounts import to_units
from config.eip55 import require_checksum
from config.faults import Fault
from config.lines import KeyPath
from config.loader import ChainEntry
from config.registry import Chain, Family, Network, Registry
from config.sections import ChainSettings
from config.tokens import token_reference
from config.xpub import require_plain

_RECEIVE_CHECKS: Mapping[Family, Callable[[str], str]] = {Family.EVM: require_checksum}
"""What a receive address must be, by family; the families' own grammars are asked where the rooms are put together."""
_XPUB_CHECKS: Mapping[Family, Callable[[str], str]] = {Family.EVM: require_plain, Family.BITCOIN: str}
"""Families whose orders get own addresses from a watch-only key, and which keys those take."""


def registry_of(chains: Mapping[str, ChainSettings]) -> Registry:
    """Return the enabled chains with the deployment's changes. Raises ValueError where `faults` would speak."""
    shipped = loader.load_entries()
    return Registry(
        tuple(loader.chain_of(chain_id, _changed(shipped[chain_id], own)) for chain_id, own in chains.items())
    )


def agreement_thresholds(chain: Chain, own: ChainSettings) -> Mapping[str, int]:
    """Return, by asset id, the amount above which two endpoints must agree on a payment's block."""
    by_ticker = {asset.ticker: asset for asset in chain.assets}
    return {
        by_ticker[ticker].id: to_units(amount, by_ticker[ticker].decimals) for ticker, amount in own.agree_above.items()
    }


def faults(network: Network, chains: Mapping[str, ChainSettings]) -> Iterator[Fault]:
    """Yield what is wrong between the settings' chains and the registry."""
    shipped = loader.load_entries()
    for chain_id, own in chains.items():
        at: KeyPath = ("chains", chain_id)
        entry = shipped.get(chain_id)
        if entry is None:
            yield Fault(path=at, reason=f"is a chain Usher does not know; it knows {', '.join(shipped)}")
            continue
        if entry.network != network:
            yield Fault(
                path=at,
                reason=f"{entry.name} is a {entry.network} network and this deployment is {network!s}: "
                "play money must never open a paid door",
            )
        yield from _chain_faults(at, chain_id, entry, own)


def _chain_faults(at: KeyPath, chain_id: str, entry: ChainEntry, own: ChainSettings) -> Iterator[Fault]:
    try:
        _RECEIVE_CHECKS.get(entry.family, str)(own.receive)
    except ValueError as error:
        yield Fault(path=(*at, "receive"), reason=str(error))
    yield from _family_faults(at, entry, own)
    if own.tokens and entry.network is not Network.TEST:
        yield Fault(path=(*at, "tokens"), reason="may be named on test networks only; chains.toml lists the others")
    tickers = {entry.native.ticker, *entry.tokens, *own.tokens}
    for key, named in (("mint_steps", set(own.mint_steps) - {loader.ANY_ASSET}), ("agree_above", set(own.agree_above))):
        for ticker in sorted(named - tickers):
            yield Fault(path=(*at, key, ticker), reason=f"is no asset here; there are {', '.join(sorted(tickers))}")
        if named - tickers:
            return
    for ticker, token in own.tokens.items():
        try:
            token_reference(entry.family, token.contract)
        except ValueError as error:
            yield Fault(path=(*at, "tokens", ticker, "contract"), reason=str(error))
            return
    try:
        agreement_thresholds(loader.chain_of(chain_id, _changed(entry, own)), own)
    except ValueError as error:
        yield Fault(path=at, reason=str(error))
        return
    if own.agree_above and len({endpoint.url for endpoint in own.endpoints}) == 1:
        yield Fault(path=(*at, "agree_above"), reason="needs two endpoints that can agree; there is one")


def _family_faults(at: KeyPath, entry: ChainEntry, own: ChainSettings) -> Iterator[Fault]:
    """Yield what other families have and this one has not, or must have."""
    if own.xpub is not None:
        try:
            _XPUB_CHECKS.get(entry.family, _no_xpub)(own.xpub)
        except ValueError as error:
            yield Fault(path=(*at, "xpub"), reason=str(error))
    if own.wallet is None and entry.family is Family.MONERO:
        yield Fault(path=(*at, "wallet"), reason="is missing: Monero is read through a view-only wallet")
    if own.wallet is not None and entry.family is not Family.MONERO:
        yield Fault(path=(*at, "wallet"), reason="is for Monero only")
    if own.memo_key is not None and entry.family is not Family.HIVE:
        yield Fault(path=(*at, "memo_key"), reason="is for Hive only")


def _no_xpub(_key: str) -> str:
    raise ValueError("is for EVM chains and Bitcoin only")


def _changed(entry: ChainEntry, own: ChainSettings) -> ChainEntry:
    return entry.model_copy(
        update={
            "tokens": entry.tokens | own.tokens,
            "mint_steps": entry.mint_steps | own.mint_steps,
            "finality": own.finality or entry.finality,
            "checked_headers": entry.checked_headers and own.checked_headers,
            "payment_methods": {ticker.lower(): ticker for ticker in own.tokens} | entry.payment_methods,
        }
    )
