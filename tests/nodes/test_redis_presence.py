"""Visitors at two gates on one database, with a real Redis between: they see, hear and reach each other as at one."""

import asyncio
import signal

import pytest
from redis.asyncio import Redis

from config.clock import utc_now
from gateway.background import BACKGROUND, BackgroundEndedError
from gateway.neighbours import relay
from gateway.presence.effects import Tell
from gateway.presence.elsewhere import NobodyElsewhere
from tests.support.gate_house import Wallet
from tests.support.neighbours_house import far_gate, gate, opened, redis_server, rooms, shared
from tickets import door
from tickets.door import DoorAction

ANN, BOB, EVE = Wallet(1), Wallet(2), Wallet(3)


@pytest.fixture
def redis():
    with redis_server() as server:
        yield server


@pytest.fixture
async def event(store, tmp_path):
    return await opened(store, tmp_path, ANN, BOB, EVE)


@pytest.fixture
async def gates(store, tmp_path, redis, event):
    """Two gates that share a Redis."""
    async with (
        gate(store, tmp_path, event, more=shared(redis)) as one,
        gate(store, tmp_path, event, more=shared(redis)) as other,
    ):
        yield one, other


async def test_visitors_at_two_gates_are_in_one_room(gates):
    one, other = gates
    ann = await one.join(ANN)
    await ann.says("state", data={"hat": "red"})
    assert await ann.before_the_answer() == []
    bob = await other.join(BOB)
    introduced = {"peer": ann.peer, "role": "attendee", "media": ann.welcome["media"], "state": {"hat": "red"}}
    assert bob.welcome["peers"] == [introduced]
    joined = await ann.hears("joined")
    assert joined == {"type": "joined", "peer": bob.peer, "role": "attendee", "media": bob.welcome["media"]}
    await bob.says("state", data=[1, 2])
    assert await ann.hears("state") == {"type": "state", "peer": bob.peer, "data": [1, 2]}
    await ann.says("chat", text="hello")
    assert (await bob.hears("chat"))["text"] == (await ann.hears("chat"))["text"] == "hello"
    await bob.socket.close()
    assert await ann.hears("left") == {"type": "left", "peer": bob.peer, "reason": "left"}


async def test_a_signal_reaches_its_one_peer_at_the_other_gate_in_order(gates):
    one, other = gates
    ann, bob = await one.join(ANN), await other.join(BOB)
    await ann.hears("joined")
    eve = await other.join(EVE)
    await ann.hears("joined")
    await bob.hears("joined")
    for number in range(15):
        await ann.says("signal", to=bob.peer, data={"candidate": number})
    heard = [await bob.hears("signal") for _ in range(15)]
    assert heard == [{"type": "signal", "from": ann.peer, "data": {"candidate": number}} for number in range(15)]
    await bob.says("signal", to=ann.peer, data="answer")
    assert (await ann.hears("signal"))["from"] == bob.peer
    assert await eve.before_the_answer() == []


def nested(depth):
    data = []
    for _ in range(depth):
        data = [data]
    return data


async def test_what_cannot_be_written_is_dropped_and_the_line_goes_on(gates):
    one, other = gates
    ann, bob = await one.join(ANN), await other.join(BOB)
    await ann.hears("joined")
    unwritable = {"type": "state", "peer": ann.peer, "data": nested(300)}
    rooms(one).elsewhere.tell(Tell(event_id=one.event.id, message=unwritable))
    await ann.says("chat", text="hello")
    assert (await bob.hears("chat"))["text"] == "hello"
    assert one.app[BACKGROUND].failed is None
    eve = await other.join(EVE)
    assert {peer["peer"]: peer["state"] for peer in eve.welcome["peers"]} == {ann.peer: None, bob.peer: None}


async def test_without_that_guard_one_state_ends_the_line_and_the_service(gates, monkeypatch):
    one, other = gates
    ann = await one.join(ANN)
    await other.join(BOB)
    await ann.hears("joined")
    monkeypatch.setattr(relay, "can_be_written", lambda _: True)
    unwritable = {"type": "state", "peer": ann.peer, "data": nested(300)}
    rooms(one).elsewhere.tell(Tell(event_id=one.event.id, message=unwritable))
    async with asyncio.timeout(10):
        with pytest.raises(BackgroundEndedError):
            await one.app[BACKGROUND].failure()


async def test_without_the_relay_they_do_not_see_each_other(gates):
    """The negative control: what crosses, crosses through the relay."""
    one, other = gates
    rooms(one).elsewhere = NobodyElsewhere()
    ann, bob = await one.join(ANN), await other.join(BOB)
    assert bob.welcome["peers"] == []
    await bob.says("chat", text="anybody?")
    await bob.hears("chat")
    assert await ann.before_the_answer() == []


async def test_without_redis_in_the_settings_gates_are_apart(store, tmp_path, event):
    async with gate(store, tmp_path, event) as one, gate(store, tmp_path, event) as other:
        await one.join(ANN)
        assert (await other.join(BOB)).others == set()


async def test_a_gate_that_stops_takes_its_visitors_along_at_once(store, tmp_path, redis, event):
    async with gate(store, tmp_path, event, more=shared(redis, silence_seconds=300)) as one:
        ann = await one.join(ANN)
        async with gate(store, tmp_path, event, more=shared(redis, silence_seconds=300)) as other:
            bob = await other.join(BOB)
            await ann.hears("joined")
        assert await ann.hears("left") == {"type": "left", "peer": bob.peer, "reason": "going_away"}
        assert (await one.join(EVE)).others == {ann.peer}


async def test_a_killed_gates_visitors_leave_when_it_is_missed(store, database_url, tmp_path, redis, event):
    more = shared(redis, silence_seconds=2)
    async with (
        far_gate(database_url, tmp_path, event, more=more) as (far, process),
        gate(store, tmp_path, event, more=more) as one,
    ):
        bob = await far.join(BOB)
        ann = await one.join(ANN)
        assert ann.others == {bob.peer}
        await bob.hears("joined")
        process.kill()
        assert await ann.hears("left") == {"type": "left", "peer": bob.peer, "reason": "gate_lost"}
        assert (await one.join(EVE)).others == {ann.peer}


async def test_while_redis_is_away_each_room_goes_on_and_nobody_is_sent_away_for_a_moment_of_it(gates, redis):
    one, other = gates
    ann, bob = await one.join(ANN), await other.join(BOB)
    await ann.hears("joined")
    redis.stop()
    eve = await other.join(EVE)
    await bob.hears("joined")
    await eve.says("state", data="waving")
    assert await bob.hears("state") == {"type": "state", "peer": eve.peer, "data": "waving"}
    await bob.says("chat", text="still here")
    assert (await eve.hears("chat"))["text"] == "still here"
    redis.start()
    assert (await ann.hears("joined"))["peer"] == eve.peer
    assert await ann.hears("state") == {"type": "state", "peer": eve.peer, "data": "waving"}
    assert eve.others == {ann.peer, bob.peer}
    await ann.says("signal", to=eve.peer, data="offer")
    assert (await eve.hears("signal"))["from"] == ann.peer
    assert await ann.before_the_answer() == await eve.before_the_answer() == []


async def test_rooms_that_lost_each_other_for_long_are_joined_again(store, tmp_path, redis, event):
    more = shared(redis, silence_seconds=1)
    async with gate(store, tmp_path, event, more=more) as one, gate(store, tmp_path, event, more=more) as other:
        ann, bob = await one.join(ANN), await other.join(BOB)
        await ann.hears("joined")
        redis.stop()
        assert await ann.hears("left") == {"type": "left", "peer": bob.peer, "reason": "gate_lost"}
        assert await bob.hears("left") == {"type": "left", "peer": ann.peer, "reason": "gate_lost"}
        redis.start()
        assert (await ann.hears("joined"))["peer"] == bob.peer
        assert (await bob.hears("joined"))["peer"] == ann.peer


async def test_gates_start_without_redis_and_meet_when_it_comes(store, tmp_path, redis, event):
    redis.stop()
    more = shared(redis)
    async with gate(store, tmp_path, event, more=more) as one, gate(store, tmp_path, event, more=more) as other:
        ann, bob = await one.join(ANN), await other.join(BOB)
        assert ann.others == bob.others == set()
        redis.start()
        assert (await ann.hears("joined"))["peer"] == bob.peer
        assert (await bob.hears("joined"))["peer"] == ann.peer


async def test_a_redis_that_hangs_holds_nobody_up(gates, redis):
    one, other = gates
    ann, bob = await one.join(ANN), await other.join(BOB)
    await ann.hears("joined")
    redis.signal(signal.SIGSTOP)
    try:
        eve = await one.join(EVE)
        await ann.hears("joined")
        await eve.says("chat", text="quiet here")
        assert (await ann.hears("chat"))["peer"] == eve.peer
    finally:
        redis.signal(signal.SIGCONT)
    assert (await bob.hears("joined"))["peer"] == eve.peer


async def test_a_gate_that_tells_more_than_redis_takes_is_read_from_its_roster(gates, monkeypatch):
    one, other = gates
    ann, bob = await one.join(ANN), await other.join(BOB)
    await ann.hears("joined")
    monkeypatch.setattr(relay, "QUEUE", 0)
    await ann.says("state", data="lost on the way")
    assert await bob.hears("state") == {"type": "state", "peer": ann.peer, "data": "lost on the way"}
    await ann.socket.close()
    assert (await bob.hears("left"))["peer"] == ann.peer


async def test_a_ban_at_one_gate_is_heard_at_the_other(gates, store):
    """The kick comes from the database; that the peer is gone, neighbours hear as of any other."""
    one, other = gates
    ann, bob = await one.join(ANN), await other.join(BOB)
    await ann.hears("joined")
    ban = {"action": DoorAction.BANNED, "reason": "rude", "holder": str(BOB.account.holder)}
    await store.transact(lambda conn: door.announce(conn, event_id=one.event.id, now=utc_now(), **ban))
    assert (await ann.hears("left"))["reason"] == "kicked"
    assert (await bob.hears("kicked"))["reason"] == "banned"


async def test_a_room_that_everybody_left_is_left_in_redis_too(store, tmp_path, redis, event):
    async with gate(store, tmp_path, event, more=shared(redis, silence_seconds=1)) as one:
        ann = await one.join(ANN)
        async with Redis.from_url(redis.url) as looking, looking.monitor() as monitor:
            await ann.socket.close()
            while "SREM" not in (await monitor.next_command())["command"]:
                pass
        assert rooms(one).elsewhere.mirror.events == ()
        async with Redis.from_url(redis.url) as looking:
            assert await looking.keys("usher:room:*") == []
        again = await one.join(ANN)
        assert again.others == set()


async def test_a_roster_that_redis_dropped_is_written_again(store, tmp_path, redis, event):
    more = shared(redis, silence_seconds=2)
    async with gate(store, tmp_path, event, more=more) as one, gate(store, tmp_path, event, more=more) as other:
        ann = await one.join(ANN)
        async with Redis.from_url(redis.url) as operator, operator.monitor() as monitor:
            await operator.flushall()
            while "HSET" not in (await monitor.next_command())["command"]:
                pass
        assert (await other.join(BOB)).others == {ann.peer}


async def test_no_account_session_or_ticket_goes_into_redis(gates, redis):
    one, other = gates
    async with Redis.from_url(redis.url) as looking, looking.monitor() as monitor:
        ann = await one.join(ANN)
        await other.join(BOB)
        await ann.hears("joined")
        await looking.set("that is", "all")
        seen = ""
        while "that is" not in seen:
            seen += (await monitor.next_command())["command"]
    assert ann.peer in seen
    for wallet in (ANN, BOB):
        assert wallet.address[2:].lower() not in seen.lower()
    assert "eyJ" not in seen  # no token either
