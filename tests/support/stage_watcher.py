"""The watcher of a stage's chain, as any process makes it that has the stage's reader."""

from datetime import timedelta

from chains.port import ChainSource
from config.clock import Clock
from config.registry import Chain
from monitor.sitting import Terms
from monitor.watcher import Watcher
from store.engine import Store
from tests.support.monitor_world import signer


def watcher_of(chain: Chain, receive: str, *, source: ChainSource, store: Store, clock: Clock) -> Watcher:
    """Return the watcher."""
    terms = Terms(chain=chain, network=chain.network, signer=signer(), grace=timedelta(minutes=60))
    return Watcher(source=source, store=store, terms=terms, receive=frozenset({receive}), clock=clock)
