"""Inserting many rows at once: the same rows, types and conflicts as SQLAlchemy's own insert, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from gateway.schema import audit, spent_proofs
from store.batch import Batch

SPEND = Batch(table=spent_proofs, columns=("digest", "expires_at"), unless_there=True, returning="digest")
RECORD = Batch(table=audit, columns=("id", "at", "action", "outcome", "event_id", "holder", "count"))


async def test_a_batch_stores_what_sqlalchemy_would(store, now):
    columns = (*RECORD.columns,)
    rows = [(f"{n:032x}", now + timedelta(seconds=n % 3), "join", "granted", n or None, "é%'\"", n) for n in range(200)]
    await store.transact(lambda conn: RECORD.insert(conn, rows))
    stored = await store.read(lambda conn: conn.execute(select(audit).order_by(audit.c.id)).all())
    assert [tuple(getattr(row, column) for column in columns) for row in stored] == rows
    await store.transact(lambda conn: conn.execute(audit.delete()))
    await store.transact(
        lambda conn: conn.execute(insert(audit), [dict(zip(columns, row, strict=True)) for row in rows])
    )
    assert await store.read(lambda conn: conn.execute(select(audit).order_by(audit.c.id)).all()) == stored


async def test_only_the_rows_that_went_in_are_returned(store, now):
    digests = [bytes([n]) * 32 for n in range(70)]

    def spend(some):
        return store.transact(lambda conn: SPEND.insert(conn, [(digest, now) for digest in some]))

    assert set(await spend(digests[:40])) == set(digests[:40])
    assert set(await spend(digests)) == set(digests[40:])
    assert await spend(digests) == []
    assert await spend([]) == []
    rows = await store.read(lambda conn: conn.execute(select(spent_proofs)).all())
    assert {(row.digest, row.expires_at) for row in rows} == {(digest, now) for digest in digests}


async def test_a_moment_without_a_time_zone_is_refused(store, now):
    with pytest.raises(TypeError, match="time zone"):
        await store.transact(lambda conn: SPEND.insert(conn, [(bytes(32), now.replace(tzinfo=None))]))


async def test_columns_are_named_in_the_tables_order_or_not_at_all(store, now):
    turned = Batch(table=spent_proofs, columns=("expires_at", "digest"))
    with pytest.raises(ValueError, match="in its order"):
        await store.transact(lambda conn: turned.insert(conn, [(now, bytes(32))]))
