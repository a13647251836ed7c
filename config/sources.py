"""Where settings come from: usher.toml, then systemd's credentials, then the environment; the later one wins.

The environment spells a key as USHER_TURN__TTL_SECONDS; a credential is a file named `turn.secret`. Both name a chain
by its alias, or by its id with `_` for `:`, in any case: USHER_CHAINS__BITCOIN__RECEIVE, `chains.eip155_1.endpoints`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, EnvSettingsSource

from config.lines import KeyPath
from config.loader import load_entries

PREFIX = "USHER_"
NESTED = "__"


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """A value from outside usher.toml."""

    value: str
    place: str  # where a person finds it
    path: KeyPath


def from_environment(environ: Mapping[str, str], sections: Iterable[str]) -> Mapping[str, Given]:
    """Return the variables meant for the settings: a section, or a name with `__`. Empty ones say nothing."""
    known = {PREFIX + section.upper() for section in sections}
    return {
        name: Given(value=value, place=name, path=_path(name))
        for name, value in environ.items()
        if value and name.startswith(PREFIX) and (NESTED in name or name in known)
    }


def from_credentials(directory: Path | None, sections: Iterable[str]) -> Mapping[str, Given]:
    """Return the credentials that are settings, under the names the environment would give them.

    Files that name no section of the settings belong to others (a keyring, a certificate) and are left alone.
    """
    known = frozenset(sections)
    files = sorted(directory.iterdir()) if directory is not None and directory.is_dir() else []
    given = {}
    for file in files:
        if file.is_file() and file.name.partition(".")[0] in known:
            variable = PREFIX + file.name.replace(".", NESTED).upper()
            text = file.read_text("utf-8").strip()
            given[variable] = Given(value=text, place=f"credential {file.name}", path=_path(variable))
    return given


def nested(settings: type[BaseSettings], given: Mapping[str, Given]) -> dict[str, Any]:
    """Return the values that such variables give, in the settings' own shape."""
    source = EnvSettingsSource(settings, env_prefix=PREFIX, env_nested_delimiter=NESTED, case_sensitive=False)
    source.env_vars = {name.lower(): variable.value for name, variable in given.items()}
    values = source()
    if isinstance(values.get("chains"), dict):
        values["chains"] = {_chain_id(name): value for name, value in values["chains"].items()}
    return values


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, table by table; where both have a value, the one of `over`."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def _path(variable: str) -> KeyPath:
    """Return the key that a variable sets."""
    section, *keys = variable.removeprefix(PREFIX).lower().split(NESTED)
    if section == "chains" and keys:
        keys[0] = _chain_id(keys[0])
    return (section, *keys)


def _chain_id(name: str) -> str:
    return name if ":" in name else _spoken_chains().get(name.lower()) or name.replace("_", ":", 1)


@cache
def _spoken_chains() -> Mapping[str, str]:
    """Return the ids of the chains by what variables can call them: no `:`, no `-`, no difference of case."""
    entries = load_entries()
    ids = {chain_id.replace(":", "_", 1).lower(): chain_id for chain_id in entries}
    return ids | {entry.alias.replace("-", "_"): chain_id for chain_id, entry in entries.items()}
