"""What the story asks of a chain, whichever it is: a node, wallets with money, blocks, a payment that is lost again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Wallet(Protocol):
    """A person's wallet."""

    @property
    def name(self) -> str:
        """Whose it is."""

    @property
    def address(self) -> str:
        """How pages and memos call it."""

    async def sign(self, text: str) -> str:
        """Sign a text as this chain's wallets do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """What `usher init` is told of the chain."""

    receive: str
    options: Sequence[str] = field(default_factory=tuple)  # beside --chain and --receive


class Ground(Protocol):
    """One chain, its node running. Calls come in this order: `deployment`, `wallet` for everybody, then the story's."""

    chain: str  # CAIP-2
    title: str  # what runs
    link: str  # the name of its payment links
    method: str  # payment_method
    ticker: str
    price: str  # decimal text
    carries_memos: bool  # whether a transfer can take a text along
    stranger: str  # the code by which the door refuses a wallet without a ticket

    async def deployment(self) -> Deployment:
        """Return what the operator tells Usher."""

    async def wallet(self, name: str) -> Wallet:
        """Make a wallet with enough money for a ticket."""

    async def pay(self, wallet: Wallet, link: str) -> str:
        """Pay what a payment link says and nothing else; return the transaction's id."""

    async def pay_with_memo(self, wallet: Wallet, memo: str) -> str:
        """Send the price to the platform's address with a memo; return the transaction's id."""

    async def advance(self) -> None:
        """Make a block of what waits."""

    async def pay_in_vain(self, wallet: Wallet, link: str) -> str:
        """Pay a link with a transaction that `lose` can undo, so that the watcher sees it before it counts."""

    async def lose(self) -> None:
        """Undo that payment: its chain goes another way."""
