"""What tells of people is kept as long as DESIGN section 8 says, on both databases, and what counts them for ever."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from chains.account import HolderKey
from gateway.gate import bans
from gateway.housekeeping import CLIENTS_KEPT, VISITS_KEPT, forget
from gateway.schema import bans as bans_table
from gateway.schema import sessions
from tests.support import tickets_box as box
from tests.support.gate_house import Wallet, opened
from tests.support.gateway_app import running
from tickets import attendance, door
from tickets.door import DoorAction
from tickets.schema import attendance as visits
from tickets.schema import door_notices, orders

ANN, BOB = Wallet(1), Wallet(2)
LATER = timedelta(seconds=1)


async def rows(store, table):
    return await store.read(lambda conn: conn.execute(select(table)).all())


@pytest.fixture
async def house(store, now, tmp_path):
    async with opened(store, now, tmp_path) as house:
        for wallet in (ANN, BOB):
            await house.ticket(wallet)
        yield house


async def forgotten(store, now):
    await store.transact(lambda conn: forget(conn, now=now))


async def test_an_orders_client_is_forgotten_and_nothing_else_of_it(store, now, tmp_path):
    async with running(store, now, tmp_path) as gateway:
        await gateway.buy(await box.opened(store, now))
        [before] = await rows(store, orders)
        assert before.client
        await forgotten(store, now + CLIENTS_KEPT)
        assert await rows(store, orders) == [before]
        await forgotten(store, now + CLIENTS_KEPT + LATER)
        [after] = await rows(store, orders)
        assert after._asdict() == {**before._asdict(), "client": None}


async def test_sessions_are_forgotten_but_not_while_their_event_may_go_on(house, store, now):
    await house.joined(ANN)
    over = house.event.ends_at
    await forgotten(store, over + VISITS_KEPT)
    assert len(await rows(store, sessions)) == 1
    await forgotten(store, over + VISITS_KEPT + LATER)
    assert await rows(store, sessions) == []


async def test_who_came_is_forgotten_and_how_many_came_is_not(house, store, now):
    def arrive(conn):
        for number, wallet in enumerate((ANN, ANN, BOB)):
            holder = wallet.account.holder
            who = {"session_id": f"{number:032x}", "ticket_id": "t" * 32, "holder": holder}
            attendance.arrive(conn, event_id=house.event.id, now=now, **who)

    await store.transact(arrive)
    await forgotten(store, now + VISITS_KEPT)
    assert {HolderKey.parse(row.holder) for row in await rows(store, visits)} == {
        ANN.account.holder,
        BOB.account.holder,
    }
    for _ in range(2):
        await forgotten(store, now + VISITS_KEPT + LATER)
        kept = await rows(store, visits)
        assert all(row.holder.startswith("anonymous:") and row.ticket_id is None for row in kept)
        assert len({row.holder for row in kept}) == 2
        counts = await store.read(lambda conn: attendance.counts(conn, house.event.id))
        assert (counts.visits, counts.visitors, counts.present) == (3, 2, 0)


async def test_an_events_visitor_at_another_event_is_somebody_else(house, store, now):
    other = await box.opened(store, now, slug="second-night")

    def arrive(conn):
        for number, event in enumerate((house.event, other)):
            who = {"session_id": f"{number:032x}", "ticket_id": None, "holder": ANN.account.holder}
            attendance.arrive(conn, event_id=event.id, now=now, **who)

    await store.transact(arrive)
    await forgotten(store, now + VISITS_KEPT + LATER)
    assert len({row.holder for row in await rows(store, visits)}) == 2


async def test_more_people_than_are_forgotten_at_once_are_forgotten_in_turns(house, store, now, monkeypatch):
    monkeypatch.setattr(attendance, "FORGOTTEN_AT_ONCE", 2)

    def arrive(conn):
        for number in range(5):
            who = {"session_id": f"{number:032x}", "ticket_id": None, "holder": Wallet(number + 1).account.holder}
            attendance.arrive(conn, event_id=house.event.id, now=now, **who)

    await store.transact(arrive)
    left = []
    for _ in range(3):
        await forgotten(store, now + VISITS_KEPT + LATER)
        left.append(sum(not row.holder.startswith("anonymous:") for row in await rows(store, visits)))
    assert left == [3, 1, 0]


async def test_old_notices_and_bans_go_and_the_list_still_knows_its_end(house, store, now):
    def announce(conn):
        for number in range(2):
            holder = f"evm:test:0{number}"
            door.announce(
                conn, event_id=house.event.id, action=DoorAction.SUPERSEDED, reason="r", now=now, holder=holder
            )
        bans.ban(conn, house.event.id, ANN.account.holder, reason="rude", now=now)

    await store.transact(announce)
    await house.rooms.door_list.poll()
    end = await store.read(door.latest)
    await forgotten(store, now + VISITS_KEPT)
    assert len(await rows(store, door_notices)) == end
    await forgotten(store, house.event.ends_at + VISITS_KEPT + LATER)
    [last] = await rows(store, door_notices)
    assert (last.sequence, last.holder) == (end, None)
    assert await rows(store, bans_table) == []
    assert await store.read(door.latest) == end == house.rooms.door_list.sequence
    _, welcome = await house.seated(await house.joined(ANN))  # whoever comes now does not wait for a lost number
    assert welcome["type"] == "welcome"
