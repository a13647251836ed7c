"""What one gate and one client may ask for, and how much of it a connection has left. No clock here."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.presence.messages import Malformed, Said, Signal


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one gate and one client may ask for."""

    sockets: int
    sockets_per_ticket: int
    strangers_per_client: int  # sockets of one client that have not said yet whose they are
    messages_per_second: int
    signals_per_second: int  # apart: whoever meets a room says dozens of candidates at once (RFC 8838, trickle ICE)
    bytes_per_second: int
    bytes_at_once: int
    authenticate_within: timedelta
    silence: timedelta
    renew_every: timedelta


@dataclass(kw_only=True, slots=True)
class Pace:
    """How fast one connection speaks: its messages, its signals and all their bytes, each with a budget of its own."""

    limits: Limits
    _full_at: dict[str, datetime] = field(default_factory=dict)  # GCRA by budget: when it is full again

    def keeps(self, said: Said | Malformed, size: int, now: datetime) -> bool:
        """Count one message and its bytes; whether both were within their budgets."""
        limits, signal = self.limits, isinstance(said, Signal)
        rate = limits.signals_per_second if signal else limits.messages_per_second
        kept = self._take("signals" if signal else "messages", cost=1, rate=rate, burst=rate, now=now)
        within = self._take("bytes", cost=size, rate=limits.bytes_per_second, burst=limits.bytes_at_once, now=now)
        return kept and within

    def _take(self, budget: str, *, cost: int, rate: int, burst: int, now: datetime) -> bool:
        """Take a cost out of a budget by GCRA: `rate` a second, `burst` at once; whether it was there."""
        full_at = max(self._full_at.get(budget, now), now) + timedelta(microseconds=cost * 1_000_000 // rate)
        self._full_at[budget] = full_at
        return full_at - now <= timedelta(seconds=burst / rate)
