"""Bitcoin as a stage: the node that its driver shares, stopped and started over its own folder."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

from chains.catalogue import open_source
from chains.port import ChainSource
from config.settings import ChainSettings
from tests.support.bitcoind import COIN, Bitcoind
from tests.support.driver_bitcoin import BitcoinDriver, bitcoin_chain, shared_bitcoind
from tests.support.lying_node import LyingNode
from tests.support.stage import Bill, with_depths, xpub_of
from tests.support.stage_proxy import Line, line_to


class BitcoinStage:
    """A regtest node with a wallet that pays."""

    def __init__(self, node: Bitcoind, line: Line) -> None:
        self._node, self._line = node, line
        self._driver = BitcoinDriver(node, bitcoin_chain(), LyingNode(node.url))
        self.chain = with_depths(self._driver.chain)
        self.settings = ChainSettings(endpoints=(line.url,), receive=self._driver.ours, xpub=xpub_of(self._driver.ours))
        self.wallets = [node.address(kind) for kind in ("legacy", "p2sh-segwit", "bech32", "bech32m")]
        self.several_in = self.chain.native

    def reader(self) -> Callable[[], ChainSource]:
        return partial(open_source, self.chain, self.settings)

    def mine(self, blocks: int = 1) -> None:
        self._driver.mine(blocks)

    def pay(self, *bills: Bill) -> str:
        [bill, *more] = bills
        assert all(other == bill for other in more)
        if more:
            return self._driver.pay_twice(bill.amount, to=bill.to)
        return self._driver.pay(bill.amount, bill.memo, to=bill.to)

    def reorg(self, depth: int) -> None:
        self._driver.reorg(depth)

    def send_again(self, txid: str) -> None:
        self._driver.send_again(txid)

    def replace(self, txid: str) -> None:
        self._driver.replace(txid)

    @asynccontextmanager
    async def down(self) -> AsyncIterator[None]:
        await self._line.cut()
        yield
        await self._line.mend()

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        self._node.stop()
        yield
        self._node.start()

    def holds(self, addresses: Sequence[str]) -> Mapping[str, int]:
        scripts = [f"addr({address})" for address in addresses]
        found = self._node.rpc("scantxoutset", "start", scripts)
        return {self.chain.native.id: round(found["total_amount"] * COIN)}


@asynccontextmanager
async def bitcoin_stage() -> AsyncIterator[BitcoinStage]:
    """Set the stage on the process's node."""
    node = shared_bitcoind()
    async with line_to(node.url) as line:
        yield BitcoinStage(node, line)
