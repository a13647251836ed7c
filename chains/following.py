"""A chain of blocks behind several endpoints as a ChainSource: which blocks to read, and whom to believe about them.

What a block is, and how it is read and checked, is its family's `Reader`. A poll is served by one endpoint from start
to end; where it contradicts itself, the checkpoint or a second endpoint, it is begun again with the next one. Nothing
is kept between polls but the endpoints' health.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from chains.blocks import DeepReorg, Link, Memory, Verdict, final_height, fork_point, judge
from chains.errors import DeepReorgError
from chains.failover import Endpoints
from chains.finality import Audit, Completed, Nothing, Raised, Rising
from chains.opinions import Opinions
from chains.port import Checkpoint, Payment, Sweep, Watch
from chains.position import Position, ReadBlock, follow, looked_for, read, sweep_of, write
from chains.reader import NOBODY, Reader, Reading, Scope, View, all_there, fitting
from chains.rpc import Endpoint
from config.registry import Chain

B = TypeVar("B", bound=ReadBlock)
C = TypeVar("C", bound=Completed)

BLOCKS_PER_POLL = 100
"""So many blocks are read, and so many become final, in one poll at most: its transaction stays small."""
STANDSTILL = 5
"""Polls without a new block after which the other endpoints are asked how high they stand."""


class FollowingSource(Generic[B]):
    """One chain through its endpoints."""

    def __init__(
        self,
        chain: Chain,
        endpoints: Endpoints,
        reading: Reading[B],
        *,
        agree_above: Mapping[str, int] | None = None,
        blocks_per_poll: int = BLOCKS_PER_POLL,
    ) -> None:
        self._chain = chain
        self._endpoints = endpoints
        self._reading = reading
        self._limits = agree_above or {}  # smallest unit by asset id
        self._opinions = Opinions(endpoints=endpoints, limits=self._limits, reading=reading)
        self._blocks_per_poll = blocks_per_poll
        self._standing_still = 0

    @property
    def chain(self) -> str:
        """CAIP-2 id."""
        return self._chain.id

    async def start(self, height: int | None = None) -> Checkpoint:
        """Return the checkpoint that reads on with block `height`, or with what is not final yet."""

        async def work(endpoint: Endpoint) -> Checkpoint:
            reader = self._reading(endpoint, NOBODY)
            view = await reader.look(None)
            present = max(0, view.final_height(self._chain.finality.blocks))
            final = await reader.link(present if height is None else max(0, min(height - 1, present)))
            return write(Position(memory=Memory(final=final)))

        return await self._endpoints.ask(work)

    async def poll(self, checkpoint: Checkpoint, watch: Watch) -> Sweep:
        """Read on from the checkpoint, at most BLOCKS_PER_POLL blocks."""
        sweep, _ = await self.poll_and_audit(checkpoint, watch, Nothing())
        return sweep

    async def poll_and_audit(self, checkpoint: Checkpoint, watch: Watch, audit: Audit[B, C]) -> tuple[Sweep, C | None]:
        """Poll, and complete what becomes final by an audit; return what came of that, None where nothing rose."""
        position = read(checkpoint, self._chain.id)
        scope = Scope(
            watch=looked_for(position, watch), under_way=frozenset(payment.asset for payment in position.payments)
        )
        sweep, completed = await self._endpoints.ask(lambda endpoint: self._poll(endpoint, position, scope, audit))
        await self._watch_for_standstill(stands=sweep.tip.hash == position.memory.tip.hash)
        return sweep, completed

    async def aclose(self) -> None:
        """Close every connection."""
        await self._endpoints.aclose()

    # --- one poll, served by one endpoint --------------------------------------------------------------------

    async def _poll(
        self, endpoint: Endpoint, position: Position, scope: Scope, audit: Audit[B, C]
    ) -> tuple[Sweep, C | None]:
        reader = self._reading(endpoint, scope)
        view = await reader.look(position.memory.tip.height)
        endpoint.check_tip(view.tip.height, position.memory.tip.height)
        fresh: Sequence[B] = ()
        displaced: tuple[Payment, ...] = ()
        if judge(position.memory, view.tip) is Verdict.BETTER:
            fork = await self._fork(reader, position.memory, view)
            fresh = await self._branch(endpoint, scope, position.memory, fork, view)
            followed = fitting(follow(position, fork, fresh))
            if followed.displaced:
                await self._opinions.confirm_displaced(endpoint, position.memory.tip, followed.displaced, fresh)
            position, displaced = followed.position, followed.displaced
        reachable = final_height(position.memory, tagged=view.final, depth=self._chain.finality.blocks)
        target = min(reachable, position.memory.final.height + self._blocks_per_poll)
        behind = position.memory.tip.height < view.tip.height
        raised: Raised[C] | None = None
        if target > position.memory.final.height:
            raised = await self._rising(reader, scope, position, audit).to(target, fresh)
        if raised is not None:
            position = raised.position
            displaced += raised.replaced  # two endpoints agree that they were never so
            behind = behind or target < reachable
        position = await self._opinions.with_agreement(reader, scope, position, fresh)
        completed = raised.completed if raised is not None else None
        final = completed.final if completed is not None else ()
        sweep = sweep_of(position, final=final, displaced=displaced, behind=behind, limits=self._limits)
        return sweep, completed

    async def _fork(self, reader: Reader[B], memory: Memory, view: View) -> Link:
        """Return the newest block that stands on our chain and on the endpoint's."""
        if view.at_our_tip == memory.tip.hash:
            return memory.tip
        heights = [link.height for link in memory.links]
        theirs = await all_there(reader, heights)
        fork = fork_point(memory, dict(zip(heights, theirs, strict=True)))
        if isinstance(fork, DeepReorg):
            await self._opinions.confirm_deep(reader.endpoint, fork)
            raise DeepReorgError(f"{self._chain.id}: block {fork.ours.height} was {fork.ours.hash}, is {fork.theirs}")
        return fork

    async def _branch(self, endpoint: Endpoint, scope: Scope, memory: Memory, fork: Link, view: View) -> Sequence[B]:
        """Read what stands on the fork: a bounded part, but at least as high as we were."""
        last = min(view.tip.height, max(fork.height + self._blocks_per_poll, memory.tip.height))
        unfinal = view.final_height(self._chain.finality.blocks) <= fork.height
        return await self._reading(endpoint, replace(scope, read_again=unfinal)).read(fork.height + 1, last)

    def _rising(self, reader: Reader[B], scope: Scope, position: Position, audit: Audit[B, C]) -> Rising[B, C]:
        return Rising(
            reader=reader,
            scope=scope,
            position=position,
            opinions=self._opinions,
            audit=audit,
            depth=self._chain.finality.blocks,
        )

    # --- an endpoint that stands still -----------------------------------------------------------------------

    async def _watch_for_standstill(self, *, stands: bool) -> None:
        """Find out whether the chain stands still or only the endpoint that was asked."""
        self._standing_still = self._standing_still + 1 if stands else 0
        if self._standing_still == STANDSTILL and self._endpoints.several:
            self._standing_still = 0
            await self._endpoints.survey(self._tip_of)

    async def _tip_of(self, endpoint: Endpoint) -> int:
        return (await self._reading(endpoint, NOBODY).look(None)).tip.height
