"""How often a client may ask: budgets by name, counted in a moving window. Who it is, is `client`'s business."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from aiohttp import web

from config.clock import Clock
from config.settings import GateLimits
from gateway.problems import Code, Problem
from gateway.window import WindowMemory

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


class Limits:
    """The budgets of this process. Another storage of the package `limits` would share them between gates."""

    def __init__(self, settings: GateLimits, clock: Clock) -> None:
        self._clock = clock
        self._window = WindowMemory(clock)
        self._quotas = quotas(settings)

    async def spend(self, budget: Budget, key: str) -> Allowance:
        """Take one request out of a budget, if there is one left. `key` is a client's hash or a proved wallet."""
        quota, name = self._quotas[budget], f"{budget}/{key}"
        granted = self._window.acquire_entry(name, quota, WINDOW_SECONDS)
        oldest, count = self._window.get_moving_window(name, quota, WINDOW_SECONDS)
        return Allowance(
            budget=budget,
            quota=quota,
            remaining=quota - count,
            reset=max(1, ceil(oldest + WINDOW_SECONDS - self._clock().timestamp())),
            granted=granted,
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
