"""Several endpoints behind one door, over wires made by hand: no node, no clock, no sleep."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from aiolimiter import AsyncLimiter

from chains.errors import TransientError, WrongChainError
from chains.failover import PATIENCE, Endpoints
from chains.rpc import Call, Endpoint, EndpointError, Refusal, Trouble

CHAIN = "eip155:1"


@dataclass
class Wire:
    """A transport that answers what the test tells it to."""

    host: str = "node.example"
    chain: str = CHAIN
    answer: Callable[[Call], Any] = lambda call: call.method
    most: int = 1000
    failures: list[EndpointError] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    closed: int = 0

    async def call(self, call):
        self.calls.append(call.method)
        if self.failures:
            raise self.failures.pop(0)
        return self.answer(call)

    async def batch(self, calls: Sequence[Call]):
        self.batches.append(len(calls))
        if len(calls) > self.most:
            raise EndpointError(Trouble.TOO_LARGE)
        return [self.answer(call) for call in calls]

    async def aclose(self):
        self.closed += 1


@dataclass
class Time:
    """A clock that moves only when somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


async def identify(wire):
    wire.calls.append("identify")
    if wire.failures:
        raise wire.failures.pop(0)
    return wire.chain


def house(*wires: Wire, time: Time | None = None, **options: Any) -> Endpoints:
    time = time or Time()
    return Endpoints(
        [
            Endpoint(chain=CHAIN, index=index, transport=wire, identify=identify, **options)
            for index, wire in enumerate(wires)
        ],
        clock=lambda: time.now,
        sleep=time.sleep,
        random=Random(1),  # noqa: S311  jitter that repeats
    )


async def name(endpoint: Endpoint) -> int:
    await endpoint.call("hello")
    return endpoint.index


def broken(trouble: Trouble = Trouble.UNREACHABLE, times: int = 100, **more: Any) -> list[EndpointError]:
    return [EndpointError(trouble, **more) for _ in range(times)]


async def test_work_goes_to_the_first_endpoint_while_that_one_is_well():
    first, second = Wire(), Wire()
    endpoints = house(first, second)
    assert [await endpoints.ask(name) for _ in range(3)] == [0, 0, 0]
    assert second.calls == []


async def test_a_dead_endpoint_is_passed_over_and_rests():
    first, second = Wire(failures=broken()), Wire()
    endpoints = house(first, second)
    assert [await endpoints.ask(name) for _ in range(3)] == [1, 1, 1]
    assert first.calls == ["identify"]


async def test_an_endpoint_that_has_rested_is_tried_again_after_its_chain_id_was_asked_anew():
    time, first, second = Time(), Wire(), Wire()
    endpoints = house(first, second, time=time)
    await endpoints.ask(name)
    first.failures = broken(times=1)
    assert await endpoints.ask(name) == 1
    time.now += 60
    assert await endpoints.ask(name) == 0
    assert first.calls == ["identify", "hello", "hello", "identify", "hello"]


async def test_pauses_double_with_jitter_and_are_bounded():
    time, wire = Time(), Wire(failures=broken(times=1000))
    endpoints = house(wire, time=time)
    pauses = []
    for _ in range(40):
        with pytest.raises(TransientError):
            await endpoints.ask(name)
        [endpoint] = endpoints._endpoints
        pauses.append(endpoint.rests_until - time.now)
        time.now = max(time.now, endpoint.rests_until)
    assert pauses[0] <= 0.5
    assert max(pauses) <= 30
    assert max(pauses[-20:]) > 15
    assert len(set(pauses[-10:])) == 10


async def test_when_all_are_dead_it_is_said_with_their_hosts_and_never_their_keys():
    endpoints = house(Wire(host="a.example", failures=broken()), Wire(host="b.example", failures=broken()))
    with pytest.raises(TransientError, match=r"a\.example unreachable; b\.example unreachable"):
        await endpoints.ask(name)


async def test_a_short_pause_is_slept_through_and_a_long_one_left_to_the_caller():
    time, wire = Time(), Wire(failures=broken(Trouble.THROTTLED, times=1, retry_after=PATIENCE / 2))
    assert await house(wire, time=time).ask(name) == 0
    assert time.slept == [PATIENCE / 2]
    time, wire = Time(), Wire(failures=broken(Trouble.THROTTLED, times=1, retry_after=60.0))
    endpoints = house(wire, time=time)
    with pytest.raises(TransientError):
        await endpoints.ask(name)
    with pytest.raises(TransientError, match="rests"):
        await endpoints.ask(name)
    assert time.slept == []
    assert len(wire.calls) == 1
    time.now = 61
    assert await endpoints.ask(name) == 0


async def test_an_endpoint_of_another_chain_is_never_used():
    wrong, right = Wire(chain="eip155:5"), Wire()
    endpoints = house(wrong, right)
    assert [await endpoints.ask(name) for _ in range(3)] == [1, 1, 1]
    assert wrong.calls == ["identify"]


async def test_when_all_speak_for_another_chain_waiting_will_not_help():
    with pytest.raises(WrongChainError, match="speaks for eip155:5"):
        await house(Wire(chain="eip155:5"), Wire(chain="eip155:5")).ask(name)


async def test_a_second_opinion_comes_from_another_endpoint():
    endpoints = house(Wire(), Wire(), Wire())

    async def both(endpoint):
        return endpoint.index, await endpoints.ask_another([endpoint], name)

    assert await endpoints.ask(both) == (0, 1)


async def test_without_another_endpoint_that_answers_there_is_no_second_opinion():
    endpoints = house(Wire(), Wire(failures=broken()))

    async def other(endpoint):
        return await endpoints.ask_another([endpoint], name)

    assert await endpoints.ask(other) is None
    assert not house(Wire()).several


async def test_an_endpoint_that_is_known_to_lag_comes_last_but_is_better_than_none():
    slow, fast = Wire(), Wire()
    endpoints = house(slow, fast)
    tips = {0: 100, 1: 110}

    async def tip_of(endpoint):
        return tips[endpoint.index]

    await endpoints.survey(tip_of)
    assert await endpoints.ask(name) == 1
    fast.failures = broken()
    assert await endpoints.ask(name) == 0


async def test_blocks_within_the_tolerance_are_no_lag():
    endpoints = house(Wire(), Wire())

    async def tip_of(endpoint):
        return 100 + endpoint.index

    await endpoints.survey(tip_of)
    assert await endpoints.ask(name) == 0


async def test_an_endpoint_behind_what_we_have_read_is_no_use():
    async def low(endpoint):
        endpoint.check_tip(99 if endpoint.index == 0 else 100, ours=100)
        return endpoint.index

    assert await house(Wire(), Wire()).ask(low) == 1
    with pytest.raises(TransientError, match="lagging"):
        await house(Wire()).ask(low)


async def test_a_tip_that_was_boasted_does_not_make_the_others_lag_once_the_boaster_fails():
    honest, boaster = Wire(), Wire()
    endpoints = house(boaster, honest)

    async def work(endpoint):
        endpoint.check_tip(10**9 if endpoint.index == 0 else 100, ours=100)
        if endpoint.index == 0:
            raise EndpointError(Trouble.INCONSISTENT)
        return endpoint.index

    assert [await endpoints.ask(work) for _ in range(2)] == [1, 1]


async def test_a_batch_is_split_until_the_endpoint_takes_it_and_the_size_is_remembered():
    wire = Wire(most=30)
    endpoints = house(wire)
    calls = [Call(method=str(number)) for number in range(120)]

    async def work(endpoint):
        return await endpoint.batch(calls)

    assert await endpoints.ask(work) == [call.method for call in calls]
    assert wire.batches == [100, 50, 25, 25, 25, 25, 20]
    wire.batches.clear()
    await endpoints.ask(work)
    assert wire.batches == [25, 25, 25, 25, 20]


async def test_an_endpoint_without_batches_is_asked_one_by_one():
    wire = Wire(most=1)

    async def work(endpoint):
        return await endpoint.batch([Call(method="a"), Call(method="b"), Call(method="c")])

    assert await house(wire).ask(work) == ["a", "b", "c"]


async def test_one_refused_call_of_a_batch_leaves_the_others_their_answers():
    refusal = Refusal(code=-32000, message="no")
    wire = Wire(answer=lambda call: refusal if call.method == "b" else call.method)

    async def work(endpoint):
        return await endpoint.batch([Call(method="a"), Call(method="b"), Call(method="c")])

    assert await house(wire).ask(work) == ["a", refusal, "c"]


async def test_a_refused_single_call_is_the_endpoints_failure():
    wire = Wire(answer=lambda _call: Refusal(code=-32000, message="no"))
    with pytest.raises(TransientError, match="refused: -32000 no"):
        await house(wire).ask(name)


async def test_the_rate_is_kept_and_a_batch_counts_each_of_its_calls():
    limiter = AsyncLimiter(1000, 1)
    wire = Wire()
    endpoints = house(wire, limiter=limiter)

    async def work(endpoint):
        await endpoint.batch([Call(method="a")] * 60)
        return limiter.has_capacity(945), limiter.has_capacity(900)

    assert await endpoints.ask(work) == (False, True)


async def test_every_exchange_is_counted_by_endpoint_and_kind():
    seen = []
    endpoints = house(Wire(chain="eip155:5"), Wire(failures=broken(times=1)), Wire(), observer=seen.append)
    await endpoints.ask(name)
    assert [(spoken.endpoint, spoken.method, spoken.trouble) for spoken in seen] == [
        (0, "identify", Trouble.WRONG_CHAIN),
        (1, "identify", Trouble.UNREACHABLE),
        (2, "identify", None),
        (2, "hello", None),
    ]


async def test_closing_twice_is_safe():
    wire = Wire()
    endpoints = house(wire)
    await endpoints.aclose()
    await endpoints.aclose()
    assert wire.closed == 2
