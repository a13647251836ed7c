"""A deployment for the command line (settings, keys, a database at the right revision) and a way to type commands."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from typer.testing import CliRunner, Result

from store.engine import open_engine
from store.revision import alembic_config
from tickets.keys import Keyring
from usher.cli.app import app

RECEIVE = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
SETTINGS = """
network = "main"
database.url = "{database}"
keys.directory = "{keys}"
platform = {{ name = "House", domains = ["house.example"] }}

[chains."eip155:1"]
endpoints = ["http://127.0.0.1:9"]
receive = "{receive}"

[chains."eip155:137"]
endpoints = ["http://127.0.0.1:9"]
receive = "{receive}"
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandLine:
    """Types commands for one deployment."""

    config: Path

    def __call__(self, *words: str, stdin: str | bytes | None = None) -> Result:
        """Type a command."""
        return CliRunner().invoke(app, ["--config", str(self.config), *words], input=stdin)

    def json(self, *words: str) -> Any:
        """Type a command that must succeed, with --json, and return what it prints."""
        result = self(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


def typed(words: Sequence[str], stdin: str | bytes | None = None) -> Result:
    """Type a command without any settings."""
    return CliRunner().invoke(app, list(words), input=stdin)


def deployment(folder: Path, database_url: str) -> CommandLine:
    """Write settings and keys, and let a database with every table count as upgraded."""
    config = folder / "usher.toml"
    config.write_text(SETTINGS.format(database=database_url, keys=folder / "keys", receive=RECEIVE), "utf-8")
    Keyring.create(folder / "keys", now=datetime(2026, 11, 20, tzinfo=UTC))
    engine = open_engine(database_url)
    with engine.begin() as connection:
        command.stamp(alembic_config(connection), "head")
    engine.dispose()
    return CommandLine(config=config)
