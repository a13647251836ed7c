"""A deployment's settings, read once at start and never changed. What a value may be stands in `checks`."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config import deployment, paths, sections, sources
from config.faults import NOT_A_SETTING, Fault, Place, SettingsError, faults_of
from config.lines import KeyPath, key_lines
from config.registry import Network, Registry
from config.sections import ChainSettings, EndpointSettings, GateLimits, LiveKitSettings, RedisSettings, TurnSettings

__all__ = [
    "ChainSettings", "EndpointSettings", "GateLimits", "LiveKitSettings", "RedisSettings", "Settings",
    "SettingsError", "TurnSettings", "load_settings",
]  # fmt: skip


class Settings(BaseSettings):
    """Everything an operator decides. Made by `load_settings`, which knows where each value came from."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, enable_decoding=False)

    network: Network
    database: sections.DatabaseSettings = Field(default_factory=sections.DatabaseSettings)
    platform: sections.PlatformSettings
    chains: dict[str, ChainSettings] = Field(min_length=1)  # by CAIP-2 id
    gate: sections.GateSettings = Field(default_factory=sections.GateSettings)
    presence: sections.PresenceSettings = Field(
        default_factory=lambda known: sections.PresenceSettings.beside(known["gate"])
    )
    metrics: sections.MetricsSettings = Field(default_factory=sections.MetricsSettings)
    turn: TurnSettings | None = None
    livekit: LiveKitSettings | None = None
    redis: RedisSettings | None = None
    log: sections.LogSettings = Field(default_factory=sections.LogSettings)
    orders: sections.OrderSettings = Field(default_factory=sections.OrderSettings)
    keys: sections.KeySettings = Field(default_factory=sections.KeySettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  pydantic-settings' signature
        init_settings: PydanticBaseSettingsSource,
        *_others: PydanticBaseSettingsSource,
        **_more: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `load_settings` collected and nothing behind its back."""
        return (init_settings,)

    def registry(self) -> Registry:
        """Return the chains of this deployment, with its own depths and tokens."""
        return deployment.registry_of(self.chains)


def load_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read usher.toml, credentials and environment. Raises SettingsError that names every fault and its line."""
    environ = os.environ if environ is None else environ
    file = path or paths.config_file(environ)
    given = {
        **sources.from_credentials(paths.credentials_directory(environ), Settings.model_fields),
        **sources.from_environment(environ, Settings.model_fields),
    }
    place = Place(file=file, variables={variable.path: variable.place for variable in given.values()})
    written, lines = _read(file, place)
    place = replace(place, lines=lines)
    values = sources.merged(_defaults(environ), sources.merged(written, sources.nested(Settings, given)))
    unknown = [variable.path for variable in given.values() if variable.path[0] not in Settings.model_fields]
    faults = [Fault(path=path, reason=NOT_A_SETTING) for path in unknown]
    try:
        settings = Settings(**_anchored(values, file.parent))
    except ValidationError as error:
        raise SettingsError([*faults, *faults_of(error)], place) from None
    faults += deployment.faults(settings.network, settings.chains)
    if faults:
        raise SettingsError(faults, place)
    return settings


def _defaults(environ: Mapping[str, str]) -> dict[str, Any]:
    state = paths.state_directory(environ)
    return {"database": {"url": f"sqlite:///{state / 'usher.db'}"}, "keys": {"directory": str(state / "keys")}}


def _read(file: Path, place: Place) -> tuple[dict[str, Any], Mapping[KeyPath, int]]:
    try:
        text = file.read_text("utf-8")
        return tomllib.loads(text), key_lines(text)
    except FileNotFoundError:
        reason = "does not exist; `usher init` writes one, `--config` names another"
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError; the former tells line and column
        reason = f"is not TOML: {error}"
    raise SettingsError([Fault(path=(), reason=reason)], place)


def _anchored(values: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Read relative paths from the settings file, not from wherever the program was started."""
    directory = directory.absolute()
    match values:
        case {"database": {"url": str(url)}} if url.startswith("sqlite:///") and url[len("sqlite:///") :]:
            file = directory / url[len("sqlite:///") :]
            values = sources.merged(values, {"database": {"url": f"sqlite:///{file}"}})
    match values:
        case {"keys": {"directory": str(folder)}}:
            values = sources.merged(values, {"keys": {"directory": directory / folder}})
    return values
