"""All rooms' tables in one MetaData, and the draft of a revision that brings a database there."""

from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

import chains.schema
import gateway.schema
import payouts.schema
import store.schema
import tickets.schema
from store.metadata import metadata
from store.revision import alembic_config
from store.types import Amount, Instant

__all__ = ["ROOMS", "draft", "metadata"]

ROOMS = (store.schema, chains.schema, tickets.schema, payouts.schema, gateway.schema)
"""Every module with tables; importing one adds them to the metadata."""


def draft(connection: Connection, message: str, revision: str) -> Path:
    """Write the next revision's file from what the database at `connection` lacks; a person reads it over."""
    config = alembic_config(connection, metadata=metadata, render_item=_render)
    script = command.revision(config, message, autogenerate=True, rev_id=revision)
    if script is None or isinstance(script, list):
        raise TypeError("one revision was asked for")
    return Path(script.path)


def _render(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    return f"{type(item).__name__}()" if kind == "type" and isinstance(item, Amount | Instant) else False
