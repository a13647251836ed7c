"""The contract suite's hand on the Solana emulation."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from spl.token import instructions as spl
from spl.token.models import HarvestWithheldTokensToMintParams, WithdrawWithheldTokensFromMintParams

from chains.port import ChainSource, Watch
from tests.nodes.solana.server import Server
from tests.nodes.solana.tokens import TOKEN_2022
from tests.support.natures import FINALITY
from tests.support.solana_node import hands, memo, solana_chain, solana_node, solana_source, wallet

NONCES = 16
"""As many payments may wait for one block."""
HALF = 5000
"""Basis points that the token keeps back of each transfer, so that they can be paid out."""


class SolanaDriver:
    """A wallet that pays in coins, each time by a nonce of its own; and a token whose fees are paid out to us."""

    def __init__(self, server: Server) -> None:
        self._server, self._ledger = server, server.ledger
        self._hands = hands(self._ledger)
        self._nonces = itertools.cycle(self._hands.nonces(NONCES))
        self._sent: dict[str, tuple[VersionedTransaction, Pubkey]] = {}
        self.ours = str(wallet(self._hands))
        self.watch = Watch(active=frozenset({self.ours}))
        self._friend = Keypair().pubkey()
        self._mint = self._hands.mint(program=TOKEN_2022, fee_bps=HALF)
        self._hands.stock(self._mint, 10**9, TOKEN_2022)
        opened = [self._hands.opened(owner, self._mint, TOKEN_2022) for owner in (self._to, self._friend)]
        self._hands.done(*opened, *self._kept_back(1))
        self.chain = solana_chain(self._mint)
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
        """Pay out all fees that were kept back: 1, and in the next block those of another transfer there."""
        self._hands.send(*self._kept_back(amount - 1))
        paid_out = WithdrawWithheldTokensFromMintParams(
            program_id=TOKEN_2022,
            mint=self._mint,
            dest=self._hands.account(self._to, self._mint, TOKEN_2022),
            authority=self._hands.payer.pubkey(),
        )
        return self._send(spl.withdraw_withheld_tokens_from_mint(paid_out))

    def reorg(self, depth: int) -> None:
        self._ledger.fork(depth)
        self._ledger.mine(depth)

    def send_again(self, txid: str) -> None:
        self._ledger.send(self._sent[txid][0])

    def replace(self, txid: str) -> None:
        self._ledger.send(self._hands.sign(self._hands.give(Keypair().pubkey(), 10**9), nonce=self._sent[txid][1]))

    def lag(self, blocks: int) -> None:
        self._server.node().lag = blocks

    @property
    def _to(self) -> Pubkey:
        return Pubkey.from_string(self.ours)

    def _kept_back(self, fee: int) -> list[Instruction]:
        """Return calls that leave a fee with the mint."""
        there = self._hands.account(self._friend, self._mint, TOKEN_2022)
        gathered = HarvestWithheldTokensToMintParams(program_id=TOKEN_2022, mint=self._mint, sources=[there])
        return [
            self._hands.pass_on(self._mint, there, 2 * fee, TOKEN_2022),
            spl.harvest_withheld_tokens_to_mint(gathered),
        ]

    def _send(self, *calls: Instruction) -> str:
        nonce = next(self._nonces)
        transaction = self._hands.sign(*calls, nonce=nonce)
        txid = self._ledger.send(transaction)
        self._sent[txid] = transaction, nonce
        return txid


@asynccontextmanager
async def start() -> AsyncIterator[SolanaDriver]:
    """Run a chain and one node before it."""
    async with solana_node() as server:
        yield SolanaDriver(server)
