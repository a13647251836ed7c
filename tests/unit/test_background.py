"""What runs beside the requests: the first of it that ends by itself stops the service, and the gate is not ready."""

import asyncio
from datetime import timedelta

import pytest

from gateway.background import BACKGROUND, Background, BackgroundEndedError
from gateway.gate import grants, sessions
from gateway.gate.kicks import SILENT_SECONDS
from gateway.gate.routes import WATCH
from store.errors import StoreUnavailableError
from tests.support.gate_house import Wallet, opened
from tests.support.gateway_app import running
from tickets import tickets
from tickets.schema import door_notices
from usher.service import Pulse, until

ANN, BOB = Wallet(1), Wallet(2)


@pytest.fixture
async def house(store, now, tmp_path):
    async with opened(store, now, tmp_path) as house:
        for wallet in (ANN, BOB):
            await house.ticket(wallet)
        yield house


async def fails():
    raise ZeroDivisionError


# --- a task that dies --------------------------------------------------------------------------------------------


async def test_a_task_that_dies_is_told_to_whoever_waits():
    background = Background()
    background.watch([asyncio.create_task(fails()), asyncio.create_task(asyncio.sleep(3600))])
    with pytest.raises(BackgroundEndedError) as ended:
        await background.failure()
    assert isinstance(ended.value.__cause__, ZeroDivisionError)
    assert background.failed == "ZeroDivisionError"


async def test_a_task_that_ends_in_silence_has_failed_too_and_one_that_is_cancelled_has_not():
    background = Background()
    told_to_end = asyncio.create_task(asyncio.sleep(3600))
    background.watch([told_to_end])
    told_to_end.cancel()
    await asyncio.wait([told_to_end])
    assert background.failed is None
    background.watch([asyncio.create_task(asyncio.sleep(0))])
    with pytest.raises(BackgroundEndedError):
        await background.failure()


@pytest.mark.parametrize("breaks", ["gateway.presence.rooms.Rooms.tick", "gateway.gate.kicks.DoorList.poll"])
async def test_a_clock_or_a_door_list_that_dies_is_the_services_failure(store, now, tmp_path, monkeypatch, breaks):
    async def broken(_self):
        raise LookupError

    async with running(store, now, tmp_path) as gateway:
        background = gateway.client.app[BACKGROUND]
        assert background.failed is None
        monkeypatch.setattr(breaks, broken)
        async with asyncio.timeout(5):
            with pytest.raises(BackgroundEndedError):
                await background.failure()
        answer = await gateway.client.get("/readyz")
        assert (answer.status, (await answer.json())["door"]) == (503, False)


async def test_a_database_that_is_away_ends_no_task(store, now, tmp_path, monkeypatch):
    async with running(store, now, tmp_path) as gateway:
        asked = asyncio.Event()

        async def away(_work):
            asked.set()
            raise StoreUnavailableError

        monkeypatch.setattr(gateway.store, "read", away)
        async with asyncio.timeout(5):
            await asked.wait()
        assert not any(task.done() for task in gateway.client.app[WATCH])
        assert gateway.client.app[BACKGROUND].failed is None


async def test_a_bug_in_a_renewal_ends_the_clock_where_somebody_notices(house, monkeypatch):
    socket, _ = await house.seated(await house.joined(ANN))
    monkeypatch.setattr(grants, "issue", lambda *_args, **_more: 1 / 0)
    for _ in range(4):
        await house.move(timedelta(seconds=30))
        await socket.send_json({"type": "heartbeat"})
        await house.said(socket)
    background = Background()
    house.clock.now += timedelta(seconds=30)
    await house.rooms.door_list.poll()
    clock = asyncio.create_task(house.rooms.run())
    background.watch([clock])
    async with asyncio.timeout(5):
        with pytest.raises(BackgroundEndedError):
            await background.failure()


# --- the service -----------------------------------------------------------------------------------------------------


async def test_the_service_ends_with_whatever_runs_beside_it_once_the_work_is_finished():
    stop, finished = asyncio.Event(), []

    async def work():
        await stop.wait()
        finished.append("work")

    with pytest.raises(ZeroDivisionError):
        await until(stop, [work()], [fails(), asyncio.sleep(3600)])
    assert finished == ["work"]


async def test_a_service_that_is_told_to_stop_waits_for_nothing_beside_the_work():
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(5):
        await until(stop, [], [asyncio.Event().wait()])


async def test_the_watchdog_is_not_fed_while_the_door_list_hangs(house, monkeypatch):
    pulse, door_list = Pulse(), house.rooms.door_list
    pulse.listen(door_list.beats)
    assert pulse.beats()
    hanging = asyncio.Event()

    async def hangs():
        hanging.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(door_list, "poll", hangs)
    reading = asyncio.create_task(door_list.run())
    await hanging.wait()
    assert pulse.beats()
    later = asyncio.get_running_loop().time() + SILENT_SECONDS
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: later)
    assert not pulse.beats()
    monkeypatch.undo()
    reading.cancel()


# --- a notice from a newer program ---------------------------------------------------------------------------------


def paused(house, sequence):
    values = {"event_id": house.event.id, "action": "paused", "reason": "new", "at": house.clock()}
    return lambda conn: conn.execute(door_notices.insert().values(sequence=sequence, **values))


async def test_a_notice_of_an_unknown_kind_has_everybody_in_its_event_read_again(house, monkeypatch):
    ann, _ = await house.seated(await house.joined(ANN))
    bob, welcome = await house.seated(await house.joined(BOB))
    assert (await house.said(ann))["type"] == "joined"
    mine = await house.store.read(lambda conn: tickets.held_by(conn, house.event.id, BOB.account.holder)[0])
    monkeypatch.setattr("tickets.door.announce", lambda _conn, **_notice: 0)  # what happened has no name here
    await house.store.transact(lambda conn: tickets.revoke(conn, mine.id, reason="lost", now=house.clock()))
    await house.look()
    await house.store.transact(paused(house, 10**6))
    await house.look()
    assert await house.said(bob) == {"type": "kicked", "reason": "ticket_revoked"}
    heard = [await house.said(ann), await house.said(ann)]
    assert {"type": "left", "peer": welcome["peer"], "reason": "kicked"} in heard
    assert "renewed" in {told["type"] for told in heard}
    assert house.rooms.door_list.sequence == 10**6


async def test_a_renewal_under_way_does_not_hide_such_a_notice(house, monkeypatch):
    await house.seated(await house.joined(ANN))
    read, counts = sessions.read, []

    def counted(conn, ids, *, network):
        counts.append(len(ids))
        if len(counts) == 1:
            house.rooms.hub.doubt({house.event.id})  # while this renewal reads
        return read(conn, ids, network=network)

    monkeypatch.setattr(sessions, "read", counted)
    house.rooms.hub.doubt({house.event.id})
    await house.rooms.tick()
    await house.rooms.tick()
    await house.rooms.tick()
    assert counts == [1, 1]
