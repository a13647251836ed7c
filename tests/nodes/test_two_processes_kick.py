"""Watcher and gate are two processes on one database: what one commits closes sockets of the other within a second."""

import asyncio
import sys
from datetime import timedelta

import pytest
from aiohttp import ClientSession, WSMsgType

from config.clock import utc_now
from store.engine import open_store
from tests.support import tickets_box as box
from tests.support.gate_house import Wallet, dependencies
from tests.support.programs import ROOT, free_port, listens, running, scratch
from tickets import tickets
from tickets.keys import KeyKind

BUYER, FRIEND = Wallet(1), Wallet(2)
WITHIN_SECONDS = 1


@pytest.fixture
async def watcher_side(database_url):
    """The database as the watcher's process sees it: this process."""
    store = open_store(database_url)
    yield store
    await store.aclose()


@pytest.fixture
def gate(database_url):
    """A gate in another process; the folder of its keys, and where it listens."""
    folder, port = scratch("gate"), free_port()
    command = [sys.executable, "-m", "tests.support.gate_process", database_url, str(folder), str(port)]
    with running(command, ready=lambda: listens(port), folder=ROOT, seconds=30):
        yield folder, f"http://127.0.0.1:{port}"


async def join(client, gate_url, event, wallet):
    """An open socket of a wallet that joined."""
    milliseconds = int(utc_now().timestamp() * 1000)
    body = {
        "wallet_address": wallet.address,
        "timestamp": milliseconds,
        "signature": wallet.sign(f"Access event {event.ref} at {milliseconds}"),
    }
    async with client.post(f"{gate_url}/api/events/{event.ref}/join", json=body) as answer:
        grant = await answer.json()
        assert answer.status == 200, grant
    socket = await client.ws_connect(f"{gate_url}/event/{event.ref}")
    await socket.send_json({"type": "auth", "token": grant["session_token"]})
    assert (await socket.receive_json())["type"] == "welcome"
    return socket


async def bought(store, event, wallet, signer):
    """A paid ticket, as the watcher mints one."""
    now = utc_now()
    order = await box.ordered(store, event, now, account=wallet.account)
    return (await store.transact(lambda conn: box.pay(conn, order, event, signer, now)))[0]


async def test_a_ticket_suspended_by_the_watcher_closes_the_gates_socket_within_a_second(watcher_side, gate):
    folder, url = gate
    now = utc_now()
    signer = dependencies(watcher_side, folder, utc_now).keyring.signer(KeyKind.TICKET)
    times = {"starts_at": now, "ends_at": now + timedelta(hours=1)}
    event = await box.opened(watcher_side, now, slug="tonight", **times)
    ticket = await bought(watcher_side, event, BUYER, signer)
    await bought(watcher_side, event, FRIEND, signer)
    async with ClientSession() as client:
        friend = await join(client, url, event, FRIEND)
        buyer = await join(client, url, event, BUYER)
        assert (await friend.receive_json())["type"] == "joined"
        await watcher_side.transact(lambda conn: tickets.suspend(conn, ticket.order_id, reason="reorg", now=utc_now()))
        async with asyncio.timeout(WITHIN_SECONDS):
            assert await buyer.receive_json() == {"type": "kicked", "reason": "suspended"}
            closing = await buyer.receive()
            assert (closing.type, closing.data) == (WSMsgType.CLOSE, 4403)
            assert (await friend.receive_json())["type"] == "left"
        await watcher_side.transact(lambda conn: tickets.restore(conn, ticket.order_id, now=utc_now()))
        again = await join(client, url, event, BUYER)
        assert (await friend.receive_json())["type"] == "joined"
        await asyncio.gather(again.close(), friend.close())
