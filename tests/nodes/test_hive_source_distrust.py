"""Hive nodes that lag, lie, stammer, die or lack a plugin: what is believed, and what belief would cost."""

import asyncio
import logging
from contextlib import AsyncExitStack

import pytest
from aiohttp import ClientTimeout

from chains import wire
from chains.errors import DeepReorgError, TransientError, WrongChainError
from chains.following import STANDSTILL
from chains.hive.amounts import HIVE, Amount, as_object, spoken
from chains.hive.reader import HISTORY_BEHIND
from chains.opinions import Opinions
from chains.port import Watch
from chains.rpc import TOLERANCE, EndpointError, Trouble
from tests.nodes.hive.chain import Emulation
from tests.nodes.hive.server import truth
from tests.support.chains_drivers import follow
from tests.support.hive_node import hive_chain, hive_node, hive_source, unchecked

US = "usher-tickets"
WATCH = Watch(active=frozenset({US}))
CHAIN = hive_chain()
RANGE, VIRTUAL, IN_BLOCK = (
    "block_api.get_block_range", "account_history_api.enum_virtual_ops", "account_history_api.get_ops_in_block",
)  # fmt: skip


def transfer(units, memo=""):
    return ["transfer", {"from": "alice", "to": US, "amount": spoken(Amount(nai=HIVE, units=units)), "memo": memo}]


def recurrent(units):
    return ["recurrent_transfer", {**transfer(units)[1], "recurrence": 24, "executions": 2, "extensions": []}]


@pytest.fixture
def chain():
    made = Emulation(irreversible_after=7)
    made.account("alice", hive=10**9)
    made.account(US)
    made.mine(20)
    return made


@pytest.fixture
async def nodes(chain):
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(hive_node(chain)) for _ in range(3)]


@pytest.fixture
def first(nodes):
    return nodes[0]


@pytest.fixture
def second(nodes):
    return nodes[1]


@pytest.fixture
def third(nodes):
    return nodes[2]


@pytest.fixture
async def source(first, second):
    opened = hive_source(CHAIN, first.url, second.url)
    yield opened
    await opened.aclose()


@pytest.fixture
async def single(first):
    opened = hive_source(CHAIN, first.url)
    yield opened
    await opened.aclose()


def pay_both(chain):
    """Pay 5 by a transfer and 9 by one that repeats itself, in one block."""
    chain.send("alice", transfer(5), recurrent(9))
    chain.mine()


def amounts(sweep):
    return [entry.payment.amount for entry in sweep.pending]


def finals(payments):
    return [payment.amount for payment in payments]


# --- answers that are of no use -------------------------------------------------------------------------------


def of_blocks(change):
    """A twist of every block that is told."""

    def twist(method, _params, result):
        return {"blocks": [change(block) for block in result["blocks"]]} if method == RANGE else result

    return twist


def other_chain(method, _params, result):
    return {**result, "chain_id": "18" * 32} if method == "database_api.get_version" else result


def nothing(_method, _params, _result):
    return None


def old_history(method, _params, result):
    """The account history has not reached the newest blocks."""
    return {**result, "ops": result["ops"][:3]} if method in {VIRTUAL, IN_BLOCK} else result


FAULTS = {
    "dead": {"dead": True},
    "garbage": {"garbage": b"<html>502 Bad Gateway</html>"},
    "half an answer": {"garbage": b'{"jsonrpc":"2.0","id":0}'},
    "server error": {"status": 500},
    "throttled": {"status": 429, "headers": {"Retry-After": "60"}},
    "other chain": {"twist": other_chain},
    "empty answers": {"twist": nothing},
    "wrong hash": {"twist": of_blocks(lambda block: {**block, "block_id": block["block_id"][:8] + "ab" * 16})},
    "wrong parent": {"twist": of_blocks(lambda block: {**block, "previous": block["previous"][:8] + "ab" * 16})},
    "empty blocks": {"twist": of_blocks(lambda block: {**block, "transactions": [], "transaction_ids": []})},
    "a transaction too few": {"twist": of_blocks(lambda block: {**block, "transactions": block["transactions"][1:]})},
    "too few blocks": {"twist": lambda method, _, result: {"blocks": []} if method == RANGE else result},
    "no block API": {"without": {"block_api"}},
    "no account history": {"without": {"account_history_api"}},
    "no database API": {"without": {"database_api"}},
    "an account history that lags": {"twist": old_history},
}


def break_(node, fault):
    for name, value in FAULTS[fault].items():
        setattr(node, name, value)


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_endpoint_that_is_no_use_is_replaced_by_the_next(chain, source, first, fault):
    checkpoint = await source.start()
    pay_both(chain)
    break_(first, fault)
    assert amounts(await source.poll(checkpoint, WATCH)) == [5, 9]


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in {"other chain", "no database API"}])
async def test_when_no_endpoint_is_of_use_nothing_is_skipped(chain, single, first, fault):
    checkpoint = await single.start()
    pay_both(chain)
    break_(first, fault)
    with pytest.raises(TransientError):
        await single.poll(checkpoint, WATCH)
    first.twist, first.garbage, first.status, first.dead, first.without = truth, None, 200, False, set()
    fresh = hive_source(CHAIN, first.url)
    assert amounts(await fresh.poll(checkpoint, WATCH)) == [5, 9]
    await fresh.aclose()


# --- what strangers may write into a block --------------------------------------------------------------------

STRANGE = ["custom_json", {"id": b"\xff\xfe".decode(errors="surrogateescape"), "json": "{}", "required_auths": [],
                           "required_posting_auths": ["alice"]}]  # fmt: skip
"""hived looks whether `json` is UTF-8, and not whether `id` is; for such an operation nobody pays."""


@pytest.mark.parametrize("beside", [False, True], ids=["in a transaction of its own", "beside a payment to us"])
async def test_a_text_that_is_no_utf8_keeps_nobody_from_reading_its_block(chain, source, beside):
    checkpoint = await source.start()
    if beside:
        chain.send("alice", transfer(5), STRANGE)
    else:
        chain.send("alice", STRANGE)
        chain.send("alice", transfer(5))
    chain.mine(10)
    assert finals((await source.poll(checkpoint, WATCH)).final) == [5]


async def test_control_whoever_demands_utf8_of_a_node_is_stopped_by_anybody(chain, source, monkeypatch):
    checkpoint = await source.start()
    chain.send("alice", STRANGE)
    chain.mine(10)

    def demanding(_body):
        raise EndpointError(Trouble.MALFORMED, "no JSON")

    monkeypatch.setattr(wire, "_of_strange_bytes", demanding)
    with pytest.raises(TransientError):
        await source.poll(checkpoint, WATCH)


async def test_a_name_that_no_account_can_have_is_no_answer(chain, single, first):
    """As only a node that lies can tell it; it could not even be stored."""
    checkpoint = await single.start()
    pay_both(chain)
    strange = {**transfer(5)[1], "from": "al\udcff"}

    def twist(method, _params, result):
        if method not in {VIRTUAL, IN_BLOCK}:
            return result
        return {**result, "ops": [one if "fill" not in one["op"]["type"] else
                                  {**one, "op": {**one["op"], "value": {**one["op"]["value"], **strange}}}
                                  for one in result["ops"]]}  # fmt: skip

    first.twist = twist
    with pytest.raises(TransientError, match="another shape"):
        await single.poll(checkpoint, WATCH)


async def test_a_missing_plugin_is_named_for_the_operator(single, first):
    first.without = {"account_history_api"}
    with pytest.raises(TransientError, match="a node with the plugin account_history_api is needed"):
        await single.poll(await single.start(5), WATCH)


async def test_an_endpoint_of_another_chain_alone_is_persistent(single, first):
    first.twist = other_chain
    with pytest.raises(WrongChainError):
        await single.start()


async def test_an_endpoint_that_never_answers_is_left_after_a_while(chain, first, second):
    source = hive_source(CHAIN, first.url, second.url, seconds=ClientTimeout(total=0.2))
    checkpoint = await source.start()
    pay_both(chain)
    first.hangs = True
    assert amounts(await source.poll(checkpoint, WATCH)) == [5, 9]
    await source.aclose()


async def test_a_node_that_does_not_enumerate_is_asked_block_by_block(chain, single, first):
    checkpoint = await single.start()
    pay_both(chain)
    first.refuses = {VIRTUAL}
    chain.mine(8)
    final, _ = await follow(single, checkpoint, WATCH)
    assert finals(final) == [5, 9]
    assert IN_BLOCK in first.asked


async def test_virtual_operations_come_in_as_many_pages_as_it_takes(chain, single, monkeypatch):
    monkeypatch.setattr("chains.hive.reader.OPERATIONS_PER_CALL", 3)
    checkpoint = await single.start()
    pay_both(chain)
    chain.mine(10)
    final, _ = await follow(single, checkpoint, WATCH)
    assert finals(final) == [5, 9]


async def test_virtual_operations_without_an_end_are_no_answer(chain, single, first, monkeypatch):
    monkeypatch.setattr("chains.hive.reader.MOST_PAGES", 3)
    more = {"next_operation_begin": 1, "next_block_range_begin": 14}
    first.twist = lambda method, _, result: {**result, **more} if method == VIRTUAL else result
    with pytest.raises(TransientError, match="no end"):
        await single.poll(await single.start(), WATCH)


async def test_an_answer_that_is_too_large_is_asked_for_in_parts(chain, single, first, monkeypatch):
    checkpoint = await single.start()
    pay_both(chain)
    chain.mine(20)
    monkeypatch.setattr(wire, "LARGEST_ANSWER", 6_000)  # some blocks
    monkeypatch.setattr("chains.hive.reader.OPERATIONS_PER_CALL", 3)
    final, _ = await follow(single, checkpoint, WATCH)
    assert finals(final) == [5, 9]


# --- lies that hashes find out --------------------------------------------------------------------------------


def swollen(units):
    """Tell another amount of every transfer to us."""

    def change(block):
        told = []
        for one in block["transactions"]:
            operations = [
                {**operation, "value": {**operation["value"], "amount": as_object(Amount(nai=HIVE, units=units))}}
                if operation["type"] == "transfer_operation" else operation
                for operation in one["operations"]
            ]  # fmt: skip
            told.append({**one, "operations": operations})
        return {**block, "transactions": told}

    return of_blocks(change)


async def test_a_swollen_amount_is_found_out_by_its_transactions_id(chain, single, first):
    checkpoint = await single.start()
    pay_both(chain)
    first.twist = swollen(10**6)
    with pytest.raises(TransientError, match="is not the id of that transaction"):
        await single.poll(checkpoint, WATCH)


async def test_control_where_headers_are_not_checked_a_lone_endpoint_is_believed(chain, first):
    source = hive_source(unchecked(CHAIN), first.url)
    checkpoint = await source.start()
    pay_both(chain)
    first.twist = swollen(10**6)
    assert amounts(await source.poll(checkpoint, WATCH)) == [10**6, 9]
    await source.aclose()


async def test_where_headers_are_not_checked_a_second_endpoint_still_has_to_agree(chain, first, second):
    source = hive_source(unchecked(CHAIN), first.url, second.url)
    checkpoint = await source.start()
    pay_both(chain)
    first.twist = swollen(10**6)
    chain.mine(8)
    with pytest.raises(TransientError, match="no second reading of blocks"):
        await follow(source, checkpoint, WATCH)
    await source.aclose()


# --- what no header commits to --------------------------------------------------------------------------------


def withheld(method, _params, result):
    """Leave out what the chain filled."""
    if method not in {VIRTUAL, IN_BLOCK}:
        return result
    return {**result, "ops": [one for one in result["ops"] if "fill" not in one["op"]["type"]]}


def invented(method, _params, result):
    """Tell of a filled transfer of 100 in each block."""
    if method not in {VIRTUAL, IN_BLOCK}:
        return result
    value = {"from": "alice", "to": US, "amount": as_object(Amount(nai=HIVE, units=100)), "memo": ""}
    more = [
        {**one, "op_in_trx": 99, "op": {"type": "fill_recurrent_transfer_operation", "value": value}}
        for one in result["ops"]
        if one["op"]["type"] == "producer_reward_operation"
    ]
    return {**result, "ops": [*result["ops"], *more]}


@pytest.mark.parametrize("lie", [withheld, invented])
async def test_what_two_endpoints_tell_differently_is_never_final(chain, source, first, lie):
    checkpoint = await source.start()
    pay_both(chain)
    chain.mine(8)
    first.twist = lie
    with pytest.raises(TransientError, match="no second reading of blocks"):
        await follow(source, checkpoint, WATCH)


@pytest.mark.parametrize("lie", [withheld, invented])
async def test_of_three_endpoints_two_decide(chain, first, second, third, lie):
    source = hive_source(CHAIN, first.url, second.url, third.url)
    checkpoint = await source.start()
    pay_both(chain)
    chain.mine(8)
    first.twist = lie
    final, _ = await follow(source, checkpoint, WATCH)
    assert finals(final) == [5, 9]
    await source.aclose()


async def test_control_a_lone_endpoint_is_believed_about_what_no_header_commits_to(chain, single, first):
    checkpoint = await single.start()
    pay_both(chain)
    chain.mine(8)
    first.twist = withheld
    final, _ = await follow(single, checkpoint, WATCH)
    assert finals(final) == [5]


# --- lag ------------------------------------------------------------------------------------------------------


async def test_an_endpoint_that_lags_is_passed_over_and_nothing_is_gone(chain, source, first):
    checkpoint = await source.start()
    chain.mine(3)
    pay_both(chain)
    before = await source.poll(checkpoint, WATCH)
    first.lag = 2
    after = await source.poll(before.checkpoint, WATCH)
    assert (after.gone, amounts(after), after.tip) == ((), [5, 9], before.tip)


async def test_when_all_endpoints_lag_it_is_waited_for(chain, source, first, second):
    checkpoint = await source.start()
    chain.mine(3)
    pay_both(chain)
    before = await source.poll(checkpoint, WATCH)
    first.lag = second.lag = 2
    with pytest.raises(TransientError, match="lagging"):
        await source.poll(before.checkpoint, WATCH)


async def test_an_endpoint_that_stands_still_is_found_out(chain, source, first):
    checkpoint = await source.start()
    chain.mine(3)
    sweep = await source.poll(checkpoint, WATCH)
    chain.mine(10)
    first.lag = 10  # it answers as before, and truly: only the others know more
    for _ in range(STANDSTILL):
        sweep = await source.poll(sweep.checkpoint, WATCH)
        assert sweep.tip.height == chain.head.number - 10
    sweep = await source.poll(sweep.checkpoint, WATCH)
    assert sweep.tip.height == chain.head.number


async def test_a_second_endpoint_a_few_blocks_behind_is_waited_for_and_one_far_behind_is_not(chain, source, second):
    chain.irreversible_after = 0
    chain.mine()
    checkpoint = await source.start()
    pay_both(chain)
    chain.mine(TOLERANCE - 1)
    second.lag = TOLERANCE
    near = await source.poll(checkpoint, WATCH)
    assert (near.final, amounts(near)) == ((), [5, 9])
    second.lag = TOLERANCE + 1
    far = await source.poll(checkpoint, WATCH)
    assert finals(far.final) == [5, 9]


def never_irreversible(height):
    """A twist of a node to whom nothing becomes irreversible any more."""
    return lambda _method, _params, result: (
        {**result, "last_irreversible_block_num": height} if "last_irreversible_block_num" in result else result
    )


async def test_of_three_endpoints_one_to_whom_nothing_becomes_final_holds_back_nothing(chain, first, second, third):
    source = hive_source(CHAIN, first.url, second.url, third.url)
    checkpoint = await source.start()
    second.twist = never_irreversible(checkpoint["final"][0])
    pay_both(chain)
    chain.mine(10)
    assert finals((await source.poll(checkpoint, WATCH)).final) == [5, 9]
    third.twist = second.twist
    assert (await source.poll(checkpoint, WATCH)).final == ()
    await source.aclose()


async def test_an_account_history_some_blocks_behind_holds_back_no_more_than_those_blocks(chain, single, first):
    """As where a database holds it that is filled from the node."""
    checkpoint = await single.start()
    pay_both(chain)
    chain.mine(2)
    first.history_lag = 2
    sweep = await single.poll(checkpoint, WATCH)
    assert (amounts(sweep), sweep.tip.height) == ([5, 9], chain.head.number - 2)
    chain.send("alice", transfer(7))
    chain.mine()
    sweep = await single.poll(sweep.checkpoint, WATCH)
    assert (amounts(sweep), sweep.tip.height) == ([5, 9], chain.head.number - 2)
    first.history_lag = 0
    sweep = await single.poll(sweep.checkpoint, WATCH)
    assert (amounts(sweep), sweep.tip.height) == ([5, 9, 7], chain.head.number)


async def test_an_account_history_that_falls_behind_what_was_read_is_waited_for(chain, single, first):
    checkpoint = await single.start()
    pay_both(chain)
    before = await single.poll(checkpoint, WATCH)
    first.history_lag = 1
    with pytest.raises(TransientError, match="lagging"):
        await single.poll(before.checkpoint, WATCH)


async def test_an_account_history_that_stands_still_is_named(chain, single, first):
    checkpoint = await single.start()
    chain.mine(HISTORY_BEHIND + 1)
    first.history_lag = HISTORY_BEHIND + 1
    with pytest.raises(TransientError, match="its account history is more than"):
        await single.poll(checkpoint, WATCH)


# --- a second opinion before anything is gone -----------------------------------------------------------------


async def test_a_payment_is_not_gone_while_a_second_endpoint_still_has_its_block(chain, source, second):
    checkpoint = await source.start()
    pay_both(chain)
    before = await source.poll(checkpoint, WATCH)
    second.stay()
    chain.reorg(1)
    after = await source.poll(before.checkpoint, WATCH)  # served by the second, which denies it
    assert (after.gone, amounts(after)) == ((), [5, 9])


async def test_control_without_the_second_opinion_one_endpoint_makes_payments_gone(chain, source, second, monkeypatch):
    async def believe(*_arguments):
        return None

    monkeypatch.setattr(Opinions, "_confirm", believe)
    checkpoint = await source.start()
    pay_both(chain)
    before = await source.poll(checkpoint, WATCH)
    second.stay()
    chain.reorg(1)
    assert len((await source.poll(before.checkpoint, WATCH)).gone) == 2


async def test_a_payment_is_gone_when_both_endpoints_say_so(chain, source):
    checkpoint = await source.start()
    pay_both(chain)
    before = await source.poll(checkpoint, WATCH)
    chain.reorg(1)
    assert len((await source.poll(before.checkpoint, WATCH)).gone) == 2


async def test_nothing_is_gone_while_the_second_endpoint_is_dead(chain, source, second):
    checkpoint = await source.start()
    pay_both(chain)
    before = await source.poll(checkpoint, WATCH)
    second.dead = True
    chain.reorg(1)
    with pytest.raises(TransientError, match="no second endpoint confirms"):
        await source.poll(before.checkpoint, WATCH)


async def test_one_endpoint_alone_cannot_stop_the_chain_with_a_deep_reorg(chain, source, second):
    checkpoint = await source.start()
    chain.mine(20)
    _, sweep = await follow(source, checkpoint, WATCH)
    second.stay()
    chain.reorg(15)
    assert (await source.poll(sweep.checkpoint, WATCH)).tip == sweep.tip
    second.stuck = None
    with pytest.raises(DeepReorgError):
        await source.poll(sweep.checkpoint, WATCH)


# --- much money -----------------------------------------------------------------------------------------------


async def test_above_a_value_two_endpoints_must_agree_before_a_payment_counts_or_is_final(chain, first, second):
    limits = {CHAIN.native.id: 99}
    source = hive_source(CHAIN, first.url, second.url, agree_above=limits)
    checkpoint = await source.start()
    second.dead = True
    chain.send("alice", transfer(100))
    chain.mine(20)
    final, sweep = await follow(source, checkpoint, WATCH)
    [entry] = sweep.pending
    assert (final, entry.payment.amount, entry.confirmations, entry.payment.block) == ([], 100, 0, None)
    second.dead = False
    fresh = hive_source(CHAIN, first.url, second.url, agree_above=limits)
    final, _ = await follow(fresh, sweep.checkpoint, WATCH)
    assert finals(final) == [100]
    await source.aclose()
    await fresh.aclose()


# --- what is told of it ---------------------------------------------------------------------------------------


async def test_every_exchange_is_told_to_the_observer_with_its_trouble(chain, first, second):
    spoken_of = []
    source = hive_source(CHAIN, first.url, second.url, observer=spoken_of.append)
    checkpoint = await source.start()
    chain.mine()
    first.garbage = b"?"
    await source.poll(checkpoint, WATCH)
    await source.aclose()
    assert {(one.endpoint, one.trouble) for one in spoken_of} >= {(0, None), (0, Trouble.MALFORMED), (1, None)}


async def test_an_endpoints_address_and_key_are_never_logged_or_raised(first, caplog):
    caplog.set_level(logging.DEBUG)
    first.dead = True
    source = hive_source(CHAIN, first.url.replace("http://", "http://user:hunter2@") + "?key=secret-key")
    with pytest.raises(TransientError) as failure:
        await source.start()
    await source.aclose()
    told = caplog.text + str(failure.value)
    assert "hunter2" not in told
    assert "secret-key" not in told


async def test_a_poll_that_is_cancelled_leaves_nothing_behind(chain, single, first):
    checkpoint = await single.start()
    pay_both(chain)
    first.hangs = True
    poll = asyncio.create_task(single.poll(checkpoint, WATCH))
    await first.held.wait()
    poll.cancel()
    with pytest.raises(asyncio.CancelledError):
        await poll
    first.hangs = False
    assert amounts(await single.poll(checkpoint, WATCH)) == [5, 9]
