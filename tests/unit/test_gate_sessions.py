"""Who is let stay: the newest session of a ticket or of a host, and of one session its newest generation."""

import asyncio

import pytest

from gateway.gate import sessions
from gateway.presence.socket import ROOMS
from tests.support.gate_house import Wallet, gate_of, opened

ANN, HOST = Wallet(1), Wallet(7)
SUPERSEDED = [{"type": "kicked", "reason": "superseded"}, {"closed": 4409}]


@pytest.fixture
async def house(store, now, tmp_path):
    async with opened(store, now, tmp_path, event={"creator": str(HOST.account)}) as house:
        await house.ticket(ANN)
        yield house


@pytest.fixture
async def other_gate(house):
    """A second gate of the same house, which reads its door list when it is told to."""
    async with gate_of(house.deps) as client:
        yield client


async def resumed(house, grant, client=None):
    """What the session is handed on a reload."""
    address = f"/api/events/{house.event.ref}/resume"
    answer = await (client or house.client).post(address, json={"resume": grant["resume"]})
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def heard_by(house, socket):
    """The next thing that a socket is told which only answers."""
    await socket.send_json({"type": "heartbeat"})
    return await house.said(socket)


@pytest.mark.parametrize("whose", [ANN, HOST], ids=["attendee", "host"])
async def test_a_resumed_session_closes_the_socket_of_the_page_before(house, whose):
    grant = await house.joined(whose)
    older, _ = await house.seated(grant)
    await resumed(house, grant)
    await house.look()
    assert [await house.said(older), await house.said(older)] == SUPERSEDED


@pytest.mark.parametrize("whose", [ANN, HOST], ids=["attendee", "host"])
async def test_a_session_resumed_at_another_gate_closes_the_socket_here(house, other_gate, whose):
    grant = await house.joined(whose)
    older, _ = await house.seated(grant)
    newer = await resumed(house, grant, other_gate)
    socket = await other_gate.ws_connect(f"/event/{house.event.ref}")
    await socket.send_json({"type": "auth", "token": newer["session_token"]})
    assert (await socket.receive_json())["type"] == "welcome"
    await house.look()
    assert [await house.said(older), await house.said(older)] == SUPERSEDED
    await other_gate.app[ROOMS].door_list.poll()
    assert (await heard_by(house, socket))["type"] == "heartbeat"  # the newer generation is not meant
    await socket.close()


async def test_without_asking_for_generations_the_page_before_stays(house, monkeypatch):
    grant = await house.joined(ANN)
    older, _ = await house.seated(grant)
    monkeypatch.setattr(sessions, "_is_superseded", lambda _generation, _newest, closed: closed)
    await resumed(house, grant)
    await house.look()
    assert (await heard_by(house, older))["type"] == "heartbeat"


async def test_the_page_after_a_reload_stays_where_both_are_at_one_gate(house):
    grant = await house.joined(ANN)
    await house.seated(grant)
    newer, _ = await house.seated(await resumed(house, grant))
    await house.look()
    assert (await heard_by(house, newer))["type"] == "heartbeat"


async def test_a_host_who_reloaded_may_go_on_from_a_second_device(house):
    first = await resumed(house, await house.joined(HOST))
    older, _ = await house.seated(first)
    _, welcome = await house.seated(await house.joined(HOST))
    assert welcome["type"] == "welcome"
    await house.look()
    assert await house.said(older) == SUPERSEDED[0]


async def test_of_a_host_who_joins_twice_at_once_one_session_stays_open(house, other_gate):
    bodies = [house.stamped(HOST), await house.proof(HOST)]
    addresses = f"/api/events/{house.event.ref}/join"
    answers = await asyncio.gather(
        house.client.post(addresses, json=bodies[0]), other_gate.post(addresses, json=bodies[1])
    )
    tokens = [(await answer.json())["session_token"] for answer in answers]
    stays = []
    for token in tokens:
        socket = await house.socket()
        await socket.send_json({"type": "auth", "token": token})
        stays.append((await house.said(socket))["type"])
    assert sorted(stays) == ["kicked", "welcome"]
