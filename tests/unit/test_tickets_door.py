"""The door's numbers: in commit order, so that a gate that has read n has missed nothing below it."""

import asyncio

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from store.engine import open_store
from tests.support.tickets_box import opened
from tickets import door
from tickets.door import DoorAction


def announce(conn, event, reason="test", **changes):
    return door.announce(
        conn, event_id=event.id, action=DoorAction.REVOKED, reason=reason, now=event.created_at, **changes
    )


async def test_a_notice_is_read_back_as_it_was_announced(store, now):
    event = await opened(store, now)
    assert await store.read(door.latest) == 0
    first = await store.transact(lambda conn: announce(conn, event, ticket_id="t" * 32))
    second = await store.transact(
        lambda conn: door.announce(
            conn, event_id=event.id, action=DoorAction.BANNED, reason="r" * 99, now=now, holder="evm:test:00"
        )
    )
    assert [first, second, await store.read(door.latest)] == [1, 2, 2]
    one, two = await store.read(lambda conn: door.since(conn, 0))
    assert (one.sequence, one.ticket_id, one.holder, one.action) == (1, "t" * 32, None, DoorAction.REVOKED)
    assert (two.sequence, two.ticket_id, two.holder, two.action) == (2, None, "evm:test:00", DoorAction.BANNED)
    assert two.reason == "r" * 64
    assert await store.read(lambda conn: door.since(conn, 1)) == (two,)


async def test_a_gate_that_reads_while_many_write_sees_every_number_in_order(store, now):
    event = await opened(store, now)
    seen: list[int] = []

    async def gate():
        while len(seen) < 40:
            known = seen[-1] if seen else 0
            fresh = await store.read(lambda conn, known=known: door.since(conn, known))
            seen.extend(notice.sequence for notice in fresh)

    async with asyncio.timeout(60):
        await asyncio.gather(gate(), *(store.transact(lambda conn: announce(conn, event)) for _ in range(40)))
    assert seen == list(range(1, 41))


async def test_a_work_that_fails_leaves_no_hole(store, now):
    event = await opened(store, now)

    def fails(conn):
        announce(conn, event)
        raise LookupError

    with pytest.raises(LookupError):
        await store.transact(fails)
    assert await store.transact(lambda conn: announce(conn, event)) == 1


async def test_a_reader_gets_a_bounded_batch_and_then_the_rest(store, now, monkeypatch):
    event = await opened(store, now)
    await store.transact(lambda conn: [announce(conn, event) for _ in range(door.BATCH + 1)])
    first = await store.read(lambda conn: door.since(conn, 0))
    rest = await store.read(lambda conn: door.since(conn, first[-1].sequence))
    assert (len(first), len(rest)) == (door.BATCH, 1)


async def test_a_second_writer_waits_until_the_first_number_is_committed(database_urls, now):
    """On PostgreSQL, two transactions at once: the later number cannot overtake the earlier one."""
    store = open_store(database_urls("postgres"))
    event = await opened(store, now)
    await store.transact(lambda conn: announce(conn, event))
    with store.engine.connect() as slow, store.engine.connect() as quick, store.engine.connect() as gate:
        assert announce(slow, event) == 2
        quick.execute(text("SET lock_timeout = '50ms'"))
        with pytest.raises(OperationalError) as waited:
            announce(quick, event)
        assert isinstance(waited.value.orig, psycopg.errors.LockNotAvailable)
        quick.rollback()
        assert [one.sequence for one in door.since(gate, 1)] == []
        gate.rollback()
        slow.commit()
        assert announce(quick, event) == 3
        quick.commit()
        assert [one.sequence for one in door.since(gate, 1)] == [2, 3]
    await store.aclose()


async def test_with_a_plain_sequence_a_reader_misses_a_notice_for_ever(database_urls, now, monkeypatch):
    """Negative control: numbers given out at insert, as an autoincrement does, are overtaken by later commits."""
    store = open_store(database_urls("postgres"))
    event = await opened(store, now)
    await store.transact(lambda conn: conn.execute(text("CREATE SEQUENCE plain")))
    monkeypatch.setattr(door, "next_value", lambda conn, _: conn.execute(text("SELECT nextval('plain')")).scalar_one())
    with store.engine.connect() as slow, store.engine.connect() as quick, store.engine.connect() as gate:
        assert announce(slow, event) == 1
        assert announce(quick, event) == 2
        quick.commit()
        read = door.since(gate, 0)
        assert [one.sequence for one in read] == [2]
        gate.rollback()
        slow.commit()
        assert door.since(gate, read[-1].sequence) == ()  # number 1 is there now, and nobody will ever read it
    await store.aclose()
