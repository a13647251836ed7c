"""A chain made by hand for tests, here and downstream: `FakeChain().mine(3).fork_at(1)`. Never used in production.

It is a ChainSource that passes the same contract suite as the real ones, and a builder of the chain it reads. What the
builder's methods do, nodes do too: transactions of replaced blocks wait in the pool until they are mined or dropped.
"""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

from chains.blocks import Contradiction, DeepReorg, Link, Memory, Verdict, final_height, fork_point, judge
from chains.errors import ChainError, DeepReorgError, TransientError
from chains.port import Block, Checkpoint, Payment, PaymentKey, Pending, Sweep, Watch
from chains.position import Position, ReadBlock, follow, looked_for, moment, read, settle, sweep_of, write

CHAIN = "eip155:31337"
COIN = f"{CHAIN}/slip44:60"
SENDER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
STARTED = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mined:
    """A block of the made chain: all payments in it, whoever they are for."""

    link: Link
    payments: tuple[Payment, ...]


class FakeChain:
    """A chain of blocks whose history the test writes. Payments to addresses outside the watch are not reported."""

    def __init__(
        self,
        chain: str = CHAIN,
        *,
        asset: str = COIN,
        finality: int = 8,
        block_seconds: int = 1,
        started: datetime = STARTED,
        blocks_per_poll: int = 100,
        shows_pool: bool = False,
    ) -> None:
        self._chain = chain
        self._shows_pool = shows_pool
        self._asset = asset
        self._finality = finality
        self._block_seconds = block_seconds
        self.blocks_per_poll = blocks_per_poll
        self._serial = itertools.count()
        self._pool: list[Payment] = []
        self._lag = 0
        self._failure: ChainError | None = None
        genesis = Link(height=0, hash=self._digest("genesis"), parent="", time=int(started.timestamp()))
        self._blocks = [_Mined(link=genesis, payments=())]
        self.last_txid = ""

    # --- the builder ---------------------------------------------------------------------------------------

    @property
    def height(self) -> int:
        """The newest block's height."""
        return self._blocks[-1].link.height

    @property
    def links(self) -> tuple[Link, ...]:
        """The true chain."""
        return tuple(mined.link for mined in self._blocks)

    @property
    def payments(self) -> tuple[Payment, ...]:
        """All payments on the true chain, in order."""
        return tuple(payment for mined in self._blocks for payment in mined.payments)

    def mine(self, blocks: int = 1, *, empty: bool = False) -> Self:
        """Mine blocks; the first takes everything that waits in the pool, unless they are to be `empty`."""
        for _ in range(blocks):
            below = self._blocks[-1].link
            link = Link(
                height=below.height + 1,
                hash=self._digest(below.hash),
                parent=below.hash,
                time=below.time + self._block_seconds,
            )
            block = Block(height=link.height, hash=link.hash, time=moment(link.time))
            mined = () if empty else tuple(replace(payment, block=block) for payment in self._pool)
            self._blocks.append(_Mined(link=link, payments=mined))
            if not empty:
                self._pool.clear()
        return self

    def pay(
        self,
        destination: str,
        amount: int,
        *,
        memo: str | None = None,
        asset: str | None = None,
        sender: str | None = SENDER,
        times: int = 1,
        internal: bool = False,
        txid: str | None = None,
    ) -> Self:
        """Put a transaction into the pool that pays `amount`, `times` over; `last_txid` names it."""
        self.last_txid = txid or self._digest("transaction")
        self._pool.extend(
            Payment(
                key=PaymentKey(chain=self._chain, txid=self.last_txid, index=str(ordinal)),
                asset=asset or self._asset,
                amount=amount,
                destination=destination,
                sender=sender,
                memos=() if memo is None else (memo,),
                block=None,
                internal=internal,
            )
            for ordinal in range(times)
        )
        return self

    def fork_at(self, height: int) -> Self:
        """Forget the blocks above a height; their transactions wait in the pool again. What is mined next differs."""
        dropped, self._blocks = self._blocks[height + 1 :], self._blocks[: height + 1]
        orphaned = [replace(payment, block=None) for mined in dropped for payment in mined.payments]
        self._pool[:0] = orphaned
        return self

    def drop(self, txid: str | None = None) -> Self:
        """Forget a transaction in the pool, or all of them."""
        self._pool = [payment for payment in self._pool if txid is not None and payment.key.txid != txid]
        return self

    def reorg(self, depth: int, *, keep: bool = False) -> Self:
        """Replace the newest blocks by as many others, with their transactions or (as anvil does) without."""
        self.fork_at(self.height - depth)
        return (self if keep else self.drop()).mine(depth)

    def lag(self, blocks: int) -> Self:
        """Answer from now on like an endpoint that has not seen the newest blocks; 0: it has caught up."""
        self._lag = blocks
        return self

    def fail(self, failure: ChainError | None) -> Self:
        """Answer every poll with this error from now on; None: answer again."""
        self._failure = failure
        return self

    # --- the source ----------------------------------------------------------------------------------------

    @property
    def chain(self) -> str:
        """CAIP-2 id."""
        return self._chain

    async def start(self, height: int | None = None) -> Checkpoint:
        """Begin with block `height`, or with what is final now."""
        present = self.height - self._finality + 1
        final = max(0, min(present, present if height is None else height - 1))
        return write(Position(memory=Memory(final=self._blocks[final].link)))

    async def poll(self, checkpoint: Checkpoint, watch: Watch) -> Sweep:
        """Read on from the checkpoint."""
        if self._failure is not None:
            raise self._failure
        visible = self._blocks[: len(self._blocks) - self._lag]
        tip = visible[-1].link
        position = read(checkpoint, self._chain)
        watch = looked_for(position, watch)
        displaced: tuple[Payment, ...] = ()
        verdict = judge(position.memory, tip)
        if verdict is Verdict.WORSE:
            raise TransientError(f"the endpoint is at {tip.height}, we were at {position.memory.tip.height}")
        if verdict is Verdict.BETTER:
            position, displaced = self._follow(position, visible, watch)
        final, position = self._settle(position, watch)
        reachable = min(tip.height, tip.height - self._finality + 1)
        behind = position.memory.tip.height < tip.height or position.memory.final.height < reachable
        sweep = sweep_of(position, final=final, displaced=displaced, behind=behind)
        return self._with_pool(sweep, watch) if self._shows_pool else sweep

    def _with_pool(self, sweep: Sweep, watch: Watch) -> Sweep:
        """Tell of what waits to be mined as Bitcoin's source does."""
        waiting = tuple(
            Pending(payment=payment, confirmations=0) for payment in self._pool if payment.destination in watch
        )
        keys = {entry.payment.key for entry in waiting}
        return replace(
            sweep,
            pending=(*sweep.pending, *waiting),
            gone=tuple(key for key in sweep.gone if key not in keys),
        )

    async def aclose(self) -> None:
        """Nothing is held."""

    def _follow(
        self, position: Position, visible: Sequence[_Mined], watch: Watch
    ) -> tuple[Position, tuple[Payment, ...]]:
        memory = position.memory
        fork = fork_point(memory, {mined.link.height: mined.link.hash for mined in visible})
        if isinstance(fork, DeepReorg):
            raise DeepReorgError(f"block {fork.ours.height} was {fork.ours.hash} and is {fork.theirs}")
        top = max(fork.height + self.blocks_per_poll, memory.tip.height)
        followed = follow(position, fork, _read(visible[fork.height + 1 : top + 1], watch))
        if isinstance(followed, Contradiction):
            raise TransientError(followed.reason)
        return followed.position, followed.displaced

    def _settle(self, position: Position, watch: Watch) -> tuple[tuple[Payment, ...], Position]:
        below = position.memory.final.height
        height = final_height(position.memory, tagged=None, depth=self._finality)
        height = min(height, below + self.blocks_per_poll)
        if height == below:
            return (), position
        settled = settle(position, _read(self._blocks[below + 1 : height + 1], watch))
        if isinstance(settled, Contradiction):
            raise TransientError(settled.reason)
        return settled.final, settled.position

    def _digest(self, text: str) -> str:
        return "0x" + hashlib.sha256(f"{text}|{next(self._serial)}".encode()).hexdigest()


def _read(mined: Sequence[_Mined], watch: Watch) -> list[ReadBlock]:
    return [
        ReadBlock(
            link=block.link,
            payments=tuple(payment for payment in block.payments if payment.destination in watch),
        )
        for block in mined
    ]
