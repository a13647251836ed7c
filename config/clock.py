"""The one place that reads the clock. Everything else is given `now`."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""A source of the present moment, always aware and in UTC."""


def utc_now() -> datetime:
    """Return the present moment in UTC, from the machine's clock."""
    return datetime.now(UTC)
