"""What a real node's trace says of value inside calls is noted on the payment, changes nothing, and may be missing."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest

from chains.evm import audit, finality
from chains.evm.address import display
from chains.port import Note, Watch
from config.registry import Chain
from tests.support.anvil import Anvil, anvil_node
from tests.support.chains_drivers import FINALITY, deploy, evm_chain, evm_source, follow
from tests.support.evm_payers import bequeath, funded_safe, pay_from_safe, spread
from tests.support.evm_traces import flat, frame, nested
from tests.support.lying_node import LyingNode, lying_node, pruned, without

ETHER = 10**18
TRACES = ("debug_traceBlockByHash", "trace_block")
FORGED, LIAR = "0x" + "ef" * 32, display(bytes.fromhex("bad0" * 10))


@dataclass(frozen=True)
class Scene:
    """A node behind a proxy, addresses of ours on it, and a contract that pays."""

    node: Anvil
    proxy: LyingNode
    chain: Chain
    ours: tuple[str, ...]
    spreader: str

    @property
    def watch(self):
        return Watch(active=frozenset(self.ours))

    def inside(self, value, *to):
        """Pay inside a contract call, in equal parts; return the transaction."""
        return spread(self.node, self.spreader, value, *(to or self.ours[:1]))

    def note(self, txid):
        """Return what is to be noted of a transaction in which the spreader pays."""
        return Note(txid=txid, sender=display(bytes.fromhex(self.spreader[2:])))


@pytest.fixture
async def scene():
    async with AsyncExitStack() as stack:
        node = stack.enter_context(anvil_node(137))
        proxy = await stack.enter_async_context(lying_node(node.url))
        ours = tuple(display(bytes.fromhex(account[2:])) for account in node.accounts[3:6])
        spreader = deploy(node, "Spreader")
        node.mine(FINALITY + 1)
        yield Scene(node=node, proxy=proxy, chain=evm_chain(137), ours=ours, spreader=spreader)


@pytest.fixture
async def source(scene):
    opened = evm_source(scene.chain, scene.proxy.url)
    yield opened
    await opened.aclose()


@pytest.fixture
async def begun(scene, source):
    checkpoint = await source.start()
    scene.node.mine()
    _, sweep = await follow(source, checkpoint, scene.watch)
    scene.proxy.asked.clear()
    return sweep.checkpoint


async def settled(scene, source, checkpoint):
    """Mine until everything so far is final, and return the payments that became final."""
    scene.node.mine(FINALITY)
    final, _ = await follow(source, checkpoint, scene.watch)
    return final


def told(payments):
    return [(payment.amount, payment.destination, payment.sender, payment.direct) for payment in payments]


def traces_asked(scene):
    return [method for method in scene.proxy.asked if method in TRACES]


def telling(answer, *methods):
    """Make the proxy answer with this whenever it is asked for a trace."""
    return lambda method, _params, result: answer if method in (methods or TRACES) else result


# --- what is noted ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offered", TRACES)
async def test_the_transaction_that_paid_is_noted_whichever_trace_is_offered(scene, source, begun, offered):
    scene.proxy.deny = without(*{*TRACES} - {offered})
    txid = scene.inside(5)
    scene.node.mine()
    [payment] = await settled(scene, source, begun)
    assert (payment.amount, payment.sender, payment.noted) == (5, None, (scene.note(txid),))
    assert traces_asked(scene) == list(TRACES[: TRACES.index(offered) + 1])


@pytest.mark.parametrize("offered", TRACES)
async def test_each_way_in_which_value_arrives_inside_calls_is_noted(scene, source, begun, offered):
    scene.proxy.deny = without(*{*TRACES} - {offered})
    safe = funded_safe(scene.node, 5 * ETHER)
    paid = pay_from_safe(scene.node, safe, scene.ours[0], ETHER)
    left = bequeath(scene.node, 7, scene.ours[1])
    parts = [scene.inside(10, scene.ours[2], scene.ours[1]), scene.inside(6, scene.ours[2])]
    scene.node.send(to=scene.ours[2], value=9)  # names us by itself
    scene.node.mine()
    made = scene.node.rpc("eth_getTransactionReceipt", left)["contractAddress"]
    of = {payment.destination: payment for payment in await settled(scene, source, begun) if not payment.direct}
    assert of[scene.ours[0]].noted == (Note(txid=paid, sender=display(bytes.fromhex(safe[2:]))),)
    assert set(of[scene.ours[1]].noted) == {
        Note(txid=left, sender=display(bytes.fromhex(made[2:]))),
        scene.note(parts[0]),
    }
    assert set(of[scene.ours[2]].noted) == {scene.note(txid) for txid in parts}
    assert [of[address].amount for address in scene.ours] == [ETHER, 12, 11]


@pytest.mark.parametrize("offered", TRACES)
async def test_a_transaction_that_failed_is_not_noted(scene, source, begun, offered):
    scene.proxy.deny = without(*{*TRACES} - {offered})
    refuser = deploy(scene.node, "Refuser")
    failed, txid = scene.inside(10, scene.ours[0], refuser), scene.inside(5)
    scene.node.mine()
    assert scene.node.rpc("eth_getTransactionReceipt", failed)["status"] == "0x0"
    [payment] = await settled(scene, source, begun)
    assert (payment.amount, payment.noted) == (5, (scene.note(txid),))


async def test_what_no_transaction_brought_has_no_note(scene, source, begun):
    """A reward, or a withdrawal of a validator."""
    scene.node.rpc("anvil_setCoinbase", scene.ours[0])
    scene.node.send(to=scene.node.accounts[8], value=1, maxPriorityFeePerGas=hex(10**9))
    scene.node.mine()
    scene.node.rpc("anvil_setCoinbase", "0x" + "00" * 20)
    [payment] = await settled(scene, source, begun)
    assert (payment.amount > 0, payment.noted, len(traces_asked(scene))) == (True, (), 1)


async def test_one_block_is_asked_for_once_and_where_nothing_came_none_is(scene, source, begun):
    scene.node.send(to=scene.ours[0], value=9)
    scene.node.mine()
    scene.inside(6, *scene.ours)
    scene.node.mine(2)
    scene.inside(5)
    scene.node.mine()
    final = await settled(scene, source, begun)
    assert [bool(payment.noted) for payment in final] == [False, True, True, True, True]
    assert traces_asked(scene) == ["debug_traceBlockByHash"] * 2


async def test_money_that_may_have_come_earlier_than_its_block_has_no_note(scene, source, begun):
    scene.inside(5)
    scene.node.mine(3)
    last = scene.node.height()
    scene.proxy.deny = pruned(last)
    [payment] = await settled(scene, source, begun)
    assert (payment.amount, payment.noted) == (5, ())
    assert traces_asked(scene) == []


# --- where there is none --------------------------------------------------------------------------------------------

ABSENT = {
    "neither is offered": {"deny": without(*TRACES)},
    "the state to trace is gone": {
        "deny": lambda method, _params: {"code": -32000, "message": "missing trie node"} if method in TRACES else None
    },
    "the answer is nothing": {"twist": telling(None)},
    "the answer is a text": {"twist": telling("0x")},
    "the answer is full of nonsense": {"twist": telling([None, 1, "", [], {}, {"result": 1}, {"action": None}])},
    "the answer is of another block": {"twist": telling(flat(frame("CALL", "0x" + "1" * 40, "0x" + "2" * 40)))},
    "the connection breaks": {"dies_of": set(TRACES)},
}


@pytest.mark.parametrize("fault", ABSENT.values(), ids=ABSENT)
async def test_without_a_trace_everything_else_is_as_with_one(scene, source, begun, fault):
    scene.inside(6, *scene.ours)
    scene.node.mine()
    scene.node.mine(FINALITY)
    complete = await source.poll(begun, scene.watch)
    for name, value in fault.items():
        setattr(scene.proxy, name, value)
    bare = await source.poll(begun, scene.watch)
    assert (bare, len(bare.final)) == (complete, 3)
    assert [len(payment.noted) for payment in complete.final] == [1, 1, 1]
    assert [payment.noted for payment in bare.final] == [(), (), ()]


async def test_a_trace_that_does_not_come_is_not_waited_for(scene, source, begun, monkeypatch):
    monkeypatch.setattr(audit, "TRACE_SECONDS", 0.05)
    scene.proxy.hangs_over = set(TRACES)
    scene.inside(5)
    scene.node.mine()
    [payment] = await settled(scene, source, begun)
    assert (payment.amount, payment.noted) == (5, ())


async def test_a_trace_that_is_too_large_is_not_read(scene, source, begun, monkeypatch):
    monkeypatch.setattr(audit, "LARGEST_TRACE", 400)
    scene.inside(5)
    scene.node.mine()
    [payment] = await settled(scene, source, begun)
    assert (payment.amount, payment.noted) == (5, ())


async def test_the_endpoint_is_no_worse_for_having_no_traces(scene, source, begun):
    """Nothing it cannot do about traces makes it rest, or the poll begin anew."""
    scene.proxy.dies_of = set(TRACES)
    scene.inside(5)
    scene.node.mine(FINALITY + 1)
    first = await source.poll(begun, scene.watch)
    assert scene.proxy.asked.count("eth_getProof") == 2  # read once, and not again
    scene.node.mine()
    second = await source.poll(first.checkpoint, scene.watch)
    assert second.tip.height == first.tip.height + 1


# --- lies -----------------------------------------------------------------------------------------------------------


def paying(to):
    """Make up a transaction in which much comes to an address inside a call."""
    return frame("CALL", LIAR, LIAR, 0, frame("CALL", LIAR, to, 10**24))


async def test_a_trace_that_names_value_which_is_not_there_adds_nothing(scene, source, begun):
    scene.inside(5)
    scene.node.mine()
    forged = [entry for address in scene.ours for entry in nested(paying(address), txid=FORGED)]
    scene.proxy.twist = telling(forged)
    [payment] = await settled(scene, source, begun)
    assert told([payment]) == [(5, scene.ours[0], None, False)]
    assert [note.txid for note in payment.noted] == [FORGED]  # a wrong remark, and no more


async def test_a_lie_about_a_block_in_which_nothing_came_is_never_asked_for(scene, source, begun):
    scene.proxy.twist = telling(nested(paying(scene.ours[0]), txid=FORGED))
    scene.node.send(to=scene.ours[0], value=9)
    scene.node.mine()
    [payment] = await settled(scene, source, begun)
    assert (payment.amount, payment.noted, traces_asked(scene)) == (9, (), [])


async def test_control_were_a_traces_word_taken_for_a_fact_a_lone_endpoint_could_make_up_any_payer(
    scene, source, begun, monkeypatch
):
    honest = finality.noted

    async def believing(*asked):
        payments = await honest(*asked)
        return tuple(replace(one, sender=one.noted[0].sender) if one.noted else one for one in payments)

    monkeypatch.setattr(finality, "noted", believing)
    scene.proxy.twist = telling(nested(paying(scene.ours[0]), txid=FORGED))
    scene.inside(5)
    scene.node.mine()
    [payment] = await settled(scene, source, begun)
    assert payment.sender == LIAR


async def test_two_endpoints_that_trace_differently_agree_all_the_same(scene):
    async with lying_node(scene.node.url) as second:
        both = evm_source(scene.chain, scene.proxy.url, second.url)
        checkpoint = await both.start()
        scene.node.mine()
        _, sweep = await follow(both, checkpoint, scene.watch)
        scene.proxy.twist = telling(nested(paying(scene.ours[1]), txid=FORGED))
        second.deny = without(*TRACES)
        scene.inside(5)
        scene.node.mine()
        assert told(await settled(scene, both, sweep.checkpoint)) == [(5, scene.ours[0], None, False)]
        await both.aclose()
