"""Several endpoints of one chain behind one door: health, back-off, rate limits, batches, identity, second opinions.

No family's methods stand here. An endpoint's URL may hold a key, so only its host is ever spoken of.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from random import Random
from typing import Any, Protocol, TypeVar

from aiolimiter import AsyncLimiter

from chains.errors import TransientError, WrongChainError

T = TypeVar("T")

BATCH = 100
"""Calls in one JSON-RPC batch, until an endpoint says that this is too many."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
"""Seconds that an endpoint rests after its first failure and at most; doubled in between, with full jitter."""
PATIENCE = 2.0
"""Seconds to wait for an endpoint that rests before the poll is given up; the caller backs off further."""
ROUNDS = 2
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


class Endpoints:
    """The endpoints of one chain. Work is given to the best of them, and to the next where that one fails."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Random | None = None,
    ) -> None:
        self._endpoints = tuple(endpoints)
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._sleep = sleep
        self._random = random or Random()  # noqa: S311  jitter, not a secret

    @property
    def several(self) -> bool:
        """Whether a second opinion is to be asked for."""
        return len(self._endpoints) > 1

    async def ask(self, work: Callable[[Endpoint], Awaitable[T]]) -> T:
        """Return what `work` makes of the first endpoint that serves it from start to end.

        Raises TransientError if none does now, WrongChainError if all speak for another chain. Nothing is lost by
        either: work is started again from the beginning.
        """
        failed: dict[int, str] = {}
        for turn in range(ROUNDS):
            for endpoint in self._rested():
                try:
                    return await self._attempt(endpoint, work)
                except EndpointError as error:
                    failed[endpoint.index] = f"{endpoint.transport.host} {error}"
            if all(endpoint.barred for endpoint in self._endpoints):
                raise WrongChainError("; ".join(failed.values()) or "every endpoint")
            pause = min(endpoint.rests_until for endpoint in self._usable()) - self._clock()
            if pause > PATIENCE or turn == ROUNDS - 1:
                break
            await self._sleep(max(pause, 0.0))
        raise TransientError("; ".join(failed.values()) or "every endpoint rests after its failures")

    async def ask_another(
        self, than: Collection[Endpoint], work: Callable[[Endpoint], Awaitable[T]], *, urgent: bool = False
    ) -> T | None:
        """Return what `work` makes of another endpoint than these; None where none is of use now.

        `urgent`: nothing can go on without the answer, so that even those are asked that rest because they are away.
        One that rests because it told another story is asked always: a disagreement must not end by looking away.
        """
        now = self._clock()
        for endpoint in self._usable():
            silent = endpoint.rests_until > now and endpoint.trouble not in DISAGREEING
            if endpoint in than or (silent and not urgent):
                continue
            try:
                return await self._attempt(endpoint, work)
            except EndpointError:
                continue
        return None

    async def survey(self, tip_of: Callable[[Endpoint], Awaitable[int]]) -> None:
        """Note how high each endpoint stands, so that one that stands still is found out and passed over."""

        async def note(endpoint: Endpoint) -> None:
            endpoint.tip = await tip_of(endpoint)

        for endpoint in self._rested():
            with suppress(EndpointError):  # its failure is noted; nobody waits for this answer
                await self._attempt(endpoint, note)

    async def aclose(self) -> None:
        """Close every connection. Safe to call twice."""
        for endpoint in self._endpoints:
            await endpoint.transport.aclose()

    async def _attempt(self, endpoint: Endpoint, work: Callable[[Endpoint], Awaitable[T]]) -> T:
        try:
            result = await work(endpoint)
        except EndpointError as error:
            endpoint.tip, endpoint.trouble = None, error.trouble
            endpoint.failures += 1
            endpoint.rests_until = self._clock() + self._pause(endpoint.failures, error.retry_after)
            raise
        endpoint.failures, endpoint.trouble, endpoint.rests_until = 0, None, 0.0
        return result

    def _pause(self, failures: int, retry_after: float | None) -> float:
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 16))
        return max(retry_after or 0.0, self._random.uniform(0.0, longest))

    def _usable(self) -> list[Endpoint]:
        return [endpoint for endpoint in self._endpoints if not endpoint.barred]

    def _rested(self) -> list[Endpoint]:
        """Return those that may be asked now: as configured, but the ones that are known to lag come last."""
        now = self._clock()
        rested = [endpoint for endpoint in self._usable() if endpoint.rests_until <= now]
        best = max((endpoint.tip for endpoint in rested if endpoint.tip is not None), default=0)
        return sorted(rested, key=lambda endpoint: endpoint.tip is not None and endpoint.tip < best - TOLERANCE)
