"""An answer comes after its COMMIT and never without; nothing answered is lost, whatever ends the process."""

import asyncio
import subprocess
import sys
import threading

import pytest
from sqlalchemy import event, select, text

from store import group, postgres, sqlite
from store.engine import open_store
from store.errors import StoreError, StoreUnavailableError, StoreUncertainError
from store.schema import counters
from store.upsert import insert_ignore


def put(name):
    return lambda conn: insert_ignore(conn, counters, [{"name": name, "value": 1}])


def names(conn):
    return set(conn.execute(select(counters.c.name)).scalars())


async def answered_before_commit(store):
    """Hold a COMMIT back and see whether somebody is answered meanwhile."""
    committing, release = threading.Event(), threading.Event()

    def hold(_connection):
        committing.set()
        release.wait(10)

    event.listen(store.engine, "commit", hold)
    task = asyncio.ensure_future(store.transact(put("held")))
    await asyncio.to_thread(committing.wait, 10)
    for _ in range(10):
        await asyncio.sleep(0)
    early = task.done()
    release.set()
    await task
    event.remove(store.engine, "commit", hold)
    return early


async def test_nobody_is_answered_before_the_commit(store):
    assert not await answered_before_commit(store)


async def test_a_store_that_answers_first_would_be_caught(database_urls, monkeypatch):
    def hasty(connection, jobs):
        for job in jobs:
            job.settle(result=1)
        sqlite._hand_out(jobs)
        group.run_group(connection, jobs)

    monkeypatch.setattr(sqlite, "run_group", hasty)
    store = open_store(database_urls("sqlite"))
    assert await answered_before_commit(store)
    await store.aclose()


def kill_while_writing(url):
    """Return what a process had been answered when it was killed."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.store_writer", url], stdout=subprocess.PIPE, text=True
    ) as writer:
        answered = [writer.stdout.readline() for _ in range(400)]
        writer.kill()
        answered += writer.stdout.readlines()
    return {line.strip() for line in answered if line.endswith("\n")}


async def test_a_killed_process_loses_nothing_it_was_answered(database_url):
    whole = kill_while_writing(database_url)
    store = open_store(database_url)
    stored = await store.read(names)
    await store.aclose()
    assert len(whole) >= 400
    assert whole <= stored
    assert len(stored - whole) <= 40 + postgres.THREADS  # at most one unheard answer for each task


async def test_a_work_that_loses_the_whole_transaction_costs_its_neighbours_nothing(database_urls):
    """INSERT OR ROLLBACK rolls back everything, as SQLITE_FULL and SQLITE_IOERR may."""
    store = open_store(database_urls("sqlite"))
    await store.transact(put("taken"))
    fatal = text("INSERT OR ROLLBACK INTO counters (name, value) VALUES ('taken', 1)")
    works = [put("a"), put("b"), lambda conn: conn.execute(fatal).rowcount, put("c")]
    answers = await asyncio.gather(*(store.transact(work) for work in works), return_exceptions=True)
    assert [isinstance(answer, Exception) for answer in answers] == [False, False, True, False]
    assert await store.read(names) == {"taken", "a", "b", "c"}
    await store.aclose()


async def test_a_work_that_hides_its_lost_transaction_is_not_taken_for_stored(database_urls):
    store = open_store(database_urls("sqlite"))
    await store.transact(put("taken"))
    fatal = text("INSERT OR ROLLBACK INTO counters (name, value) VALUES ('taken', 1)")

    def hiding(conn):
        put("lost")(conn)
        try:
            conn.execute(fatal)
        except group.DBAPIError:
            return "all is well"

    answers = await asyncio.gather(
        *(store.transact(work) for work in (put("a"), hiding, put("b"))), return_exceptions=True
    )
    assert isinstance(answers[1], StoreError)
    assert await store.read(names) == {"taken", "a", "b"}
    await store.aclose()


def test_who_went_away_with_their_loop_does_not_stop_the_writer(database_urls):
    store = open_store(database_urls("sqlite"))
    began, release = threading.Event(), threading.Event()

    def block(conn):
        began.set()
        release.wait(10)
        return put("orphan")(conn)

    gone = asyncio.new_event_loop()
    task = gone.create_task(store.transact(block))
    gone.run_until_complete(asyncio.sleep(0))
    began.wait(10)
    task.cancel()
    gone.run_until_complete(asyncio.gather(task, return_exceptions=True))
    gone.close()
    release.set()

    async def afterwards():
        await store.transact(put("next"))
        found = await store.read(names)
        await store.aclose()
        return found

    assert asyncio.run(afterwards()) == {"orphan", "next"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_writer_that_dies_leaves_nobody_waiting(database_urls, monkeypatch):
    def die(_connection, _jobs):
        raise MemoryError

    monkeypatch.setattr(sqlite, "run_group", die)
    store = open_store(database_urls("sqlite"))
    answers = await asyncio.gather(*(store.transact(put(f"n{n}")) for n in range(300)), return_exceptions=True)
    assert all(isinstance(answer, StoreUnavailableError) for answer in answers)
    with pytest.raises(StoreUnavailableError):
        await store.transact(put("late"))
    await store.aclose()


def add(conn, name):
    conn.execute(text("UPDATE counters SET value = value + 1 WHERE name = :name"), {"name": name})


async def meet_in_a_deadlock(store):
    """Two works take the same two rows in opposite orders, each with one in hand before it reaches for the other."""
    await store.transact(lambda conn: (put("a")(conn), put("b")(conn)))
    both_hold_one = threading.Barrier(2)
    attempts = []

    def crossing(first, second):
        def work(conn):
            attempts.append(first)
            add(conn, first)
            if attempts.count(first) == 1:
                both_hold_one.wait(10)
            add(conn, second)

        return work

    works = crossing("a", "b"), crossing("b", "a")
    answers = await asyncio.gather(*map(store.transact, works), return_exceptions=True)
    values = await store.read(lambda conn: sorted(conn.execute(select(counters.c.value)).scalars()))
    return answers, attempts, values


async def test_works_that_meet_in_a_deadlock_are_run_again_until_both_are_stored(database_urls):
    store = open_store(database_urls("postgres"))
    answers, attempts, values = await meet_in_a_deadlock(store)
    assert answers == [None, None]
    assert len(attempts) > len(answers)  # one was run again, or each: they may meet a second time
    assert values == [3, 3]
    await store.aclose()


async def test_without_reruns_a_deadlock_reaches_the_caller(database_urls, monkeypatch):
    monkeypatch.setattr(postgres, "RERUN", ())
    store = open_store(database_urls("postgres"))
    answers, _, values = await meet_in_a_deadlock(store)
    assert {type(answer) for answer in answers} == {type(None), StoreUnavailableError}
    assert values == [2, 2]
    await store.aclose()


async def test_a_connection_that_breaks_during_commit_is_told_as_uncertain(database_urls):
    store = open_store(database_urls("postgres"))

    def break_at_commit(conn):
        conn.execute(
            text(
                "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
                " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'"
            )
        )
        conn.execute(
            text(
                "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON counters DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW WHEN (NEW.name = 'fatal') EXECUTE FUNCTION die()"
            )
        )

    await store.transact(break_at_commit)
    attempts = []

    def fatal(conn):
        attempts.append(1)
        return put("fatal")(conn)

    with pytest.raises(StoreUncertainError):
        await store.transact(fatal)
    assert len(attempts) == 1
    assert await store.transact(put("next")) == 1
    await store.aclose()
