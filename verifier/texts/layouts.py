"""Which layout each family's sign-in texts have: EIP-4361, Sign In With Solana, and CAIP-122 in their shape. Pure."""

from collections.abc import Mapping

from config.registry import Family
from verifier.texts import siwe
from verifier.texts.layout import CHAIN_REFERENCE, Layout

_ADDRESS = "[-.%a-zA-Z0-9]{1,128}"  # CAIP-10

LAYOUTS: Mapping[Family, Layout] = {
    Family.EVM: siwe.LAYOUT,
    Family.BITCOIN: Layout(ecosystem="Bitcoin", norm="CAIP-122", namespace="bip122", address=_ADDRESS),
    Family.SOLANA: Layout(
        ecosystem="Solana",
        norm="Sign In With Solana",
        namespace="solana",
        address="[1-9A-HJ-NP-Za-km-z]{32,44}",
        chain_id=f"(?:solana:)?{CHAIN_REFERENCE}",
        chain_names={
            "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp": "mainnet",
            "4uhcVJyU9pJkvQyS88uRDiswHXSgkY3z": "testnet",
            "EtWTRABZaYq6iMfeYKouRu166VU2xqa1": "devnet",
        },
        sparse=True,
    ),
    Family.HIVE: Layout(ecosystem="Hive", norm="CAIP-122", namespace="hive", address=_ADDRESS),
    Family.MONERO: Layout(ecosystem="Monero", norm="CAIP-122", namespace="monero", address=_ADDRESS),
}
"""EIP-4361 for EVM, SIWS for Solana; CAIP-122 gives the same shape to the others."""

_OPENING = " wants you to sign in with your "


def claimed(text: str) -> Layout | None:
    """Return the layout that a text's first line presents it as, well-formed or not; None if it asks nobody to sign in.

    Where it names several, the first family's: then the text is malformed by that one.
    """
    first_line = text.partition("\n")[0]
    if _OPENING not in first_line:
        return None
    for layout in LAYOUTS.values():
        if layout.claim in first_line:
            return layout
    return None
