"""Bitcoin as a stage: the node that its driver shares, stopped and started over its own folder."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from config.registry import Chain
from config.settings import ChainSettings
from tests.support.bitcoind import COIN, Bitcoind
from tests.support.driver_bitcoin import BitcoinDriver, bitcoin_chain, shared_bitcoind
from tests.support.lying_node import LyingNode
from tests.support.stage import tpub_of, with_depths
from tests.support.stage_driven import DrivenStage
from tests.support.stage_proxy import Line, line_to

KINDS = ("legacy", "p2sh-segwit", "bech32", "bech32m")
"""Of the buyers' addresses."""


class BitcoinStage(DrivenStage):
    """A regtest node of the family with a wallet that pays."""

    def __init__(self, node: Bitcoind, line: Line, *, chain: Chain, kinds: Sequence[str] = KINDS) -> None:
        driver = BitcoinDriver(node, chain, LyingNode(node.url))
        super().__init__(driver, line)
        self._node = node
        self.chain = with_depths(driver.chain)
        self.settings = ChainSettings(endpoints=(line.url,), receive=driver.ours, xpub=tpub_of(driver.ours))
        self.wallets = [node.address(kind) for kind in kinds]
        self.several_in = self.chain.native

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
        yield BitcoinStage(node, line, chain=bitcoin_chain())
