"""What `transact` and `read` promise, on both databases."""

import asyncio
import threading

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from store import postgres, sqlite
from store.engine import open_store
from store.errors import StoreOverloadedError, StoreUnavailableError
from store.schema import counters
from store.upsert import insert_ignore, upsert


def put(name, value=1):
    return lambda conn: conn.execute(insert(counters).values(name=name, value=value)).rowcount


def names(conn):
    return set(conn.execute(select(counters.c.name)).scalars())


class RefusedError(Exception):
    pass


def refuse_after_writing(name):
    def work(conn):
        put(name)(conn)
        raise RefusedError(name)

    return work


async def test_a_work_that_raises_leaves_no_trace_and_takes_no_other_with_it(store):
    works = [put(f"kept-{n}") if n % 3 else refuse_after_writing(f"lost-{n}") for n in range(60)]
    answers = await asyncio.gather(*(store.transact(work) for work in works), return_exceptions=True)
    assert [isinstance(answer, RefusedError) for answer in answers] == [n % 3 == 0 for n in range(60)]
    assert await store.read(names) == {f"kept-{n}" for n in range(60) if n % 3}


async def test_a_failed_statement_is_the_works_own_error_and_leaves_its_neighbours_standing(store):
    await store.transact(put("taken"))
    answers = await asyncio.gather(
        *(store.transact(work) for work in (put("before"), put("taken"), put("after"))), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [int, IntegrityError, int]
    assert await store.read(names) == {"taken", "before", "after"}


async def test_a_wrong_statement_is_not_mistaken_for_a_database_that_is_away(store):
    with pytest.raises(DBAPIError) as raised:
        await store.transact(lambda conn: conn.execute(text("SELECT * FROM no_such_table")))
    assert not isinstance(raised.value, StoreUnavailableError)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, StopIteration, asyncio.CancelledError])
def test_a_work_that_raises_what_ends_programs_does_not_end_the_store(database_url, error):
    """Outside of a loop's own task, since these errors end the loop of the one who asked: that is their right."""
    store = open_store(database_url)

    def raising(conn):
        put("lost")(conn)
        raise error

    with pytest.raises(BaseException) as raised:  # noqa: PT011  any of four, one of them translated
        asyncio.run(store.transact(raising))
    assert isinstance(raised.value, RuntimeError if error is StopIteration else error)

    async def afterwards():
        await store.transact(put("kept"))
        found = await store.read(names)
        await store.aclose()
        return found

    assert asyncio.run(afterwards()) == {"kept"}


async def test_a_result_is_handed_out_only_after_its_commit(store):
    """Another connection sees the row as soon as the answer is there."""
    other = open_store(store.engine.url.render_as_string(hide_password=False))
    try:
        for n in range(50):
            await store.transact(put(f"n{n}"))
            assert f"n{n}" in await other.read(names)
    finally:
        await other.aclose()


async def test_read_sees_one_snapshot_and_writes_nothing(store):
    await store.transact(put("x", 1))
    began, changed = threading.Event(), threading.Event()

    def twice(conn):
        first = conn.execute(select(counters.c.value)).scalar_one()
        began.set()
        changed.wait(10)
        return first, conn.execute(select(counters.c.value)).scalar_one()

    reading = asyncio.ensure_future(store.read(twice))
    await asyncio.to_thread(began.wait, 10)
    await store.transact(lambda conn: conn.execute(update(counters).values(value=2)).rowcount)
    changed.set()
    assert await reading == (1, 1)
    with pytest.raises((DBAPIError, StoreUnavailableError)):
        await store.read(put("written"))
    assert await store.read(names) == {"x"}


async def test_who_stops_waiting_before_the_work_began_takes_it_back(database_urls):
    store = open_store(database_urls("sqlite"))
    busy, release = threading.Event(), threading.Event()

    def block(conn):
        busy.set()
        release.wait(10)

    blocking = asyncio.ensure_future(store.transact(block))
    await asyncio.to_thread(busy.wait, 10)
    taken_back = [asyncio.ensure_future(store.transact(put(f"gone-{n}"))) for n in range(3)]
    kept = asyncio.ensure_future(store.transact(put("kept")))
    await asyncio.sleep(0)
    for task in taken_back:
        task.cancel()
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(blocking, kept)
    assert await store.read(names) == {"kept"}
    await store.aclose()


async def test_who_stops_waiting_while_the_work_runs_leaves_it_stored(store):
    began, release = threading.Event(), threading.Event()

    def slow(conn):
        put("stored")(conn)
        began.set()
        release.wait(10)

    task = asyncio.ensure_future(store.transact(slow))
    await asyncio.to_thread(began.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    await store.aclose()
    reopened = open_store(store.engine.url.render_as_string(hide_password=False))
    assert await reopened.read(names) == {"stored"}
    await reopened.aclose()


async def test_more_work_than_can_wait_is_refused_at_once(store, monkeypatch):
    monkeypatch.setattr(sqlite, "WAITING", 5)
    monkeypatch.setattr(postgres, "WAITING", 5)
    release, began = threading.Event(), threading.Event()

    def block(conn):
        began.set()
        release.wait(10)

    tasks = [asyncio.ensure_future(store.transact(block))]
    await asyncio.to_thread(began.wait, 10)
    tasks += [asyncio.ensure_future(store.transact(block)) for _ in range(30)]
    await asyncio.sleep(0)
    with pytest.raises(StoreOverloadedError):
        await store.transact(put("one too many"))
    release.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(answer) for answer in answers} == {type(None), StoreOverloadedError}
    await store.transact(put("room again"))


async def test_what_was_accepted_is_written_before_the_store_closes(store):
    tasks = [asyncio.ensure_future(store.transact(put(f"n{n}"))) for n in range(300)]
    await asyncio.sleep(0)
    await store.aclose()
    await asyncio.gather(*tasks)
    await store.aclose()  # safe to call twice
    with pytest.raises(StoreUnavailableError):
        await store.transact(put("late"))
    with pytest.raises(StoreUnavailableError):
        await store.read(names)
    reopened = open_store(store.engine.url.render_as_string(hide_password=False))
    assert len(await reopened.read(names)) == 300
    await reopened.aclose()


async def test_insert_ignore_counts_what_went_in(store):
    rows = [{"name": f"n{n}", "value": n} for n in range(10)]
    assert await store.transact(lambda conn: insert_ignore(conn, counters, rows[:4])) == 4
    assert await store.transact(lambda conn: insert_ignore(conn, counters, rows)) == 6
    assert await store.transact(lambda conn: insert_ignore(conn, counters, [])) == 0
    assert await store.transact(lambda conn: insert_ignore(conn, counters, rows[:1])) == 0
    assert await store.transact(lambda conn: insert_ignore(conn, counters, [{"name": "new", "value": 1}])) == 1


async def test_upsert_gives_the_row_its_new_values(store):
    for value in (1, 7):
        row = {"name": "n", "value": value}
        await store.transact(lambda conn, row=row: upsert(conn, counters, row, key=["name"]))
    assert await store.read(lambda conn: conn.execute(select(counters.c.value)).scalar_one()) == 7


@pytest.mark.parametrize("url", ["mysql://x/y", "oracle://x/y"])
def test_other_databases_are_refused(url):
    with pytest.raises(ValueError, match="neither sqlite nor postgresql"):
        open_store(url)
