"""A Monero chain as a ChainSource: a daemon tells what the chain is, a view-only wallet what of it is ours.

The wallet is asked once, at the beginning of a poll; blocks are then followed as on any other chain, and each payment
is proved to be in its block. What waits in the pool, and what is locked, is added to what the blocks tell.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import aiohttp

from chains.errors import PersistentError, TransientError
from chains.failover import Endpoints
from chains.following import BLOCKS_PER_POLL, FollowingSource
from chains.monero import state
from chains.monero.burnt import buried
from chains.monero.derive import Subaddresses, WrongKeyError
from chains.monero.locks import WINDOW
from chains.monero.mempool import Mempool
from chains.monero.parse import Ours, Told, Transfer, payments_waiting
from chains.monero.pool import queue, with_pool
from chains.monero.reader import Ledger, MoneroReader, by_height
from chains.monero.rings import is_own
from chains.monero.state import Clock, State
from chains.monero.transport import MoneroTransport, identify
from chains.monero.wallet import Wallet
from chains.opening import limiter_of
from chains.port import Checkpoint, Payment, PaymentKey, Sweep, Watch
from chains.position import Position, ReadBlock, read, sweep_of
from chains.rpc import Endpoint, Observer, Transport, ignore
from chains.wire import SECONDS
from config.deployment import agreement_thresholds
from config.registry import Chain
from config.settings import ChainSettings

FEWEST_AHEAD = 200
"""Addresses that the wallet knows beyond the last one, at least: as many as a wallet knows when it is made."""
STORED_EVERY = 50
"""Blocks after which the wallet is written to its file: what is lost with the process is scanned again."""


class MoneroSource:
    """One Monero chain through its daemons and one wallet."""

    def __init__(
        self,
        chain: Chain,
        endpoints: Endpoints,
        wallet: Wallet,
        *,
        agree_above: Mapping[str, int] | None = None,
        blocks_per_poll: int = BLOCKS_PER_POLL,
    ) -> None:
        self._chain = chain
        self._endpoints = endpoints
        self._wallet = wallet
        self._mempool = Mempool(endpoints=endpoints)
        self._agree_above = agree_above or {}  # smallest unit by asset id
        self._blocks_per_poll = blocks_per_poll
        self._turn = asyncio.Lock()
        self._ledger: Ledger | None = None  # of the poll that is under way
        self._following = FollowingSource(
            chain,
            endpoints,
            lambda endpoint, _scope: MoneroReader(endpoint=endpoint, ledger=self._ledger),
            agree_above=agree_above,
            blocks_per_poll=blocks_per_poll,
        )

    @property
    def chain(self) -> str:
        """CAIP-2 id."""
        return self._chain.id

    async def start(self, height: int | None = None) -> Checkpoint:
        """Return the checkpoint that reads on with block `height`, or with what is not final yet."""
        async with self._turn:
            self._ledger = None
            begun = await self._following.start(height)
        began = read(begun, self._chain.id).memory.final.height
        return state.write(begun, State(began=began))

    async def poll(self, checkpoint: Checkpoint, watch: Watch) -> Sweep:
        """Read on from the checkpoint, at most BLOCKS_PER_POLL blocks."""
        async with self._turn:
            return await self._poll(checkpoint, watch)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._endpoints.aclose()
        await self._wallet.aclose()

    async def _poll(self, checkpoint: Checkpoint, watch: Watch) -> Sweep:
        position, held = read(checkpoint, self._chain.id), state.read(checkpoint, self._chain.id)
        under_way = [
            *position.payments,
            *held.sighted,
            *(one.payment for one in held.locked),
        ]
        watch = state.with_keys_of(watch, under_way)
        self._ledger = ledger = await self._ask_wallet(position, held, watch)
        followed = await self._following.poll(checkpoint, watch)
        sweep = await self._completed(followed, ledger)
        clock, unlock_times = await self._clock(sweep, held, ledger)
        sweep, held = state.unlocked(sweep, held, unlock_times, clock)
        sweep, held = await self._with_pool(sweep, held, ledger, position)
        if sweep.final_height // STORED_EVERY > position.memory.final.height // STORED_EVERY:
            with suppress(TransientError):  # whatever is lost is scanned again
                await self._wallet.store()
        return replace(sweep, checkpoint=state.write(sweep.checkpoint, held))

    # --- the wallet ------------------------------------------------------------------------------------------

    async def _ask_wallet(self, position: Position, held: State, watch: Watch) -> Ledger:
        """Return what the wallet tells of all blocks that this poll may read, and of the pool."""
        keys = self._wallet.addresses
        minors = await asyncio.to_thread(keys.minors, watch.active | watch.retired)
        addresses = {0: keys.primary} | {minor: address for address, minor in minors.items()}
        await self._wallet.ready(last=max(addresses), restore_height=held.began)
        scanned, tip = await self._wallet.scan(), position.memory.tip.height
        if scanned < tip:
            raise TransientError(f"the wallet has scanned up to block {scanned}, we have read {tip}")
        told = await self._wallet.transfers(position.memory.final.height, tip + self._blocks_per_poll)
        ours = Ours(chain=self._chain, watch=watch, addresses=addresses)
        if strange := ours.strange((*told.arrived, *told.waiting)):
            raise PersistentError(f"{self._chain.id}: the wallet's subaddress {strange.index} is not ours")
        spends = await self._own_spends(told, ours)
        known = [*position.payments, *held.sighted]
        return Ledger(
            scanned=scanned,
            ours=replace(ours, spends=spends),
            arrived=by_height((*told.arrived, *_overwritten(known, told))),
            waiting=told.waiting,
        )

    async def _own_spends(self, told: Told, ours: Ours) -> frozenset[str]:
        """Return the transactions of our own: as the wallet knows by key images, or as their rings show."""
        known = frozenset(told.sent)
        strays = ours.strays((*told.arrived, *told.waiting)) - known
        if not strays:
            return known
        seen = await self._mempool.seen(strays)
        if any(one.txid in strays and one.txid not in seen for one in told.arrived):
            raise TransientError("the daemon does not have a transaction that the wallet has seen in a block")
        outputs = await self._wallet.outputs()
        return known | {txid for txid in strays if txid in seen and is_own(seen[txid].rings, outputs)}

    # --- blocks ----------------------------------------------------------------------------------------------

    async def _completed(self, sweep: Sweep, ledger: Ledger) -> Sweep:
        """Add what the wallet tells only now of blocks that were read before: it had not followed a reorg then."""
        position = read(sweep.checkpoint, self._chain.id)
        held: defaultdict[int, set[tuple[str, str]]] = defaultdict(set)
        for payment in position.payments:
            if payment.block is not None:
                held[payment.block.height].add((payment.key.txid, payment.key.index))
        unfinal = range(position.memory.final.height + 1, position.memory.tip.height + 1)
        changed = [
            height
            for height in unfinal
            if held[height] != {one.place for one in ledger.at(height) if ledger.ours.reported(one)}
        ]
        if not changed:
            return sweep
        for height in changed:
            position = await self._read_anew(position, height)
        told = sweep_of(position, final=sweep.final, behind=sweep.behind, limits=self._agree_above)
        return replace(told, gone=sweep.gone)

    async def _read_anew(self, position: Position, height: int) -> Position:
        """Return the position with the payments of one block as they are told now; none may be missing."""
        [block] = await self._read(height, height, self._ledger)
        ours = position.memory.at(height)
        if ours is not None and ours.hash != block.link.hash:
            raise TransientError(f"block {height} changed while it was read")
        before = [one for one in position.payments if one.block is not None and one.block.height == height]
        missing = {one.key for one in before} - {one.key for one in block.payments}
        if missing:
            raise TransientError(f"the wallet tells no more of {min(missing).txid}, which stands in block {height}")
        below, above = position.split(height - 1)
        return replace(
            position,
            payments=(*below, *block.payments, *above[len(before) :]),
            agreed=position.agreed - {block.link.hash},
        )

    async def _clock(self, sweep: Sweep, held: State, ledger: Ledger) -> tuple[Clock, Mapping[PaymentKey, int]]:
        """Return the chain's height and, where a lock asks for it, its time; and the locks of what was read."""
        transfers = (one for block in ledger.arrived.values() for one in block if one.unlock_time)
        unlock_times = {
            PaymentKey(chain=self._chain.id, txid=one.txid, index=one.index): one.unlock_time for one in transfers
        }
        tip = sweep.tip.height
        if not state.needs_times(unlock_times, held.locked):
            return Clock(tip=tip), unlock_times
        blocks = await self._read(max(0, tip - WINDOW + 1), tip, None)
        if blocks[-1].link.hash != sweep.tip.hash:
            raise TransientError(f"block {tip} changed while it was read")
        return Clock(tip=tip, times=tuple(block.link.time for block in blocks)), unlock_times

    async def _read(self, first: int, last: int, ledger: Ledger | None) -> list[ReadBlock]:
        """Read blocks from whichever daemon serves them; without a ledger, their headers alone."""
        return await self._endpoints.ask(lambda one: MoneroReader(endpoint=one, ledger=ledger).read(first, last))

    # --- the pool --------------------------------------------------------------------------------------------

    async def _with_pool(self, sweep: Sweep, held: State, ledger: Ledger, before: Position) -> tuple[Sweep, State]:
        """Add what waits in the pool: sighted by the wallet, known from there, or fallen back from a lost block."""
        in_blocks = {payment.key for payment in read(sweep.checkpoint, self._chain.id).payments}
        in_blocks |= {payment.key for payment in sweep.final} | {one.payment.key for one in held.locked}
        sighted = payments_waiting(ledger.waiting, ledger.ours)
        fallen = (one for one in before.payments if one.key in sweep.gone)
        waits = queue(held.waiting, sighted, fallen, in_blocks)
        look = await self._mempool.look(waits)
        if look is not None and (mined := buried(waits.known, look.seen, sweep.final_height)):
            owners = await self._wallet.owners()
            look = replace(look, burnt=await self._mempool.burnt(mined, owners, sweep.final_height))
        told, waiting = with_pool(sweep, waits, look)
        return told, replace(held, waiting=waiting)


def _overwritten(known: list[Payment], told: Told) -> list[Transfer]:
    """Return what the wallet told of our own change until key images were imported; then it tells of the spend."""
    places = {one.place for one in told.arrived}
    return [
        Transfer(
            txid=one.key.txid,
            minor=int(one.key.index.partition(",")[2]),
            address=one.destination,
            amount=one.amount,
            height=told.sent[one.key.txid],
        )
        for one in known
        if one.internal and one.key.txid in told.sent and (one.key.txid, one.key.index) not in places
    ]


def open_monero(
    chain: Chain,
    settings: ChainSettings,
    *,
    observer: Observer = ignore,
    seconds: aiohttp.ClientTimeout = SECONDS,
    blocks_per_poll: int = BLOCKS_PER_POLL,
) -> MoneroSource:
    """Return the source of a chain as the operator configured it; nothing is connected yet.

    Raises PersistentError where no wallet is configured, or its view key is not that of the receiving address.
    """
    if settings.wallet is None:
        raise PersistentError(f"{chain.id}: no wallet is configured")
    try:
        addresses = Subaddresses(settings.receive, settings.wallet.view_key.get_secret_value())
    except WrongKeyError as error:
        raise PersistentError(f"{chain.id}: {error}") from None

    async def ours(_transport: Transport) -> str:
        return chain.id  # whose wallet it is shows when it is opened

    urls = [*settings.endpoints, settings.wallet.endpoint]
    *daemons, wallet = (
        Endpoint(
            chain=chain.id,
            index=index,
            transport=MoneroTransport(endpoint.url.get_secret_value(), seconds=seconds),
            identify=identify if index < len(settings.endpoints) else ours,
            observer=observer,
            limiter=limiter_of(endpoint),
        )
        for index, endpoint in enumerate(urls)
    )
    margin = max(FEWEST_AHEAD, 2 * settings.address_range)
    return MoneroSource(
        chain,
        Endpoints(daemons),
        Wallet(endpoint=wallet, secrets=settings.wallet, addresses=addresses, margin=margin),
        agree_above=agreement_thresholds(chain, settings),
        blocks_per_poll=blocks_per_poll,
    )
