"""The same event's visitors at other gates, as the rooms of this one see them. Who they are, `neighbours` finds out."""

from collections.abc import Sequence
from typing import Protocol

from gateway.presence.effects import Tell
from gateway.presence.messages import Message


class Elsewhere(Protocol):
    """Other gates. `ready` comes first; nothing is awaited between `others` and seating whoever is told of them."""

    async def ready(self, event_id: int) -> None:
        """Return once this event's visitors elsewhere are known, or cannot be. It never waits long."""

    def others(self, event_id: int) -> Sequence[Message]:
        """Return who is there now, as `welcome` introduces them. The hub is told of every change to it."""

    def tell(self, told: Tell) -> None:
        """Let others hear what happened here. It never waits and never fails."""


class NobodyElsewhere:
    """The only gate of its house."""

    async def ready(self, event_id: int) -> None:
        """Nobody is waited for."""

    def others(self, event_id: int) -> Sequence[Message]:  # noqa: ARG002  the protocol's signature
        """Return nobody."""
        return ()

    def tell(self, told: Tell) -> None:
        """Nobody hears it."""
