"""An EVM chain as a ChainSource: its reader, the shared way of following blocks, and an audit of what becomes final."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import structlog

from chains.evm import balances
from chains.evm.balances import EvmBlock
from chains.evm.finality import Audited, BalanceAudit
from chains.evm.ours import Ours
from chains.evm.reader import Reader
from chains.evm.transport import EvmTransport, identify
from chains.failover import Endpoints
from chains.following import BLOCKS_PER_POLL, FollowingSource
from chains.opening import endpoints_of
from chains.port import Checkpoint, Sweep, Watch
from chains.reader import Scope
from chains.rpc import Endpoint, Observer, ignore
from config.deployment import agreement_thresholds
from config.registry import Chain
from config.settings import ChainSettings


class EvmSource(FollowingSource[EvmBlock]):
    """One EVM chain through its endpoints."""

    def __init__(
        self,
        chain: Chain,
        endpoints: Endpoints,
        *,
        agree_above: Mapping[str, int] | None = None,
        blocks_per_poll: int = BLOCKS_PER_POLL,
    ) -> None:
        super().__init__(chain, endpoints, self._reader, agree_above=agree_above, blocks_per_poll=blocks_per_poll)
        self._ours = lru_cache(maxsize=2)(self._ours_of)  # all readers of a poll look for the same, or for nothing
        self._unread = False
        self._log = structlog.get_logger(__name__).bind(chain=chain.id)

    async def poll(self, checkpoint: Checkpoint, watch: Watch) -> Sweep:
        """Read on from the checkpoint, at most BLOCKS_PER_POLL blocks; audit balances where they become final."""
        held = balances.read(checkpoint, self._chain.id)
        audit = BalanceAudit(balances=held, limits=self._limits, reading=self._reader)
        sweep, audited = await self.poll_and_audit(checkpoint, watch, audit)
        if audited is not None:
            held = audited.balances
            self._tell(audited, sweep.final_height)
        return replace(sweep, checkpoint={**sweep.checkpoint, balances.KEY: balances.write(held)})

    def _reader(self, endpoint: Endpoint, scope: Scope) -> Reader:
        async def elsewhere(work: Callable[[Endpoint], Awaitable[Any]]) -> Any | None:
            return await self._endpoints.ask_another([endpoint], work)

        return Reader(
            endpoint=endpoint,
            ours=self._ours(scope.watch, scope.under_way),
            tag=self._chain.finality.tag,
            recompute=self._chain.checked_headers,
            read_again=scope.read_again,
            elsewhere=elsewhere,
        )

    def _ours_of(self, watch: Watch, under_way: frozenset[str]) -> Ours:
        return Ours.of(watch, self._chain, under_way)

    def _tell(self, audited: Audited, height: int) -> None:
        """Say what the operator has to know about balances that could not be read in time."""
        if audited.unread and not self._unread:
            self._log.warning("balances cannot be read: value from contract calls waits", height=height)
        self._unread = audited.unread
        for address in audited.denied:
            self._log.error("a balance contradicts its proof: value from contract calls waits", address=address)
        for payment in audited.late:
            self._log.warning(
                "credited at the first block whose balances can be read",
                payment=payment.key.payment_id,
                height=payment.block.height if payment.block else None,
            )


def open_evm(chain: Chain, settings: ChainSettings, *, observer: Observer = ignore) -> EvmSource:
    """Return the source of a chain as the operator configured it. Nothing is connected yet."""
    endpoints = endpoints_of(chain, settings, transport=EvmTransport, identify=identify, observer=observer)
    return EvmSource(chain, endpoints, agree_above=agreement_thresholds(chain, settings))
