"""A moving window in memory, in the shape of the package `limits`' storages. What is limited stands elsewhere.

The package's own memory reads the machine's clock, and under load starts a thread each 10 ms to look for what expired,
which costs a join as much as checking its signature; this one is given the clock and looks as it goes.
"""

from collections import deque

from limits.storage.base import MovingWindowSupport

from config.clock import Clock

SWEEP_SECONDS = 60


class WindowMemory(MovingWindowSupport):
    """The times of recent requests by key, the oldest first; at most a limit's number of them each."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: dict[str, deque[float]] = {}
        self._swept_at = 0.0

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Note `amount` requests now, unless that makes more than `limit` within `expiry` seconds."""
        now = self._clock().timestamp()
        if now - self._swept_at > SWEEP_SECONDS:
            self._sweep(now, expiry)
        times = self._times.setdefault(key, deque())
        _drop(times, now - expiry)
        if len(times) + amount > limit:
            return False
        times.extend([now] * amount)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002  the package's signature
        """Return when the oldest request of the window came, and how many there are."""
        now = self._clock().timestamp()
        times = self._times.get(key)
        if times:
            _drop(times, now - expiry)
        return (times[0], len(times)) if times else (now, 0)

    def _sweep(self, now: float, expiry: int) -> None:
        """Forget the keys whose last request left the window."""
        self._swept_at = now
        self._times = {key: times for key, times in self._times.items() if times and times[-1] > now - expiry}


def _drop(times: deque[float], until: float) -> None:
    while times and times[0] <= until:
        times.popleft()
