"""Rate limits that all gates of a house count together in Redis. What is limited, and how much, stands in `limits`.

Redis is asked only where this gate alone has not seen a full window already, and every grant is noted here too. So a
Redis that is away, or comes back empty, lets a client have at most one quota per gate; it never refuses anybody.
"""

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from pydantic import SecretStr
from redis.exceptions import RedisError

from config.clock import Clock
from gateway.http.limits import OwnWindow, Taken
from gateway.neighbours.line import connect

log = structlog.get_logger(__name__)

ANSWER_WITHIN = timedelta(milliseconds=250)
"""Every request waits for this, so a Redis that hangs counts as away soon."""
TRY_AGAIN = timedelta(seconds=1)
"""After a failure one request in so long asks again; all others are counted here."""

TAKE = """
local now, answers = tonumber(ARGV[1]), {}
for number, key in ipairs(KEYS) do
  local window, quota = tonumber(ARGV[2 * number]), tonumber(ARGV[2 * number + 1])
  local oldest = redis.call('LINDEX', key, 0)
  while oldest and tonumber(oldest) <= now - window do
    redis.call('LPOP', key)
    oldest = redis.call('LINDEX', key, 0)
  end
  local count, granted = redis.call('LLEN', key), 0
  if count < quota then
    redis.call('RPUSH', key, ARGV[1])
    redis.call('PEXPIRE', key, window)
    count, granted, oldest = count + 1, 1, oldest or ARGV[1]
  end
  answers[number] = {granted, count, oldest}
end
return answers
"""
"""The times of a window in milliseconds, the oldest first, as `WindowMemory` keeps them, on the gates' own clock."""
BATCH = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class _Request:
    """One request that waits for Redis' word."""

    key: str
    quota: int
    seconds: int
    answer: asyncio.Future[Taken | None]


class SharedWindow:
    """The requests that all gates have seen, or while Redis is away, that this one has."""

    def __init__(self, url: SecretStr, *, clock: Clock, secret: bytes) -> None:
        self._redis = connect(url, answer_within=ANSWER_WITHIN)
        self._script = self._redis.register_script(TAKE)
        self._own = OwnWindow(clock)
        self._clock = clock
        self._secret = secret
        self._waiting: list[_Request] = []
        self._asking: asyncio.Task[None] | None = None
        self._away = False
        self._ask_at = 0.0  # on the event loop's clock

    async def take(self, name: str, *, quota: int, seconds: int) -> Taken:
        """Count in Redis, or here where it does not answer."""
        here = self._own.look(name, quota=quota, seconds=seconds, granted=False)
        if here.count >= quota:
            return here
        shared = await self._shared(name, quota, seconds)
        if shared is not None and not shared.granted:
            return shared
        own = await self._own.take(name, quota=quota, seconds=seconds)
        return shared or own

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _shared(self, name: str, quota: int, seconds: int) -> Taken | None:
        """Return what Redis says; None where it is away. What is asked while it answers goes together into the next."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._ask_at:
            return None
        if self._away:
            self._ask_at = loop.time() + TRY_AGAIN.total_seconds()  # this request alone tries
        answer: asyncio.Future[Taken | None] = loop.create_future()
        self._waiting.append(_Request(key=self._key(name), quota=quota, seconds=seconds, answer=answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[:BATCH]
                answers = await self._answers(batch)
                if answers is None:
                    return
                del self._waiting[: len(batch)]
                for request, taken in zip(batch, answers, strict=True):
                    if not request.answer.done():  # whoever asked may have gone away
                        request.answer.set_result(taken)
        finally:
            waiting, self._waiting, self._asking = self._waiting, [], None
            for request in waiting:  # nobody waits for a Redis that does not answer
                if not request.answer.done():
                    request.answer.set_result(None)

    async def _answers(self, batch: Sequence[_Request]) -> Sequence[Taken] | None:
        times = [part for request in batch for part in (request.seconds * 1000, request.quota)]
        try:
            async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
                answers = await self._script(
                    keys=[f"usher:limit:{request.key}" for request in batch],
                    args=[int(self._clock().timestamp() * 1000), *times],
                )
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            self._missed(error)
            return None
        self._answered()
        return [
            Taken(granted=bool(granted), count=count, oldest=int(oldest) / 1000) for granted, count, oldest in answers
        ]

    def _key(self, name: str) -> str:
        """Return a keyed hash: a wallet's budget is named after its account, which no Redis needs to know."""
        return hmac.digest(self._secret, b"limit|" + name.encode(), "sha256").hex()[:32]

    def _missed(self, error: BaseException) -> None:
        self._ask_at = asyncio.get_running_loop().time() + TRY_AGAIN.total_seconds()
        if not self._away:
            log.warning("shared_limits_away", reason=type(error).__qualname__, instead="each gate counts by itself")
        self._away = True

    def _answered(self) -> None:
        if self._away:
            log.info("shared_limits_back")
        self._away, self._ask_at = False, 0.0
