"""What the doctor says about one thing."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"  # works, and could be better
    FAILED = "failed"  # does not work


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    subject: str
    level: Level
    detail: str  # what was seen, and what to do about it


def ok(subject: str, detail: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(subject=subject, level=Level.OK, detail=detail)


def warning(subject: str, detail: str) -> Finding:
    """Return a finding that something could be better."""
    return Finding(subject=subject, level=Level.WARNING, detail=detail)


def failed(subject: str, detail: str) -> Finding:
    """Return a finding that something does not work."""
    return Finding(subject=subject, level=Level.FAILED, detail=detail)
