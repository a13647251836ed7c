"""Attendance: one visit per session, first and last access on the ticket, and who is there now."""

import asyncio
from datetime import timedelta

import pytest

from tests.support.tickets_box import opened, ordered, pay, wallet
from tickets import attendance, tickets
from tickets.attendance import Counts
from tickets.keys import KeyKind, Keyring


@pytest.fixture
async def ticket(store, now, tmp_path):
    event = await opened(store, now)
    order = await ordered(store, event, now)
    signer = Keyring.create(tmp_path / "keys", now=now).signer(KeyKind.TICKET)
    return (await store.transact(lambda conn: pay(conn, order, event, signer, now)))[0]


def arrives(ticket, session, at):
    return lambda conn: attendance.arrive(
        conn, session_id=session, event_id=ticket.event_id, ticket_id=ticket.id, holder=ticket.holder, now=at
    )


async def accesses(store, ticket):
    found = await store.read(lambda conn: tickets.by_id(conn, ticket.id))
    return found.first_access, found.last_access, found.access_count


async def test_a_visit_is_counted_once_however_often_it_is_told(store, now, ticket):
    assert await accesses(store, ticket) == (None, None, 0)
    assert await store.transact(arrives(ticket, "s1", now))
    assert not await store.transact(arrives(ticket, "s1", now + timedelta(minutes=1)))
    assert await accesses(store, ticket) == (now, now, 1)
    later = now + timedelta(hours=1)
    assert await store.transact(arrives(ticket, "s2", later))
    assert await accesses(store, ticket) == (now, later, 2)


async def test_arrivals_at_once_are_one_visit(store, now, ticket):
    told = await asyncio.gather(*(store.transact(arrives(ticket, "s1", now)) for _ in range(12)))
    assert sum(told) == 1
    assert await accesses(store, ticket) == (now, now, 1)


async def test_who_leaves_was_there_until_then_and_may_come_back(store, now, ticket):
    counts = lambda: store.read(lambda conn: attendance.counts(conn, ticket.event_id))  # noqa: E731
    leave = lambda at: store.transact(lambda conn: attendance.leave(conn, session_id="s1", now=at))  # noqa: E731
    assert await counts() == Counts(present=0, visitors=0, visits=0)
    assert not await leave(now)
    await store.transact(arrives(ticket, "s1", now))
    assert await counts() == Counts(present=1, visitors=1, visits=1)
    left = now + timedelta(minutes=5)
    assert await leave(left)
    assert not await leave(left + timedelta(minutes=1))
    assert await accesses(store, ticket) == (now, left, 1)
    assert await counts() == Counts(present=0, visitors=1, visits=1)
    await store.transact(arrives(ticket, "s1", left + timedelta(minutes=2)))
    assert await counts() == Counts(present=1, visitors=1, visits=1)


async def test_one_holder_in_two_sessions_is_one_visitor_and_staff_needs_no_ticket(store, now, ticket):
    for session in ("s1", "s2"):
        await store.transact(arrives(ticket, session, now))
    await store.transact(
        lambda conn: attendance.arrive(
            conn, session_id="s3", event_id=ticket.event_id, ticket_id=None, holder=wallet(9).holder, now=now
        )
    )
    assert await store.transact(lambda conn: attendance.leave(conn, session_id="s3", now=now))
    counts = await store.read(lambda conn: attendance.counts(conn, ticket.event_id))
    assert counts == Counts(present=1, visitors=2, visits=3)
