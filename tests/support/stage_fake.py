"""The chain made by hand as a stage: what it shows about a story takes no node."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from chains.errors import TransientError
from chains.port import ChainSource
from chains.testing import FakeChain
from config.settings import ChainSettings
from tests.support.chains_drivers import FINALITY, evm_chain
from tests.support.config_files import XPUB
from tests.support.monitor_world import RECEIVE, wallet
from tests.support.stage import Bill, Given, with_depths


class FakeStage:
    """FakeChain behind the door of every stage."""

    first_key = 0

    def __init__(self) -> None:
        self.chain = with_depths(evm_chain(31337))
        self.settings = ChainSettings(endpoints=("http://127.0.0.1:1",), receive=RECEIVE, xpub=XPUB)
        self.wallets = [wallet(number) for number in range(1, 5)]
        self.several_in = self.chain.native
        self._fake = FakeChain(finality=FINALITY).mine()
        self._sent: dict[str, tuple[Bill, ...]] = {}

    def reader(self) -> Callable[[], ChainSource]:
        return Given(self._fake)

    def mine(self, blocks: int = 1) -> None:
        self._fake.mine(blocks)

    def pay(self, *bills: Bill) -> str:
        return self._pay(bills)

    def reorg(self, depth: int) -> None:
        self._fake.reorg(depth)

    def send_again(self, txid: str) -> None:
        self._pay(self._sent[txid], txid)

    def replace(self, txid: str) -> None:
        self._fake.drop(txid).pay(wallet(0xEE), 1)

    @asynccontextmanager
    async def down(self) -> AsyncIterator[None]:
        self._fake.fail(TransientError("it is away"))
        yield
        self._fake.fail(None)

    stopped = down

    def holds(self, addresses: Sequence[str]) -> Mapping[str, int]:
        ours = [payment for payment in self._fake.payments if payment.destination in addresses]
        return {self.chain.native.id: sum(payment.amount for payment in ours)}

    def _pay(self, bills: tuple[Bill, ...], txid: str | None = None) -> str:
        [bill, *more] = bills
        assert all(other == bill for other in more)
        again = self._fake.pay(bill.to, bill.amount, memo=bill.memo, times=len(bills), txid=txid)
        self._sent[again.last_txid] = bills
        return again.last_txid


@asynccontextmanager
async def fake_stage() -> AsyncIterator[FakeStage]:
    """Set the stage."""
    yield FakeStage()
