"""An EVM chain as a ChainSource: which blocks to read, and whom to believe about them. Reading itself is `reader`'s.

A poll is served by one endpoint from start to end; where it contradicts itself, the checkpoint or a second endpoint, it
is begun again with the next one. Nothing is kept between polls but the endpoints' health.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from chains.blocks import DeepReorg, Link, Memory, Verdict, final_height, fork_point, judge
from chains.errors import DeepReorgError
from chains.evm import audit, balances
from chains.evm.balances import Balances, EvmBlock
from chains.evm.finality import Audited, Raised, Rising
from chains.evm.opinions import Opinions
from chains.evm.ours import Ours
from chains.evm.reader import Reader
from chains.evm.transport import EvmTransport, identify
from chains.evm.view import View, fitting, look, there
from chains.opening import endpoints_of
from chains.port import Checkpoint, Payment, Sweep, Watch
from chains.position import Position, follow, looked_for, read, sweep_of, write
from chains.rpc import Endpoint, Endpoints, Observer, ignore
from config.deployment import agreement_thresholds
from config.registry import Chain
from config.settings import ChainSettings

BLOCKS_PER_POLL = 100
"""So many blocks are read, and so many become final, in one poll at most: its transaction stays small."""
STANDSTILL = 5
"""Polls without a new block after which the other endpoints are asked how high they stand."""


class EvmSource:
    """One EVM chain through its endpoints."""

    def __init__(
        self,
        chain: Chain,
        endpoints: Endpoints,
        *,
        agree_above: Mapping[str, int] | None = None,
        blocks_per_poll: int = BLOCKS_PER_POLL,
    ) -> None:
        self._chain = chain
        self._endpoints = endpoints
        self._limits = agree_above or {}  # smallest unit by asset id
        self._opinions = Opinions(endpoints=endpoints, limits=self._limits, reader=self._reader)
        self._blocks_per_poll = blocks_per_poll
        self._standing_still = 0
        self._unread = False
        self._log = structlog.get_logger(__name__).bind(chain=chain.id)

    @property
    def chain(self) -> str:
        """CAIP-2 id."""
        return self._chain.id

    async def start(self, height: int | None = None) -> Checkpoint:
        """Return the checkpoint that reads on with block `height`, or with what is not final yet."""

        async def work(endpoint: Endpoint) -> Checkpoint:
            reader = self._reader(endpoint)
            present = (await look(reader, self._chain.finality)).final
            [final] = await reader.headers(max(0, present if height is None else min(height - 1, present)))
            return write(Position(memory=Memory(final=there(final))))

        return await self._endpoints.ask(work)

    async def poll(self, checkpoint: Checkpoint, watch: Watch) -> Sweep:
        """Read on from the checkpoint, at most BLOCKS_PER_POLL blocks."""
        position, held = read(checkpoint, self._chain.id), balances.read(checkpoint, self._chain.id)
        ours = Ours.of(looked_for(position, watch), self._chain, {payment.asset for payment in position.payments})
        sweep, audited = await self._endpoints.ask(lambda endpoint: self._poll(endpoint, position, held, ours))
        self._tell(audited, sweep.final_height)
        await self._watch_for_standstill(stands=sweep.tip.hash == position.memory.tip.hash)
        return sweep

    async def aclose(self) -> None:
        """Close every connection."""
        await self._endpoints.aclose()

    # --- one poll, served by one endpoint --------------------------------------------------------------------

    async def _poll(
        self, endpoint: Endpoint, position: Position, held: Balances, ours: Ours
    ) -> tuple[Sweep, Audited | None]:
        reader = self._reader(endpoint, ours)
        view = await look(reader, self._chain.finality, position.memory.tip.height)
        endpoint.check_tip(view.tip.height, position.memory.tip.height)
        fresh: list[EvmBlock] = []
        displaced: tuple[Payment, ...] = ()
        if judge(position.memory, view.tip) is Verdict.BETTER:
            fork = await self._fork(reader, position.memory, view)
            fresh = await self._branch(reader, position.memory, fork, view)
            followed = fitting(follow(position, fork, fresh))
            if followed.displaced:
                await self._opinions.confirm_displaced(endpoint, position.memory.tip, followed.displaced, fresh)
            position, displaced = followed.position, followed.displaced
        reachable = final_height(position.memory, tagged=view.tagged, depth=self._chain.finality.blocks)
        target = min(reachable, position.memory.final.height + self._blocks_per_poll)
        behind = position.memory.tip.height < view.tip.height
        raised: Raised | None = None
        if target > position.memory.final.height:
            raised = await self._rising(reader, position, held).to(target, fresh)
        if raised is not None:
            position, held = raised.position, raised.audited.balances
            displaced += raised.replaced  # two endpoints agree that they were never so
            behind = behind or target < reachable
        position = await self._opinions.with_agreement(reader, position, fresh)
        final = await audit.noted(endpoint, raised.final, raised.audited.late) if raised is not None else ()
        sweep = sweep_of(position, final=final, displaced=displaced, behind=behind, limits=self._limits)
        remembered = replace(sweep, checkpoint={**sweep.checkpoint, balances.KEY: balances.write(held)})
        return remembered, raised.audited if raised is not None else None

    async def _fork(self, reader: Reader, memory: Memory, view: View) -> Link:
        """Return the newest block that stands on our chain and on the endpoint's."""
        if view.at_our_tip is not None and view.at_our_tip.hash == memory.tip.hash:
            return memory.tip
        theirs = await reader.headers(*(link.height for link in memory.links))
        fork = fork_point(memory, {link.height: link.hash for link in map(there, theirs)})
        if isinstance(fork, DeepReorg):
            await self._opinions.confirm_deep(reader.endpoint, fork)
            raise DeepReorgError(f"{self._chain.id}: block {fork.ours.height} was {fork.ours.hash}, is {fork.theirs}")
        return fork

    async def _branch(self, reader: Reader, memory: Memory, fork: Link, view: View) -> list[EvmBlock]:
        """Read what stands on the fork: a bounded part, but at least as high as we were."""
        last = min(view.tip.height, max(fork.height + self._blocks_per_poll, memory.tip.height))
        already_final = view.final > fork.height
        addresses = reader.ours.everyone if already_final else reader.ours.active
        return await reader.read(fork.height + 1, last, addresses)

    # --- helpers ---------------------------------------------------------------------------------------------

    def _reader(self, endpoint: Endpoint, ours: Ours | None = None) -> Reader:
        async def elsewhere(work: Callable[[Endpoint], Awaitable[Any]]) -> Any | None:
            return await self._endpoints.ask_another([endpoint], work)

        return Reader(
            endpoint=endpoint,
            ours=ours or Ours.of(Watch(active=frozenset()), self._chain),
            recompute=self._chain.checked_headers,
            elsewhere=elsewhere,
        )

    def _rising(self, reader: Reader, position: Position, held: Balances) -> Rising:
        return Rising(
            reader=reader,
            opinions=self._opinions,
            finality=self._chain.finality,
            position=position,
            balances=held,
        )

    def _tell(self, audited: Audited | None, height: int) -> None:
        """Say what the operator has to know about balances that could not be read in time."""
        if audited is None:
            return
        if audited.unread and not self._unread:
            self._log.warning("balances cannot be read: value from contract calls waits", height=height)
        self._unread = audited.unread
        for address in audited.denied:
            self._log.error("a balance contradicts its proof: value from contract calls waits", address=address)
        for payment in audited.late:
            self._log.warning(
                "credited at the first block whose balances can be read",
                payment=payment.key.payment_id,
                height=payment.block.height if payment.block else None,
            )

    async def _watch_for_standstill(self, *, stands: bool) -> None:
        """Find out whether the chain stands still or only the endpoint that was asked."""
        self._standing_still = self._standing_still + 1 if stands else 0
        if self._standing_still == STANDSTILL and self._endpoints.several:
            self._standing_still = 0
            await self._endpoints.survey(self._tip_of)

    async def _tip_of(self, endpoint: Endpoint) -> int:
        return (await look(self._reader(endpoint), self._chain.finality)).tip.height


def open_evm(chain: Chain, settings: ChainSettings, *, observer: Observer = ignore) -> EvmSource:
    """Return the source of a chain as the operator configured it. Nothing is connected yet."""
    endpoints = endpoints_of(chain, settings, transport=EvmTransport, identify=identify, observer=observer)
    return EvmSource(chain, endpoints, agree_above=agreement_thresholds(chain, settings))
