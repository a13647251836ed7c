"""Leases and counters, by the database's own time, on both databases."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from store import leases
from store.clock import database_now
from store.counters import next_value
from store.engine import open_store
from store.schema import counters
from store.schema import leases as table

TTL = timedelta(minutes=1)


def claim(holder, ttl=TTL):
    return lambda conn: leases.claim(conn, "watch:eip155:1", holder, ttl)


def run_out(conn):
    """Let the lease be over without waiting for it."""
    conn.execute(update(table).values(expires_at=database_now(conn) - timedelta(seconds=1)))


async def test_one_of_many_claims_wins(store):
    won = await asyncio.gather(*(store.transact(claim(f"h{n}")) for n in range(20)))
    assert sum(lease is not None for lease in won) == 1


async def test_a_lease_that_ran_out_goes_to_the_next_with_a_new_epoch(store):
    first = await store.transact(claim("first"))
    assert await store.transact(claim("second")) is None
    await store.transact(run_out)
    second = await store.transact(claim("second"))
    assert (first.epoch, second.epoch) == (1, 2)
    assert await store.transact(lambda conn: leases.renew(conn, first, TTL)) is None
    assert (await store.transact(lambda conn: leases.renew(conn, second, 2 * TTL))).expires_at > second.expires_at


async def test_a_lease_that_nobody_took_can_be_renewed_late(store):
    lease = await store.transact(claim("first"))
    await store.transact(run_out)
    assert await store.transact(lambda conn: leases.renew(conn, lease, TTL)) is not None


async def test_releasing_lets_the_stand_by_in_at_once_and_only_the_holder_can(store):
    first = await store.transact(claim("first"))
    await store.transact(lambda conn: leases.release(conn, first))
    second = await store.transact(claim("second"))
    await store.transact(lambda conn: leases.release(conn, first))
    assert await store.transact(claim("third")) is None
    assert second.epoch == 2


def write_under(lease, guard=leases.guard):
    def work(conn):
        next_value(conn, "written")
        guard(conn, lease)

    return work


async def test_no_write_passes_the_guard_of_an_older_epoch(store):
    first = await store.transact(claim("first"))
    await store.transact(write_under(first))
    await store.transact(run_out)
    await store.transact(write_under(first))  # late, but nobody else has begun
    await store.transact(claim("second"))
    with pytest.raises(leases.LeaseLostError):
        await store.transact(write_under(first))
    assert await store.read(lambda conn: conn.execute(select(counters.c.value)).scalar_one()) == 2


async def test_without_the_guard_a_deposed_holder_writes_on(store):
    first = await store.transact(claim("first"))
    await store.transact(run_out)
    await store.transact(claim("second"))
    await store.transact(write_under(first, guard=lambda _conn, _lease: None))
    assert await store.read(lambda conn: conn.execute(select(counters.c.value)).scalar_one()) == 1


async def test_a_claim_waits_for_the_guarded_write_that_began_before_it(database_urls):
    """PostgreSQL only: on SQLite there is one writer at a time."""
    url = database_urls("postgres")
    here, there = open_store(url), open_store(url)
    first = await here.transact(claim("first"))
    await here.transact(run_out)
    order = []
    with here.engine.begin() as conn:
        leases.guard(conn, first)
        claiming = asyncio.ensure_future(there.transact(claim("second")))
        claiming.add_done_callback(lambda _: order.append("claimed"))
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while not claiming.done() and not await here.read(lambda conn: conn.execute(waiting).scalar_one()):
            pass
        order.append("written")
    assert (await claiming).epoch == 2
    assert order == ["written", "claimed"]
    await here.aclose()
    await there.aclose()


async def test_the_databases_time_is_aware_and_moves_within_a_transaction(store):
    first, second = await store.transact(lambda conn: (database_now(conn), database_now(conn)))
    assert first.utcoffset() == timedelta(0)
    assert second >= first


async def test_numbers_follow_the_order_of_commits_without_gaps(store):
    class WentWrongError(Exception):
        pass

    def number(fail):
        def work(conn):
            value = next_value(conn, "postings")
            if fail:
                raise WentWrongError
            return value

        return work

    answers = await asyncio.gather(
        *(store.transact(number(fail=n % 4 == 0)) for n in range(40)), return_exceptions=True
    )
    values = [answer for answer in answers if isinstance(answer, int)]
    assert sorted(values) == list(range(1, 31))


async def test_counters_are_separate(store):
    taken = await store.transact(lambda conn: [next_value(conn, name) for name in ("a", "b", "a")])
    assert taken == [1, 1, 2]
