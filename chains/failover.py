"""Several endpoints of one chain behind one door: which is asked, how long one rests that failed, second opinions."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from random import Random
from typing import TypeVar

from chains.errors import TransientError, WrongChainError
from chains.rpc import DISAGREEING, TOLERANCE, Endpoint, EndpointError

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
"""Seconds that an endpoint rests after its first failure and at most; doubled in between, with full jitter."""
PATIENCE = 2.0
"""Seconds to wait for an endpoint that rests before the poll is given up; the caller backs off further."""
ROUNDS = 2


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
