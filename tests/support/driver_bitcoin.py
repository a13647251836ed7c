"""A real bitcoind as the contract suite drives it. One node serves all tests of a process, each by a fresh address."""

import atexit
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from functools import cache

from chains.bitcoin.source import BitcoinSource
from chains.bitcoin.transport import identify, transport_to
from chains.failover import Endpoints
from chains.following import BLOCKS_PER_POLL
from chains.port import ChainSource, Watch
from chains.rpc import Endpoint, Observer, ignore
from config.loader import load_registry
from config.registry import Chain, Finality
from tests.support.bitcoind import Bitcoind, bitcoind_node, op_return
from tests.support.bitcoind_proxy import lying_bitcoind
from tests.support.lying_node import LyingNode
from tests.support.natures import FINALITY

REGTEST = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"


class BitcoinDriver:
    """A node with a proxy before it. A lost transaction is lost with the node's pool, by a restart."""

    def __init__(self, node: Bitcoind, chain: Chain, proxy: LyingNode) -> None:
        self._node = node
        self._proxy = proxy
        self._sent: dict[str, str] = {}
        self.chain = chain
        self.ours = node.address()
        self.watch = Watch(active=frozenset({self.ours}))

    @property
    def height(self) -> int:
        return self._node.height

    def source(self, *, blocks_per_poll: int = 100) -> ChainSource:
        return bitcoin_source(self.chain, self._proxy.url, blocks_per_poll=blocks_per_poll)

    def mine(self, blocks: int = 1) -> None:
        self._node.mine(blocks)

    def pay(self, amount: int, memo: str | None = None, *, to: str | None = None) -> str:
        texts = [] if memo is None else [(op_return(memo.encode()), 0)]
        return self._kept(self._node.pay((to or self.ours, amount), *texts))

    def pay_twice(self, amount: int, *, to: str | None = None) -> str:
        return self._kept(self._node.pay((to or self.ours, amount), (to or self.ours, amount)))

    def pay_by_block(self, amount: int) -> str:
        raise NotImplementedError("a transaction says what it pays, whatever block it comes into")

    def reorg(self, depth: int) -> None:
        self._node.undo(depth)
        self._node.stop()
        self._node.start()
        for _ in range(depth):
            self._node.mine_only()

    def send_again(self, txid: str) -> None:
        self._node.send(self._sent[txid])

    def replace(self, txid: str) -> None:
        self._node.send(self._node.respend(txid, (self._node.address(), 1_000)))

    def lag(self, blocks: int) -> None:
        self._proxy.lag = blocks

    def _kept(self, txid: str) -> str:
        self._sent[txid] = self._node.raw(txid)
        return txid


def bitcoin_chain(*, blocks: int = FINALITY) -> Chain:
    """Return regtest with a finality of its own."""
    chain = load_registry().chain(REGTEST)
    assert chain is not None
    return replace(chain, finality=Finality(tag=None, blocks=blocks))


def bitcoin_source(
    chain: Chain,
    *urls: str,
    observer: Observer = ignore,
    agree_above: Mapping[str, int] | None = None,
    blocks_per_poll: int = BLOCKS_PER_POLL,
) -> BitcoinSource:
    """Return a source over these endpoints."""
    endpoints = [
        Endpoint(chain=chain.id, index=index, transport=transport_to(url), identify=identify, observer=observer)
        for index, url in enumerate(urls)
    ]
    return BitcoinSource(chain, Endpoints(endpoints), agree_above=agree_above, blocks_per_poll=blocks_per_poll)


@cache
def shared_bitcoind() -> Bitcoind:
    """Return a node that lives as long as the process."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(bitcoind_node())


@asynccontextmanager
async def start() -> AsyncIterator[BitcoinDriver]:
    """Run the driver."""
    node = shared_bitcoind()
    async with lying_bitcoind(node.url) as proxy:
        yield BitcoinDriver(node, bitcoin_chain(), proxy)
