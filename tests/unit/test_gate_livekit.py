"""Whoever is sent away is removed from LiveKit's room too, under the name their voice was heard by."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select, update

from gateway.app import build_app
from gateway.gate import bans, grants, livekit
from gateway.gate.voices import AWAY, TRY_AGAIN, WINDOW
from gateway.schema import sessions
from tests.support.gate_house import Wallet, opened
from tests.support.gate_livekit import livekit_server
from tickets import door, events, tickets
from tickets import schema as tables
from tickets.door import DoorAction

ANN, BOB = Wallet(1), Wallet(2)


@pytest.fixture
async def voices():
    async with livekit_server() as stub:
        yield stub


@pytest.fixture
async def house(store, now, tmp_path, voices):
    async with opened(store, now, tmp_path, more=voices.settings) as house:
        for wallet in (ANN, BOB):
            await house.ticket(wallet)
        yield house


def revoked(house):
    now = house.clock()
    return lambda conn: tickets.revoke(
        conn, tickets.held_by(conn, house.event.id, ANN.account.holder)[0].id, reason="lost", now=now
    )


def banned(house):
    now = house.clock()
    return lambda conn: bans.ban(conn, house.event.id, ANN.account.holder, reason="rude", now=now)


@pytest.mark.parametrize("change", [revoked, banned])
async def test_whoever_is_kicked_or_banned_is_removed_from_the_room_and_nobody_else(house, voices, change):
    ann, _ = await house.seated(await house.joined(ANN))
    bob, welcome = await house.seated(await house.joined(BOB))
    anns_voice = next(peer["media"] for peer in welcome["peers"])
    assert (await house.said(ann))["type"] == "joined"
    await house.store.transact(change(house))
    await house.look()
    room, identity, right = await asyncio.wait_for(voices.removed.get(), 5)
    assert (room, identity) == (f"event-{house.event.id}", anns_voice)
    assert (right.room_admin, right.room) == (True, room)
    assert (await house.said(ann))["type"] == "kicked"
    assert not bob.closed
    assert voices.removed.empty()


async def test_the_name_removed_is_the_one_the_token_joined_under(house, voices):
    from livekit.api import TokenVerifier  # noqa: PLC0415  the library of a deployment that has LiveKit

    settings = house.deps.settings.livekit
    grant = await house.joined(ANN)
    await house.seated(grant)
    await house.store.transact(banned(house))
    await house.look()
    _, identity, _ = await asyncio.wait_for(voices.removed.get(), 5)
    token = TokenVerifier(settings.api_key, settings.api_secret.get_secret_value()).verify(grant["livekit"]["token"])
    claims = grants.read_session(grant["session_token"], keyring=house.deps.keyring, now=house.clock())
    assert identity == token.identity == grants.media_identity(claims.session_id, claims.generation)


async def test_a_livekit_that_fails_keeps_nobody_in_the_presence_room(house, voices):
    voices.failing = True
    ann, _ = await house.seated(await house.joined(ANN))
    await house.store.transact(banned(house))
    await house.look()
    assert (await house.said(ann))["type"] == "kicked"
    await asyncio.wait_for(voices.removed.get(), 5)
    assert (await house.post("join", await house.proof(BOB))).status == 200


async def test_removing_somebody_who_is_not_there_is_no_failure(house, voices):
    settings, who = house.deps.settings.livekit, {"event_id": house.event.id, "identity": "nobody"}
    assert await livekit.remove_participant(settings, **who) is True
    voices.absent = True
    assert await livekit.remove_participant(settings, **who) is False


# --- whoever has no socket -----------------------------------------------------------------------------------------


async def heard_as(house, grant):
    """The name under which a grant's voice is heard."""
    claims = grants.read_session(grant["session_token"], keyring=house.deps.keyring, now=house.clock())
    return grants.media_identity(claims.session_id, claims.generation)


async def gone(voices):
    return (await asyncio.wait_for(voices.removed.get(), 5))[1]


async def nothing_more(house, voices):
    """Whatever is due now has been done."""
    await house.rooms.voices.tick()
    return voices.removed.empty() and voices.closed.empty()


@pytest.mark.parametrize("change", [revoked, banned])
async def test_whoever_has_no_socket_is_removed_too_and_again_when_no_token_opens_the_room(house, voices, change):
    grant = await house.joined(ANN)
    identity = await heard_as(house, grant)
    await house.store.transact(change(house))
    await house.look()
    assert await gone(voices) == identity
    assert voices.may_return == {identity: False}
    await house.move(WINDOW - timedelta(seconds=1))
    assert await nothing_more(house, voices)
    await house.move(timedelta(seconds=1))
    assert await gone(voices) == identity
    await house.move(WINDOW)
    assert await nothing_more(house, voices)


async def test_whoever_left_the_room_is_removed_unless_they_are_back(house, voices):
    grant = await house.joined(ANN)
    ann, _ = await house.seated(grant)
    bob, _ = await house.seated(bobs := await house.joined(BOB))
    assert (await house.said(ann))["type"] == "joined"
    await bob.close()
    assert (await house.said(ann))["type"] == "left"
    bob, _ = await house.seated(bobs)
    await ann.close()
    assert (await house.said(bob))["type"] == "left"
    await written(house)
    await house.move(AWAY)
    identity = await heard_as(house, grant)
    assert await gone(voices) == identity
    assert voices.may_return == {identity: True}
    assert await nothing_more(house, voices)


async def written(house):
    """Who came and left is in the book."""
    if house.rooms._background:
        await asyncio.wait(house.rooms._background)


async def test_a_silent_voice_is_removed(house, voices):
    grant = await house.joined(ANN)
    ann, _ = await house.seated(grant)
    identity = await heard_as(house, grant)
    await house.move(timedelta(seconds=45))
    assert await house.said(ann) == {"closed": 4408}
    await written(house)
    await house.move(AWAY)
    assert await gone(voices) == identity


async def test_a_renewal_that_is_refused_removes_the_voice(house, voices, monkeypatch):
    grant = await house.joined(ANN)
    ann, _ = await house.seated(grant)
    monkeypatch.setattr("tickets.door.announce", lambda _conn, **_notice: 0)  # the notice is lost
    await house.store.transact(revoked(house))
    for _ in range(4):
        await house.move(timedelta(seconds=30))
        await ann.send_json({"type": "heartbeat"})
        assert (await house.said(ann))["type"] == "heartbeat"
    await house.move(timedelta(seconds=30))
    assert await house.said(ann) == {"type": "kicked", "reason": "ticket_revoked"}
    await house.move(AWAY)
    identity = grants.media_identity(*await session_of(house, grant))
    assert await gone(voices) == identity
    assert voices.may_return == {identity: False}


async def session_of(house, grant):
    wanted = select(sessions.c.id, sessions.c.generation).where(sessions.c.ticket_id == grant["ticket"]["id"])
    return tuple(await house.store.read(lambda conn: conn.execute(wanted).one()))


async def test_a_newer_session_removes_the_voice_of_the_one_before_and_never_its_own(house, voices):
    first = await house.joined(ANN)
    older = await heard_as(house, first)
    second = await house.joined(ANN)
    await house.look()
    heard = {await gone(voices)}
    await house.rooms.voices.tick()
    while not voices.removed.empty():
        heard.add(await gone(voices))
    assert older in heard
    assert await heard_as(house, second) not in heard


async def test_a_page_that_is_reloaded_leaves_its_voice_behind_and_keeps_the_new_one(house, voices):
    first = await house.joined(ANN)
    older = await heard_as(house, first)
    again = await (await house.post("resume", {"resume": first["resume"]})).json()
    await house.look()
    heard = {await gone(voices)}
    await house.rooms.voices.tick()
    while not voices.removed.empty():
        heard.add(await gone(voices))
    assert heard == {older}
    assert await heard_as(house, again) != older


async def test_a_ticket_that_is_valid_again_keeps_the_voice_it_has_by_then(house, voices):
    grant = await house.joined(ANN)
    order = await house.store.read(lambda conn: tickets.held_by(conn, house.event.id, ANN.account.holder)[0])
    now, event_id = house.clock(), house.event.id
    changed = update(tables.tickets).where(tables.tickets.c.id == order.id)
    suspend = {"event_id": event_id, "ticket_id": order.id, "action": DoorAction.SUSPENDED, "reason": "t", "now": now}
    await house.store.transact(
        lambda conn: (conn.execute(changed.values(state="suspended")), door.announce(conn, **suspend))
    )
    await house.look()
    assert await gone(voices) == await heard_as(house, grant)
    await house.store.transact(lambda conn: conn.execute(changed.values(state="valid")))
    await house.move(WINDOW)
    assert await nothing_more(house, voices)


# --- the end of an event ---------------------------------------------------------------------------------------------


async def test_when_an_event_ends_its_room_is_closed_twice_though_nobody_announces_it(house, voices):
    await house.joined(ANN)
    await house.rooms.voices.tick()
    assert voices.closed.empty()
    await house.move(house.event.ends_at - house.clock())
    for wait in (timedelta(), WINDOW):
        await house.move(wait)
        assert await asyncio.wait_for(voices.closed.get(), 5) == f"event-{house.event.id}"
    assert voices.removed.empty()


async def test_a_cancelled_event_closes_its_room(house, voices):
    await house.joined(ANN)
    await house.store.transact(lambda conn: events.cancel(conn, house.event.id, reason="rain", now=house.clock()))
    await house.look()
    assert await asyncio.wait_for(voices.closed.get(), 5) == f"event-{house.event.id}"


# --- failures ------------------------------------------------------------------------------------------------------


async def test_a_removal_that_fails_is_tried_again_and_given_up_in_the_end(house, voices):
    voices.failing = True
    identity = await heard_as(house, await house.joined(ANN))
    await house.store.transact(revoked(house))
    await house.look()
    assert await gone(voices) == identity
    for pause in TRY_AGAIN:
        assert await nothing_more(house, voices)
        await house.move(pause)
        assert await gone(voices) == identity
    await house.move(timedelta(minutes=1))
    assert await nothing_more(house, voices)


async def test_a_gate_that_starts_carries_out_what_happened_while_none_ran(store, now, tmp_path, voices):
    async with opened(store, now, tmp_path, more=voices.settings) as house:
        await house.ticket(ANN)
        identity = await heard_as(house, await house.joined(ANN))
        change = revoked(house)
    await store.transact(change)
    app = build_app(house.deps)
    async with TestClient(TestServer(app)):
        assert await gone(voices) == identity
