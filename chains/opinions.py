"""Second opinions: what another endpoint says of blocks that one of them calls replaced, or full of money."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from chains.blocks import DeepReorg, Link
from chains.failover import Endpoints
from chains.port import Block, Payment
from chains.position import Position, ReadBlock, large
from chains.reader import NOBODY, Reader, Reading, Scope, all_there
from chains.rpc import Endpoint, EndpointError, Trouble

B = TypeVar("B", bound=ReadBlock)


@dataclass(frozen=True, kw_only=True, slots=True)
class Opinions(Generic[B]):
    """The other endpoints of a chain, as whoever doubts one of them asks them."""

    endpoints: Endpoints
    limits: Mapping[str, int]  # smallest unit by asset id: above, two endpoints must agree on a block
    reading: Reading[B]

    async def confirm_displaced(
        self, first: Endpoint, our_tip: Link, displaced: Sequence[Payment], branch: Sequence[ReadBlock]
    ) -> None:
        """Have another endpoint say that other blocks stand where these payments were, in a chain as high as ours."""
        heights = sorted({payment.block.height for payment in displaced if payment.block is not None})
        told = {block.link.height: block.link.hash for block in branch}

        async def work(reader: Reader[B]) -> bool:
            reader.endpoint.check_tip((await reader.look(None)).tip.height, our_tip.height)
            return await reader.hashes(heights) == [told[height] for height in heights]

        await self._confirm(first, work, f"that block {heights[0]} was replaced")

    async def confirm_deep(self, first: Endpoint, fork: DeepReorg) -> None:
        """Have another endpoint say that a final block of ours does not stand any more."""

        async def work(reader: Reader[B]) -> bool:
            return await all_there(reader, [fork.ours.height]) != [fork.ours.hash]

        await self._confirm(first, work, f"that final block {fork.ours.height} was replaced")

    async def _confirm(self, first: Endpoint, work: Callable[[Reader[B]], Awaitable[bool]], what: str) -> None:
        """Raise EndpointError unless a second endpoint agrees, where more than one is configured."""
        if not self.endpoints.several:
            return

        async def agrees(endpoint: Endpoint) -> bool:
            if not await work(self.reading(endpoint, NOBODY)):
                raise EndpointError(Trouble.INCONSISTENT, f"does not say {what}")
            return True

        if await self.endpoints.ask_another([first], agrees, urgent=True) is None:
            raise EndpointError(Trouble.INCONSISTENT, f"no second endpoint confirms {what}")

    async def with_agreement(
        self, reader: Reader[B], scope: Scope, position: Position, fresh: Sequence[ReadBlock]
    ) -> Position:
        """Note of which blocks with much money in them a second endpoint tells the same as the one that is asked."""
        above = large(position.payments, self.limits)
        unsure = {block: held for block, held in above.items() if block.hash not in position.agreed}
        read_now = {block.link.hash for block in fresh}
        unsure = {
            block: held for block, held in unsure.items() if block.hash in read_now or await _tells(reader, block, held)
        }
        asked, agreed = [reader.endpoint], position.agreed

        async def work(endpoint: Endpoint) -> tuple[Endpoint, set[str]]:
            second = self.reading(endpoint, scope)
            return endpoint, {block.hash for block, held in unsure.items() if await _tells(second, block, held)}

        while unsure and (told := await self.endpoints.ask_another(asked, work)) is not None:
            asked.append(told[0])
            agreed |= told[1]
            unsure = {block: held for block, held in unsure.items() if block.hash not in agreed}
        return replace(position, agreed=agreed)

    def believable(self, payments: Iterable[Payment], up_to: int) -> bool:
        """Whether one endpoint's word is enough for every block up to this height."""
        return all(block.height > up_to for block in large(payments, self.limits))


async def _tells(reader: Reader[ReadBlock], block: Block, held: Sequence[Payment]) -> bool:
    """Whether an endpoint has the block with these payments in it. That it lags behind is no fault here."""
    if await reader.hashes([block.height]) != [block.hash]:
        return False
    [read_again] = await reader.read(block.height, block.height)
    return set(held) <= set(read_again.payments)
