"""Solana as a ChainSource: how finality moves, and whom to believe about it. Reading itself is `reader`'s.

Payments are found through the signatures of our wallets and of their token accounts, however many orders are open. A
poll is served by one endpoint from start to end; where it contradicts itself, the checkpoint or a second endpoint, it
is begun again with the next one. Nothing is kept between polls but the endpoints' health.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from chains.errors import DeepReorgError
from chains.failover import Endpoints
from chains.opening import endpoints_of
from chains.port import Checkpoint, Payment, Sweep, Watch
from chains.position import large
from chains.rpc import Endpoint, EndpointError, Observer, Trouble, ignore
from chains.solana.opinion import Opinions, Settled, Without, tells
from chains.solana.ours import Ours
from chains.solana.parse import Header
from chains.solana.position import (
    Position,
    Signature,
    Spot,
    displaced,
    looked_for,
    ordered,
    read,
    sweep_of,
    write,
)
from chains.solana.reader import Reader
from chains.solana.sight import Bounds, Sight, crowded, look, payments, spot_of, stands
from chains.solana.transport import SolanaTransport, identify
from config.deployment import agreement_thresholds
from config.registry import Chain
from config.settings import ChainSettings

SLOTS_PER_POLL = 10_000
TRANSACTIONS_PER_POLL = 500
STANDSTILL = 5
"""Polls without a new block after which the other endpoints are asked how high they stand."""


class SolanaSource:
    """One Solana cluster through its endpoints."""

    def __init__(
        self,
        chain: Chain,
        endpoints: Endpoints,
        *,
        agree_above: Mapping[str, int] | None = None,
        slots_per_poll: int = SLOTS_PER_POLL,
        transactions_per_poll: int = TRANSACTIONS_PER_POLL,
    ) -> None:
        self._chain = chain
        self._endpoints = endpoints
        self._agree_above = agree_above or {}  # smallest unit by asset id
        self._bounds = Bounds(slots=slots_per_poll, transactions=transactions_per_poll)
        self._standing_still = 0

    @property
    def chain(self) -> str:
        """CAIP-2 id."""
        return self._chain.id

    async def start(self, height: int | None = None) -> Checkpoint:
        """Return the checkpoint that reads on with slot `height`, or with what is not final yet."""

        async def work(endpoint: Endpoint) -> Checkpoint:
            reader = self._reader(endpoint, Watch(active=frozenset()))
            view = await reader.view()
            last = view.final if height is None else min(max(height - 1, 0), view.final)
            slot = await reader.newest_block(last, max(-1, last - SLOTS_PER_POLL))
            header = None if slot is None else (await reader.headers([slot]))[slot]
            if header is None:
                raise EndpointError(Trouble.REFUSED, f"has no block at slot {last}: its history begins later")
            final = spot_of(header)
            return write(Position(final=final, tip=final, accounts={}, began=final.slot))

        return await self._endpoints.ask(work)

    async def poll(self, checkpoint: Checkpoint, watch: Watch) -> Sweep:
        """Read on from the checkpoint, at most SLOTS_PER_POLL slots or TRANSACTIONS_PER_POLL transactions."""
        position = read(checkpoint, self._chain.id)
        under_way = {payment.asset for payment in position.payments}
        watch = looked_for(position, watch)
        ours = Ours.of(watch, self._chain, under_way)
        sweep = await self._endpoints.ask(lambda endpoint: self._poll(Reader(endpoint=endpoint, ours=ours), position))
        await self._watch_for_standstill(stands=sweep.tip.hash == position.tip.hash)
        return sweep

    async def aclose(self) -> None:
        """Close every connection."""
        await self._endpoints.aclose()

    # --- one poll, served by one endpoint --------------------------------------------------------------------

    async def _poll(self, reader: Reader, position: Position) -> Sweep:
        opinions = Opinions(endpoints=self._endpoints, ours=reader.ours)
        view = await reader.view()
        reader.endpoint.check_tip(view.tip.slot, position.tip.slot)
        headers = await reader.headers({position.final.slot, view.final, *(one.spot.slot for one in position.seen)})
        await self._check_final(reader, opinions, position.final, headers[position.final.slot])
        got = await look(reader, position, view, headers, self._bounds)
        gone = displaced(payments(got.replaced), payments(got.seen))
        if gone:
            lost = {payment.key.txid for payment in gone}
            await opinions.confirm_replaced(reader, position.tip, [one for one in got.replaced if one.txid in lost])
        settled = await self._settle(reader, opinions, position, got)
        tip = got.reached if got.reached.slot >= position.tip.slot else position.tip
        after = replace(position, tip=tip, accounts=got.accounts, seen=got.seen, discovered=got.discovered)
        if settled is not None:
            held = [one for one in got.standing if one.spot.slot <= settled.final.slot]
            gone += displaced(payments(held), payments(settled.seen))  # two endpoints say that they were never so
            after = _finalised(after, got, settled)
        return sweep_of(
            await self._with_agreement(reader, opinions, after, got),
            depth=self._chain.finality.blocks,
            final=() if settled is None else payments(settled.seen),
            gone=gone,
            behind=got.reached.slot < view.tip.slot,
            limits=self._agree_above,
        )

    async def _check_final(self, reader: Reader, opinions: Opinions, final: Spot, header: Header | None) -> None:
        """Raise DeepReorgError if our final block is proved to stand no more."""
        if await stands(reader, final, header):
            return
        await opinions.confirm_deep(reader, final)
        theirs = "skipped" if header is None else header.hash
        raise DeepReorgError(f"{self._chain.id}: block {final.slot} was {final.hash}, is {theirs}")

    async def _settle(self, reader: Reader, opinions: Opinions, position: Position, got: Sight) -> Settled | None:
        """Move finality up over slots that were read twice, by two endpoints where two answer. None: not yet."""
        target = min(max(got.view.final, position.final.slot), got.reached.slot)
        candidates = [seen for seen in got.seen if seen.spot.slot <= target]
        if target == position.final.slot and not candidates:
            return None
        if too_new := [slot for slot in got.missing if slot <= target]:
            raise EndpointError(Trouble.LAGGING, f"does not have the final block {min(too_new)} yet")
        places = {(seen.spot.slot, seen.txid) for seen in candidates}
        fresh = {seen.txid for seen in got.fresh}
        held = sorted(place for place in places if place[1] not in fresh)
        own = [seen for seen in candidates if seen.txid in fresh]
        own += await reader.transactions(held, exact=crowded(places))
        accounts = [*got.accounts.values()]
        settled = await opinions.agreed(reader, accounts, own, above=position.final.slot, target=target)
        if not isinstance(settled, Without):
            return settled
        if settled is Without.FINALITY or large(payments(candidates), self._agree_above):
            return None  # not yet, or too much money for one endpoint's word: final when a second one is back
        before = [seen for seen in got.standing if seen.spot.slot <= target]
        if denied := displaced(_facts(payments(before)), _facts(payments(own))):
            raise EndpointError(Trouble.INCONSISTENT, f"does not tell of {denied[0].key.txid} as before")
        final = spot_of(await got.header(reader, target))
        return Settled(final=final, seen=ordered(own), listings=())

    async def _with_agreement(self, reader: Reader, opinions: Opinions, position: Position, got: Sight) -> Position:
        """Note of which blocks with much money in them a second endpoint tells the same as the one that is asked."""
        above = large(position.payments, self._agree_above)
        read_now = {seen.spot.hash for seen in got.fresh}
        unsure = {
            block: held
            for block, held in above.items()
            if block.hash not in position.agreed and (block.hash in read_now or await tells(reader, block, held))
        }
        agreed = position.agreed | await opinions.large_agreed(reader, unsure)
        return replace(position, agreed=agreed & {seen.spot.hash for seen in position.seen})

    # --- helpers ---------------------------------------------------------------------------------------------

    def _reader(self, endpoint: Endpoint, watch: Watch) -> Reader:
        return Reader(endpoint=endpoint, ours=Ours.of(watch, self._chain))

    async def _watch_for_standstill(self, *, stands: bool) -> None:
        """Find out whether the chain stands still or only the endpoint that was asked."""
        self._standing_still = self._standing_still + 1 if stands else 0
        if self._standing_still == STANDSTILL and self._endpoints.several:
            self._standing_still = 0
            await self._endpoints.survey(self._tip_of)

    async def _tip_of(self, endpoint: Endpoint) -> int:
        return (await self._reader(endpoint, Watch(active=frozenset())).view()).tip.slot


def open_solana(chain: Chain, settings: ChainSettings, *, observer: Observer = ignore) -> SolanaSource:
    """Return the source of a cluster as the operator configured it. Nothing is connected yet."""
    endpoints = endpoints_of(chain, settings, transport=SolanaTransport, identify=identify, observer=observer)
    return SolanaSource(chain, endpoints, agree_above=agreement_thresholds(chain, settings))


def _finalised(position: Position, got: Sight, settled: Settled) -> Position:
    """Return the position when everything up to a slot is in the book."""
    final, accounts = settled.final.slot, dict(position.accounts)
    for listings, read_to in ((got.listings, min(final, got.ceiling)), (settled.listings, final)):
        for listing in listings:
            done, failed = (_up_to(read_to, entries) for entries in (listing.entries, listing.failed))
            address = listing.account.address
            accounts[address] = accounts[address].after(done, failed, final)
    seen = tuple(one for one in position.seen if one.spot.slot > final)
    return replace(position, final=settled.final, accounts=accounts, seen=seen)


def _up_to(slot: int, entries: Iterable[Signature]) -> list[Signature]:
    return [entry for entry in entries if entry[0] <= slot]


def _facts(told: Iterable[Payment]) -> tuple[Payment, ...]:
    """Return payments without what the growing watch says of them, not the chain."""
    return tuple(replace(payment, internal=False, references=()) for payment in told)
