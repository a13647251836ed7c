"""How each chain of the family spells what its wallets show, as the registry ships it. Pure: only that file is read.

Addresses stand in memos and in front of the verifier without a chain beside them, so all that are known are kept apart.
"""

from dataclasses import dataclass

from config.loader import load_registry
from config.registry import AddressPrefixes, Network


@dataclass(frozen=True, kw_only=True, slots=True)
class Spelling:
    """One chain's."""

    chain: str  # CAIP-2
    network: Network
    prefixes: AddressPrefixes


SPELLINGS = tuple(
    Spelling(chain=chain.id, network=chain.network, prefixes=chain.prefixes)
    for chain in load_registry().chains.values()
    if chain.prefixes is not None
)
"""In the registry's order: an address that several chains spell alike, as test networks do, is at home on the first."""


def spelling_of(chain: str) -> Spelling | None:
    """Return how a chain (CAIP-2) spells; None where the registry does not know it."""
    return next((spelling for spelling in SPELLINGS if spelling.chain == chain), None)
