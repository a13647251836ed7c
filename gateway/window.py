"""A moving window in memory for the package `limits`, on the clock that everybody reads. No limit stands here.

The package's own memory starts a thread each 10 ms under load to look for what expired, which costs a join more than
checking its signature does; this one looks as it goes.
"""

from collections import deque

from limits.storage import Storage
from limits.storage.base import MovingWindowSupport

from config.clock import Clock

SWEEP_SECONDS = 60


class WindowMemory(Storage, MovingWindowSupport):
    """The times of recent requests by key, the oldest first; at most a limit's number of them each."""

    STORAGE_SCHEME = None  # made by us, never out of a URL

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._times: dict[str, deque[float]] = {}
        self._swept_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """What it may raise: nothing of its own."""
        return ValueError

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

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def clear(self, key: str) -> None:
        """Forget a key."""
        self._times.pop(key, None)

    def reset(self) -> int:
        """Forget everything; return how many keys there were."""
        count = len(self._times)
        self._times.clear()
        return count

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Counters belong to other strategies."""
        raise NotImplementedError

    def get(self, key: str) -> int:
        """Counters belong to other strategies."""
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        """Counters belong to other strategies."""
        raise NotImplementedError

    def _sweep(self, now: float, expiry: int) -> None:
        """Forget the keys whose last request left the window."""
        self._swept_at = now
        self._times = {key: times for key, times in self._times.items() if times and times[-1] > now - expiry}


def _drop(times: deque[float], until: float) -> None:
    while times and times[0] <= until:
        times.popleft()
