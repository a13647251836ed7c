"""How a gate connects to Redis: bounded in connections and in time, and it retries nothing behind its caller's back."""

from datetime import timedelta

from pydantic import SecretStr
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

CONNECTIONS = 2
"""One to ask on and one to listen on: what is asked at once goes together."""


def connect(url: SecretStr, *, answer_within: timedelta) -> Redis:
    """Return a client of this Redis. It opens its connections when they are needed."""
    seconds = answer_within.total_seconds()
    pool = BlockingConnectionPool.from_url(
        url.get_secret_value(),
        max_connections=CONNECTIONS,
        timeout=seconds,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)
