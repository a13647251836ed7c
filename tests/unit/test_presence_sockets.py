"""Presence over real websockets: who is let into a room, who hears what, and who is closed when."""

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from aiohttp import WSServerHandshakeError
from sqlalchemy import select

from gateway.gate import bans, grants
from gateway.housekeeping import forget
from gateway.presence import messages, outbox
from gateway.presence.effects import Send
from tests.support.gate_house import Wallet, opened
from tickets import attendance as attendance_book
from tickets import door, events, tickets
from tickets.schema import attendance

ANN, BOB, EVE = Wallet(1), Wallet(2), Wallet(3)


@pytest.fixture
async def house(store, now, tmp_path):
    async with opened(store, now, tmp_path) as house:
        for wallet in (ANN, BOB):
            await house.ticket(wallet)
        yield house


async def pair(house):
    """Ann's and Bob's sockets, both in the room, and Bob's peer id."""
    ann, _ = await house.seated(await house.joined(ANN))
    bob, welcome = await house.seated(await house.joined(BOB))
    assert (await house.said(ann))["type"] == "joined"
    return ann, bob, welcome


async def test_a_newcomer_is_welcomed_and_the_others_hear_of_it(house):
    ann, hello = await house.seated(await house.joined(ANN))
    assert (hello["type"], hello["peers"]) == ("welcome", [])
    _, welcome = await house.seated(await house.joined(BOB))
    assert [peer["peer"] for peer in welcome["peers"]] == [hello["peer"]]
    told = await house.said(ann)
    assert (told["type"], told["peer"], told["media"]) == ("joined", welcome["peer"], welcome["media"])


async def test_peers_know_each_other_by_random_ids_never_by_accounts(house):
    _ann, _bob, welcome = await pair(house)
    heard = json.dumps(welcome)
    for wallet in (ANN, BOB):
        assert wallet.address.lower()[2:] not in heard.lower()
    assert len(welcome["peer"]) == 16


async def test_a_signal_reaches_one_peer_and_nobody_else(house):
    await house.ticket(EVE)
    ann, bob, welcome = await pair(house)
    eve, _ = await house.seated(await house.joined(EVE))
    await ann.send_json({"type": "signal", "to": welcome["peer"], "data": {"sdp": "v=0"}})
    assert (await house.said(bob))["type"] == "joined"
    told = await house.said(bob)
    assert (told["type"], told["data"]) == ("signal", {"sdp": "v=0"})
    await eve.send_json({"type": "heartbeat"})
    assert (await house.said(eve))["type"] == "heartbeat"


async def test_chat_reaches_everybody_and_the_last_state_whoever_comes_later(house):
    ann, bob, _ = await pair(house)
    await bob.send_json({"type": "state", "data": {"x": 1}})
    assert (await house.said(ann))["data"] == {"x": 1}
    await bob.send_json({"type": "chat", "text": "hello"})
    assert (await house.said(ann))["text"] == (await house.said(bob))["text"] == "hello"
    await house.ticket(EVE)
    _, welcome = await house.seated(await house.joined(EVE))
    assert {"x": 1} in [peer["state"] for peer in welcome["peers"]]


async def test_whoever_leaves_is_missed_by_the_others(house):
    ann, bob, welcome = await pair(house)
    await bob.close()
    assert await house.said(ann) == {"type": "left", "peer": welcome["peer"], "reason": "left"}


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ({"type": "auth", "token": "nonsense"}, 4401),
        ({"type": "chat", "text": "let me in"}, 4401),
        ({"type": "auth"}, 4400),
        ([], 4400),
    ],
)
async def test_a_socket_that_does_not_show_its_token_first_is_closed(house, first, code):
    socket = await house.socket()
    await socket.send_json(first)
    told = await house.said(socket)
    assert (told if "closed" in told else await house.said(socket)) == {"closed": code}


async def test_a_socket_that_says_nothing_is_closed_within_seconds(house):
    socket = await house.socket()
    await house.move(timedelta(seconds=5))
    assert await house.said(socket) == {"closed": 4401}


async def test_a_ticket_is_no_session_token(house):
    mine = await house.store.read(lambda conn: tickets.held_by(conn, house.event.id, ANN.account.holder)[0])
    socket = await house.socket()
    await socket.send_json({"type": "auth", "token": mine.token})
    assert await house.said(socket) == {"type": "kicked", "reason": "session_invalid"}


async def test_a_session_of_another_event_opens_no_room_here(house, now):
    from tests.support import tickets_box as box  # noqa: PLC0415  this test alone needs a second event

    times = {"starts_at": now, "ends_at": now + timedelta(hours=1)}
    other = await box.opened(house.store, now, slug="second-night", **times)
    grant = await house.joined(ANN)
    socket = await house.client.ws_connect(f"/event/{other.ref}")
    house.sockets.append(socket)
    await socket.send_json({"type": "auth", "token": grant["session_token"]})
    assert await house.said(socket) == {"closed": 4401}


async def test_a_silent_client_is_closed(house):
    socket, _ = await house.seated(await house.joined(ANN))
    await house.move(timedelta(seconds=44))
    await socket.send_json({"type": "heartbeat"})
    assert (await house.said(socket))["type"] == "heartbeat"
    await house.move(timedelta(seconds=44))
    await house.move(timedelta(seconds=1))
    assert await house.said(socket) == {"closed": 4408}


async def test_a_client_that_says_too_much_is_closed(house):
    socket, _ = await house.seated(await house.joined(ANN))
    for _ in range(21):
        await socket.send_json({"type": "state", "data": 1})
    assert await house.said(socket) == {"closed": 4429}


async def test_a_burst_of_candidates_closes_nobody_until_it_is_a_flood(house):
    ann, bob, welcome = await pair(house)
    signal = {"type": "signal", "to": welcome["peer"], "data": {"candidate": "x" * 200}}
    for _ in range(60):
        await ann.send_json(signal)
    for _ in range(60):
        assert (await house.said(bob))["type"] == "signal"
    await ann.send_json({"type": "chat", "text": "still here"})
    assert (await house.said(ann))["text"] == "still here"
    await ann.send_json(signal)
    assert await house.said(ann) == {"closed": 4429}


async def test_a_client_that_says_too_many_bytes_is_closed(house):
    ann, bob, welcome = await pair(house)
    for _ in range(16):
        await ann.send_json({"type": "signal", "to": welcome["peer"], "data": "x" * 31 * 1024})
        assert (await house.said(bob))["type"] == "signal"
    await ann.send_json({"type": "signal", "to": welcome["peer"], "data": "x" * 31 * 1024})
    assert await house.said(ann) == {"closed": 4429}


@pytest.mark.parametrize("data", ["x" * 2048, "\u00e9" * 1020])
async def test_a_state_is_small_for_everybody_who_comes_later_is_told_it(house, data):
    ann, _ = await house.seated(await house.joined(ANN))
    await ann.send_str(json.dumps({"type": "state", "data": data}, ensure_ascii=False))
    assert await house.said(ann) == {"closed": 4400}


async def test_a_state_that_cannot_be_written_again_locks_nobody_out(house):
    ann, _ = await house.seated(await house.joined(ANN))
    await ann.send_str('{"type":"state","data":' + "[" * 300 + "]" * 300 + "}")
    assert await house.said(ann) == {"closed": 4400}
    _, welcome = await house.seated(await house.joined(BOB))
    assert welcome["type"] == "welcome"


async def test_without_the_bound_one_state_locks_the_room(house, monkeypatch):
    ann, _ = await house.seated(await house.joined(ANN))
    monkeypatch.setattr(messages, "shallow", lambda _: True)
    await ann.send_str('{"type":"state","data":' + "[" * 300 + "]" * 300 + "}")
    await ann.send_json({"type": "heartbeat"})
    assert (await house.said(ann))["type"] == "heartbeat"
    socket = await house.socket()
    await socket.send_json({"type": "auth", "token": (await house.joined(BOB))["session_token"]})
    assert "closed" in await house.said(socket)


async def test_a_message_that_is_too_large_closes_its_sender_alone(house):
    ann, bob, _ = await pair(house)
    await bob.send_str(json.dumps({"type": "state", "data": "x" * 40_000}))
    assert await house.said(bob) == {"closed": 1009}
    assert (await house.said(ann))["type"] == "left"


async def test_a_client_that_falls_behind_is_dropped_and_its_peers_hear_of_it(house):
    ann, bob, welcome = await pair(house)
    newest = max(house.rooms.hub._sockets)
    burst = [Send(to=(newest,), message={"type": "chat", "text": str(n)}) for n in range(outbox.SIZE + 1)]
    house.rooms.carry_out(burst)  # in one go: nothing is sent in between
    told = [await house.said(bob) for _ in range(outbox.SIZE + 1)]
    assert told[-1] == {"closed": 4430}
    assert await house.said(ann) == {"type": "left", "peer": welcome["peer"], "reason": "too_slow"}


async def test_only_the_newest_session_of_a_ticket_may_stay(house):
    older, _ = await house.seated(await house.joined(ANN))
    newer = await house.joined(ANN)
    await house.look()
    assert await house.said(older) == {"type": "kicked", "reason": "superseded"}
    assert await house.said(older) == {"closed": 4409}
    _, welcome = await house.seated(newer)
    assert welcome["peers"] == []


async def test_a_token_of_an_older_generation_opens_no_socket(house):
    older = await house.joined(ANN)
    await house.joined(ANN)
    socket = await house.socket()
    await socket.send_json({"type": "auth", "token": older["session_token"]})
    assert await house.said(socket) == {"type": "kicked", "reason": "session_closed"}


async def test_credentials_are_renewed_over_the_socket_as_long_as_the_ticket_is_good(house):
    socket, _ = await house.seated(await house.joined(ANN))
    for _ in range(4):
        await house.move(timedelta(seconds=30))
        await socket.send_json({"type": "heartbeat"})
        assert (await house.said(socket))["type"] == "heartbeat"
    await house.move(timedelta(seconds=30))
    told = await house.said(socket)
    assert told["type"] == "renewed"
    assert told["turn_credentials"]["username"] == told["iceServers"][0]["username"]
    bearer = {"Authorization": f"Bearer {told['session_token']}"}
    assert (await house.client.get("/api/turn-credentials", headers=bearer)).status == 200


async def test_a_renewal_reads_the_ticket_again(house, monkeypatch):
    """As if the notice had been lost: the renewal alone finds out."""
    socket, _ = await house.seated(await house.joined(ANN))
    mine = await house.store.read(lambda conn: tickets.held_by(conn, house.event.id, ANN.account.holder)[0])
    monkeypatch.setattr(door, "announce", lambda _conn, **_notice: 0)
    await house.store.transact(lambda conn: tickets.revoke(conn, mine.id, reason="lost", now=house.clock()))
    for _ in range(4):
        await house.move(timedelta(seconds=30))
        await socket.send_json({"type": "heartbeat"})
        assert (await house.said(socket))["type"] == "heartbeat"
    await house.move(timedelta(seconds=30))
    assert await house.said(socket) == {"type": "kicked", "reason": "ticket_revoked"}


async def test_a_revoked_ticket_closes_its_socket_and_tells_its_peers(house):
    ann, bob, welcome = await pair(house)
    mine = await house.store.read(lambda conn: tickets.held_by(conn, house.event.id, BOB.account.holder)[0])
    await house.store.transact(lambda conn: tickets.revoke(conn, mine.id, reason="lost", now=house.clock()))
    await house.look()
    assert await house.said(bob) == {"type": "kicked", "reason": "revoked"}
    assert await house.said(bob) == {"closed": 4403}
    assert await house.said(ann) == {"type": "left", "peer": welcome["peer"], "reason": "kicked"}


async def test_a_ban_closes_the_holders_socket(house):
    _, bob, _ = await pair(house)
    now, holder = house.clock(), BOB.account.holder
    await house.store.transact(lambda conn: bans.ban(conn, house.event.id, holder, reason="rude", now=now))
    await house.look()
    assert await house.said(bob) == {"type": "kicked", "reason": "banned"}


async def test_a_cancelled_event_ends_every_socket(house):
    ann, bob, _ = await pair(house)
    await house.store.transact(lambda conn: events.cancel(conn, house.event.id, reason="rain", now=house.clock()))
    await house.look()
    for socket in (ann, bob):
        told = [await house.said(socket), await house.said(socket), await house.said(socket)]
        assert {"type": "ended", "reason": "ended"} in told
        assert {"closed": 4410} in told


async def test_the_room_ends_with_the_event_without_any_notice(house):
    ann, _ = await house.seated(await house.joined(ANN))
    await house.move(timedelta(hours=3))
    assert await house.said(ann) == {"type": "ended", "reason": "event_over"}
    assert await house.said(ann) == {"closed": 4410}


async def test_a_blind_gate_seats_and_renews_nobody(house):
    grant = await house.joined(ANN)
    waiting = await house.socket()
    house.clock.now += timedelta(seconds=3, milliseconds=1)
    await waiting.send_json({"type": "auth", "token": grant["session_token"]})
    assert await house.said(waiting) == {"type": "kicked", "reason": "gate_blind"}
    assert await house.said(waiting) == {"closed": 4503}


async def test_attendance_is_written_from_the_sockets(house):
    start = house.clock()
    ann, _ = await house.seated(await house.joined(ANN))
    await house.move(timedelta(minutes=1, seconds=-20))
    left_at = house.clock()
    await ann.close()
    await house.rooms.close()
    rows = await house.store.read(lambda conn: conn.execute(select(attendance)).all())
    assert [(row.joined_at, row.left_at, row.holder) for row in rows] == [(start, left_at, str(ANN.account.holder))]


async def test_a_foreign_page_may_not_open_a_socket(house):
    with pytest.raises(WSServerHandshakeError) as refusal:
        await house.socket(headers={"Origin": "https://evil.test"})
    assert refusal.value.status == 403


async def test_a_full_gate_opens_no_more_sockets(store, now, tmp_path):
    async with opened(store, now, tmp_path, limits="sockets_total = 1") as house:
        await house.socket()
        with pytest.raises(WSServerHandshakeError) as refusal:
            await house.socket()
        assert refusal.value.status == 503


async def test_a_plain_request_is_told_to_upgrade(house):
    answer = await house.client.get(f"/event/{house.event.ref}")
    assert (answer.status, (await answer.json())["code"]) == (426, "not_a_websocket")


async def test_a_kick_that_comes_while_a_token_is_looked_at_is_not_overtaken(house, monkeypatch):
    """The session is read, then revoked and the list read, and only then would the socket be seated."""
    grant = await house.joined(ANN)
    mine = await house.store.read(lambda conn: tickets.held_by(conn, house.event.id, ANN.account.holder)[0])
    read, store = house.store.read, house.store
    reads = []

    async def slow(work):
        result = await read(work)
        if not reads and isinstance(result, tuple) and len(result) == 2:
            reads.append(result)
            await store.transact(lambda conn: tickets.revoke(conn, mine.id, reason="lost", now=house.clock()))
            await house.rooms.door_list.poll()
        return result

    monkeypatch.setattr(store, "read", slow)
    socket = await house.socket()
    await socket.send_json({"type": "auth", "token": grant["session_token"]})
    assert await house.said(socket) == {"type": "kicked", "reason": "ticket_revoked"}
    assert reads


# --- strangers -------------------------------------------------------------------------------------------------


async def test_a_client_may_have_so_many_sockets_that_have_not_said_whose_they_are(house):
    house.rooms.hub.limits = replace(house.rooms.hub.limits, strangers_per_client=2)
    ann, _ = await house.seated(await house.joined(ANN))
    silent = [await house.socket() for _ in range(2)]
    with pytest.raises(WSServerHandshakeError) as full:
        await house.socket()
    assert full.value.status == 503
    await house.move(timedelta(seconds=5))
    for socket in silent:
        assert (await house.said(socket))["closed"] == 4401
    bob, _ = await house.seated(await house.joined(BOB))  # there is room again; and who is seated is no stranger
    for socket in (ann, bob):
        assert not socket.closed
    assert (await house.socket()).closed is (await house.socket()).closed is False


# --- a gate that died ------------------------------------------------------------------------------------------


async def left_at(house):
    rows = await house.store.read(lambda conn: conn.execute(select(attendance).order_by(attendance.c.joined_at)).all())
    return [row.left_at for row in rows]


async def test_a_newer_session_ends_the_visit_that_a_dead_gate_left_open(house):
    old = await house.joined(ANN)
    await visiting(house, old)
    assert await left_at(house) == [None]
    house.clock.now += timedelta(seconds=1)
    await house.look()
    await house.joined(ANN)
    assert await left_at(house) == [house.clock()]


async def test_an_events_end_ends_the_visits_that_a_dead_gate_left_open(house):
    await visiting(house, await house.joined(ANN))
    for now, left in ((house.event.ends_at - timedelta(seconds=1), None), (house.event.ends_at, house.event.ends_at)):
        await house.store.transact(partial(forget, now=now))
        assert await left_at(house) == [left]
    await house.store.transact(partial(forget, now=house.event.ends_at + timedelta(days=1)))
    assert await left_at(house) == [house.event.ends_at]


async def visiting(house, grant):
    """A visit that some gate noted, of which nobody hears any more."""
    claims = grants.read_session(grant["session_token"], keyring=house.deps.keyring, now=house.clock())
    ticket = grant["ticket"]["id"]
    await house.store.transact(
        lambda conn: attendance_book.arrive(
            conn,
            session_id=claims.session_id,
            event_id=house.event.id,
            ticket_id=ticket,
            holder=ANN.account.holder,
            now=house.clock(),
        )
    )
