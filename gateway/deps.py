"""What the handlers work with, given once at composition. Nothing is looked up by name or made on demand."""

from dataclasses import dataclass, field

from aiohttp import web

from config.clock import Clock
from config.registry import Registry
from config.settings import Settings
from gateway.operations.metrics import MetricsHub
from store.engine import Store
from tickets.keys import Keyring
from verifier.port import Lookup


@dataclass(frozen=True, kw_only=True, slots=True)
class Deps:
    """Everything a handler may touch beyond its request."""

    settings: Settings
    registry: Registry
    store: Store
    clock: Clock
    keyring: Keyring
    lookup: Lookup
    secret: bytes = field(repr=False)  # keys client hashes and challenge nonces; at least 32 random bytes
    metrics: MetricsHub = field(default_factory=MetricsHub)


DEPS: web.AppKey[Deps] = web.AppKey("deps", Deps)
"""Where the application keeps them."""
