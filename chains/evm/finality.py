"""What balances add when blocks become final, as endpoints tell them: value that no transaction explains."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chains.evm.audit import Finding, confirms, disproved, find, noted
from chains.evm.balances import Balances, EvmBlock, Range, carried, in_order, payments, remembered
from chains.evm.reader import Reader
from chains.finality import Completed, Told, Without
from chains.port import Payment
from chains.position import large
from chains.reader import Scope
from chains.rpc import DISAGREEING, Endpoint, EndpointError


@dataclass(frozen=True, kw_only=True, slots=True)
class Audited(Completed):
    """What the balances at the end of a range came to."""

    balances: Balances
    late: tuple[Payment, ...] = ()  # those found that may have stood in an earlier block, whose state is gone
    unread: bool = False  # no endpoint has the state of the block
    denied: tuple[str, ...] = ()  # addresses whose balance and its proof contradict each other


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceAudit:
    """Audits what is expected to be held. That an endpoint fails over balances holds up nothing else."""

    balances: Balances
    limits: Mapping[str, int]  # smallest unit by asset id: above, two endpoints must agree on a block
    reading: Callable[[Endpoint, Scope], Reader]

    async def alone(self, told: Told[EvmBlock], endpoint: Endpoint, /) -> Audited:
        """Add what one endpoint's balances say."""
        teller = self.reading(endpoint, told.scope)
        return await self._audited(teller, told.payments, await self._found(teller, told), confirmed=False)

    async def compared(self, told: Told[EvmBlock], first: Endpoint, second: Endpoint, /) -> Audited | Without:
        """Add what the first one's balances say, or the second one's where the first has no state to tell from."""
        teller = self.reading(first, told.scope)
        finding = await self._found(teller, told)
        try:
            if finding.now is None:
                teller = self.reading(second, told.scope)
                return await self._audited(teller, told.payments, await self._found(teller, told), confirmed=False)
            same = await confirms(second, finding)
        except EndpointError:
            return Without.ANSWER  # as if it had not answered before either
        if same is False:
            return Without.AGREEMENT
        return await self._audited(teller, told.payments, finding, confirmed=same is True)

    async def _audited(
        self, teller: Reader, known: tuple[Payment, ...], finding: Finding, *, confirmed: bool
    ) -> Audited:
        """Return what the balances add to what is known.

        What only one endpoint tells waits above the limits, and where its own proofs deny it.
        """
        span = finding.range
        if finding.now is None:
            return Audited(final=known, balances=carried(self.balances, span), unread=True)
        found = payments(finding.rises, span, teller.ours)
        denied: frozenset[str] = frozenset()
        doubted: frozenset[str] = frozenset()
        if not confirmed:
            denied = await _denied(teller, finding)
            unsure = {block.hash for block in large((*known, *found), self.limits)}
            doubted = denied | {
                one.destination.lower() for one in found if one.block is not None and one.block.hash in unsure
            }
        taken = tuple(
            (payment, rise) for payment, rise in zip(found, finding.rises, strict=True) if rise.address not in doubted
        )
        late = tuple(payment for payment, rise in taken if not rise.exact)
        return Audited(
            final=await noted(teller.endpoint, in_order(known, (payment for payment, _ in taken)), late),
            balances=remembered(self.balances, finding.now, finding.bases, span, doubted),
            late=late,
            denied=tuple(sorted(denied)),
        )

    async def _found(self, teller: Reader, told: Told[EvmBlock]) -> Finding:
        """Return what an endpoint's balances say; that it fails over them loses nothing."""
        span = Range.of(told.blocks, teller.ours)
        try:
            return await find(teller.endpoint, self.balances, span, teller.ours)
        except EndpointError as error:
            if error.trouble in DISAGREEING:
                raise
            return Finding(range=span, now=None)


async def _denied(teller: Reader, finding: Finding) -> frozenset[str]:
    try:
        return await disproved(teller, finding)
    except EndpointError as error:
        if error.trouble in DISAGREEING:
            raise
        return frozenset()  # as if it offered no proofs
