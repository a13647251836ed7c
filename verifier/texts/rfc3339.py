"""RFC 3339 date-times, exactly: from text to a moment and back. Python's own reader takes more than the norm allows."""

import calendar
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_HOUR, _MINUTE = "(?:[01][0-9]|2[0-3])", "[0-5][0-9]"
DATE_TIME = (
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt]{_HOUR}:{_MINUTE}:[0-6][0-9](?:\.[0-9]+)?(?:[Zz]|[+-]{_HOUR}:{_MINUTE})"
)
"""§5.6 `date-time`: its letters may be small, its fraction any length, its offset must stand there."""
_DATE_TIME = re.compile(DATE_TIME)
_SECOND = slice(17, 19)
_remembered = lru_cache(256)
"""The challenges of one second share their times, and each is read more than once."""


@_remembered
def moment(text: str) -> datetime | None:
    """Return the moment in UTC, finer digits than microseconds cut off; None where text or calendar (§5.7) is wrong.

    A leap second exists only in the last minute of a month in UTC and is taken as the instant that follows it, since
    `datetime` has no name for it. The year 0, which `datetime` cannot hold either, is refused.
    """
    if _DATE_TIME.fullmatch(text) is None:
        return None
    try:
        if text[_SECOND] == "60":
            return _after_leap_second(f"{text[: _SECOND.start]}59{text[_SECOND.stop :]}")
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@_remembered
def write(at: datetime) -> str:
    """Return an aware moment as UTC, with a fraction only where there is one."""
    return at.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _after_leap_second(second_before: str) -> datetime | None:
    utc = datetime.fromisoformat(second_before.upper()).astimezone(UTC)
    last_day = calendar.monthrange(utc.year, utc.month)[1]
    if (utc.day, utc.hour, utc.minute) != (last_day, 23, 59):
        return None
    return utc.replace(microsecond=0) + timedelta(seconds=1)
