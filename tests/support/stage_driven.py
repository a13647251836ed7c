"""What stages have in common that stand on a driver and read their node through a line that can be cut."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from chains.catalogue import open_source
from chains.port import ChainSource
from config.registry import Chain
from config.settings import ChainSettings
from tests.support.stage import Bill
from tests.support.stage_proxy import Line


class DrivenStage:
    """The driver does to the chain what a story tells."""

    chain: Chain
    settings: ChainSettings
    first_key = 0

    def __init__(self, driver: Any, line: Line) -> None:
        self._driver, self._line = driver, line

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
