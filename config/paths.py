"""Where Usher keeps its files: systemd's directories where the unit names them, else the user's XDG ones."""

import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs

NAME = "usher"
CONFIG_FILE = "usher.toml"


def config_directory(environ: Mapping[str, str] | None = None) -> Path:
    """Return where usher.toml stands (systemd: ConfigurationDirectory=)."""
    return _from_unit("CONFIGURATION_DIRECTORY", environ) or platformdirs.user_config_path(NAME)


def state_directory(environ: Mapping[str, str] | None = None) -> Path:
    """Return where database and keys stand unless the settings say otherwise (systemd: StateDirectory=)."""
    return _from_unit("STATE_DIRECTORY", environ) or platformdirs.user_state_path(NAME)


def runtime_directory(environ: Mapping[str, str] | None = None) -> Path:
    """Return where sockets and the like stand while Usher runs (systemd: RuntimeDirectory=)."""
    return _from_unit("RUNTIME_DIRECTORY", environ) or platformdirs.user_runtime_path(NAME)


def credentials_directory(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return where systemd put this unit's credentials (LoadCredential=), or None outside of it."""
    return _from_unit("CREDENTIALS_DIRECTORY", environ)


def config_file(environ: Mapping[str, str] | None = None) -> Path:
    """Return the settings file: $USHER_CONFIG, else usher.toml in the configuration directory."""
    named = (os.environ if environ is None else environ).get("USHER_CONFIG")
    return Path(named) if named else config_directory(environ) / CONFIG_FILE


def _from_unit(variable: str, environ: Mapping[str, str] | None) -> Path | None:
    """Read a directory as systemd passes it: several are joined by colons, the first is ours."""
    first = (os.environ if environ is None else environ).get(variable, "").partition(":")[0]
    return Path(first) if first else None
