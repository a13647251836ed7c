"""Rate limits that gates count together in a real Redis, and by themselves where it is away."""

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from gateway.http.limits import Taken
from gateway.neighbours import window as window_module
from gateway.neighbours.window import SharedWindow
from tests.support.gate_house import SECRET, HandClock, Wallet
from tests.support.neighbours_house import gate, opened, redis_server, shared
from tests.support.programs import ROOT

QUOTA = 5
ANN = Wallet(1)


@pytest.fixture
def redis():
    with redis_server() as server:
        yield server


@pytest.fixture
def clock(now):
    return HandClock(now)


@pytest.fixture
async def windows(redis, clock):
    """The windows of two gates."""
    made = [SharedWindow(SecretStr(redis.url), clock=clock, secret=SECRET) for _ in range(2)]
    yield made
    for window in made:
        await window.aclose()


async def take(window, name="joins/somebody", quota=QUOTA):
    return await window.take(name, quota=quota, seconds=60)


async def granted(*windows):
    """How many requests are granted before one is refused, taken in turn."""
    count = 0
    while (await take(windows[count % len(windows)])).granted:
        count += 1
    return count


async def test_two_gates_grant_one_quota_between_them(windows):
    assert await granted(*windows) == QUOTA
    assert not (await take(windows[0])).granted
    assert not (await take(windows[1])).granted
    assert (await take(windows[1], "joins/somebody else")).granted


async def test_a_window_moves_with_the_gates_own_clock(windows, clock, now):
    one, other = windows
    await take(one)
    clock.now += timedelta(seconds=59.5)
    assert await granted(one, other) == QUOTA - 1
    assert await take(other) == Taken(granted=False, count=QUOTA, oldest=now.timestamp())
    clock.now += timedelta(seconds=0.5)
    assert await take(other) == Taken(granted=True, count=QUOTA, oldest=(now + timedelta(seconds=59.5)).timestamp())


async def test_requests_at_once_never_get_more_than_the_quota(windows):
    answers = await asyncio.gather(*(take(windows[number % 2]) for number in range(60)))
    assert sum(answer.granted for answer in answers) == QUOTA


async def test_without_redis_a_gate_counts_by_itself_from_where_it_was(windows, redis, caplog):
    one, other = windows
    for _ in range(3):
        await take(one)
    redis.stop()
    assert await granted(one) == QUOTA - 3
    assert await granted(other) == QUOTA  # it has seen none of them: one quota per gate at most


async def test_a_redis_that_comes_back_empty_grants_nothing_twice(windows, redis):
    one, other = windows
    assert await granted(one) == QUOTA
    redis.stop()
    redis.start()
    assert not (await take(one)).granted
    assert (await take(other)).granted


async def test_a_redis_that_came_back_is_used_again(windows, redis, monkeypatch):
    monkeypatch.setattr(window_module, "TRY_AGAIN", timedelta(0))
    redis.stop()
    for window in windows:
        assert (await take(window, "joins/before")).granted
    redis.start()
    assert await granted(*windows) == QUOTA


async def test_a_redis_that_hangs_is_waited_for_once(windows, redis):
    one, _ = windows
    await take(one)
    redis.signal(signal.SIGSTOP)
    try:
        loop = asyncio.get_running_loop()
        began = loop.time()
        answers = await asyncio.gather(*(take(one, f"joins/{number}") for number in range(50)))
        again = [await take(one, f"joins/again {number}") for number in range(50)]
        assert loop.time() - began < 2  # not 100 waits of a quarter of a second
    finally:
        redis.signal(signal.SIGCONT)
    assert all(answer.granted for answer in answers + again)


async def test_the_names_in_redis_tell_no_wallet(windows, redis):
    await take(windows[0], f"joins-per-wallet/eip155:main:{ANN.address}")
    async with Redis.from_url(redis.url, decode_responses=True) as looking:
        (key,) = await looking.keys("*")
    assert ANN.address[2:].lower() not in key.lower()
    assert len(key) == len("usher:limit:") + 32


async def test_a_client_spends_one_budget_at_two_gates(store, tmp_path, redis):
    event = await opened(store, tmp_path, ANN)
    wanted = {"more": shared(redis), "joins": 3}
    async with gate(store, tmp_path, event, **wanted) as one, gate(store, tmp_path, event, **wanted) as other:
        statuses = [(await (one, other)[number % 2].post("join", {}))[0] for number in range(5)]
    assert statuses == [422, 422, 422, 429, 429]


async def test_gates_without_redis_count_apart(store, tmp_path):
    """The negative control."""
    event = await opened(store, tmp_path, ANN)
    async with gate(store, tmp_path, event, joins=3) as one, gate(store, tmp_path, event, joins=3) as other:
        statuses = [(await (one, other)[number % 2].post("join", {}))[0] for number in range(5)]
    assert statuses == [422] * 5


def test_a_gate_that_is_alone_imports_no_redis():
    code = "import sys, gateway.app; sys.exit('redis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
