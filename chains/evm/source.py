"""An EVM chain as a ChainSource: which blocks to read, and whom to believe about them. Reading itself is `reader`'s.

A poll is served by one endpoint from start to end; where it contradicts itself, the checkpoint or a second endpoint, it
is begun again with the next one. Nothing is kept between polls but the endpoints' health.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from aiolimiter import AsyncLimiter

from chains.blocks import Contradiction, DeepReorg, Link, Memory, Verdict, final_height, fork_point, judge
from chains.errors import DeepReorgError
from chains.evm.ours import Ours
from chains.evm.reader import Reader
from chains.evm.transport import EvmTransport, identify
from chains.port import Block, Checkpoint, Payment, Sweep, Watch
from chains.position import (
    Position,
    ReadBlock,
    Settled,
    follow,
    large,
    looked_for,
    read,
    settle,
    sweep_of,
    write,
)
from chains.reading import together
from chains.rpc import Endpoint, EndpointError, Endpoints, Observer, Trouble, ignore
from config.deployment import agreement_thresholds
from config.registry import Chain
from config.settings import ChainSettings

T = TypeVar("T")

BLOCKS_PER_POLL = 100
"""So many blocks are read, and so many become final, in one poll at most: its transaction stays small."""
STANDSTILL = 5
"""Polls without a new block after which the other endpoints are asked how high they stand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _View:
    """What an endpoint shows of its chain."""

    tip: Link
    tagged: int | None  # the height it calls final
    at_our_tip: Link | None  # its block where our newest one stands


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
        self._agree_above = agree_above or {}  # smallest unit by asset id
        self._blocks_per_poll = blocks_per_poll
        self._standing_still = 0

    @property
    def chain(self) -> str:
        """CAIP-2 id."""
        return self._chain.id

    async def start(self, height: int | None = None) -> Checkpoint:
        """Return the checkpoint that reads on with block `height`, or with what is not final yet."""

        async def work(endpoint: Endpoint) -> Checkpoint:
            reader = self._reader(endpoint, Ours.of(Watch(active=frozenset()), self._chain))
            view = await self._look(reader, None)
            present = self._finality(view.tip.height, view.tagged)
            [final] = await reader.headers(max(0, present if height is None else min(height - 1, present)))
            return write(Position(memory=Memory(final=_there(final))))

        return await self._endpoints.ask(work)

    async def poll(self, checkpoint: Checkpoint, watch: Watch) -> Sweep:
        """Read on from the checkpoint, at most BLOCKS_PER_POLL blocks."""
        position = read(checkpoint, self._chain.id)
        ours = Ours.of(looked_for(position, watch), self._chain, {payment.asset for payment in position.payments})
        sweep = await self._endpoints.ask(lambda endpoint: self._poll(endpoint, position, ours))
        await self._watch_for_standstill(stands=sweep.tip.hash == position.memory.tip.hash)
        return sweep

    async def aclose(self) -> None:
        """Close every connection."""
        await self._endpoints.aclose()

    # --- one poll, served by one endpoint --------------------------------------------------------------------

    async def _poll(self, endpoint: Endpoint, position: Position, ours: Ours) -> Sweep:
        reader = self._reader(endpoint, ours)
        view = await self._look(reader, position.memory.tip.height)
        endpoint.check_tip(view.tip.height, position.memory.tip.height)
        fresh: list[ReadBlock] = []
        displaced: tuple[Payment, ...] = ()
        if judge(position.memory, view.tip) is Verdict.BETTER:
            fork = await self._fork(reader, position.memory, view)
            fresh = await self._branch(reader, position.memory, fork, view)
            followed = _fitting(follow(position, fork, fresh))
            if followed.displaced:
                await self._confirm_displaced(endpoint, position.memory.tip, followed.displaced, fresh)
            position, displaced = followed.position, followed.displaced
        reachable = final_height(position.memory, tagged=view.tagged, depth=self._chain.finality.blocks)
        target = min(reachable, position.memory.final.height + self._blocks_per_poll)
        final: tuple[Payment, ...] = ()
        behind = position.memory.tip.height < view.tip.height
        if target > position.memory.final.height and (settled := await self._settle(reader, position, target, fresh)):
            position, final = settled.position, settled.final
            displaced += settled.replaced  # two endpoints agree that they were never so
            behind = behind or target < reachable
        position = await self._with_agreement(reader, position, fresh)
        return sweep_of(position, final=final, displaced=displaced, behind=behind, limits=self._agree_above)

    async def _look(self, reader: Reader, our_height: int | None) -> _View:
        tag = self._chain.finality.tag
        named: list[int | str] = ["latest"]
        named += [tag] if tag is not None else []
        named += [our_height] if our_height is not None else []
        headers = await reader.headers(*named)
        tagged = headers[1] if tag is not None else None
        return _View(
            tip=_there(headers[0]),
            tagged=tagged.height if tagged is not None else None,
            at_our_tip=headers[-1] if our_height is not None else None,
        )

    async def _fork(self, reader: Reader, memory: Memory, view: _View) -> Link:
        """Return the newest block that stands on our chain and on the endpoint's."""
        if view.at_our_tip is not None and view.at_our_tip.hash == memory.tip.hash:
            return memory.tip
        theirs = await reader.headers(*(link.height for link in memory.links))
        fork = fork_point(memory, {link.height: link.hash for link in map(_there, theirs)})
        if isinstance(fork, DeepReorg):
            await self._confirm_deep(reader.endpoint, fork)
            raise DeepReorgError(f"{self._chain.id}: block {fork.ours.height} was {fork.ours.hash}, is {fork.theirs}")
        return fork

    async def _branch(self, reader: Reader, memory: Memory, fork: Link, view: _View) -> list[ReadBlock]:
        """Read what stands on the fork: a bounded part, but at least as high as we were."""
        last = min(view.tip.height, max(fork.height + self._blocks_per_poll, memory.tip.height))
        already_final = self._finality(view.tip.height, view.tagged) > fork.height
        addresses = reader.ours.everyone if already_final else reader.ours.active
        return await reader.read(fork.height + 1, last, addresses)

    async def _settle(
        self, reader: Reader, position: Position, target: int, fresh: Sequence[ReadBlock]
    ) -> Settled | None:
        """Move finality up over a range that was read twice, by two endpoints where two answer. None: not yet."""
        first = position.memory.final.height + 1
        again = await self._agreed_elsewhere(reader, position, first, target)
        if again is not None:
            return _fitting(settle(position, again)) if again else None
        if not self._believable(position.payments, target):
            return None  # too much money for one endpoint's word: final when a second one is back
        settled = _fitting(settle(position, await self._read_twice(reader, first, target, fresh)))
        if not self._believable(settled.final, target):
            return None
        if settled.denied:
            raise EndpointError(Trouble.INCONSISTENT, f"does not tell of {settled.denied[0].key.txid} as before")
        return settled

    async def _agreed_elsewhere(
        self, reader: Reader, position: Position, first: int, target: int
    ) -> list[ReadBlock] | None:
        """Return the range as a second endpoint tells it, if the first one agrees about all money in it.

        It ends where the second one's finality ends. None: no second endpoint answers. Raises EndpointError where they
        answer and none agrees.
        """

        async def work(endpoint: Endpoint) -> tuple[Endpoint, list[ReadBlock]]:
            second = self._reader(endpoint, reader.ours)
            view = await self._look(second, None)
            endpoint.check_tip(view.tip.height, target)
            last = min(target, self._finality(view.tip.height, view.tagged))
            return endpoint, await second.read(first, last, reader.ours.everyone)

        asked = [reader.endpoint]
        while (told := await self._endpoints.ask_another(asked, work)) is not None:
            endpoint, again = told
            if not again or await self._agrees(reader, position, again):
                return again
            asked.append(endpoint)
        if len(asked) > 1:
            raise EndpointError(Trouble.INCONSISTENT, f"no second reading of blocks {first} to {target} agrees")
        return None

    async def _agrees(self, reader: Reader, position: Position, again: Sequence[ReadBlock]) -> bool:
        """Whether the endpoint, asked anew, tells the same of each block in which either reading saw money."""
        if isinstance(settle(position, again), Contradiction):
            return False
        held, _ = position.split(again[-1].link.height)
        heights = {payment.block.height for payment in held if payment.block is not None}
        told = {block.link.height: block for block in again if block.payments or block.link.height in heights}
        own = await together(reader.read(height, height, reader.ours.everyone) for height in sorted(told))
        return all(block == told[block.link.height] for [block] in own)

    async def _read_twice(self, reader: Reader, first: int, target: int, fresh: Sequence[ReadBlock]) -> list[ReadBlock]:
        """Return the range from the only endpoint: again what was held before, and fresh blocks if they still stand."""
        recent = [block for block in fresh if first <= block.link.height <= target]
        below = recent[0].link.height - 1 if recent else target
        held = await reader.read(first, below, reader.ours.everyone)
        if recent:
            [standing] = await reader.headers(target)
            if _there(standing).hash != recent[-1].link.hash:  # its parents stand with it
                raise EndpointError(Trouble.INCONSISTENT, f"block {target} changed while it was read")
        return [*held, *recent]

    # --- second opinions -------------------------------------------------------------------------------------

    async def _confirm_displaced(
        self, first: Endpoint, our_tip: Link, displaced: Sequence[Payment], branch: Sequence[ReadBlock]
    ) -> None:
        """Have another endpoint say that other blocks stand where these payments were, in a chain as high as ours."""
        heights = sorted({payment.block.height for payment in displaced if payment.block is not None})
        hashes = {block.link.height: block.link.hash for block in branch}

        async def work(reader: Reader) -> bool:
            tip, *theirs = await reader.headers("latest", *heights)
            reader.endpoint.check_tip(_there(tip).height, our_tip.height)
            return [_there(link).hash for link in theirs] == [hashes[height] for height in heights]

        await self._confirm(first, work, f"that block {heights[0]} was replaced")

    async def _confirm_deep(self, first: Endpoint, fork: DeepReorg) -> None:
        """Have another endpoint say that a final block of ours does not stand any more."""

        async def work(reader: Reader) -> bool:
            [link] = await reader.headers(fork.ours.height)
            return _there(link).hash != fork.ours.hash

        await self._confirm(first, work, f"that final block {fork.ours.height} was replaced")

    async def _confirm(self, first: Endpoint, work: Callable[[Reader], Awaitable[bool]], what: str) -> None:
        """Raise EndpointError unless a second endpoint agrees, where more than one is configured."""
        if not self._endpoints.several:
            return

        async def agrees(endpoint: Endpoint) -> bool:
            reader = self._reader(endpoint, Ours.of(Watch(active=frozenset()), self._chain))
            if not await work(reader):
                raise EndpointError(Trouble.INCONSISTENT, f"does not say {what}")
            return True

        if await self._endpoints.ask_another([first], agrees, urgent=True) is None:
            raise EndpointError(Trouble.INCONSISTENT, f"no second endpoint confirms {what}")

    async def _with_agreement(self, reader: Reader, position: Position, fresh: Sequence[ReadBlock]) -> Position:
        """Note of which blocks with much money in them a second endpoint tells the same as the one that is asked."""
        above = large(position.payments, self._agree_above)
        unsure = {block: held for block, held in above.items() if block.hash not in position.agreed}
        read_now = {block.link.hash for block in fresh}
        unsure = {
            block: held
            for block, held in unsure.items()
            if block.hash in read_now or await self._tells(reader, block, held)
        }
        asked, agreed = [reader.endpoint], position.agreed

        async def work(endpoint: Endpoint) -> tuple[Endpoint, set[str]]:
            second = self._reader(endpoint, reader.ours)
            return endpoint, {block.hash for block, held in unsure.items() if await self._tells(second, block, held)}

        while unsure and (told := await self._endpoints.ask_another(asked, work)) is not None:
            asked.append(told[0])
            agreed |= told[1]
            unsure = {block: held for block, held in unsure.items() if block.hash not in agreed}
        return replace(position, agreed=agreed)

    async def _tells(self, reader: Reader, block: Block, held: Sequence[Payment]) -> bool:
        """Whether an endpoint has the block with these payments in it. That it lags behind is no fault here."""
        [link] = await reader.headers(block.height)
        if link is None or link.hash != block.hash:
            return False
        [read_again] = await reader.read(block.height, block.height, reader.ours.everyone)
        return set(held) <= set(read_again.payments)

    def _believable(self, payments: Iterable[Payment], up_to: int) -> bool:
        """Whether one endpoint's word is enough for every block up to this height."""
        return all(block.height > up_to for block in large(payments, self._agree_above))

    # --- helpers ---------------------------------------------------------------------------------------------

    def _reader(self, endpoint: Endpoint, ours: Ours) -> Reader:
        async def elsewhere(work: Callable[[Endpoint], Awaitable[Any]]) -> Any | None:
            return await self._endpoints.ask_another([endpoint], work)

        return Reader(endpoint=endpoint, ours=ours, recompute=self._chain.checked_headers, elsewhere=elsewhere)

    def _finality(self, tip: int, tagged: int | None) -> int:
        return tagged if tagged is not None else tip - self._chain.finality.blocks + 1

    async def _watch_for_standstill(self, *, stands: bool) -> None:
        """Find out whether the chain stands still or only the endpoint that was asked."""
        self._standing_still = self._standing_still + 1 if stands else 0
        if self._standing_still == STANDSTILL and self._endpoints.several:
            self._standing_still = 0
            await self._endpoints.survey(self._tip_of)

    async def _tip_of(self, endpoint: Endpoint) -> int:
        reader = self._reader(endpoint, Ours.of(Watch(active=frozenset()), self._chain))
        return (await self._look(reader, None)).tip.height


def open_evm(chain: Chain, settings: ChainSettings, *, observer: Observer = ignore) -> EvmSource:
    """Return the source of a chain as the operator configured it. Nothing is connected yet."""
    endpoints = [
        Endpoint(
            chain=chain.id,
            index=index,
            transport=EvmTransport(endpoint.url.get_secret_value()),
            identify=identify,
            observer=observer,
            limiter=AsyncLimiter(rate, 1) if (rate := endpoint.requests_per_second) is not None else None,
        )
        for index, endpoint in enumerate(settings.endpoints)
    ]
    return EvmSource(chain, Endpoints(endpoints), agree_above=agreement_thresholds(chain, settings))


def _there(link: Link | None) -> Link:
    if link is None:
        raise EndpointError(Trouble.INCONSISTENT, "a block it has seen is not there")
    return link


def _fitting(value: T | Contradiction) -> T:
    if isinstance(value, Contradiction):
        raise EndpointError(Trouble.INCONSISTENT, value.reason)
    return value
