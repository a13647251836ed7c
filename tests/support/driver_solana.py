"""The contract suite's hand on the Solana emulation."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.transaction import VersionedTransaction

from chains.port import ChainSource, Watch
from tests.nodes.solana.server import Server
from tests.support.natures import FINALITY
from tests.support.solana_node import hands, memo, solana_chain, solana_node, solana_source, wallet


class SolanaDriver:
    """A wallet that pays in coins."""

    def __init__(self, server: Server) -> None:
        self._server, self._ledger = server, server.ledger
        self._hands = hands(self._ledger)
        self._sent: dict[str, VersionedTransaction] = {}
        self.ours = str(wallet(self._hands))
        self.watch = Watch(active=frozenset({self.ours}))
        self.chain = solana_chain()
        self._ledger.mine(FINALITY)

    @property
    def height(self) -> int:
        return self._ledger.tip.slot

    def source(self, *, blocks_per_poll: int = 100) -> ChainSource:
        return solana_source(self.chain, self._server.url, slots_per_poll=blocks_per_poll)

    def mine(self, blocks: int = 1) -> None:
        self._ledger.mine(blocks)

    def pay(self, amount: int, memo_text: str | None = None, *, to: str | None = None) -> str:
        return self._send(self._hands.give(to or self.ours, amount), *([] if memo_text is None else [memo(memo_text)]))

    def pay_twice(self, amount: int, *, to: str | None = None) -> str:
        return self._send(*(self._hands.give(to or self.ours, amount) for _ in range(2)))

    def pay_by_block(self, amount: int) -> str:
        raise NotImplementedError

    def reorg(self, depth: int) -> None:
        self._ledger.fork(depth)
        self._ledger.mine(depth)

    def send_again(self, txid: str) -> None:
        self._ledger.send(self._sent[txid])

    def replace(self, _txid: str) -> None:
        self._send(self._hands.give(Keypair().pubkey(), 10**9))

    def lag(self, blocks: int) -> None:
        self._server.node().lag = blocks

    def _send(self, *calls: Instruction) -> str:
        transaction = self._hands.sign(*calls)
        self._sent[txid := self._ledger.send(transaction)] = transaction
        return txid


@asynccontextmanager
async def start() -> AsyncIterator[SolanaDriver]:
    """Run a chain and one node before it."""
    async with solana_node() as server:
        yield SolanaDriver(server)
