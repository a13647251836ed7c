"""Which families Usher speaks to: from a chain's record to its open source. The only place that names them all."""

from collections.abc import Callable
from typing import Protocol

from chains.port import ChainSource
from chains.rpc import Observer, ignore
from config.registry import Chain, Family
from config.settings import ChainSettings


class Open(Protocol):
    """Makes the source of one chain; nothing is connected before its first call."""

    def __call__(self, chain: Chain, settings: ChainSettings, *, observer: Observer) -> ChainSource:
        """Return the source."""


def _evm() -> Open:
    from chains.evm.source import open_evm  # noqa: PLC0415  web3 is heavy: only the process that watches imports it

    return open_evm


FAMILIES: dict[Family, Callable[[], Open]] = {Family.EVM: _evm}
"""By family, what imports its code and returns its `Open`. Each has a fixture in the contract suite."""


class UnknownFamilyError(LookupError):
    """No code here speaks to chains of this family."""


def open_source(chain: Chain, settings: ChainSettings, *, observer: Observer = ignore) -> ChainSource:
    """Return the source of a chain by its family. Raises UnknownFamilyError."""
    family = FAMILIES.get(chain.family)
    if family is None:
        raise UnknownFamilyError(f"{chain.id}: {chain.family}")
    return family()(chain, settings, observer=observer)
