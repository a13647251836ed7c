"""One endpoint of a chain: what it is asked, what may be wrong with its answers, its identity, its rate, its batches.

No family's methods stand here. An endpoint's URL may hold a key, so only its host is ever spoken of.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any, Protocol

from aiolimiter import AsyncLimiter

BATCH = 100
"""Calls in one JSON-RPC batch, until an endpoint says that this is too many."""
TOLERANCE = 3
"""Blocks that honest endpoints may be apart."""


class Trouble(StrEnum):
    """What was wrong with an endpoint's answer; a label of the error counter."""

    UNREACHABLE = "unreachable"
    THROTTLED = "throttled"
    REFUSED = "refused"  # a JSON-RPC error
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    INCONSISTENT = "inconsistent"  # it contradicts itself, its own hashes or another endpoint
    LAGGING = "lagging"
    WRONG_CHAIN = "wrong_chain"


DISAGREEING = frozenset({Trouble.INCONSISTENT, Trouble.LAGGING})
"""It does answer, but tells another story."""


class EndpointError(Exception):
    """An endpoint gave no useful answer; another one may."""

    def __init__(self, trouble: Trouble, detail: str = "", *, retry_after: float | None = None) -> None:
        self.trouble = trouble
        self.detail = detail
        self.retry_after = retry_after  # seconds
        super().__init__(f"{trouble}: {detail}" if detail else str(trouble))


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One JSON-RPC call."""

    method: str
    params: Sequence[Any] | Mapping[str, Any] = ()
    largest: int | None = None  # bytes of its answer that are read, where it is asked alone; None: what its wire bears


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """The JSON-RPC error that one call got."""

    code: int
    message: str

    @property
    def error(self) -> EndpointError:
        """The refusal as the endpoint's failure."""
        return EndpointError(Trouble.REFUSED, f"{self.code} {self.message}")


class Transport(Protocol):
    """The wire to one endpoint. Every failure is an EndpointError; answers are checked JSON-RPC, not believed."""

    @property
    def host(self) -> str:
        """Where it leads to, without anything secret."""

    async def call(self, call: Call) -> Any | Refusal:
        """Return the result of one call."""

    async def batch(self, calls: Sequence[Call]) -> Sequence[Any | Refusal]:
        """Return the results in the order of the calls. A batch that is too large is EndpointError(TOO_LARGE)."""

    async def aclose(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """One exchange with an endpoint, for the counters."""

    chain: str
    endpoint: int  # its place in the configuration
    method: str
    calls: int = 1
    trouble: Trouble | None = None


Observer = Callable[[Spoken], None]
"""Told of every exchange. It must not fail."""


def ignore(_spoken: Spoken) -> None:
    """Observe nothing."""


@dataclass(slots=True, eq=False)
class Endpoint:
    """One endpoint in use: asks who it is before anything else, keeps its rate, splits batches that are too large."""

    chain: str  # CAIP-2 it must speak for
    index: int
    transport: Transport
    identify: Callable[[Transport], Awaitable[str]]
    observer: Observer = ignore
    limiter: AsyncLimiter | None = None
    tip: int | None = None  # the height it showed when it was last of use
    failures: int = 0
    trouble: Trouble | None = None  # with the last work it was given
    rests_until: float = 0.0
    barred: bool = False  # it speaks for another chain: never used again
    _identified: bool = False
    _identifying: asyncio.Lock = field(default_factory=asyncio.Lock)
    _batch: int = BATCH

    async def call(self, method: str, *params: Any, **named: Any) -> Any:
        """Return the result of one call, by position or by name. Raises EndpointError, also for a JSON-RPC error."""
        await self._introduce()
        result = await self._exchange(Call(method=method, params=named or params))
        if isinstance(result, Refusal):
            raise result.error
        return result

    async def batch(self, calls: Sequence[Call]) -> list[Any | Refusal]:
        """Return the results in the order of the calls, each a value or the refusal of that call."""
        await self._introduce()
        results: list[Any | Refusal] = []
        while len(results) < len(calls):
            part = list(islice(calls, len(results), len(results) + self._batch))
            try:
                results += await self._exchange_all(part)
            except EndpointError as error:
                if error.trouble is not Trouble.TOO_LARGE or len(part) == 1:
                    raise
                self._batch = len(part) // 2
        return results

    def check_tip(self, height: int, ours: int) -> None:
        """Raise EndpointError if the endpoint has seen less of the chain than we have."""
        if height < ours:
            raise EndpointError(Trouble.LAGGING, f"at block {height}, we have read {ours}")
        self.tip = height

    async def _introduce(self) -> None:
        """Ask for the chain id before first use and after each loss of the connection."""
        if self._identified:
            return
        async with self._identifying:
            if self._identified:
                return
            try:
                said = await self.identify(self.transport)
            except EndpointError as error:
                self._lost(error, "identify", 1)
                raise
            self.barred = said != self.chain
            self._tell("identify", 1, Trouble.WRONG_CHAIN if self.barred else None)
            if self.barred:
                raise EndpointError(Trouble.WRONG_CHAIN, f"speaks for {said}, not {self.chain}")
            self._identified = True

    async def _exchange(self, call: Call) -> Any | Refusal:
        await self._admit(1)
        try:
            result = await self.transport.call(call)
        except EndpointError as error:
            self._lost(error, call.method, 1)
            raise
        self._tell(call.method, 1, Trouble.REFUSED if isinstance(result, Refusal) else None)
        return result

    async def _exchange_all(self, calls: Sequence[Call]) -> Sequence[Any | Refusal]:
        if len(calls) == 1:
            return [await self._exchange(calls[0])]
        await self._admit(len(calls))
        try:
            results = await self.transport.batch(calls)
        except EndpointError as error:
            self._lost(error, calls[0].method, len(calls))
            raise
        self._tell(calls[0].method, len(calls), None)
        return results

    async def _admit(self, calls: int) -> None:
        """Wait until the endpoint's rate allows so many calls."""
        if self.limiter is not None:
            whole = int(self.limiter.max_rate)
            for start in range(0, calls, whole):
                await self.limiter.acquire(min(whole, calls - start))

    def _lost(self, error: EndpointError, method: str, calls: int) -> None:
        if error.trouble is Trouble.UNREACHABLE:
            self._identified = False
        self._tell(method, calls, error.trouble)

    def _tell(self, method: str, calls: int, trouble: Trouble | None) -> None:
        self.observer(Spoken(chain=self.chain, endpoint=self.index, method=method, calls=calls, trouble=trouble))
