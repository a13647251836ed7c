"""How often a client may ask: budgets by name, counted in a moving window. Who it is, is `client`'s business."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Protocol

from aiohttp import web

from config.clock import Clock
from config.settings import GateLimits
from gateway.http.codes import Code
from gateway.http.problems import Problem
from gateway.http.window import WindowMemory

WINDOW_SECONDS = 60
READS_PER_MINUTE = 600
ORDERS_PER_MINUTE = 120


class Budget(StrEnum):
    """What a client spends on; each is counted apart."""

    READS = "reads"
    ORDERS = "orders"
    PURCHASES = "purchases"
    CHALLENGES = "challenges"
    JOINS = "joins"
    JOINS_PER_WALLET = "joins-per-wallet"


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """What is left of a budget after one more request."""

    budget: Budget
    quota: int  # requests per window
    remaining: int
    reset: int  # seconds until more is to be had
    granted: bool

    def headers(self) -> dict[str, str]:
        """Return the fields of draft-ietf-httpapi-ratelimit-headers-10."""
        return {
            "RateLimit": f'"{self.budget}";r={self.remaining};t={self.reset}',
            "RateLimit-Policy": f'"{self.budget}";q={self.quota};w={WINDOW_SECONDS}',
        }

    def problem(self) -> Problem:
        """Return the refusal for a budget that is spent."""
        return Problem(code=Code.RATE_LIMITED, retry_after=self.reset, headers=self.headers())


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What a window says to one more request."""

    granted: bool
    count: int  # requests in the window now
    oldest: float  # when the oldest of them came, in seconds since 1970


class Window(Protocol):
    """Counts requests by name over the last `seconds`, at most `quota` of them."""

    async def take(self, name: str, *, quota: int, seconds: int) -> Taken:
        """Count one more request unless the window is full. Answers always: it never raises and never waits long."""


class OwnWindow:
    """The requests that this gate has seen."""

    def __init__(self, clock: Clock) -> None:
        self._memory = WindowMemory(clock)

    async def take(self, name: str, *, quota: int, seconds: int) -> Taken:
        """Count in memory."""
        granted = self._memory.acquire_entry(name, quota, seconds)
        return self.look(name, quota=quota, seconds=seconds, granted=granted)

    def look(self, name: str, *, quota: int, seconds: int, granted: bool) -> Taken:
        """Return how many there are, counting none."""
        oldest, count = self._memory.get_moving_window(name, quota, seconds)
        return Taken(granted=granted, count=count, oldest=oldest)


class Limits:
    """The budgets, counted in one window: this gate's own, or the one it shares with its neighbours."""

    def __init__(self, settings: GateLimits, clock: Clock, window: Window | None = None) -> None:
        self._clock = clock
        self._window = window or OwnWindow(clock)
        self._quotas = quotas(settings)

    async def spend(self, budget: Budget, key: str) -> Allowance:
        """Take one request out of a budget, if there is one left. `key` is a client's hash or a proved wallet."""
        quota, name = self._quotas[budget], f"{budget}/{key}"
        taken = await self._window.take(name, quota=quota, seconds=WINDOW_SECONDS)
        return Allowance(
            budget=budget,
            quota=quota,
            remaining=max(0, quota - taken.count),
            reset=max(1, ceil(taken.oldest + WINDOW_SECONDS - self._clock().timestamp())),
            granted=taken.granted,
        )


LIMITS: web.AppKey[Limits] = web.AppKey("limits", Limits)


def quotas(settings: GateLimits) -> dict[Budget, int]:
    """Return requests per minute for each budget."""
    return {
        Budget.READS: READS_PER_MINUTE,
        Budget.ORDERS: ORDERS_PER_MINUTE,
        Budget.PURCHASES: settings.purchases_per_minute,
        Budget.CHALLENGES: settings.challenges_per_minute,
        Budget.JOINS: settings.joins_per_minute,
        Budget.JOINS_PER_WALLET: settings.joins_per_wallet_per_minute,
    }
