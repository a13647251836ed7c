"""A wallet as everyone here names it: CAIP-10, and the holder key that is compared. Reading addresses is elsewhere."""

import re
from dataclasses import dataclass

from config.registry import Family, Network


@dataclass(frozen=True, kw_only=True, slots=True)
class HolderKey:
    """Who somebody is, compared as bytes: one EVM key is the same holder on every EVM chain of a network."""

    family: Family
    network: Network
    canonical: bytes

    def __str__(self) -> str:
        """Return the form stored in the database, e.g. `evm:main:9d85…` (lower-case hex)."""
        return f"{self.family}:{self.network}:{self.canonical.hex()}"

    @classmethod
    def parse(cls, stored: str) -> "HolderKey":
        """Return the key that `str` wrote."""
        family, network, canonical = stored.split(":")
        return cls(family=Family(family), network=Network(network), canonical=bytes.fromhex(canonical))


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A wallet on one chain (CAIP-10)."""

    chain: str  # CAIP-2
    address: str  # in the family's own canonical spelling (EIP-55, lower-case bech32, …)
    holder: HolderKey

    def __str__(self) -> str:
        """Return the CAIP-10 form, e.g. `eip155:1:0x9D85…`."""
        return f"{self.chain}:{self.address}"


@dataclass(frozen=True, kw_only=True, slots=True)
class NotAnAccount:
    """A text that names no wallet, and why."""

    reason: str


CAIP10 = re.compile(r"(?P<chain>[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}):(?P<address>[-.%a-zA-Z0-9]{1,128})")
"""CAIP-10 §Syntax."""
