"""A chain of the Bitcoin family as a ChainSource: its blocks as `following` reads them, then what waits in the pool.

Both are served by endpoints of their own choice, so that the pool of one that stands elsewhere is not looked at. The
only thing kept between polls, besides the endpoints' health, is which waiting transactions are none of ours.
"""

import asyncio
from collections.abc import Mapping

from chains.bitcoin.mempool import Foreign, PoolReader
from chains.bitcoin.ours import Ours
from chains.bitcoin.pool import Held, News, Pool, read, with_pool
from chains.bitcoin.reader import BlockReader, Notes
from chains.bitcoin.transport import identify, transport_to
from chains.errors import TransientError
from chains.failover import Endpoints
from chains.following import BLOCKS_PER_POLL, FollowingSource
from chains.opening import endpoints_of
from chains.port import Checkpoint, Sweep, Watch
from chains.reader import Scope
from chains.rpc import Endpoint, Observer, ignore
from config.deployment import agreement_thresholds
from config.registry import Chain
from config.settings import ChainSettings


class BitcoinSource:
    """One chain of the Bitcoin family through its endpoints."""

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
        self._blocks = FollowingSource(
            chain, endpoints, self._reader, agree_above=agree_above, blocks_per_poll=blocks_per_poll
        )
        self._turn = asyncio.Lock()
        self._notes = Notes()  # of the poll that is under way
        self._foreign = Foreign()

    @property
    def chain(self) -> str:
        """CAIP-2 id."""
        return self._chain.id

    async def start(self, height: int | None = None) -> Checkpoint:
        """Return the checkpoint that reads on with block `height`, or with what is not final yet."""
        return await self._blocks.start(height)

    async def poll(self, checkpoint: Checkpoint, watch: Watch) -> Sweep:
        """Read on from the checkpoint, a bounded part; at the tip, look into the pool as well."""
        held = read(checkpoint, self._chain.id)
        wider = held.looked_for(watch)
        async with self._turn:
            self._notes = Notes(needed=held.needed)
            sweep = await self._blocks.poll(checkpoint, wider)
            news = News(coinbases=self._notes.coinbases, spent=self._notes.spent_below(sweep.tip.hash))
            return with_pool(sweep, held, news, await self._pool(sweep, held, wider))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._blocks.aclose()

    async def _pool(self, sweep: Sweep, held: Held, watch: Watch) -> Pool | None:
        """Return what waits; None where no endpoint shows it now: then nothing follows, and blocks are read on."""
        if sweep.behind:
            return None
        ours = Ours.of(watch.active | watch.retired, self._chain)
        known = {one.txid: len(one.payments) for one in held.waiting}
        first = list(dict.fromkeys(key.txid for key in sweep.gone))

        async def work(endpoint: Endpoint) -> Pool | None:
            reader = PoolReader(endpoint=endpoint, ours=ours, foreign=self._foreign)
            return await reader.look(sweep.tip.hash, first, known)

        try:
            return await self._endpoints.ask(work)
        except TransientError:
            return None

    def _reader(self, endpoint: Endpoint, scope: Scope) -> BlockReader:
        ours = Ours.of(scope.watch.active | scope.watch.retired, self._chain)
        return BlockReader(endpoint=endpoint, ours=ours, notes=self._notes)


def open_bitcoin(chain: Chain, settings: ChainSettings, *, observer: Observer = ignore) -> BitcoinSource:
    """Return the source of a chain as the operator configured it. Nothing is connected yet."""
    endpoints = endpoints_of(chain, settings, transport=transport_to, identify=identify, observer=observer)
    return BitcoinSource(chain, endpoints, agree_above=agreement_thresholds(chain, settings))
