"""Rate limits that all gates of a house count together in Redis. What is limited, and how much, stands in `limits`.

Redis is asked only where this gate alone has not seen a full window already, and every grant is noted here too. So a
Redis that is away, or comes back empty, lets a client have at most one quota per gate; it never refuses anybody.
"""

import asyncio
import hmac
from datetime import timedelta

import structlog
from pydantic import SecretStr
from redis.exceptions import RedisError

from config.clock import Clock
from gateway.limits import OwnWindow, Taken
from gateway.neighbours.line import CONNECTIONS, connect

log = structlog.get_logger(__name__)

ANSWER_WITHIN = timedelta(milliseconds=250)
"""Every request waits for this, so a Redis that hangs counts as away soon."""
TRY_AGAIN = timedelta(seconds=1)
"""After a failure one request in so long asks again; all others are counted here."""

TAKE = """
local now, window, quota = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local oldest = redis.call('LINDEX', KEYS[1], 0)
while oldest and tonumber(oldest) <= now - window do
  redis.call('LPOP', KEYS[1])
  oldest = redis.call('LINDEX', KEYS[1], 0)
end
local count = redis.call('LLEN', KEYS[1])
if count >= quota then
  return {0, count, oldest}
end
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], window)
return {1, count + 1, oldest or ARGV[1]}
"""
"""The times of a window in milliseconds, the oldest first, as `WindowMemory` keeps them, on the gates' own clock."""


class SharedWindow:
    """The requests that all gates have seen, or while Redis is away, that this one has."""

    def __init__(self, url: SecretStr, *, clock: Clock, secret: bytes) -> None:
        self._redis = connect(url, answer_within=ANSWER_WITHIN, connections=CONNECTIONS)
        self._script = self._redis.register_script(TAKE)
        self._own = OwnWindow(clock)
        self._clock = clock
        self._secret = secret
        self._away = False
        self._ask_at = 0.0  # on the event loop's clock

    async def take(self, name: str, *, quota: int, seconds: int) -> Taken:
        """Count in Redis, or here where it does not answer."""
        here = self._own.look(name, quota=quota, seconds=seconds, granted=False)
        if here.count >= quota:
            return here
        shared = await self._ask(name, quota, seconds)
        if shared is not None and not shared.granted:
            return shared
        own = await self._own.take(name, quota=quota, seconds=seconds)
        return shared or own

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _ask(self, name: str, quota: int, seconds: int) -> Taken | None:
        """Return what Redis says; None where it is away."""
        moment = asyncio.get_running_loop().time()
        if moment < self._ask_at:
            return None
        if self._away:
            self._ask_at = moment + TRY_AGAIN.total_seconds()  # this request alone tries
        milliseconds = int(self._clock().timestamp() * 1000)
        try:
            async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
                granted, count, oldest = await self._script(
                    keys=[f"usher:limit:{self._key(name)}"], args=[milliseconds, seconds * 1000, quota]
                )
        except (RedisError, OSError, TimeoutError) as error:
            self._missed(error)
            return None
        self._answered()
        return Taken(granted=bool(granted), count=count, oldest=int(oldest) / 1000)

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
