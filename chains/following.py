"""A chain of blocks behind several endpoints as a ChainSource: which blocks to read, and whom to believe about them.

What a block is, and how it is read and checked, is its family's `Reader`. A poll is served by one endpoint from start
to end; where it contradicts itself, the checkpoint or a second endpoint, it is begun again with the next one. Nothing
is kept between polls but the endpoints' health.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from chains.blocks import Contradiction, DeepReorg, Link, Memory, Verdict, final_height, fork_point, judge
from chains.errors import DeepReorgError
from chains.port import Block, Checkpoint, Payment, Sweep, Watch
from chains.position import Position, ReadBlock, Settled, follow, large, looked_for, read, settle, sweep_of, write
from chains.reading import together
from chains.rpc import TOLERANCE, Endpoint, EndpointError, Endpoints, Trouble
from config.registry import Chain

T = TypeVar("T")

BLOCKS_PER_POLL = 100
"""So many blocks are read, and so many become final, in one poll at most: its transaction stays small."""
STANDSTILL = 5
"""Polls without a new block after which the other endpoints are asked how high they stand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What an endpoint shows of its chain."""

    tip: Link
    final: int | None  # the height it calls final; None: it has no word for that
    at_our_tip: str | None  # hash of its block where our newest one stands


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What is looked for."""

    watch: Watch
    under_way: frozenset[str] = frozenset()  # assets of payments that can still change, accepted any more or not


class Reader(Protocol):
    """One endpoint, read for one scope. Every answer was checked; whatever is wrong with one is an EndpointError."""

    @property
    def endpoint(self) -> Endpoint:
        """Who is asked."""

    async def look(self, our_height: int | None) -> View:
        """Return what the endpoint shows now, and at our newest block's height where one is given."""

    async def link(self, height: int) -> Link:
        """Return the block at a height that the endpoint has seen."""

    async def hashes(self, heights: Sequence[int]) -> list[str | None]:
        """Return the hashes of the blocks at these heights; None where the endpoint has none."""

    async def read(self, first: int, last: int) -> list[ReadBlock]:
        """Return the blocks from `first` to `last` with their payments in order."""


class FollowingSource:
    """One chain through its endpoints."""

    def __init__(
        self,
        chain: Chain,
        endpoints: Endpoints,
        reading: Callable[[Endpoint, Scope], Reader],
        *,
        agree_above: Mapping[str, int] | None = None,
        blocks_per_poll: int = BLOCKS_PER_POLL,
    ) -> None:
        self._chain = chain
        self._endpoints = endpoints
        self._reading = reading
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
            reader = self._reading(endpoint, _NOBODY)
            view = await reader.look(None)
            present = max(0, self._finality(view))
            final = await reader.link(present if height is None else max(0, min(height - 1, present)))
            return write(Position(memory=Memory(final=final)))

        return await self._endpoints.ask(work)

    async def poll(self, checkpoint: Checkpoint, watch: Watch) -> Sweep:
        """Read on from the checkpoint, at most BLOCKS_PER_POLL blocks."""
        position = read(checkpoint, self._chain.id)
        scope = Scope(
            watch=looked_for(position, watch), under_way=frozenset(payment.asset for payment in position.payments)
        )
        sweep = await self._endpoints.ask(lambda endpoint: self._poll(endpoint, position, scope))
        await self._watch_for_standstill(stands=sweep.tip.hash == position.memory.tip.hash)
        return sweep

    async def aclose(self) -> None:
        """Close every connection."""
        await self._endpoints.aclose()

    # --- one poll, served by one endpoint --------------------------------------------------------------------

    async def _poll(self, endpoint: Endpoint, position: Position, scope: Scope) -> Sweep:
        reader = self._reading(endpoint, scope)
        view = await reader.look(position.memory.tip.height)
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
        reachable = final_height(position.memory, tagged=view.final, depth=self._chain.finality.blocks)
        target = min(reachable, position.memory.final.height + self._blocks_per_poll)
        final: tuple[Payment, ...] = ()
        behind = position.memory.tip.height < view.tip.height
        if target > position.memory.final.height and (
            settled := await self._settle(reader, scope, position, target, fresh)
        ):
            position, final = settled.position, settled.final
            displaced += settled.replaced  # two endpoints agree that they were never so
            behind = behind or target < reachable
        position = await self._with_agreement(reader, scope, position, fresh)
        return sweep_of(position, final=final, displaced=displaced, behind=behind, limits=self._agree_above)

    async def _fork(self, reader: Reader, memory: Memory, view: View) -> Link:
        """Return the newest block that stands on our chain and on the endpoint's."""
        if view.at_our_tip == memory.tip.hash:
            return memory.tip
        heights = [link.height for link in memory.links]
        theirs = await _all_there(reader, heights)
        fork = fork_point(memory, dict(zip(heights, theirs, strict=True)))
        if isinstance(fork, DeepReorg):
            await self._confirm_deep(reader.endpoint, fork)
            raise DeepReorgError(f"{self._chain.id}: block {fork.ours.height} was {fork.ours.hash}, is {fork.theirs}")
        return fork

    async def _branch(self, reader: Reader, memory: Memory, fork: Link, view: View) -> list[ReadBlock]:
        """Read what stands on the fork: a bounded part, but at least as high as we were."""
        last = min(view.tip.height, max(fork.height + self._blocks_per_poll, memory.tip.height))
        return await reader.read(fork.height + 1, last)

    async def _settle(
        self, reader: Reader, scope: Scope, position: Position, target: int, fresh: Sequence[ReadBlock]
    ) -> Settled | None:
        """Move finality up over a range that was read twice, by two endpoints where two answer. None: not yet."""
        first = position.memory.final.height + 1
        again = await self._agreed_elsewhere(reader, scope, position, first, target)
        if again is not None:
            return _fitting(settle(position, again)) if again else None
        if not self._believable(position.payments, target):
            return None  # too much money for one endpoint's word: final when a second one is back
        settled = _fitting(settle(position, await _read_twice(reader, first, target, fresh)))
        if not self._believable(settled.final, target):
            return None
        if settled.denied:
            raise EndpointError(Trouble.INCONSISTENT, f"does not tell of {settled.denied[0].key.txid} as before")
        return settled

    async def _agreed_elsewhere(
        self, reader: Reader, scope: Scope, position: Position, first: int, target: int
    ) -> list[ReadBlock] | None:
        """Return the range as a second endpoint tells it, if the first one agrees about all money in it.

        It ends where the second one's finality ends, which may be some blocks lower; empty where none of the others is
        as far. None: no second endpoint answers. Raises EndpointError where they answer and none agrees.
        """

        async def work(endpoint: Endpoint) -> tuple[Endpoint, list[ReadBlock]]:
            second = self._reading(endpoint, scope)
            view = await second.look(None)
            endpoint.check_tip(view.tip.height, target - TOLERANCE)
            last = min(target, self._finality(view))
            return endpoint, await second.read(first, last) if last >= first else []

        asked, lower, denied = [reader.endpoint], False, False
        while (told := await self._endpoints.ask_another(asked, work)) is not None:
            endpoint, again = told
            asked.append(endpoint)
            if again and await _agrees(reader, position, again):
                return again
            lower, denied = lower or not again, denied or bool(again)
        if denied:
            raise EndpointError(Trouble.INCONSISTENT, f"no second reading of blocks {first} to {target} agrees")
        return [] if lower else None

    # --- second opinions -------------------------------------------------------------------------------------

    async def _confirm_displaced(
        self, first: Endpoint, our_tip: Link, displaced: Sequence[Payment], branch: Sequence[ReadBlock]
    ) -> None:
        """Have another endpoint say that other blocks stand where these payments were, in a chain as high as ours."""
        heights = sorted({payment.block.height for payment in displaced if payment.block is not None})
        told = {block.link.height: block.link.hash for block in branch}

        async def work(reader: Reader) -> bool:
            reader.endpoint.check_tip((await reader.look(None)).tip.height, our_tip.height)
            return await reader.hashes(heights) == [told[height] for height in heights]

        await self._confirm(first, work, f"that block {heights[0]} was replaced")

    async def _confirm_deep(self, first: Endpoint, fork: DeepReorg) -> None:
        """Have another endpoint say that a final block of ours does not stand any more."""

        async def work(reader: Reader) -> bool:
            return await _all_there(reader, [fork.ours.height]) != [fork.ours.hash]

        await self._confirm(first, work, f"that final block {fork.ours.height} was replaced")

    async def _confirm(self, first: Endpoint, work: Callable[[Reader], Awaitable[bool]], what: str) -> None:
        """Raise EndpointError unless a second endpoint agrees, where more than one is configured."""
        if not self._endpoints.several:
            return

        async def agrees(endpoint: Endpoint) -> bool:
            if not await work(self._reading(endpoint, _NOBODY)):
                raise EndpointError(Trouble.INCONSISTENT, f"does not say {what}")
            return True

        if await self._endpoints.ask_another([first], agrees, urgent=True) is None:
            raise EndpointError(Trouble.INCONSISTENT, f"no second endpoint confirms {what}")

    async def _with_agreement(
        self, reader: Reader, scope: Scope, position: Position, fresh: Sequence[ReadBlock]
    ) -> Position:
        """Note of which blocks with much money in them a second endpoint tells the same as the one that is asked."""
        above = large(position.payments, self._agree_above)
        unsure = {block: held for block, held in above.items() if block.hash not in position.agreed}
        read_now = {block.link.hash for block in fresh}
        unsure = {
            block: held for block, held in unsure.items() if block.hash in read_now or await _tells(reader, block, held)
        }
        asked, agreed = [reader.endpoint], position.agreed

        async def work(endpoint: Endpoint) -> tuple[Endpoint, set[str]]:
            second = self._reading(endpoint, scope)
            return endpoint, {block.hash for block, held in unsure.items() if await _tells(second, block, held)}

        while unsure and (told := await self._endpoints.ask_another(asked, work)) is not None:
            asked.append(told[0])
            agreed |= told[1]
            unsure = {block: held for block, held in unsure.items() if block.hash not in agreed}
        return replace(position, agreed=agreed)

    def _believable(self, payments: Iterable[Payment], up_to: int) -> bool:
        """Whether one endpoint's word is enough for every block up to this height."""
        return all(block.height > up_to for block in large(payments, self._agree_above))

    # --- helpers ---------------------------------------------------------------------------------------------

    def _finality(self, view: View) -> int:
        return view.final if view.final is not None else view.tip.height - self._chain.finality.blocks + 1

    async def _watch_for_standstill(self, *, stands: bool) -> None:
        """Find out whether the chain stands still or only the endpoint that was asked."""
        self._standing_still = self._standing_still + 1 if stands else 0
        if self._standing_still == STANDSTILL and self._endpoints.several:
            self._standing_still = 0
            await self._endpoints.survey(self._tip_of)

    async def _tip_of(self, endpoint: Endpoint) -> int:
        return (await self._reading(endpoint, _NOBODY).look(None)).tip.height


_NOBODY = Scope(watch=Watch(active=frozenset()))


async def _agrees(reader: Reader, position: Position, again: Sequence[ReadBlock]) -> bool:
    """Whether the endpoint, asked anew, tells the same of each block in which either reading saw money."""
    if isinstance(settle(position, again), Contradiction):
        return False
    held, _ = position.split(again[-1].link.height)
    heights = {payment.block.height for payment in held if payment.block is not None}
    told = {block.link.height: block for block in again if block.payments or block.link.height in heights}
    own = await together(reader.read(height, height) for height in sorted(told))
    return all(block == told[block.link.height] for [block] in own)


async def _read_twice(reader: Reader, first: int, target: int, fresh: Sequence[ReadBlock]) -> list[ReadBlock]:
    """Return the range from the only endpoint: again what was held before, and fresh blocks if they still stand."""
    recent = [block for block in fresh if first <= block.link.height <= target]
    below = recent[0].link.height - 1 if recent else target
    held = await reader.read(first, below) if below >= first else []
    if recent and await reader.hashes([target]) != [recent[-1].link.hash]:  # its parents stand with it
        raise EndpointError(Trouble.INCONSISTENT, f"block {target} changed while it was read")
    return [*held, *recent]


async def _tells(reader: Reader, block: Block, held: Sequence[Payment]) -> bool:
    """Whether an endpoint has the block with these payments in it. That it lags behind is no fault here."""
    if await reader.hashes([block.height]) != [block.hash]:
        return False
    [read_again] = await reader.read(block.height, block.height)
    return set(held) <= set(read_again.payments)


async def _all_there(reader: Reader, heights: Sequence[int]) -> list[str]:
    hashes = await reader.hashes(heights)
    if None in hashes:
        raise EndpointError(Trouble.INCONSISTENT, "a block it has seen is not there")
    return [digest for digest in hashes if digest is not None]


def _fitting(value: T | Contradiction) -> T:
    if isinstance(value, Contradiction):
        raise EndpointError(Trouble.INCONSISTENT, value.reason)
    return value
