"""The contract suite's hand on the Hive emulation."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from chains.hive.amounts import HIVE, Amount, spoken
from chains.port import ChainSource, Watch
from tests.nodes.hive.chain import Emulation
from tests.nodes.hive.server import Node
from tests.support.hive_node import hive_chain, hive_node, hive_source
from tests.support.natures import FINALITY

_PAYER, _OTHER = "payer.test", "somebody-else"


class HiveDriver:
    """Accounts pay by transfers. What pays another amount in another block is one that repeats itself."""

    ours = "usher-tickets"

    def __init__(self, chain: Emulation, node: Node) -> None:
        self._chain = chain
        self._node = node
        self._sent: dict[str, dict[str, Any]] = {}
        self.watch = Watch(active=frozenset({self.ours}))
        chain.account(_PAYER, hive=10**9)
        chain.account(_OTHER)
        chain.account(self.ours)
        chain.mine(FINALITY)

    @property
    def height(self) -> int:
        return self._chain.head.number

    def source(self, *, blocks_per_poll: int = 100) -> ChainSource:
        return hive_source(hive_chain(), self._node.url, blocks_per_poll=blocks_per_poll)

    def mine(self, blocks: int = 1) -> None:
        self._chain.mine(blocks)

    def pay(self, amount: int, memo: str | None = None) -> str:
        return self._send(_transfer(self.ours, amount, memo or ""))

    def pay_twice(self, amount: int) -> str:
        return self._send(*(_transfer(self.ours, amount, "") for _ in range(2)))

    def pay_by_block(self, amount: int) -> str:
        txid = self._send(_recurrent(self.ours, amount))
        del self._sent[txid]  # the payment is not this transaction's: the chain itself makes it, and numbers it
        return txid

    def reorg(self, depth: int) -> None:
        self._chain.reorg(depth)

    def send_again(self, txid: str) -> None:
        """Broadcast the same transaction; or let the chain fill something else where the lost payment stood."""
        if txid in self._sent:
            self._chain.push(self._sent[txid])
        else:
            self._chain.drop_blocks(1)
            self._send(_recurrent(self.ours, 1))

    def replace(self, _txid: str) -> None:
        self._send(_transfer(_OTHER, 5, "instead"))

    def lag(self, blocks: int) -> None:
        self._node.lag = blocks

    def _send(self, *operations: Any) -> str:
        life = 600 + len(self._sent)  # or two equal payments would be one transaction
        raw = self._chain.sign(
            self._chain.transaction(*operations, life=life), self._chain.keys[_PAYER].secret("active")
        )
        txid = self._chain.push(raw)
        self._sent[txid] = raw
        return txid


def _transfer(to: str, units: int, memo: str) -> list[Any]:
    return ["transfer", {"from": _PAYER, "to": to, "amount": spoken(Amount(nai=HIVE, units=units)), "memo": memo}]


def _recurrent(to: str, units: int) -> list[Any]:
    name, value = _transfer(to, units, "")
    return [f"recurrent_{name}", {**value, "recurrence": 24, "executions": 2, "extensions": []}]


@asynccontextmanager
async def start() -> AsyncIterator[HiveDriver]:
    """Run a chain and one node before it."""
    chain = Emulation(irreversible_after=FINALITY - 1)
    async with hive_node(chain) as node:
        yield HiveDriver(chain, node)
