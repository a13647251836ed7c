"""What is ours on a chain of the Bitcoin family, as its blocks spell it: output scripts. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from chains.bitcoin.script import script_of
from config.registry import AddressPrefixes, Chain


@dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    """Where payments to us go on one chain."""

    chain: str  # CAIP-2
    asset: str  # CAIP-19
    prefixes: AddressPrefixes
    scripts: Mapping[bytes, str]  # output script -> address, spelt as it is watched

    @classmethod
    def of(cls, addresses: Iterable[str], chain: Chain) -> "Ours":
        """Return what these addresses are on a chain; those that it does not know are nobody's there."""
        prefixes = prefixes_of(chain)
        found = ((_script_of(address, prefixes), address) for address in addresses)
        scripts = {script: address for script, address in found if script is not None}
        return cls(chain=chain.id, asset=chain.native.id, prefixes=prefixes, scripts=scripts)


def prefixes_of(chain: Chain) -> AddressPrefixes:
    """Return how a chain spells its addresses. Every entry of the family says so."""
    if chain.prefixes is None:
        raise ValueError(f"{chain.id}: the registry does not say how addresses are spelt")
    return chain.prefixes


_script_of = lru_cache(maxsize=None)(script_of)
"""The whole watch is spelt out several times with each poll, and is in memory as it is. A memory with a bound would
forget all of a watch that is larger by one address: seconds of every poll, from one day to the next."""
