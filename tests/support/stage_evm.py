"""The EVM chains as stages: anvil, which keeps its blocks in a file while it is stopped."""

import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from urllib.parse import urlsplit

from config.settings import ChainSettings
from tests.support.anvil import Anvil, anvil_node
from tests.support.chains_drivers import EvmDriver, evm_chain
from tests.support.config_files import XPUB
from tests.support.lying_node import LyingNode
from tests.support.monitor_world import wallet
from tests.support.programs import scratch
from tests.support.stage import with_depths
from tests.support.stage_driven import DrivenStage
from tests.support.stage_proxy import Line, line_to


class EvmStage(DrivenStage):
    """A node with a token and a contract that pays several times."""

    def __init__(self, node: Anvil, line: Line, start: Callable[[ExitStack], Anvil], running: ExitStack) -> None:
        driver = EvmDriver(node, evm_chain(node.chain_id), LyingNode(node.url))
        super().__init__(driver, line)
        self._node, self._start, self._running = node, start, running
        self.chain = with_depths(driver.chain)
        self.settings = ChainSettings(endpoints=(line.url,), receive=driver.ours, xpub=XPUB)
        self.wallets = [wallet(number) for number in range(1, 5)]
        [self.several_in] = self.chain.tokens

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        async with self.down():
            self._running.close()
            yield
            self._node.url = self._start(self._running).url
            self._line.port = urlsplit(self._node.url).port or 0

    def holds(self, addresses: Sequence[str]) -> Mapping[str, int]:
        native = (int(self._node.rpc("eth_getBalance", address, "latest"), 16) for address in addresses)
        token = (int(self._node.rpc("eth_call", self._balance_of(address), "latest"), 16) for address in addresses)
        return {self.chain.native.id: sum(native), self.several_in.id: sum(token)}

    def _balance_of(self, address: str) -> dict[str, str]:
        return {"to": self._driver.coin, "data": f"0x70a08231{address[2:].lower():0>64}"}  # balanceOf(address)


@asynccontextmanager
async def evm_stage(chain_id: int) -> AsyncIterator[EvmStage]:
    """Set the stage of one chain."""
    kept = scratch("anvil")

    def start(running: ExitStack) -> Anvil:
        return running.enter_context(anvil_node(chain_id, "--state", str(kept / "state.json")))

    with ExitStack() as running:
        running.callback(shutil.rmtree, kept, ignore_errors=True)
        nodes = running.enter_context(ExitStack())
        node = start(nodes)
        async with line_to(node.url) as line:
            yield EvmStage(node, line, start, nodes)
