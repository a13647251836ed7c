"""Solana as a stage: the emulation and one node before it. Orders are told by references that travel along."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from config.settings import ChainSettings
from monitor.resume import READ_AGAIN
from tests.nodes.solana.ledger import Ledger
from tests.nodes.solana.server import Server, serving
from tests.support.driver_solana import SolanaDriver
from tests.support.natures import FINALITY
from tests.support.solana_node import memo
from tests.support.stage import Bill, with_depths
from tests.support.stage_driven import DrivenStage
from tests.support.stage_proxy import Line, line_to


class SolanaStage(DrivenStage):
    """A wallet that pays in coins."""

    def __init__(self, server: Server, line: Line, running: AsyncExitStack) -> None:
        driver = SolanaDriver(server)
        super().__init__(driver, line)
        self._ledger, self._running = server.ledger, running
        self.chain = with_depths(driver.chain)
        self.settings = ChainSettings(endpoints=(line.url,), receive=driver.ours)
        self.wallets = [str(Keypair().pubkey()) for _ in range(4)]
        self.several_in = self.chain.native
        self.mine(READ_AGAIN * FINALITY)  # what made our account lies deeper than anything is ever read again

    def pay(self, *bills: Bill) -> str:
        hands = self._driver._hands
        given = [hands.give(bill.to, bill.amount, *([bill.reference] if bill.reference else [])) for bill in bills]
        return self._driver._send(*given, *(memo(bill.memo) for bill in bills if bill.memo is not None))

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        await self._running.aclose()
        yield
        server = await self._running.enter_async_context(serving(self._ledger))
        self._line.port = urlsplit(server.url).port or 0

    def holds(self, addresses: Sequence[str]) -> Mapping[str, int]:
        accounts = [self._ledger.svm.get_account(Pubkey.from_string(address)) for address in addresses]
        return {self.chain.native.id: sum(account.lamports for account in accounts if account is not None)}


@asynccontextmanager
async def solana_stage() -> AsyncIterator[SolanaStage]:
    """Set the stage on a chain of its own."""
    async with AsyncExitStack() as running:
        server = await running.enter_async_context(serving(Ledger(finality=FINALITY)))
        async with line_to(server.url) as line:
            yield SolanaStage(server, line, running)
