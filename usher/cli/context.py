"""What every command starts from: the settings it was pointed to, and the database behind them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import typer

from config.settings import Settings, load_settings
from store.engine import Store, Work

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """The options that stand before the command's name."""

    config: Path | None = None  # None: $USHER_CONFIG, else the user's or the unit's configuration directory


def settings_of(context: typer.Context) -> Settings:
    """Return the settings the operator pointed to. Raises SettingsError."""
    return load_settings((context.find_object(Invocation) or Invocation()).config)


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """Open the database, which must be at this program's revision. Raises StoreError."""
    from store import revision  # noqa: PLC0415  alembic, only where a database is opened
    from store.engine import open_store  # noqa: PLC0415

    store = open_store(settings.database.url)
    try:
        await asyncio.to_thread(revision.check, store.engine)
        yield store
    finally:
        await store.aclose()


def transact(settings: Settings, work: Work[T]) -> T:
    """Run one unit of work for a command and return its result once it is stored."""

    async def run() -> T:
        async with opened_store(settings) as store:
            return await store.transact(work)

    return asyncio.run(run())


def read(settings: Settings, work: Work[T]) -> T:
    """Run one unit of work that only reads."""

    async def run() -> T:
        async with opened_store(settings) as store:
            return await store.read(work)

    return asyncio.run(run())
