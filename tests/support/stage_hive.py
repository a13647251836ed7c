"""Hive as a stage: the emulation and one node before it. Orders are told by their code; all is paid to one account."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

from chains.hive.amounts import HIVE
from config.settings import ChainSettings
from tests.nodes.hive.chain import Emulation
from tests.nodes.hive.server import Node, serving
from tests.support.driver_hive import HiveDriver, _transfer
from tests.support.hive_node import hive_chain
from tests.support.natures import FINALITY
from tests.support.stage import Bill, with_depths
from tests.support.stage_driven import DrivenStage
from tests.support.stage_proxy import Line, line_to


class HiveStage(DrivenStage):
    """Accounts that pay by transfers."""

    def __init__(self, chain: Emulation, node: Node, line: Line, running: AsyncExitStack) -> None:
        super().__init__(HiveDriver(chain, node), line)
        self._emulation, self._node, self._running = chain, node, running
        known = hive_chain()
        self.chain = with_depths(replace(known, finality=replace(known.finality, blocks=FINALITY)))
        self.settings = ChainSettings(endpoints=(line.url,), receive=HiveDriver.ours)
        self.wallets = ["alice.test", "bob-the.buyer", "carol", "dave1"]
        self.several_in = self.chain.native

    def pay(self, *bills: Bill) -> str:
        return self._driver._send(*(_transfer(bill.to, bill.amount, bill.memo or "") for bill in bills))

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        await self._running.aclose()
        yield
        await self._running.enter_async_context(serving(self._node))
        self._line.port = urlsplit(self._node.url).port or 0

    def holds(self, addresses: Sequence[str]) -> Mapping[str, int]:
        accounts = (self._emulation.head.state.account(address) for address in addresses)
        return {self.chain.native.id: sum(account.liquid[HIVE] for account in accounts)}


@asynccontextmanager
async def hive_stage() -> AsyncIterator[HiveStage]:
    """Set the stage on a chain of its own."""
    chain = Emulation(irreversible_after=FINALITY - 1)
    async with AsyncExitStack() as running:
        node = await running.enter_async_context(serving(Node(chain)))
        async with line_to(node.url) as line:
            yield HiveStage(chain, node, line, running)
