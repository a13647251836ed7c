"""Which families Usher speaks to: from a chain's record to its open source, its addresses and its blocks on paper.

The only place that names them all. A family is imported by the process that uses it, when it does.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from chains import gap
from chains.distrust import Distrusted
from chains.inspection import Given, Inspected
from chains.port import ChainSource, Watch
from chains.rpc import Observer, ignore
from config.registry import Chain, Family
from config.settings import ChainSettings

# ruff: noqa: PLC0415  the libraries of a family are heavy: only the process that needs them imports them


class Open(Protocol):
    """Makes the source of one chain; nothing is connected before its first call."""

    def __call__(self, chain: Chain, settings: ChainSettings, *, observer: Observer) -> ChainSource:
        """Return the source."""


Derive = Callable[[int, int], Sequence[str]]
"""Gives the keys by which orders are found (addresses, or references) from an index on, that many of them."""


class Inspect(Protocol):
    """Reads a node's stored answers as its source would. Pure."""

    def __call__(self, given: Given, chain: Chain, watch: Watch) -> Inspected | Distrusted:
        """Return the payments in them, or why they would not be believed."""


def _evm() -> Open:
    from chains.evm.source import open_evm

    return open_evm


def _bitcoin() -> Open:
    from chains.bitcoin.source import open_bitcoin

    return open_bitcoin


def _solana() -> Open:
    from chains.solana.source import open_solana

    return open_solana


def _hive() -> Open:
    from chains.hive.source import open_hive

    return open_hive


def _monero() -> Open:
    from chains.monero.source import open_monero

    return open_monero


FAMILIES: dict[Family, Callable[[], Open]] = {
    Family.EVM: _evm,
    Family.BITCOIN: _bitcoin,
    Family.SOLANA: _solana,
    Family.HIVE: _hive,
    Family.MONERO: _monero,
}
"""By family, what imports its code and returns its `Open`. Each has a fixture in the contract suite."""


class UnknownFamilyError(LookupError):
    """No code here speaks to chains of this family."""


def open_source(chain: Chain, settings: ChainSettings, *, observer: Observer = ignore) -> ChainSource:
    """Return the source of a chain by its family. Raises UnknownFamilyError."""
    family = FAMILIES.get(chain.family)
    if family is None:
        raise UnknownFamilyError(f"{chain.id}: {chain.family}")
    return family()(chain, settings, observer=observer)


def derivation(chain: Chain, settings: ChainSettings, secret: Callable[[], bytes]) -> Derive | None:
    """Return what gives this chain's orders keys of their own; None where the memo alone tells them apart.

    `secret` gives the deployment's own: references that nobody else can foretell are made with it.
    """
    match chain.family:
        case Family.EVM if settings.xpub is not None:
            from chains.evm.derive import deriving as evm

            return evm(settings.xpub)
        case Family.BITCOIN if settings.xpub is not None:
            from chains.bitcoin.derive import deriving as bitcoin

            return bitcoin(settings.xpub, chain)
        case Family.SOLANA:
            from chains.solana.reference import deriving as solana

            return solana(secret(), chain.id)
        case Family.MONERO if settings.wallet is not None:
            from chains.monero.derive import deriving as monero

            wallet = settings.wallet
            return monero(
                settings.receive, wallet.view_key.get_secret_value(), integrated=wallet.orders == "integrated"
            )
    return None


def has_own_keys(chain: Chain, settings: ChainSettings) -> bool:
    """Whether each order on this chain is found by a key of its own, besides its memo."""
    watch_only = chain.family in {Family.EVM, Family.BITCOIN} and settings.xpub is not None
    return watch_only or chain.family in {Family.SOLANA, Family.MONERO}


def finds_by_reference(family: Family | None) -> bool:
    """Whether an order's own key is a reference beside the payment, and no address: nobody must ever pay to it."""
    return family is Family.SOLANA


def gap_limit(family: Family, paid: Iterable[int], shown: int = 0) -> int:
    """Return the gap limit, or look-ahead, that a wallet of this family needs; see `chains.gap`."""
    return (gap.look_ahead if family is Family.MONERO else gap.gap_limit)(paid, shown)


def inspector(family: Family) -> Inspect:
    """Return what reads this family's blocks and transactions from files."""
    match family:
        case Family.EVM:
            from chains.evm.inspection import inspect as evm

            return evm
        case Family.BITCOIN:
            from chains.bitcoin.inspection import inspect as bitcoin

            return bitcoin
        case Family.SOLANA:
            from chains.solana.inspection import inspect as solana

            return solana
        case Family.HIVE:
            from chains.hive.inspection import inspect as hive

            return hive
        case Family.MONERO:
            from chains.monero.inspection import inspect as monero

            return monero
