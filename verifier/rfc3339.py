"""RFC 3339 date-times, exactly: from text to a moment and back. Python's own reader takes more than the norm allows."""

import calendar
import re
from datetime import UTC, datetime, timedelta

DATE_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
"""§5.6 `date-time`: its letters may be small, its fraction any length, its offset must stand there."""

_PARTS = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))", re.ASCII
)
_LEAP_SECOND = 60


def moment(text: str) -> datetime | None:
    """Return the moment in UTC, finer digits than microseconds cut off; None where text or calendar (§5.7) is wrong.

    A leap second exists only in the last minute of a month in UTC and is taken as the instant that follows it, since
    `datetime` has no name for it. The year 0, which `datetime` cannot hold either, is refused.
    """
    match = _PARTS.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, sign, offset_hours, offset_minutes = match.groups()[6:]
    leaps = second == _LEAP_SECOND
    offset = timedelta(hours=int(offset_hours or 0), minutes=int(offset_minutes or 0))
    if int(offset_hours or 0) > 23 or int(offset_minutes or 0) > 59:  # noqa: PLR2004  §5.7 time-hour, time-minute
        return None
    try:
        local = datetime(
            year, month, day, hour, minute, second - leaps, int((fraction or "0")[:6].ljust(6, "0")), tzinfo=UTC
        )
        utc = local + offset if sign == "-" else local - offset
        if not leaps:
            return utc
        return utc.replace(microsecond=0) + timedelta(seconds=1) if _ends_a_month(utc) else None
    except (ValueError, OverflowError):
        return None


def write(at: datetime) -> str:
    """Return an aware moment as UTC, with a fraction only where there is one."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _ends_a_month(utc: datetime) -> bool:
    return (utc.hour, utc.minute, utc.day) == (23, 59, calendar.monthrange(utc.year, utc.month)[1])
