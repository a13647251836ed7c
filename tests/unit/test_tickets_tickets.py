"""Tickets: minted once, suspended and restored, revoked for good, granted to guests; each time the door is told."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.tickets_box import (
    CHAIN,
    counted_places,
    kept_places,
    opened,
    ordered,
    pay,
    reread,
    tier,
    wallet,
)
from tickets import door, tickets
from tickets.door import DoorAction
from tickets.keys import KeyKind, Keyring
from tickets.ticket import TicketState, ticket_id
from tickets.tickets import Sale, TicketQuery
from tickets.tokens import read_ticket


@pytest.fixture
def keyring(tmp_path, now):
    return Keyring.create(tmp_path / "keys", now=now)


@pytest.fixture
def signer(keyring):
    return keyring.signer(KeyKind.TICKET)


@pytest.fixture
async def event(store, now):
    return await opened(store, now, slug="gala", tiers=(tier(capacity=10), tier("vip", 2)))


async def notices(store):
    return [(one.action, one.ticket_id) for one in await store.read(lambda conn: door.since(conn, 0))]


async def test_a_paid_order_becomes_one_signed_ticket_per_place(store, now, event, keyring, signer):
    order = await ordered(store, event, now, quantity=3)
    minted = await store.transact(lambda conn: pay(conn, order, event, signer, now))
    assert sorted(ticket.id for ticket in minted) == sorted(ticket_id(order.id, 0, n) for n in range(3))
    for ticket in minted:
        claims = read_ticket(ticket.token, keyring, now=now)
        assert (claims.ticket_id, claims.event_id, claims.account) == (ticket.id, event.id, str(wallet(1)))
        assert (claims.tier, claims.expires_at, claims.payments) == ("general", event.ends_at, ("ab" * 16,))
        assert (ticket.state, ticket.paid_on, ticket.order_id) == (TicketState.VALID, CHAIN.id, order.id)
    assert await notices(store) == []


async def test_minting_again_changes_nothing(store, now, event, signer):
    order = await ordered(store, event, now, quantity=2)
    first = await store.transact(lambda conn: pay(conn, order, event, signer, now))
    later = now + timedelta(minutes=1)
    assert await store.transact(lambda conn: pay(conn, order, event, signer, later)) == first
    assert (await reread(store, event)).tier().sold == 2


async def test_two_watchers_at_once_mint_one_set_of_tickets(store, now, event, signer):
    order = await ordered(store, event, now, quantity=2)
    work = lambda conn: pay(conn, order, event, signer, now)  # noqa: E731
    minted = await asyncio.gather(*(store.transact(work) for _ in range(8)))
    assert {ticket.id for batch in minted for ticket in batch} == {ticket_id(order.id, 0, n) for n in range(2)}
    assert (await reread(store, event)).tier().sold == 2


async def test_suspended_tickets_are_restored_and_the_door_hears_of_each(store, now, event, signer):
    order = await ordered(store, event, now, quantity=2)
    minted = await store.transact(lambda conn: pay(conn, order, event, signer, now))
    ids = tuple(sorted(ticket.id for ticket in minted))
    suspend = lambda conn: tickets.suspend(conn, order.id, reason="reorg", now=now)  # noqa: E731
    restore = lambda conn: tickets.restore(conn, order.id, now=now)  # noqa: E731
    assert [await store.transact(suspend), await store.transact(suspend)] == [ids, ()]
    assert {ticket.state for ticket in await store.read(lambda conn: tickets.of_order(conn, order.id))} == {
        TicketState.SUSPENDED
    }
    assert [await store.transact(restore), await store.transact(restore)] == [ids, ()]
    assert await notices(store) == [
        *((DoorAction.SUSPENDED, one) for one in ids),
        *((DoorAction.RESTORED, one) for one in ids),
    ]


async def test_a_revoked_ticket_is_neither_suspended_nor_restored_nor_minted_again(store, now, event, signer):
    order = await ordered(store, event, now, quantity=2)
    gone, kept = (await store.transact(lambda conn: pay(conn, order, event, signer, now)))[:2]
    revoke = lambda conn: tickets.revoke(conn, gone.id, reason="fraud", now=now)  # noqa: E731
    assert [await store.transact(revoke), await store.transact(revoke)] == [True, False]
    assert await store.transact(lambda conn: tickets.suspend(conn, order.id, reason="reorg", now=now)) == (kept.id,)
    assert await store.transact(lambda conn: tickets.restore(conn, order.id, now=now)) == (kept.id,)
    await store.transact(lambda conn: pay(conn, order, event, signer, now))
    found = await store.read(lambda conn: tickets.by_id(conn, gone.id))
    assert (found.state, found.reason) == (TicketState.REVOKED, "fraud")
    assert (await reread(store, event)).tier().sold == 2  # its order owns the place until the money is decided about


async def test_a_suspended_ticket_can_be_revoked(store, now, event, signer):
    order = await ordered(store, event, now)
    minted = await store.transact(lambda conn: pay(conn, order, event, signer, now))
    await store.transact(lambda conn: tickets.suspend(conn, order.id, reason="reorg", now=now))
    assert await store.transact(lambda conn: tickets.revoke(conn, minted[0].id, reason="fraud", now=now))


async def test_guests_take_places_like_everybody_and_free_them_when_revoked(store, now, event, keyring, signer):
    vip = event.tier("vip")
    grant = lambda conn: tickets.grant(conn, event, wallet(7), vip, signer=signer, now=now)  # noqa: E731
    granted = [await store.transact(grant) for _ in range(3)]
    assert granted[2] is None
    assert (granted[0].order_id, granted[0].paid_on, granted[0].id == granted[1].id) == (None, CHAIN.id, False)
    assert read_ticket(granted[0].token, keyring, now=now).tier == "vip"
    assert await store.transact(lambda conn: tickets.revoke(conn, granted[0].id, reason="guest", now=now))
    assert (await reread(store, event)).tier("vip").left == 1
    assert await store.read(kept_places) == await store.read(counted_places)


async def test_a_holders_valid_tickets_come_first(store, now, event, signer):
    old = await ordered(store, event, now)
    await store.transact(lambda conn: pay(conn, old, event, signer, now))
    await store.transact(lambda conn: tickets.suspend(conn, old.id, reason="reorg", now=now))
    new = await ordered(store, event, now)
    await store.transact(lambda conn: pay(conn, new, event, signer, now + timedelta(minutes=1)))
    held = await store.read(lambda conn: tickets.held_by(conn, event.id, wallet(1).holder))
    assert [(ticket.order_id, ticket.state) for ticket in held] == [
        (new.id, TicketState.VALID),
        (old.id, TicketState.SUSPENDED),
    ]
    assert await store.read(lambda conn: tickets.held_by(conn, event.id, wallet(2).holder)) == ()


async def test_only_a_valid_ticket_opens_another_generation_of_sessions(store, now, event, signer):
    order = await ordered(store, event, now)
    (ticket,) = await store.transact(lambda conn: pay(conn, order, event, signer, now))
    open_one = lambda conn: tickets.next_generation(conn, ticket.id)  # noqa: E731
    assert [await store.transact(open_one), await store.transact(open_one)] == [1, 2]
    await store.transact(lambda conn: tickets.suspend(conn, order.id, reason="reorg", now=now))
    assert await store.transact(open_one) is None


async def test_tickets_are_listed_by_what_is_asked_for_page_by_page(store, now, event, signer):
    for by in (1, 2):
        order = await ordered(store, event, now, by, quantity=2)
        await store.transact(lambda conn, order=order: pay(conn, order, event, signer, now))
    await store.transact(lambda conn: tickets.suspend(conn, order.id, reason="reorg", now=now))
    find = lambda query: store.read(lambda conn: tickets.search(conn, query))  # noqa: E731
    everything = await find(TicketQuery(event_id=event.id))
    assert len(everything) == 4
    first = await find(TicketQuery(limit=3))
    assert (*first, *await find(TicketQuery(limit=3, after=first[-1].id))) == everything
    assert len(await find(TicketQuery(holder=wallet(2).holder))) == 2
    assert {one.order_id for one in await find(TicketQuery(state=TicketState.SUSPENDED))} == {order.id}
    assert await find(TicketQuery(order_id=order.id)) == await find(TicketQuery(holder=wallet(2).holder))
    assert await find(TicketQuery(event_id=event.id + 1)) == ()


async def test_keys_must_verify_until_the_last_ticket_is_over(store, now, event, signer):
    assert await store.read(tickets.last_expiry) is None
    order = await ordered(store, event, now)
    await store.transact(lambda conn: pay(conn, order, event, signer, now))
    assert await store.read(tickets.last_expiry) == event.ends_at


async def test_an_order_is_not_minted_for_another_event(store, now, event, signer):
    order = await ordered(store, event, now)
    with pytest.raises(ValueError, match="is not for event"):
        await store.transact(
            lambda conn: tickets.mint(
                conn,
                [Sale(order=order, event=replace(event, tiers=()), paid_on=CHAIN.id, payments=())],
                signer=signer,
                now=now,
            )
        )
