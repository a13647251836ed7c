"""Second opinions: what another endpoint says of what one has told, before it is believed."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from chains.failover import Endpoints
from chains.port import Block, Payment
from chains.rpc import Endpoint, EndpointError, Trouble
from chains.solana.listing import Listing
from chains.solana.ours import Ours
from chains.solana.parse import Header
from chains.solana.position import Account, Seen, Signature, Spot, ordered
from chains.solana.reader import Reader
from chains.solana.sight import crowded, stands, unread


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """Slots that are final, with everything of ours in them."""

    final: Spot
    seen: tuple[Seen, ...]
    listings: Sequence[Listing]  # of a second endpoint, read in full up to there


class Without(Enum):
    """Why there is no second reading."""

    ANSWER = auto()  # nobody answers: one endpoint's word has to do
    FINALITY = auto()  # to whoever answers, nothing more is final yet


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    """What an endpoint says of the slots up to its own finality."""

    reader: Reader
    last: Header
    seen: tuple[Seen, ...]
    listings: Sequence[Listing]


@dataclass(frozen=True, kw_only=True, slots=True)
class Opinions:
    """The endpoints beside the one that serves a poll."""

    endpoints: Endpoints
    ours: Ours

    async def agreed(
        self, first: Reader, accounts: Sequence[Account], own: Sequence[Seen], *, above: int, target: int
    ) -> Settled | Without:
        """Return the slots from `above` to `target` as two endpoints tell them, or up to the second one's finality.

        `own` is what the first one tells. What only one of them lists is asked of the other by its signature: an
        index may have a hole, the chain has none. Raises EndpointError where others answer and none agrees.
        """

        async def work(endpoint: Endpoint) -> _Told:
            return await self._tell(Reader(endpoint=endpoint, ours=self.ours), accounts, own, target)

        asked = [first.endpoint]
        while (told := await self.endpoints.ask_another(asked, work)) is not None:
            last = told.last.slot
            if last < above:
                return Without.FINALITY
            mine = [seen for seen in own if seen.spot.slot <= last]
            listed = {seen.txid for seen in mine}
            others = sorted((seen.spot.slot, seen.txid) for seen in told.seen if seen.txid not in listed)
            mine += await first.transactions(others, exact=crowded(others))
            standing = (await first.headers([last]))[last]
            if standing is not None and standing.hash == told.last.hash and _facts(mine) == _facts(told.seen):
                final = Spot(slot=last, hash=told.last.hash, time=told.last.time)
                return Settled(final=final, seen=ordered(told.seen), listings=told.listings)
            asked.append(told.reader.endpoint)
        if len(asked) > 1:
            raise EndpointError(Trouble.INCONSISTENT, f"no second reading of the slots up to {target} agrees")
        return Without.ANSWER

    async def _tell(self, second: Reader, accounts: Sequence[Account], own: Sequence[Seen], target: int) -> _Told:
        view = await second.view()
        second.endpoint.check_tip(view.tip.slot, target)
        last = min(target, view.final)
        header = (await second.headers([last]))[last]
        if header is None:
            raise EndpointError(Trouble.LAGGING, f"does not have the final block {last} yet")
        listings = await second.listings(accounts, last)
        listed = {entry for entry in unread(listings) if entry[0] <= last}
        told = {(seen.spot.slot, seen.txid) for seen in own if seen.spot.slot <= last}
        exact = crowded(listed | told)
        seen = await second.transactions(sorted(listed), exact=exact)
        try:
            seen += await second.transactions(sorted(told - listed), exact=exact)
        except EndpointError as error:
            if error.trouble is not Trouble.INCONSISTENT:
                raise  # else it answers, and does not know of it: a disagreement is no silence
        return _Told(reader=second, last=header, seen=tuple(seen), listings=listings)

    async def confirm_replaced(self, first: Reader, our_tip: Spot, replaced: Iterable[Seen]) -> None:
        """Have another endpoint say that these blocks do not stand, on a chain as long as ours."""
        spots = sorted({seen.spot for seen in replaced}, key=lambda spot: spot.slot)

        async def work(second: Reader) -> bool:
            second.endpoint.check_tip((await second.view()).tip.slot, our_tip.slot)
            return not await _any_stands(second, spots)

        await self._confirm(first, work, f"that block {spots[0].slot} was replaced")

    async def confirm_deep(self, first: Reader, final: Spot) -> None:
        """Have another endpoint say that a final block of ours does not stand any more."""

        async def work(second: Reader) -> bool:
            return not await _any_stands(second, [final])

        await self._confirm(first, work, f"that final block {final.slot} was replaced")

    async def large_agreed(self, first: Reader, unsure: dict[Block, tuple[Payment, ...]]) -> frozenset[str]:
        """Return the hashes of those blocks of whose payments a second endpoint tells the same."""
        asked, agreed = [first.endpoint], frozenset[str]()

        async def work(endpoint: Endpoint) -> tuple[Endpoint, set[str]]:
            second = Reader(endpoint=endpoint, ours=self.ours)
            return endpoint, {block.hash for block, held in unsure.items() if await tells(second, block, held)}

        while unsure and (told := await self.endpoints.ask_another(asked, work)) is not None:
            asked.append(told[0])
            agreed |= told[1]
            unsure = {block: held for block, held in unsure.items() if block.hash not in agreed}
        return agreed

    async def _confirm(self, first: Reader, work: Callable[[Reader], Awaitable[bool]], what: str) -> None:
        """Raise EndpointError unless a second endpoint agrees, where more than one is configured."""
        if not self.endpoints.several:
            return

        async def agrees(endpoint: Endpoint) -> bool:
            if not await work(Reader(endpoint=endpoint, ours=self.ours)):
                raise EndpointError(Trouble.INCONSISTENT, f"does not say {what}")
            return True

        if await self.endpoints.ask_another([first.endpoint], agrees, urgent=True) is None:
            raise EndpointError(Trouble.INCONSISTENT, f"no second endpoint confirms {what}")


async def tells(reader: Reader, block: Block, held: Sequence[Payment]) -> bool:
    """Whether an endpoint has the block with these payments in it. That it lags behind is no fault here."""
    places: list[Signature] = [(block.height, txid) for txid in sorted({payment.key.txid for payment in held})]
    header = (await reader.headers([block.height]))[block.height]
    if header is None or header.hash != block.hash:
        return False
    seen = await reader.transactions(places, exact={block.height})
    return set(held) <= {payment for one in seen for payment in one.payments}


async def _any_stands(reader: Reader, spots: Sequence[Spot]) -> bool:
    headers = await reader.headers([spot.slot for spot in spots])
    return any([await stands(reader, spot, headers[spot.slot]) for spot in spots])


def _facts(seen: Iterable[Seen]) -> set[Seen]:
    """Return what two endpoints must tell alike: all but the place in the block, which is not always asked for."""
    return {replace(one, place=0) for one in seen}
