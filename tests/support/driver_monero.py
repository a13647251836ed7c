"""The contract suite's hand on a real Monero regtest, shared by all tests of a process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chains.port import ChainSource, Watch
from tests.support.monero_proxy import MoneroProxy, monero_proxy
from tests.support.monero_world import World, monero_source, monero_world


class MoneroDriver:
    """A daemon, a payer's wallet, and our view-only wallet. Each driver has subaddresses of its own."""

    def __init__(self, world: World, proxy: MoneroProxy) -> None:
        self._world = world
        self._proxy = proxy
        self.ours, self._other = world.fresh(), world.fresh()
        self.watch = Watch(active=frozenset({self.ours, self._other}))

    @property
    def height(self) -> int:
        return self._world.node.height()

    def source(self, *, blocks_per_poll: int = 100) -> ChainSource:
        return monero_source(self._world, self._proxy.url, blocks_per_poll=blocks_per_poll)

    def mine(self, blocks: int = 1) -> None:
        self._world.mine(blocks)

    def pay(self, amount: int, memo: str | None = None) -> str:  # noqa: ARG002  no text travels with it
        return self._world.pay((self.ours, amount))

    def pay_twice(self, amount: int) -> str:
        return self._world.pay((self.ours, amount), (self._other, amount))

    def reorg(self, depth: int) -> None:
        self._world.reorg(depth)

    def send_again(self, txid: str) -> None:
        self._world.send_again(txid)

    def replace(self, txid: str) -> None:
        self._world.double_spend(txid)

    def lag(self, blocks: int) -> None:
        self._proxy.lag = blocks


@asynccontextmanager
async def start() -> AsyncIterator[MoneroDriver]:
    """Run a driver on the process's regtest."""
    world = monero_world()
    world.node.flush()
    async with monero_proxy(world.node.url) as proxy:
        yield MoneroDriver(world, proxy)
