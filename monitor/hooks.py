"""What the watcher tells whoever measures or guards it. Silent unless somebody listens."""

from typing import Protocol

from chains.errors import ChainError
from chains.port import Sweep
from monitor.settlement import Settlement
from store.errors import StoreError


class Hooks(Protocol):
    """Called on the event loop, between two awaits: an implementation returns at once and never raises."""

    def alive(self, chain: str) -> None:
        """A turn begins: what a service manager's watchdog wants to hear, however the turn ends."""

    def swept(self, chain: str, sweep: Sweep, settlement: Settlement) -> None:
        """A sweep and all its effects are stored."""

    def failed(self, chain: str, error: ChainError | StoreError) -> None:
        """A turn came to nothing and will be tried again."""

    def stopped(self, chain: str, reason: str) -> None:
        """The chain is not read any more until the operator has looked at it."""


class Silence:
    """Hooks that do nothing."""

    def alive(self, chain: str) -> None:
        """Do nothing."""

    def swept(self, chain: str, sweep: Sweep, settlement: Settlement) -> None:
        """Do nothing."""

    def failed(self, chain: str, error: ChainError | StoreError) -> None:
        """Do nothing."""

    def stopped(self, chain: str, reason: str) -> None:
        """Do nothing."""
