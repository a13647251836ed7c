"""The revisions and the rooms' schema say the same, on both databases."""

import shutil
import uuid

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from store import revision
from store.engine import open_engine, open_store
from store.errors import StoreOutdatedError, StoreUnavailableError
from tests.support.programs import scratch
from usher import schema


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request):
    """A database without tables."""
    if request.param == "sqlite":
        folder = scratch("revision")
        yield f"sqlite:///{folder / 'usher.db'}"
        shutil.rmtree(folder, ignore_errors=True)
        return
    server, name = request.getfixturevalue("postgres"), f"empty_{uuid.uuid4().hex}"
    admin = create_engine(
        f"{server.replace('postgresql:', 'postgresql+psycopg:')}/postgres", isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield f"{server}/{name}"
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def test_the_revisions_lead_to_the_rooms_schema(empty_url):
    engine = open_engine(empty_url)
    assert revision.upgrade(engine) == (None, revision.head())
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, schema.metadata) == []
        found = inspect(connection)
        for table in schema.metadata.sorted_tables:
            named = {check["name"] for check in found.get_check_constraints(table.name)}
            declared = {str(c.name) for c in table.constraints if type(c).__name__ == "CheckConstraint"}
            assert declared <= named, table.name
    engine.dispose()


def test_a_missing_column_would_be_seen(empty_url):
    engine = open_engine(empty_url)
    revision.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE counters DROP COLUMN value"))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) != []
    engine.dispose()


def test_upgrading_again_changes_nothing(empty_url):
    engine = open_engine(empty_url)
    revision.upgrade(engine)
    assert revision.upgrade(engine) == (revision.head(), revision.head())
    engine.dispose()


def test_an_empty_or_strange_database_is_refused_with_what_to_do(empty_url):
    engine = open_engine(empty_url)
    with pytest.raises(StoreOutdatedError, match="usher db upgrade"):
        revision.check(engine)
    revision.upgrade(engine)
    assert revision.check(engine) == revision.head()
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from the future'"))
    with pytest.raises(StoreOutdatedError, match="from the future"):
        revision.check(engine)
    engine.dispose()


async def test_an_upgrade_that_fails_leaves_nothing_behind(empty_url, monkeypatch):
    engine = open_engine(empty_url)
    monkeypatch.setattr(revision, "head", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        revision.upgrade(engine)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()


async def test_the_store_works_on_an_upgraded_database(empty_url):
    engine = open_engine(empty_url)
    revision.upgrade(engine)
    engine.dispose()
    store = open_store(empty_url)
    await store.transact(lambda conn: conn.execute(text("INSERT INTO counters (name, value) VALUES ('a', 1)")).rowcount)
    assert await store.read(lambda conn: conn.execute(text("SELECT value FROM counters")).scalar_one()) == 1
    await store.aclose()


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "sqlite:////nowhere/at/all/usher.db"])
def test_a_database_that_cannot_be_reached_is_told_as_such(url):
    with pytest.raises(StoreUnavailableError), revision.engine_at(url) as engine:
        revision.check(engine)


def test_the_revision_is_read_while_another_process_writes(database_urls):
    url = database_urls("sqlite")
    engine = open_engine(url)
    other = open_engine(url)
    with other.begin(), pytest.raises(StoreOutdatedError):  # an answer, where a second writer would wait
        revision.check(engine)
    engine.dispose()
    other.dispose()


def test_every_table_belongs_to_one_room():
    owners = [
        {name for name, thing in vars(room).items() if thing in schema.metadata.sorted_tables and name.islower()}
        for room in schema.ROOMS
    ]
    assert sum(map(len, owners)) == len(set().union(*owners)) == len(schema.metadata.tables)
