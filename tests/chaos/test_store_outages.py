"""A database that is full, locked or away: work is refused with that reason, nothing is half stored, and it resumes."""

import asyncio
import sqlite3
import subprocess
import sys
import textwrap

import pytest
from sqlalchemy import event, select, text

from store import sqlite
from store.engine import open_store
from store.errors import StoreUnavailableError
from store.schema import counters
from store.upsert import insert_ignore
from tests.support.store_postgres import own_server


def put(name, size=0):
    padded = name.ljust(size, ".")
    return lambda conn: insert_ignore(conn, counters, [{"name": padded, "value": 1}])


def names(conn):
    return {name.rstrip(".") for name in conn.execute(select(counters.c.name)).scalars()}


async def test_a_full_database_refuses_and_resumes_when_there_is_room(database_urls):
    store = open_store(database_urls("sqlite"))
    limit = {"pages": 1}
    event.listen(
        store.engine, "connect", lambda driver, _: driver.execute(f"PRAGMA max_page_count={limit['pages']}")
    )  # SQLite keeps at least the pages there are
    wanted = [f"n{n}" for n in range(60)]
    answers = await asyncio.gather(*(store.transact(put(name, 4000)) for name in wanted), return_exceptions=True)
    assert {type(answer) for answer in answers} <= {int, StoreUnavailableError}
    assert any(isinstance(answer, StoreUnavailableError) and "full" in str(answer) for answer in answers)
    stored = {name for name, answer in zip(wanted, answers, strict=True) if answer == 1}
    assert await store.read(names) == stored

    limit["pages"] = 100_000
    assert await asyncio.gather(*(store.transact(put(name, 4000)) for name in wanted if name not in stored))
    assert await store.read(names) == set(wanted)
    await store.aclose()


async def test_a_full_database_stops_only_the_works_that_need_room(database_urls):
    store = open_store(database_urls("sqlite"))
    await store.transact(put("small"))
    event.listen(store.engine, "connect", lambda driver, _: driver.execute("PRAGMA max_page_count=1"))
    store.engine.dispose()
    sqlite_full = [put(f"large{n}", 20_000) for n in range(3)]

    def shrink(conn):
        return conn.execute(text("UPDATE counters SET value = 7 WHERE name = 'small'")).rowcount

    async with asyncio.timeout(30):
        await asyncio.gather(*(store.transact(work) for work in sqlite_full), return_exceptions=True)
        answers = await asyncio.gather(
            *(store.transact(work) for work in (*sqlite_full, shrink)), return_exceptions=True
        )
    assert answers[-1] == 1
    await store.aclose()


async def test_a_locked_database_refuses_all_that_wait_at_once_and_resumes(database_urls, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_MS", 30)
    url = database_urls("sqlite")
    store = open_store(url)
    await store.transact(put("before"))
    begun = []
    event.listen(store.engine, "begin", begun.append, insert=True)
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answers = await asyncio.gather(*(store.transact(put(f"n{n}")) for n in range(200)), return_exceptions=True)
    assert all(isinstance(answer, StoreUnavailableError) and "locked" in str(answer) for answer in answers)
    assert len(begun) < 20  # groups wait for the lock, not each work for itself
    assert await store.read(names) == {"before"}
    other.execute("ROLLBACK")
    other.close()
    assert await asyncio.gather(*(store.transact(put(f"n{n}")) for n in range(200))) == [1] * 200
    await store.aclose()


def test_a_disk_that_fails_to_write_is_told_and_overcome(database_urls):
    """RLIMIT_FSIZE makes the kernel refuse to let the files grow: SQLITE_IOERR or SQLITE_FULL for real."""
    script = """
    import asyncio, resource, signal, sys
    from sqlalchemy import select
    from store.engine import open_store
    from store.errors import StoreUnavailableError
    from store.schema import counters
    from store.upsert import insert_ignore

    async def main():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = open_store(sys.argv[1])
        def put(name):
            return store.transact(lambda conn: insert_ignore(conn, counters, [{"name": name, "value": 1}]))

        await put("before")
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
        answers = await asyncio.gather(*(put(f"n{n}".ljust(4000, ".")) for n in range(300)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {int, StoreUnavailableError}, {type(a) for a in answers}
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        await put("after")
        stored = await store.read(lambda conn: set(conn.execute(select(counters.c.name)).scalars()))
        wanted = {f"n{n}".ljust(4000, ".") for n, answer in enumerate(answers) if answer == 1} | {"before", "after"}
        assert stored == wanted, stored ^ wanted
        await store.aclose()

    asyncio.run(main())
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), database_urls("sqlite")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


async def test_a_database_that_vanished_is_told_as_such(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'nowhere' / 'usher.db'}")
    for ask in (store.transact, store.read):
        with pytest.raises(StoreUnavailableError):
            await ask(names)
    await store.aclose()


TERMINATE = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


async def test_connections_that_broke_while_idle_cost_nobody_an_error(database_urls):
    store = open_store(database_urls("postgres"))
    await asyncio.gather(*(store.transact(put(f"before{n}")) for n in range(30)))
    await store.transact(lambda conn: conn.execute(TERMINATE).all())
    answers = await asyncio.gather(*(store.transact(put(f"after{n}")) for n in range(30)))
    assert answers == [1] * 30
    await store.aclose()


async def test_a_server_that_stops_is_told_and_work_resumes_when_it_is_back():
    with own_server() as server:
        store = open_store(server.url)
        counters.create(store.engine)
        await asyncio.gather(*(store.transact(put(f"before{n}")) for n in range(20)))
        server.stop()
        answers = await asyncio.gather(*(store.transact(put(f"lost{n}")) for n in range(20)), return_exceptions=True)
        assert all(isinstance(answer, StoreUnavailableError) for answer in answers)
        with pytest.raises(StoreUnavailableError):
            await store.read(names)
        server.start()
        await asyncio.gather(*(store.transact(put(f"after{n}")) for n in range(20)))
        assert await store.read(names) == {f"{when}{n}" for when in ("before", "after") for n in range(20)}
        await store.aclose()
