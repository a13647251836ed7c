"""Moves finality up: a range is read again before it counts, by two endpoints where two answer.

What a family finds besides what its blocks tell, it finds in an `Audit` of the same range by the same endpoints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, Protocol, TypeVar

from chains.blocks import Contradiction
from chains.opinions import Opinions
from chains.port import Payment
from chains.position import Position, ReadBlock, Settled, settle
from chains.reader import Reader, Scope, fitting
from chains.reading import together
from chains.rpc import TOLERANCE, Endpoint, EndpointError, Trouble

B = TypeVar("B", bound=ReadBlock)
B_co = TypeVar("B_co", bound=ReadBlock, covariant=True)
B_contra = TypeVar("B_contra", bound=ReadBlock, contravariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told(Generic[B_co]):
    """A range that was read again and is ours."""

    scope: Scope
    blocks: Sequence[B_co]
    payments: tuple[Payment, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """All that becomes final with a range."""

    final: tuple[Payment, ...]  # in order


C = TypeVar("C", bound=Completed)
C_co = TypeVar("C_co", bound=Completed, covariant=True)


class Without(Enum):
    """Why a second endpoint's word does not carry."""

    ANSWER = auto()  # it gives none
    AGREEMENT = auto()  # it tells another story
    FINALITY = auto()  # to it, nothing more is final yet


class Audit(Protocol[B_contra, C_co]):
    """Completes what blocks tell when they become final. It decides nothing about the blocks."""

    async def alone(self, told: Told[B_contra], endpoint: Endpoint, /) -> C_co:
        """Complete what one endpoint tells. Raises EndpointError where it contradicts itself."""

    async def compared(self, told: Told[B_contra], first: Endpoint, second: Endpoint, /) -> C_co | Without:
        """Complete what two endpoints tell alike. An EndpointError is the first one's, never the second one's."""


class Nothing:
    """The audit of a family whose blocks tell everything."""

    async def alone(self, told: Told[ReadBlock], _endpoint: Endpoint, /) -> Completed:
        """Return what is known."""
        return Completed(final=told.payments)

    async def compared(self, told: Told[ReadBlock], _first: Endpoint, _second: Endpoint, /) -> Completed:
        """Return what is known."""
        return Completed(final=told.payments)


@dataclass(frozen=True, kw_only=True, slots=True)
class Raised(Generic[C]):
    """Where finality stands now."""

    position: Position
    completed: C
    replaced: tuple[Payment, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rising(Generic[B, C]):
    """One attempt to raise finality, with one endpoint."""

    reader: Reader[B]
    scope: Scope
    position: Position
    opinions: Opinions[B]
    audit: Audit[B, C]
    depth: int  # confirmations with which a block is final where a node has no word for that

    async def to(self, target: int, fresh: Sequence[B]) -> Raised[C] | None:
        """Move up over a range that was read twice, by two endpoints where two answer. None: not yet."""
        first = self.position.memory.final.height + 1
        agreed = await self._agreed_elsewhere(first, target)
        if isinstance(agreed, Raised):
            return agreed
        if agreed is Without.FINALITY:
            return None
        if not self.opinions.believable(self.position.payments, target):
            return None  # too much money for one endpoint's word: final when a second one is back
        again = await self._read_twice(first, target, fresh)
        settled = fitting(settle(self.position, again))
        if not self.opinions.believable(settled.final, target):
            return None
        if settled.denied:
            raise EndpointError(Trouble.INCONSISTENT, f"does not tell of {settled.denied[0].key.txid} as before")
        return _raised(settled, await self.audit.alone(self._told(settled, again), self.reader.endpoint))

    async def _agreed_elsewhere(self, first: int, target: int) -> Raised[C] | Without:
        """Return where finality stands by the word of a second endpoint, if the first one agrees about all money.

        It ends where the second one's finality ends, which may be some blocks lower; Without.FINALITY where none of the
        others is as far. Without.ANSWER: no second endpoint answers. Raises EndpointError where they answer and none
        agrees.
        """

        async def work(endpoint: Endpoint) -> tuple[Endpoint, Sequence[B]]:
            second = self.opinions.reading(endpoint, self.scope)
            view = await second.look(None)
            endpoint.check_tip(view.tip.height, target - TOLERANCE)
            last = min(target, view.final_height(self.depth))
            return endpoint, await second.read(first, last) if last >= first else []

        asked, missing = [self.reader.endpoint], set[Without]()
        while (heard := await self.opinions.endpoints.ask_another(asked, work)) is not None:
            endpoint, again = heard
            asked.append(endpoint)
            outcome = await self._with_second(endpoint, again)
            if isinstance(outcome, Raised):
                return outcome
            missing.add(outcome)
        if Without.AGREEMENT in missing:
            raise EndpointError(Trouble.INCONSISTENT, f"no second reading of blocks {first} to {target} agrees")
        return Without.FINALITY if Without.FINALITY in missing else Without.ANSWER

    async def _with_second(self, second: Endpoint, again: Sequence[B]) -> Raised[C] | Without:
        """Return where finality stands if both endpoints tell the same, of the blocks and of what completes them."""
        if not again:
            return Without.FINALITY
        settled = settle(self.position, again)
        if isinstance(settled, Contradiction) or not await self._agrees(again):
            return Without.AGREEMENT
        completed = await self.audit.compared(self._told(settled, again), self.reader.endpoint, second)
        return completed if isinstance(completed, Without) else _raised(settled, completed)

    async def _agrees(self, again: Sequence[B]) -> bool:
        """Whether the endpoint, asked anew, tells the same of each block in which either reading saw anything."""
        held, _ = self.position.split(again[-1].link.height)
        heights = {payment.block.height for payment in held if payment.block is not None}
        told = {block.link.height: block for block in again if not _empty(block) or block.link.height in heights}
        own = await together(self._own(height) for height in sorted(told))
        return all(block == told[block.link.height] for [block] in own)

    async def _own(self, height: int) -> Sequence[B]:
        return await self.reader.read(height, height)

    async def _read_twice(self, first: int, target: int, fresh: Sequence[B]) -> list[B]:
        """Return the range from the only endpoint: again what was held before, and fresh blocks if they still stand."""
        recent = [block for block in fresh if first <= block.link.height <= target]
        below = recent[0].link.height - 1 if recent else target
        held = await self.reader.read(first, below) if below >= first else []
        if recent and await self.reader.hashes([target]) != [recent[-1].link.hash]:  # its parents stand with it
            raise EndpointError(Trouble.INCONSISTENT, f"block {target} changed while it was read")
        return [*held, *recent]

    def _told(self, settled: Settled, blocks: Sequence[B]) -> Told[B]:
        return Told(scope=self.scope, blocks=blocks, payments=settled.final)


def _raised(settled: Settled, completed: C) -> Raised[C]:
    return Raised(position=settled.position, completed=completed, replaced=settled.replaced)


def _empty(block: ReadBlock) -> bool:
    """Whether a block tells of nothing but itself."""
    return block == type(block)(link=block.link)
