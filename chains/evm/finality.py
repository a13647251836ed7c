"""Moves finality up: a range and its balances are read again before they count, by two endpoints where two answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from chains.blocks import Contradiction
from chains.evm.audit import Finding, confirms, disproved, find
from chains.evm.balances import Balances, EvmBlock, Range, carried, in_order, payments, remembered
from chains.evm.opinions import Opinions
from chains.evm.reader import Reader
from chains.evm.view import fitting, look, there
from chains.port import Payment
from chains.position import Position, Settled, large, settle
from chains.reading import together
from chains.rpc import DISAGREEING, Endpoint, EndpointError, Trouble
from config.registry import Finality


@dataclass(frozen=True, kw_only=True, slots=True)
class Audited:
    """What the balances at the end of a range came to."""

    balances: Balances
    found: tuple[Payment, ...] = ()
    late: tuple[Payment, ...] = ()  # those of them that may have stood in an earlier block, whose state is gone
    unread: bool = False  # no endpoint has the state of the block
    denied: tuple[str, ...] = ()  # addresses whose balance and its proof contradict each other


@dataclass(frozen=True, kw_only=True, slots=True)
class Raised:
    """Where finality stands now."""

    position: Position
    audited: Audited
    final: tuple[Payment, ...]
    replaced: tuple[Payment, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    """A range as two endpoints tell it."""

    blocks: Sequence[EvmBlock]  # none: the others' finality ends below
    finding: Finding | None = None
    teller: Reader | None = None  # whose balances these are
    confirmed: bool = False  # whether the second one has the state to say the same of the balances


@dataclass(frozen=True, kw_only=True, slots=True)
class Rising:
    """One attempt to raise finality, with one endpoint."""

    reader: Reader
    opinions: Opinions
    finality: Finality
    position: Position
    balances: Balances

    async def to(self, target: int, fresh: Sequence[EvmBlock]) -> Raised | None:
        """Move up over a range that was read twice, by two endpoints where two answer. None: not yet."""
        first = self.position.memory.final.height + 1
        told = await self._agreed_elsewhere(first, target)
        if told is not None:
            if not told.blocks:
                return None
            return await self._raised(fitting(settle(self.position, told.blocks)), told)
        if not self.opinions.believable(self.position.payments, target):
            return None  # too much money for one endpoint's word: final when a second one is back
        again = await self._read_twice(first, target, fresh)
        settled = fitting(settle(self.position, again))
        if not self.opinions.believable(settled.final, target):
            return None
        if settled.denied:
            raise EndpointError(Trouble.INCONSISTENT, f"does not tell of {settled.denied[0].key.txid} as before")
        return await self._raised(settled, _Told(blocks=again, finding=await self._found(self.reader.endpoint, again)))

    async def _raised(self, settled: Settled, told: _Told) -> Raised:
        audited = await self._audited(settled.final, told)
        return Raised(
            position=settled.position,
            audited=audited,
            final=in_order(settled.final, audited.found),
            replaced=settled.replaced,
        )

    async def _audited(self, known: Sequence[Payment], told: _Told) -> Audited:
        """Return what the balances add to what is known.

        What only one endpoint tells waits above the limits, and where its own proofs deny it.
        """
        finding = told.finding
        if finding is None or finding.now is None:
            return Audited(balances=carried(self.balances, self._range(told.blocks)), unread=True)
        ours, span = self.reader.ours, finding.range
        found = payments(finding.rises, span, ours)
        denied: frozenset[str] = frozenset()
        doubted: frozenset[str] = frozenset()
        if not told.confirmed:
            denied = await self._denied(told.teller or self.reader, finding)
            unsure = {block.hash for block in large((*known, *found), self.opinions.limits)}
            doubted = denied | {
                one.destination.lower() for one in found if one.block is not None and one.block.hash in unsure
            }
        taken = tuple(
            (payment, rise) for payment, rise in zip(found, finding.rises, strict=True) if rise.address not in doubted
        )
        return Audited(
            balances=remembered(self.balances, finding.now, finding.bases, span, doubted),
            found=tuple(payment for payment, _ in taken),
            late=tuple(payment for payment, rise in taken if not rise.exact),
            denied=tuple(sorted(denied)),
        )

    async def _agreed_elsewhere(self, first: int, target: int) -> _Told | None:
        """Return the range as a second endpoint tells it, if the first one agrees about all money in it.

        It ends where the second one's finality ends, and has no blocks where none of the others is as far. None: no
        second endpoint answers. Raises EndpointError where they answer and none agrees.
        """

        async def work(endpoint: Endpoint) -> tuple[Endpoint, list[EvmBlock]]:
            second = self.opinions.reader(endpoint, self.reader.ours)
            view = await look(second, self.finality)
            endpoint.check_tip(view.tip.height, target)
            return endpoint, await second.read(first, min(target, view.final), self.reader.ours.everyone)

        asked, lower, denied = [self.reader.endpoint], False, False
        while (told := await self.opinions.endpoints.ask_another(asked, work)) is not None:
            endpoint, again = told
            asked.append(endpoint)
            if not again:
                lower = True
                continue
            if not await self._agrees(again):
                denied = True
                continue
            finding, teller = await self._found(self.reader.endpoint, again), self.reader
            try:
                same = await confirms(endpoint, finding)
                if finding.now is None:
                    finding, teller = await self._found(endpoint, again), self.opinions.reader(endpoint, teller.ours)
            except EndpointError:
                continue  # as if it had not answered before either
            if same is not False:
                return _Told(blocks=again, finding=finding, teller=teller, confirmed=same is True)
            denied = True
        if denied:
            raise EndpointError(Trouble.INCONSISTENT, f"no second reading of blocks {first} to {target} agrees")
        return _Told(blocks=()) if lower else None

    async def _agrees(self, again: Sequence[EvmBlock]) -> bool:
        """Whether the endpoint, asked anew, tells the same of each block in which either reading saw money."""
        if isinstance(settle(self.position, again), Contradiction):
            return False
        held, _ = self.position.split(again[-1].link.height)
        heights = {payment.block.height for payment in held if payment.block is not None}
        told = {
            block.link.height: block for block in again if block.payments or block.spent or block.link.height in heights
        }
        everyone = self.reader.ours.everyone
        own = await together(self.reader.read(height, height, everyone) for height in sorted(told))
        return all(block == told[block.link.height] for [block] in own)

    async def _read_twice(self, first: int, target: int, fresh: Sequence[EvmBlock]) -> list[EvmBlock]:
        """Return the range from the only endpoint: again what was held before, and fresh blocks if they still stand."""
        recent = [block for block in fresh if first <= block.link.height <= target]
        below = recent[0].link.height - 1 if recent else target
        held = await self.reader.read(first, below, self.reader.ours.everyone)
        if recent:
            [standing] = await self.reader.headers(target)
            if there(standing).hash != recent[-1].link.hash:  # its parents stand with it
                raise EndpointError(Trouble.INCONSISTENT, f"block {target} changed while it was read")
        return [*held, *recent]

    async def _found(self, endpoint: Endpoint, blocks: Sequence[EvmBlock]) -> Finding:
        """Return what an endpoint's balances say; that it fails over them holds up nothing else, and loses nothing."""
        span = self._range(blocks)
        try:
            return await find(endpoint, self.balances, span, self.reader.ours)
        except EndpointError as error:
            if error.trouble in DISAGREEING:
                raise
            return Finding(range=span, now=None)

    async def _denied(self, teller: Reader, finding: Finding) -> frozenset[str]:
        try:
            return await disproved(teller, finding)
        except EndpointError as error:
            if error.trouble in DISAGREEING:
                raise
            return frozenset()  # as if it offered no proofs

    def _range(self, blocks: Sequence[EvmBlock]) -> Range:
        return Range.of(blocks, self.reader.ours)
