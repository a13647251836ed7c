"""The value that stands for an answer no honest node gives. Pure; which endpoint is blamed is decided in `reading`."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Distrusted:
    """A node's answer that cannot be true, and why."""

    reason: str
