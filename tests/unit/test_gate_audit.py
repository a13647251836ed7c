"""The door's log: a row for whatever a session or a proved wallet asked for, counts for everybody else."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.gate import audit_log
from gateway.gate.audit_log import AUDIT
from gateway.schema import audit
from store.errors import StoreUnavailableError
from tests.support.gate_house import Wallet, opened
from tickets import tickets

BUYER = Wallet(1)
TURN = "/api/turn-credentials"


@pytest.fixture
async def house(store, now, tmp_path):
    async with opened(store, now, tmp_path) as house:
        await house.ticket(BUYER)
        yield house


async def logged(house, action):
    """Outcome, count, and whether holder, event and client are known, for each row of an action."""
    await house.client.app[AUDIT].settled()
    rows = await house.store.read(lambda conn: conn.execute(select(audit).where(audit.c.action == action)).all())
    return sorted(
        (row.outcome, row.count, row.holder is not None, row.event_id is not None, row.client is not None)
        for row in rows
    )


def bearer(grant):
    return {"Authorization": f"Bearer {grant['session_token']}"}


async def test_sockets_are_logged_by_whose_they_are(house):
    older = await house.joined(BUYER)
    await house.seated(await house.joined(BUYER))
    for token in ("nobody's", "nobody's", older["session_token"]):
        socket = await house.socket()
        await socket.send_json({"type": "auth", "token": token})
        await house.said(socket)
    assert await logged(house, "socket") == [
        ("granted", 1, True, True, True),
        ("session_closed", 1, True, True, True),
        ("session_invalid", 2, False, False, True),
    ]


async def test_each_renewal_is_logged_and_the_one_that_is_refused(house):
    ticket = (await house.joined(BUYER))["ticket"]["id"]
    socket, _ = await house.seated(await house.joined(BUYER))
    for _ in range(11):  # one renewal is due after two and a half minutes, and another
        await house.move(timedelta(seconds=30))
        await socket.send_json({"type": "heartbeat"})
        while (await house.said(socket))["type"] != "heartbeat":
            pass
    revoked = house.clock()
    await house.store.transact(lambda conn: tickets.revoke(conn, ticket, reason="lost", now=revoked))
    house.rooms.hub.doubt({house.event.id})
    await house.rooms.tick()
    assert await logged(house, "renew") == [
        ("granted", 1, True, True, True),
        ("granted", 1, True, True, True),
        ("ticket_revoked", 1, True, True, True),
    ]


async def test_turn_credentials_are_logged_granted_or_refused(house):
    older = await house.joined(BUYER)
    newer = await house.joined(BUYER)
    for headers in ({}, {}, {"Authorization": "Bearer x"}, bearer(older), bearer(newer)):
        await house.client.get(TURN, headers=headers)
    assert await logged(house, "turn") == [
        ("granted", 1, True, True, True),
        ("session_closed", 1, True, True, True),
        ("session_invalid", 1, False, False, True),
        ("session_required", 2, False, False, True),
    ]


async def test_spent_budgets_are_counted_and_a_wallets_own_has_its_row(store, now, tmp_path):
    async with opened(store, now, tmp_path, joins=4, joins_per_wallet=1) as house:
        await house.ticket(BUYER)
        for _ in range(7):
            await house.post("join", await house.proof(BUYER))
        assert await logged(house, "request") == [("rate_limited", 3, False, False, True)]
        assert await logged(house, "join") == [
            ("granted", 1, True, True, True),
            *[("rate_limited", 1, True, True, True)] * 3,
        ]


async def test_refusals_at_an_events_door_name_the_event(house):
    await house.post("join", {"wallet_address": BUYER.address})
    await house.post("verify-access", {"wallet_address": BUYER.address})
    await house.post("resume", {"resume": "nothing"})
    for action in ("join", "verify", "resume"):
        assert [row[3] for row in await logged(house, action)] == [True]


async def test_what_the_database_could_not_take_is_written_with_the_next(house, monkeypatch):
    work = audit_log._written
    grant = await house.joined(BUYER)

    def away(*_):
        raise StoreUnavailableError("away")

    monkeypatch.setattr(audit_log, "_written", away)
    for headers in ({"Authorization": "Bearer x"}, bearer(grant)):
        await house.client.get(TURN, headers=headers)
    limits = house.client.app[AUDIT]
    await limits.settled()
    monkeypatch.setattr(audit_log, "_written", work)
    await house.client.get(TURN, headers=bearer(grant))
    assert [row[:2] for row in await logged(house, "turn")] == [("granted", 1), ("granted", 1), ("session_invalid", 1)]
