"""Whoever is sent away is removed from LiveKit's room too, under the name their voice was heard by."""

import asyncio

import pytest

from gateway import bans, grants, livekit
from tests.support.gate_house import Wallet, opened
from tests.support.gate_livekit import livekit_server
from tickets import tickets

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
