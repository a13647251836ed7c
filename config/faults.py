"""What is wrong with a deployment's settings, told so that the operator can put it right. Never the value itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from config.lines import KeyPath, line_of

NOT_A_SETTING = "is not a setting; look for a spelling mistake"
_WORDS = {
    "missing": "is required",
    "extra_forbidden": NOT_A_SETTING,
    "too_short": "needs at least one",
    "string_too_short": "is too short",
}
"""pydantic's own words, where a person needs others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One setting that cannot be, and why. The value is left out: it may be a secret."""

    path: KeyPath
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the settings were read from."""

    file: Path
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    variables: Mapping[KeyPath, str] = field(
        default_factory=dict
    )  # the keys that came from the environment or a credential

    def of(self, path: KeyPath) -> str:
        """Return where a person finds this key: `usher.toml:12` or the variable's name."""
        for depth in range(len(path), 0, -1):
            if path[:depth] in self.variables:
                return self.variables[path[:depth]]
        line = line_of(path, self.lines)
        return f"{self.file}:{line}" if line else str(self.file)


class SettingsError(Exception):
    """The settings cannot be used."""

    def __init__(self, faults: Sequence[Fault], place: Place) -> None:
        self.faults = tuple(faults)
        self.place = place
        super().__init__("\n".join(f"{place.of(fault.path)}: {_told(fault)}" for fault in faults))


def faults_of(error: ValidationError) -> tuple[Fault, ...]:
    """Translate pydantic's findings, without the values it found."""
    return tuple(
        Fault(path=tuple(found["loc"]), reason=_WORDS.get(found["type"], found["msg"].removeprefix("Value error, ")))
        for found in error.errors(include_url=False, include_input=False, include_context=False)
        if found["type"] != "default_factory_not_called"  # a consequence of another fault
    )


def spelled(path: KeyPath) -> str:
    """Write a key as TOML does: `chains."eip155:1".endpoints[0]`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            bare = key.replace("_", "").replace("-", "").isalnum() and key.isascii()
            text += ("." if text else "") + (key if bare else f'"{key}"')
    return text


def _told(fault: Fault) -> str:
    return f"{spelled(fault.path)}: {fault.reason}" if fault.path else fault.reason
