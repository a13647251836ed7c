"""Fixtures shared by all tests: both databases, a present moment, real nodes. Rooms keep their own in tests/support."""

import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from store.engine import Store, open_store
from tests.support.anvil import Anvil, anvil_node
from tests.support.postgres import postgres_server
from tests.support.programs import scratch
from usher.schema import metadata

DATABASES = ("sqlite", "postgres")


@pytest.fixture
def now() -> datetime:
    """The present moment of every test that does not say otherwise."""
    return datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A running PostgreSQL server, as a URL without a database name."""
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    """A database with every table, from which each test's own is copied."""
    admin = create_engine(
        f"{postgres.replace('postgresql:', 'postgresql+psycopg:')}/postgres", isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE usher_template"))
    admin.dispose()
    engine = create_engine(f"{postgres.replace('postgresql:', 'postgresql+psycopg:')}/usher_template")
    metadata.create_all(engine)
    engine.dispose()
    return "usher_template"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with every table."""
    path = tmp_path_factory.mktemp("template") / "usher.db"
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture
def database_urls(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Make fresh databases with every table: `database_urls("sqlite")`, `database_urls("postgres")`."""
    with ExitStack() as stack:

        def fresh(kind: str) -> str:
            if kind == "sqlite":
                folder = scratch("sqlite")
                stack.callback(shutil.rmtree, folder, ignore_errors=True)
                shutil.copy(request.getfixturevalue("sqlite_template"), folder / "usher.db")
                return f"sqlite:///{folder / 'usher.db'}"
            server: str = request.getfixturevalue("postgres")
            template: str = request.getfixturevalue("postgres_template")
            name = f"usher_{uuid.uuid4().hex}"
            admin = create_engine(
                f"{server.replace('postgresql:', 'postgresql+psycopg:')}/postgres",
                isolation_level="AUTOCOMMIT",
            )
            stack.callback(admin.dispose)
            with admin.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))

            def drop() -> None:
                with admin.connect() as connection:
                    connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))

            stack.callback(drop)
            return f"{server}/{name}"

        yield fresh


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, database_urls: Callable[[str], str]) -> str:
    """A fresh database with every table, on each engine in turn."""
    return database_urls(request.param)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """The store on a fresh database, on each engine in turn."""
    opened = open_store(database_url)
    yield opened
    await opened.aclose()


@pytest.fixture(scope="session")
def anvils() -> Iterator[Callable[[int], Anvil]]:
    """Real EVM nodes by chain id, each started once per session; use `anvil` for a clean state."""
    with ExitStack() as stack:
        nodes: dict[int, Anvil] = {}

        def node(chain_id: int) -> Anvil:
            if chain_id not in nodes:
                nodes[chain_id] = stack.enter_context(anvil_node(chain_id))
            return nodes[chain_id]

        yield node


@pytest.fixture
def anvil(anvils: Callable[[int], Anvil]) -> Iterator[Anvil]:
    """The development chain's node, put back to where it was afterwards."""
    with anvils(31337).lent() as node:
        yield node
