"""What a family of chains lacks by its nature, so that the contract suite can ask each for all that it can have.

An EVM chain lacks nothing. Whatever stands here as False must be impossible on the chain itself, not merely unbuilt.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from config.registry import Family

FINALITY = 8
"""Confirmations at which the chains of the contract suite are final. Drivers take it from here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Nature:
    """What can happen on a chain."""

    nobody: str  # a well-spelt address that is nobody's here
    memos: bool = True  # a text travels with a payment
    own_keys: bool = True  # each order has an address, subaddress or reference of its own
    mints_before_final: bool = True  # False: nothing mints before the chain's own word
    replaces: bool = True  # another transaction can take the place of one for ever
    pays_by_block: bool = True  # what a transaction pays can depend on the block it comes into
    pays_one_key_twice: bool = True  # two payments to one address in one transaction stay two


NATURES: Mapping[Family, Nature] = {
    Family.EVM: Nature(nobody="0x" + "00" * 19 + "01"),
    Family.BITCOIN: Nature(  # BIP-173's example; a transaction says what it pays
        nobody="bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
        pays_by_block=False,
    ),
    Family.SOLANA: Nature(
        nobody="SysvarC1ock11111111111111111111111111111111",
        mints_before_final=False,
    ),
    Family.HIVE: Nature(
        nobody="null",
        own_keys=False,  # an account is a name that somebody pays for: the order's code is in the memo
        mints_before_final=False,
        replaces=False,
    ),
    Family.MONERO: Nature(
        nobody="44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A",
        memos=False,
        pays_by_block=False,
        pays_one_key_twice=False,  # a payment's place is its subaddress: outputs to one add up
    ),
}
"""By family. One that has no entry has no driver either, and fails the suite."""


def nature_of(family: Family | None) -> Nature:
    """Return a family's nature; the chain made by hand can do what an EVM chain can."""
    return NATURES[family or Family.EVM]
