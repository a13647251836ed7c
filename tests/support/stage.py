"""A chain with all that a whole story of Usher needs of it; each family builds one on its driver and its node."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from coincurve import PrivateKey

from chains import base58
from chains.port import ChainSource
from config.registry import Asset, Chain, MintStep
from config.settings import ChainSettings

MINT = 2
"""Confirmations at which the chains of the stories mint, where they do so before finality."""
KEYS = 8
"""So many orders of a story may have keys of their own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """What a wallet is asked to pay."""

    to: str
    amount: int  # smallest unit
    memo: str | None = None
    reference: str | None = None  # Solana Pay


class Stage(Protocol):
    """Requirements: nothing is mined but by `mine` and `reorg`; `reorg` loses the transactions of the old blocks.

    What `source` reads with comes through a line that `down` cuts. Our own addresses are new to the node, or its
    balances are told apart by whoever asks before and after.
    """

    chain: Chain
    settings: ChainSettings
    wallets: Sequence[str]  # of buyers, four of them, in the family's canonical spelling
    several_in: Asset  # what a transaction with several payments pays in
    first_key: int  # index of the first order's key; those below belong to other stories on the same node

    def reader(self) -> Callable[[], ChainSource]:
        """Return what opens a source in any process: it can be pickled."""

    def mine(self, blocks: int = 1) -> None:
        """Mine blocks, what waits goes into the first."""

    def pay(self, *bills: Bill) -> str:
        """Send one transaction that pays these bills and return its id; it waits to be mined."""

    def reorg(self, depth: int) -> None:
        """Replace blocks by others at the same heights, without their transactions."""

    def send_again(self, txid: str) -> None:
        """Let a lost transaction wait to be mined again."""

    def replace(self, txid: str) -> None:
        """Let another transaction wait that conflicts with a lost one and pays somebody else."""

    def down(self) -> AbstractAsyncContextManager[None]:
        """Let nobody reach the node, which goes on."""

    def stopped(self) -> AbstractAsyncContextManager[None]:
        """Stop the node, and start it again on what it has kept."""

    def holds(self, addresses: Sequence[str]) -> Mapping[str, int]:
        """Return how much of each asset lies at these addresses, as the node says at its tip."""


@dataclass(frozen=True, slots=True)
class Given:
    """Opens the source that is there; in another process, a copy of it."""

    source: ChainSource

    def __call__(self) -> ChainSource:
        """Return it."""
        return self.source


def with_depths(chain: Chain) -> Chain:
    """Return a chain that mints at MINT confirmations, whatever the value."""
    return replace(chain, mint_steps={"*": (MintStep(up_to=None, confirmations=MINT),)})


def tpub_of(seed: str) -> str:
    """Return a tpub (BIP-32, "Serialization format") of a story's own: its orders' addresses are new."""
    material = hashlib.sha512(seed.encode()).digest()
    point = PrivateKey(material[:32]).public_key.format(compressed=True)
    payload = bytes.fromhex("043587cf") + bytes(9) + material[32:] + point
    return base58.encode(payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4])


class StartStage(Protocol):
    """Sets a stage."""

    def __call__(self) -> AbstractAsyncContextManager[Stage]:
        """Return the stage."""
