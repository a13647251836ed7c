"""Endpoints that lag, lie, stammer or die, in front of a real node: what is believed, and what belief would cost."""

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from aiohttp import ClientTimeout

from chains import position, wire
from chains.errors import DeepReorgError, TransientError, WrongChainError
from chains.evm.address import display
from chains.evm.parse import check_header
from chains.evm.reader import Reader
from chains.following import STANDSTILL
from chains.opinions import Opinions
from chains.port import Watch
from chains.rpc import Trouble
from config.registry import Chain
from tests.support.anvil import Anvil, anvil_node
from tests.support.chains_drivers import FINALITY, deploy, evm_chain, evm_source, follow, transfer_call, with_token
from tests.support.lying_node import empty_block, lying_node, no_logs, nothing, other_chain, truth, wrong_hash


@dataclass(frozen=True)
class Scene:
    """A node, a token on it, and an address of ours."""

    node: Anvil
    ours: str
    watch: Watch
    coin: str
    chain: Chain

    def pay_both(self):
        """Pay 5 in native value and 9 in coins, in one block."""
        self.node.send(to=self.ours, value=5)
        self.node.send(to=self.coin, data=transfer_call(self.ours, 9))
        self.node.mine()


@pytest.fixture
def scene():
    with anvil_node(137) as node:
        ours = display(bytes.fromhex(node.accounts[3][2:]))
        coin = deploy(node, "Coin")
        chain = with_token(evm_chain(137), coin)
        yield Scene(node=node, ours=ours, watch=Watch(active=frozenset({ours})), coin=coin, chain=chain)


@pytest.fixture
async def proxies(scene):
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(lying_node(scene.node.url)) for _ in range(2)]


@pytest.fixture
def first(proxies):
    return proxies[0]


@pytest.fixture
def second(proxies):
    return proxies[1]


@pytest.fixture
async def source(scene, first, second):
    opened = evm_source(scene.chain, first.url, second.url)
    yield opened
    await opened.aclose()


@pytest.fixture
async def single(scene, first):
    opened = evm_source(scene.chain, first.url)
    yield opened
    await opened.aclose()


def amounts(sweep):
    return [entry.payment.amount for entry in sweep.pending]


FAULTS = {
    "dead": {"dead": True},
    "garbage": {"garbage": b"<html>502 Bad Gateway</html>"},
    "half an answer": {"garbage": b'{"jsonrpc":"2.0","id":0}'},
    "server error": {"status": 500},
    "throttled": {"status": 429, "headers": {"Retry-After": "60"}},
    "other chain": {"twist": other_chain},
    "wrong hash": {"twist": wrong_hash},
    "empty block": {"twist": empty_block},
    "empty answers": {"twist": nothing},
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_endpoint_that_is_no_use_is_replaced_by_the_next(scene, source, first, fault):
    checkpoint = await source.start()
    scene.pay_both()
    for name, value in FAULTS[fault].items():
        setattr(first, name, value)
    assert amounts(await source.poll(checkpoint, scene.watch)) == [5, 9]


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "other chain"])
async def test_when_no_endpoint_is_of_use_nothing_is_skipped(scene, single, first, fault):
    checkpoint = await single.start()
    scene.pay_both()
    for name, value in FAULTS[fault].items():
        setattr(first, name, value)
    with pytest.raises(TransientError):
        await single.poll(checkpoint, scene.watch)
    first.twist, first.garbage, first.status, first.dead = truth, None, 200, False
    fresh = evm_source(single._chain, first.url)
    assert amounts(await fresh.poll(checkpoint, scene.watch)) == [5, 9]
    await fresh.aclose()


async def test_an_endpoint_of_another_chain_alone_is_persistent(single, first):
    first.twist = other_chain
    with pytest.raises(WrongChainError):
        await single.start()


async def test_endpoints_that_take_no_batches_are_asked_one_by_one(scene, single, first):
    first.most_calls = 1
    checkpoint = await single.start()
    scene.pay_both()
    assert amounts(await single.poll(checkpoint, scene.watch)) == [5, 9]


async def test_an_endpoint_that_never_answers_is_left_after_a_while(scene, first, second):
    source = evm_source(scene.chain, first.url, second.url, seconds=ClientTimeout(total=0.2))
    checkpoint = await source.start()
    scene.pay_both()
    first.hangs = True
    assert amounts(await source.poll(checkpoint, scene.watch)) == [5, 9]
    await source.aclose()


async def test_an_answer_that_is_too_large_is_asked_for_in_parts(scene, single, first, monkeypatch):
    monkeypatch.setattr(wire, "LARGEST_ANSWER", 10_000)  # a few empty blocks
    checkpoint = await single.start()
    scene.pay_both()
    scene.node.mine(6)
    assert amounts(await single.poll(checkpoint, scene.watch)) == [5, 9]
    assert first.requests > 6


async def test_a_block_that_is_too_large_alone_is_no_answer(scene, single, monkeypatch):
    checkpoint = await single.start()
    scene.pay_both()
    monkeypatch.setattr(wire, "LARGEST_ANSWER", 2_500)  # a header passes, a block does not
    with pytest.raises(TransientError, match="too_large"):
        await single.poll(checkpoint, scene.watch)


# --- logs that are withheld ---------------------------------------------------------------------------------


async def test_withheld_logs_are_asked_of_another_endpoint_because_the_bloom_admits_them(scene, source, first):
    checkpoint = await source.start()
    first.twist = no_logs
    scene.pay_both()
    assert amounts(await source.poll(checkpoint, scene.watch)) == [5, 9]


async def test_control_without_the_bloom_withheld_logs_are_a_lost_payment(scene, source, first, monkeypatch):
    async def content(_reader, _silent):
        return ()

    monkeypatch.setattr(Reader, "_asked_again", content)
    checkpoint = await source.start()
    first.twist = no_logs
    scene.pay_both()
    assert amounts(await source.poll(checkpoint, scene.watch)) == [5]


# --- lag ------------------------------------------------------------------------------------------------------


async def test_an_endpoint_that_lags_is_passed_over_and_nothing_is_gone(scene, source, first):
    checkpoint = await source.start()
    scene.node.mine(3)
    scene.pay_both()
    before = await source.poll(checkpoint, scene.watch)
    first.lag = 2
    after = await source.poll(before.checkpoint, scene.watch)
    assert (after.gone, amounts(after), after.tip) == ((), [5, 9], before.tip)


async def test_when_all_endpoints_lag_it_is_waited_for(scene, source, first, second):
    checkpoint = await source.start()
    scene.node.mine(3)
    scene.pay_both()
    before = await source.poll(checkpoint, scene.watch)
    first.lag = second.lag = 2
    with pytest.raises(TransientError, match="lagging"):
        await source.poll(before.checkpoint, scene.watch)


async def test_an_endpoint_that_stands_still_is_found_out(scene, source, first):
    checkpoint = await source.start()
    scene.node.mine(3)
    sweep = await source.poll(checkpoint, scene.watch)
    scene.node.mine(10)
    first.lag = 10  # it answers as before, and truly: only the others know more
    for _ in range(STANDSTILL):
        sweep = await source.poll(sweep.checkpoint, scene.watch)
        assert sweep.tip.height == scene.node.height() - 10
    sweep = await source.poll(sweep.checkpoint, scene.watch)
    assert sweep.tip.height == scene.node.height()


# --- a second opinion before anything is gone ----------------------------------------------------------------


class Recording:
    """Makes an endpoint stay on the chain as it was when this was made, as one that missed a reorg does."""

    def __init__(self, node):
        self.blocks = [node.rpc("eth_getBlockByNumber", hex(height), True) for height in range(node.height() + 1)]

    def __call__(self, method, params, result):
        if method != "eth_getBlockByNumber":
            return result
        if params[0] == "latest":
            return self.blocks[-1]
        height = int(params[0], 16)
        return self.blocks[height] if height < len(self.blocks) else None


async def test_a_payment_is_not_gone_while_a_second_endpoint_still_has_its_block(scene, source, second):
    checkpoint = await source.start()
    scene.pay_both()
    before = await source.poll(checkpoint, scene.watch)
    second.twist = Recording(scene.node)
    scene.node.reorg(1)
    after = await source.poll(before.checkpoint, scene.watch)  # served by the second, which denies it
    assert (after.gone, amounts(after)) == ((), [5, 9])


async def test_control_without_the_second_opinion_one_endpoint_makes_payments_gone(scene, source, second, monkeypatch):
    async def believe(*_arguments):
        return None

    monkeypatch.setattr(Opinions, "_confirm", believe)
    checkpoint = await source.start()
    scene.pay_both()
    before = await source.poll(checkpoint, scene.watch)
    second.twist = Recording(scene.node)
    scene.node.reorg(1)
    assert len((await source.poll(before.checkpoint, scene.watch)).gone) == 2


async def test_a_payment_is_gone_when_both_endpoints_say_so(scene, source):
    checkpoint = await source.start()
    scene.pay_both()
    before = await source.poll(checkpoint, scene.watch)
    scene.node.reorg(1)
    assert len((await source.poll(before.checkpoint, scene.watch)).gone) == 2


async def test_nothing_is_gone_while_the_second_endpoint_is_dead(scene, source, second):
    checkpoint = await source.start()
    scene.pay_both()
    before = await source.poll(checkpoint, scene.watch)
    second.dead = True
    scene.node.reorg(1)
    with pytest.raises(TransientError, match="no second endpoint confirms"):
        await source.poll(before.checkpoint, scene.watch)


async def test_one_endpoint_alone_cannot_stop_the_chain_with_a_deep_reorg(scene, source, second):
    checkpoint = await source.start()
    scene.node.mine(20)
    _, sweep = await follow(source, checkpoint, scene.watch)
    second.twist = Recording(scene.node)
    scene.node.reorg(15)
    assert (await source.poll(sweep.checkpoint, scene.watch)).tip == sweep.tip
    second.twist = truth
    with pytest.raises(DeepReorgError):
        await source.poll(sweep.checkpoint, scene.watch)


# --- read again before it is final -----------------------------------------------------------------------------


def inventing(node, ours):
    """Make an endpoint add a payment of 100 to the newest block, under its true header, with a receipt to match."""
    true = node.rpc("eth_getBlockByNumber", "latest", True)
    txid, place = "0x" + "77" * 32, hex(len(true["transactions"]))
    invented = {"hash": txid, "from": node.accounts[0], "to": ours.lower(), "value": "0x64", "input": "0x"}
    block = {**true, "transactions": [*true["transactions"], {**invented, "transactionIndex": place}]}
    receipt = {"transactionHash": txid, "transactionIndex": place, "blockHash": true["hash"], "status": "0x1"}

    def twist(method, params, result):
        if method == "eth_getBlockByNumber" and params == [true["number"], True]:
            return block
        if method == "eth_getTransactionReceipt" and params == [txid]:
            return {**receipt, "logs": []}
        return result

    return twist


async def test_a_payment_that_only_one_endpoint_tells_of_is_never_final(scene, source, first):
    checkpoint = await source.start()
    scene.pay_both()
    first.twist = inventing(scene.node, scene.ours)
    sweep = await source.poll(checkpoint, scene.watch)
    assert amounts(sweep) == [5, 9, 100]
    scene.node.mine(10)
    with pytest.raises(TransientError, match="no second reading of blocks"):
        await source.poll(sweep.checkpoint, scene.watch)


async def test_what_two_of_three_endpoints_deny_is_gone_and_what_they_tell_becomes_final(scene, first, second):
    async with lying_node(scene.node.url) as third:
        source = evm_source(scene.chain, first.url, second.url, third.url)
        checkpoint = await source.start()
        scene.pay_both()
        first.twist = inventing(scene.node, scene.ours)
        before = await source.poll(checkpoint, scene.watch)
        assert amounts(before) == [5, 9, 100]
        scene.node.mine(10)
        after = await source.poll(before.checkpoint, scene.watch)
        await source.aclose()
    assert [payment.amount for payment in after.final] == [5, 9]
    assert after.gone == (before.pending[2].payment.key,)


async def test_control_a_lone_endpoint_is_believed(scene, single, first):
    checkpoint = await single.start()
    scene.pay_both()
    first.twist = inventing(scene.node, scene.ours)
    scene.node.mine(10)
    final, _ = await follow(single, checkpoint, scene.watch)
    assert [payment.amount for payment in final] == [5, 9, 100]


async def test_finality_rises_no_higher_than_both_endpoints_say(scene, proxies):
    first, second = proxies

    def boast(method, params, result):
        return scene.node.rpc("eth_getBlockByNumber", "latest", False) if params[:1] == ["finalized"] else result

    first.twist = boast
    tagged = evm_source(with_token(evm_chain(137, tag="finalized"), scene.coin), first.url, second.url)
    alone = evm_source(with_token(evm_chain(137, tag="finalized"), scene.coin), first.url)
    checkpoint = await evm_source(scene.chain, second.url).start(0)
    scene.pay_both()
    scene.node.mine(5)
    careful, rash = await tagged.poll(checkpoint, scene.watch), await alone.poll(checkpoint, scene.watch)
    assert (careful.final, amounts(careful)) == ((), [5, 9])
    assert len(rash.final) == 2
    await tagged.aclose()
    await alone.aclose()


async def test_a_tag_that_is_refused_for_another_reason_is_not_taken_for_unknown(scene, first):
    """Else a node that is out of breath for a moment would be judged by depth, which may run ahead of its finality."""
    tagged = evm_source(with_token(evm_chain(137, tag="finalized", blocks=1), scene.coin), first.url)
    checkpoint = await tagged.start(0)
    scene.node.mine(5)
    first.refuse = {"finalized": {"code": -32005, "message": "limit exceeded"}}
    with pytest.raises(TransientError, match="limit exceeded"):
        await tagged.poll(checkpoint, scene.watch)
    await tagged.aclose()


async def test_above_a_value_two_endpoints_must_agree_before_a_payment_is_final(scene, first, second):
    source = evm_source(scene.chain, first.url, second.url, agree_above={scene.chain.native.id: 99})
    checkpoint = await source.start()
    scene.node.send(to=scene.ours, value=100)
    scene.node.mine(20)
    second.dead = True
    final, sweep = await follow(source, checkpoint, scene.watch)
    assert (final, amounts(sweep)) == ([], [100])
    second.dead = False
    fresh = evm_source(scene.chain, first.url, second.url, agree_above={scene.chain.native.id: 99})
    final, sweep = await follow(fresh, sweep.checkpoint, scene.watch)
    assert [payment.amount for payment in final] == [100]
    await source.aclose()
    await fresh.aclose()


async def test_below_that_value_one_endpoint_goes_on_while_the_other_is_dead(scene, first, second):
    source = evm_source(scene.chain, first.url, second.url, agree_above={scene.chain.native.id: 100})
    checkpoint = await source.start()
    scene.node.send(to=scene.ours, value=100)
    scene.node.mine(20)
    second.dead = True
    final, _ = await follow(source, checkpoint, scene.watch)
    assert [payment.amount for payment in final] == [100]
    await source.aclose()


# --- two endpoints that must agree before much money counts -----------------------------------------------------


def swollen(ours, amount):
    """Make an endpoint tell another value of what is sent to us, which no hash of a header forbids."""

    def twist(method, _params, result):
        if (
            method != "eth_getBlockByNumber"
            or not result
            or not any(isinstance(t, dict) for t in result["transactions"])
        ):
            return result
        told = [
            {**sent, "value": hex(amount)}
            if (sent["to"] or "").lower() == ours.lower() and sent["value"] != "0x0"
            else sent
            for sent in result["transactions"]
        ]
        return {**result, "transactions": told}

    return twist


def facts(sweep):
    return [(entry.payment.amount, entry.confirmations, entry.payment.block is not None) for entry in sweep.pending]


@pytest.fixture
async def guarded(scene, first, second):
    opened = evm_source(scene.chain, first.url, second.url, agree_above={scene.chain.native.id: 99})
    yield opened
    await opened.aclose()


async def test_what_an_endpoint_lied_about_is_gone_and_the_truth_is_final(scene, source, first):
    checkpoint = await source.start()
    first.twist = swollen(scene.ours, 500)
    scene.pay_both()
    before = await source.poll(checkpoint, scene.watch)
    assert amounts(before) == [500, 9]
    first.twist = truth
    scene.node.mine(10)
    after = await source.poll(before.checkpoint, scene.watch)
    assert [payment.amount for payment in after.final] == [5, 9]
    assert after.gone == (before.pending[0].payment.key,)


async def test_control_compared_by_key_alone_the_lie_is_never_taken_back(scene, source, first, monkeypatch):
    def by_key(held, told):
        keys = {payment.key for payment in told}
        return tuple(payment for payment in held if payment.key not in keys)

    monkeypatch.setattr(position, "_replaced", by_key)
    checkpoint = await source.start()
    first.twist = swollen(scene.ours, 500)
    scene.pay_both()
    before = await source.poll(checkpoint, scene.watch)
    first.twist = truth
    scene.node.mine(10)
    assert (await source.poll(before.checkpoint, scene.watch)).gone == ()


async def test_one_endpoint_that_tells_two_stories_of_a_block_is_believed_in_neither(scene, single, first):
    checkpoint = await single.start()
    first.twist = swollen(scene.ours, 500)
    scene.pay_both()
    before = await single.poll(checkpoint, scene.watch)
    first.twist = truth
    scene.node.mine(10)
    with pytest.raises(TransientError, match="as before"):
        await single.poll(before.checkpoint, scene.watch)


async def test_above_a_value_nothing_counts_until_two_endpoints_agree_on_the_block(scene, guarded, second):
    checkpoint = await guarded.start()
    scene.node.send(to=scene.ours, value=100)
    scene.node.mine(3)
    second.lag = 3
    before = await guarded.poll(checkpoint, scene.watch)
    assert facts(before) == [(100, 0, False)]
    second.lag = 0
    after = await guarded.poll(before.checkpoint, scene.watch)
    assert (facts(after), after.gone) == ([(100, 3, True)], ())
    second.dead = True
    scene.node.mine()
    assert facts(await guarded.poll(after.checkpoint, scene.watch)) == [(100, 4, True)]


async def test_the_value_is_the_sum_of_a_block_and_smaller_blocks_count_at_once(scene, guarded, second):
    checkpoint = await guarded.start()
    second.dead = True
    scene.node.send(to=scene.ours, value=99)
    scene.node.mine()
    scene.node.send(to=scene.ours, value=50)
    scene.node.send(to=scene.ours, value=51)
    scene.node.send(to=scene.coin, data=transfer_call(scene.ours, 10**6))
    scene.node.mine()
    sweep = await guarded.poll(checkpoint, scene.watch)
    assert sorted(facts(sweep)) == [(50, 0, False), (51, 0, False), (99, 2, True), (10**6, 0, False)]


async def test_a_lie_above_the_value_never_counts(scene, guarded, first, second):
    checkpoint = await guarded.start()
    first.twist = swollen(scene.ours, 500)
    scene.pay_both()
    scene.node.mine(3)
    sweep = await guarded.poll(checkpoint, scene.watch)
    assert facts(sweep) == [(500, 0, False), (9, 0, False)]
    first.lag = 20  # the honest one serves the next poll, and the liar is asked about what only it has told
    again = await guarded.poll(sweep.checkpoint, scene.watch)
    first.lag = 0
    again = await guarded.poll(again.checkpoint, scene.watch)
    assert facts(again) == [(500, 0, False), (9, 0, False)]
    first.twist = truth
    scene.node.mine(10)
    after = await guarded.poll(again.checkpoint, scene.watch)
    assert [payment.amount for payment in after.final] == [5, 9]
    assert after.gone == (sweep.pending[0].payment.key,)


async def test_control_without_the_agreement_a_lie_counts_like_the_truth(scene, guarded, first, monkeypatch):
    monkeypatch.setattr(guarded, "_limits", {})
    checkpoint = await guarded.start()
    first.twist = swollen(scene.ours, 500)
    scene.pay_both()
    scene.node.mine(3)
    assert facts(await guarded.poll(checkpoint, scene.watch)) == [(500, 4, True), (9, 4, True)]


async def test_a_boasting_endpoint_is_held_back_by_a_second_one_that_knows_no_tag(scene, first, second):
    def boast(method, params, result):
        return scene.node.rpc("eth_getBlockByNumber", "latest", False) if params[:1] == ["finalized"] else result

    first.twist = boast
    second.refuse = {"finalized": {"code": -32602, "message": "unknown tag"}}
    tagged = evm_source(with_token(evm_chain(137, tag="finalized"), scene.coin), first.url, second.url)
    checkpoint = await evm_source(scene.chain, second.url).start(0)
    scene.pay_both()
    scene.node.mine(FINALITY - 2)
    sweep = await tagged.poll(checkpoint, scene.watch)
    assert (sweep.final, amounts(sweep)) == ((), [5, 9])
    scene.node.mine()
    assert len((await tagged.poll(sweep.checkpoint, scene.watch)).final) == 2
    await tagged.aclose()


async def test_a_second_endpoint_a_little_behind_what_is_to_be_final_is_waited_for(scene, first, second):
    source = evm_source(with_token(evm_chain(137, blocks=1), scene.coin), first.url, second.url)
    checkpoint = await source.start()
    scene.pay_both()
    second.lag = 1
    assert (await source.poll(checkpoint, scene.watch)).final == ()
    second.lag = 0
    assert len((await source.poll(checkpoint, scene.watch)).final) == 2
    await source.aclose()


async def test_control_if_it_were_not_one_endpoint_would_be_believed_alone(scene, first, second, monkeypatch):
    monkeypatch.setattr("chains.finality.TOLERANCE", 0)
    source = evm_source(with_token(evm_chain(137, blocks=1), scene.coin), first.url, second.url)
    checkpoint = await source.start()
    scene.pay_both()
    second.lag = 1
    assert len((await source.poll(checkpoint, scene.watch)).final) == 2
    await source.aclose()


async def test_of_three_endpoints_one_to_whom_nothing_becomes_final_holds_back_nothing(scene, first, second):
    async with lying_node(scene.node.url) as third:
        tagged = evm_source(with_token(evm_chain(137, tag="finalized"), scene.coin), first.url, second.url, third.url)
        checkpoint = await tagged.start(0)

        def stuck(method, params, result):
            return scene.node.rpc("eth_getBlockByNumber", "0x0", False) if params[:1] == ["finalized"] else result

        second.twist = stuck
        scene.pay_both()
        scene.node.mine(70)
        assert len((await tagged.poll(checkpoint, scene.watch)).final) == 2
        third.twist = stuck
        assert (await tagged.poll(checkpoint, scene.watch)).final == ()
        await tagged.aclose()


# --- settings that changed while money was under way -------------------------------------------------------------


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_what_was_paid_in_a_token_that_left_the_list_becomes_final(scene, proxies, endpoints):
    urls = [proxy.url for proxy in proxies[:endpoints]]
    before, after = evm_source(scene.chain, *urls), evm_source(evm_chain(137), *urls)
    checkpoint = await before.start()
    scene.pay_both()
    sweep = await before.poll(checkpoint, scene.watch)
    scene.node.mine(FINALITY)
    final, last = await follow(after, sweep.checkpoint, scene.watch)
    assert ([payment.amount for payment in final], last.gone) == ([5, 9], ())
    scene.pay_both()
    assert amounts(await after.poll(last.checkpoint, scene.watch)) == [5]
    await before.aclose()
    await after.aclose()


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_an_address_that_became_ours_makes_what_it_paid_internal_and_no_endpoint_a_liar(
    scene, proxies, endpoints
):
    source = evm_source(scene.chain, *[proxy.url for proxy in proxies[:endpoints]])
    scene.node.mine(FINALITY)
    checkpoint = await source.start()
    scene.pay_both()
    before = await source.poll(checkpoint, scene.watch)
    scene.node.mine(FINALITY)
    sender = display(bytes.fromhex(scene.node.accounts[0][2:]))
    after = await source.poll(before.checkpoint, Watch(active=scene.watch.active | {sender}))
    assert [(payment.amount, payment.internal) for payment in after.final] == [(5, True), (9, True)]
    assert after.gone == tuple(entry.payment.key for entry in before.pending)
    await source.aclose()


# --- manners ----------------------------------------------------------------------------------------------------


async def test_a_key_in_the_url_is_in_no_message_and_no_log(scene, first, caplog):
    caplog.set_level(logging.DEBUG)
    source = evm_source(scene.chain, f"{first.url}?key=SECRET")
    await source.start()
    first.dead = True
    with pytest.raises(TransientError) as caught:
        await source.start()
    await source.aclose()
    assert "127.0.0.1" in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert "SECRET" not in caplog.text


async def test_what_was_wrong_with_an_endpoint_is_counted(scene, first, second):
    spoken = []
    source = evm_source(scene.chain, first.url, second.url, observer=spoken.append)
    first.dead = True
    await source.start()
    await source.aclose()
    assert {(one.endpoint, one.trouble) for one in spoken} == {(0, Trouble.UNREACHABLE), (1, None)}


async def test_a_poll_that_is_cancelled_leaves_the_source_usable(scene, source, first):
    checkpoint = await source.start()
    scene.pay_both()
    scene.node.mine(50)

    def cancel(method, _params, result):
        if method == "eth_getTransactionReceipt":
            task.cancel()
        return result

    first.twist = cancel
    task = asyncio.create_task(source.poll(checkpoint, scene.watch))
    with pytest.raises(asyncio.CancelledError):
        await task
    first.twist = truth
    final, sweep = await follow(source, checkpoint, scene.watch)
    assert [payment.amount for payment in final] + amounts(sweep) == [5, 9]


async def test_any_json_for_a_block_is_refused_and_never_raises_anything_else(scene, single, first):
    checkpoint = await single.start()
    scene.node.mine()
    for lie in (None, [], {}, "0x", 5, {"number": 5}, {"number": "0x1", "hash": None}, [[]]):
        first.twist = lambda _method, _params, _result, lie=lie: lie
        fresh = evm_source(single._chain, first.url)
        with pytest.raises((TransientError, WrongChainError)):
            await fresh.poll(checkpoint, scene.watch)
        await fresh.aclose()


def test_the_header_check_is_what_finds_a_wrong_parent(scene):
    """Control: without the hash, a block that was told another parent is believed."""
    twisted = wrong_hash("eth_getBlockByNumber", [], scene.node.rpc("eth_getBlockByNumber", "latest", False))
    assert check_header(twisted, recompute=False).parent == "0x" + "ab" * 32
