"""Native coins that no transaction sends to us by name, on a real node: found once, in their block, and no more."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest
from structlog.testing import capture_logs

from chains.errors import PersistentError, TransientError
from chains.evm import audit, balances, finality
from chains.evm.address import display
from chains.evm.holdings import answered
from chains.opinions import Opinions
from chains.port import Watch
from config.registry import Chain
from tests.support.anvil import Anvil, anvil_node
from tests.support.chains_drivers import FINALITY, deploy, evm_chain, evm_source, follow
from tests.support.evm_payers import bequeath, funded_safe, pay_from_safe, pay_out, spread
from tests.support.lying_node import lying_node, pruned, truth, without, wrong_hash

ETHER = 10**18


@dataclass(frozen=True)
class Scene:
    """A node, addresses of ours on it, and contracts that pay."""

    node: Anvil
    chain: Chain
    ours: tuple[str, ...]
    spreader: str
    purse: str

    @property
    def watch(self):
        return Watch(active=frozenset(self.ours))

    def inside(self, value, *to):
        """Pay inside a contract call, in equal parts."""
        return spread(self.node, self.spreader, value, *(to or self.ours[:1]))

    def block(self, height):
        return self.node.rpc("eth_getBlockByNumber", hex(height), False)["hash"]


@pytest.fixture
def scene():
    with anvil_node(137) as node:
        ours = tuple(display(bytes.fromhex(account[2:])) for account in node.accounts[3:6])
        made = deploy(node, "Spreader"), deploy(node, "Purse")
        node.send(to=made[1], value=100 * ETHER)
        node.mine(FINALITY + 1)
        yield Scene(node=node, chain=evm_chain(137), ours=ours, spreader=made[0], purse=made[1])


@pytest.fixture
async def proxies(scene):
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(lying_node(scene.node.url)) for _ in range(3)]


@pytest.fixture
async def source(scene):
    opened = evm_source(scene.chain, scene.node.url)
    yield opened
    await opened.aclose()


@pytest.fixture
async def begun(scene, source):
    return (await begin(scene, source)).checkpoint


async def begin(scene, source, watch=None):
    """Return a sweep after which balances are known."""
    checkpoint = await source.start()
    scene.node.mine()
    _, sweep = await follow(source, checkpoint, watch or scene.watch)
    return sweep


async def settled(scene, source, checkpoint, watch=None, *, mine=FINALITY):
    """Mine until everything so far is final, and return the payments that became final."""
    if mine:
        scene.node.mine(mine)
    final, _ = await follow(source, checkpoint, watch or scene.watch)
    return final


def told(payments):
    """Return what was found: amount, height, and whether a transaction names us."""
    return [(payment.amount, payment.block.height, payment.direct) for payment in payments]


# --- ways in which it arrives ---------------------------------------------------------------------------------


async def test_a_safe_that_pays_is_seen(scene, source, begun):
    safe = funded_safe(scene.node, 5 * ETHER)
    txid = pay_from_safe(scene.node, safe, scene.ours[0], ETHER)
    scene.node.mine()
    height = scene.node.height()
    assert scene.node.rpc("eth_getTransactionReceipt", txid)["status"] == "0x1"
    [payment] = await settled(scene, source, begun)
    assert (payment.key.txid, payment.key.index) == (f"{scene.block(height)}:{scene.ours[0].lower()}", "internal")
    assert (payment.amount, payment.asset, payment.destination) == (ETHER, scene.chain.native.id, scene.ours[0])
    assert (payment.sender, payment.memos, payment.direct, payment.internal) == (None, (), False, False)
    assert (payment.block.height, payment.block.hash) == (height, scene.block(height))
    assert len(payment.key.txid) <= 128


async def test_one_call_that_pays_several_of_our_addresses_is_several_payments(scene, source, begun):
    scene.inside(3 * ETHER, *scene.ours)
    scene.node.mine()
    found = await settled(scene, source, begun)
    assert sorted(payment.destination for payment in found) == sorted(scene.ours)
    assert {payment.amount for payment in found} == {ETHER}
    assert len({payment.key for payment in found}) == 3


async def test_what_a_contract_leaves_us_when_it_destroys_itself_is_seen(scene, source, begun):
    bequeath(scene.node, 7, scene.ours[1])
    scene.node.mine()
    [payment] = await settled(scene, source, begun)
    assert (payment.amount, payment.destination) == (7, scene.ours[1])


async def test_the_reward_of_whoever_makes_a_block_is_seen(scene, source, begun):
    scene.node.rpc("anvil_setCoinbase", scene.ours[2])
    txid = scene.node.send(to=scene.node.accounts[8], value=1, maxPriorityFeePerGas=hex(10**9))
    scene.node.mine()
    scene.node.rpc("anvil_setCoinbase", "0x" + "00" * 20)
    receipt = scene.node.rpc("eth_getTransactionReceipt", txid)
    base = int(scene.node.rpc("eth_getBlockByNumber", receipt["blockNumber"], False)["baseFeePerGas"], 16)
    tip = (int(receipt["effectiveGasPrice"], 16) - base) * int(receipt["gasUsed"], 16)
    [payment] = await settled(scene, source, begun)
    assert payment.amount == tip > 0


async def test_payments_of_several_blocks_are_several_and_stand_in_their_blocks(scene, source, begun):
    expected = []
    for amount in (5, 6, 7):
        scene.inside(amount)
        scene.node.mine(3)
        expected.append((amount, scene.node.height() - 2, False))
    assert told(await settled(scene, source, begun)) == expected


async def test_several_calls_in_one_block_are_one_payment(scene, source, begun):
    scene.inside(5)
    scene.inside(6)
    scene.node.mine()
    assert told(await settled(scene, source, begun)) == [(11, scene.node.height() - FINALITY, False)]


async def test_nothing_is_told_before_finality(scene, source, begun):
    scene.inside(5)
    scene.node.mine(FINALITY - 1)
    sweep = await source.poll(begun, scene.watch)
    assert (sweep.final, sweep.pending) == ((), ())
    scene.node.mine()
    assert told((await source.poll(sweep.checkpoint, scene.watch)).final) == [(5, sweep.tip.height - 6, False)]


# --- beside what is known ---------------------------------------------------------------------------------------


async def test_a_direct_payment_and_one_inside_a_call_in_one_block_are_both_counted_once(scene, source, begun):
    scene.node.send(to=scene.ours[0], value=50)
    scene.inside(5)
    scene.node.mine()
    height = scene.node.height()
    assert told(await settled(scene, source, begun)) == [(50, height, True), (5, height, False)]


async def test_control_without_what_is_known_a_direct_payment_would_be_counted_twice(scene, source, begun, monkeypatch):
    monkeypatch.setattr(balances, "_moved", lambda _block, _ours: {})
    scene.node.send(to=scene.ours[0], value=50)
    scene.node.mine()
    height = scene.node.height()
    assert told(await settled(scene, source, begun)) == [(50, height, True), (50, height, False)]


async def test_our_own_transactions_hide_nothing_and_add_nothing(scene, source, begun):
    node, ours = scene.node, scene.ours[0]
    node.send(to=node.accounts[8], value=ETHER, sender=ours)  # a sweep
    scene.inside(5)
    node.mine()
    first = node.height()
    node.send(to=node.accounts[8], value=3, sender=ours)
    node.send(to=None, value=4, data="0x00", sender=ours)  # a creation that takes value along
    failed = node.send(to=scene.spreader, value=9, data="0x12345678", sender=ours)
    node.send(to=scene.ours[1], value=6, sender=ours)  # between two of ours
    node.mine(2)
    scene.inside(8)
    node.mine()
    assert node.rpc("eth_getTransactionReceipt", failed)["status"] == "0x0"
    found = await settled(scene, source, begun)
    assert told(found) == [(5, first, False), (6, first + 1, True), (8, first + 3, False)]
    assert [payment.internal for payment in found] == [False, True, False]


async def test_control_without_the_fee_of_our_own_transactions_money_inside_calls_would_be_missed(
    scene, source, begun, monkeypatch
):
    """What a fee took away would stand against what came in."""
    monkeypatch.setattr(balances, "_moved", lambda block, _ours: dict.fromkeys((who for who, _ in block.spent), 0))
    scene.node.send(to=scene.node.accounts[8], value=ETHER, sender=scene.ours[0])
    scene.inside(5)
    scene.node.mine()
    assert await settled(scene, source, begun) == []


async def paid_and_paying(scene, source):
    """Let an address of ours with code be paid, pay, and be paid and pay again; return what was found, and the tip."""
    watch = Watch(active=frozenset({*scene.ours, scene.purse}))
    sweep = await begin(scene, source, watch)
    for amount in (5, 9):
        scene.inside(amount, scene.purse)
        scene.node.mine()
        pay_out(scene.node, scene.purse, scene.node.accounts[8], amount)
        scene.node.mine()
    last = scene.node.height()
    return told(await settled(scene, source, sweep.checkpoint, watch)), last


async def test_an_address_with_code_may_pay_and_be_paid_in_turn(scene, source):
    """The platform's own address may be a contract wallet. What leaves it is no payment, and hides none."""
    found, last = await paid_and_paying(scene, source)
    assert found == [(5, last - 3, False), (9, last - 1, False)]


async def test_control_taken_for_a_plain_key_its_payments_would_hide_what_came_in(scene, source, monkeypatch):
    monkeypatch.setattr(audit, "answered", lambda *question: _without_code(answered(*question)))
    found, _ = await paid_and_paying(scene, source)
    assert found == []


def _without_code(held):
    return {address: replace(holding, coded=False) for address, holding in held.items()}


async def test_within_one_block_only_the_difference_is_seen_of_an_address_with_code(scene, source):
    watch = Watch(active=frozenset({scene.purse}))
    sweep = await begin(scene, source, watch)
    scene.inside(9, scene.purse)
    pay_out(scene.node, scene.purse, scene.node.accounts[8], 4)
    scene.node.mine()
    assert told(await settled(scene, source, sweep.checkpoint, watch)) == [(5, scene.node.height() - FINALITY, False)]


# --- reorgs, outages, polling again -----------------------------------------------------------------------------


async def test_what_a_reorg_undoes_before_finality_was_never_told(scene, source, begun):
    scene.inside(5)
    scene.node.mine(3)
    sweep = await source.poll(begun, scene.watch)
    scene.node.reorg(3)
    scene.inside(8)
    scene.node.mine()
    height = scene.node.height()
    assert told(await settled(scene, source, sweep.checkpoint)) == [(8, height, False)]


async def test_polling_twice_from_one_checkpoint_finds_the_same(scene, source, begun):
    scene.inside(5)
    scene.node.mine(2)
    scene.inside(6)
    scene.node.mine(FINALITY)
    first = await source.poll(begun, scene.watch)
    assert [payment.amount for payment in first.final] == [5, 6]
    assert await source.poll(begun, scene.watch) == first
    assert (await source.poll(first.checkpoint, scene.watch)).final == ()


async def test_a_chain_that_is_read_anew_shows_the_same_payments_under_the_same_keys(scene, source, begun):
    scene.inside(5)
    scene.node.mine(2)
    scene.inside(6)
    scene.node.mine()
    before = await settled(scene, source, begun)
    anew, _ = await follow(source, await source.start(3), scene.watch)
    assert [payment.amount for payment in before] == [5, 6]
    assert [payment for payment in anew if not payment.direct] == before


async def test_after_an_outage_each_is_found_in_its_block_with_few_questions(scene, proxies):
    source = evm_source(scene.chain, proxies[0].url)
    sweep = await begin(scene, source)
    expected = []
    for amount in range(1, 6):
        scene.inside(amount)
        scene.node.mine(60)
        expected.append((amount, scene.node.height() - 59, False))
    proxies[0].asked.clear()
    assert told(await settled(scene, source, sweep.checkpoint)) == expected
    assert proxies[0].asked.count("eth_call") < 60  # of 300 blocks
    await source.aclose()


@pytest.mark.parametrize("step", [1, 2, 7, 100])
async def test_however_a_history_is_cut_into_polls_the_same_is_found(scene, begun, step):
    source = evm_source(scene.chain, scene.node.url, blocks_per_poll=step)
    for amount in (3, 4, 5):
        scene.inside(amount)
        scene.node.send(to=scene.ours[0], value=10 * amount)
        scene.node.mine(4)
    last = scene.node.height()
    expected = [(30, last - 11, True), (3, last - 11, False), (40, last - 7, True), (4, last - 7, False)]
    assert told(await settled(scene, source, begun)) == [*expected, (50, last - 3, True), (5, last - 3, False)]
    await source.aclose()


# --- addresses that come and go ---------------------------------------------------------------------------------


async def test_what_an_address_held_before_it_was_watched_is_no_payment(scene, source):
    watch = Watch(active=frozenset(scene.ours[:1]))
    sweep = await begin(scene, source, watch)
    scene.inside(7, scene.ours[1])
    found = await settled(scene, source, sweep.checkpoint, watch)
    scene.node.mine()
    _, sweep = await follow(source, sweep.checkpoint, watch)
    scene.inside(8, scene.ours[1])
    found += await settled(scene, source, sweep.checkpoint)
    assert [payment.amount for payment in found] == [8]


async def test_control_without_asking_what_it_held_before_old_money_would_be_a_payment(scene, source, monkeypatch):
    async def nothing_known(*_arguments):
        return {}

    async def nothing_denied(*_arguments):
        return frozenset()

    monkeypatch.setattr(audit, "_bases", nothing_known)
    monkeypatch.setattr(finality, "disproved", nothing_denied)  # proofs would find it out
    sweep = await begin(scene, source, Watch(active=frozenset(scene.ours[:1])))
    found = await settled(scene, source, sweep.checkpoint)
    assert sorted(payment.destination for payment in found) == sorted(scene.ours[1:])


async def test_a_new_address_is_paid_in_the_first_blocks_it_is_watched_in(scene, source, begun):
    fresh = display(bytes.fromhex("5a" * 20))
    watch = Watch(active=scene.watch.active | {fresh})
    scene.inside(6, fresh)
    scene.node.mine()
    assert [payment.amount for payment in await settled(scene, source, begun, watch)] == [6]


async def test_a_retired_address_is_still_looked_at(scene, source, begun):
    watch = Watch(active=frozenset(scene.ours[1:]), retired=frozenset(scene.ours[:1]))
    scene.inside(6)
    scene.node.mine()
    assert [payment.amount for payment in await settled(scene, source, begun, watch)] == [6]


async def test_many_retired_addresses_are_looked_at_in_turn_and_none_is_forgotten(scene, source, monkeypatch):
    monkeypatch.setattr(balances, "RETIRED_PER_ROUND", 4)
    retired = frozenset(
        display((0xFA << 152 | number * 0x9E3779B97F4A7C15).to_bytes(20, "big")) for number in range(30)
    )
    watch = Watch(active=frozenset(scene.ours), retired=retired)
    sweep = await begin(scene, source, watch)
    spread(scene.node, scene.spreader, 30, *sorted(retired))
    found, rounds = [], 0
    while len(found) < len(retired):
        scene.node.mine(FINALITY if not rounds else 1)
        final, sweep = await follow(source, sweep.checkpoint, watch)
        assert len(final) < len(retired)
        found += final
        rounds += 1
    assert rounds <= 17
    assert {payment.destination for payment in found} == retired
    scene.node.mine(20)
    assert (await follow(source, sweep.checkpoint, watch))[0] == []


async def test_a_checkpoint_of_an_earlier_release_begins_with_what_is_there(scene, source, begun):
    scene.inside(5)
    old = {key: value for key, value in begun.items() if key != balances.KEY}
    assert [payment.amount for payment in await settled(scene, source, old)] == [5]


async def test_a_checkpoint_whose_balances_cannot_be_read_stops_the_chain(scene, source, begun):
    for broken in ({}, {"read": 1, "turn": 0, "of": ["0x"]}, {"read": 1, "turn": 0, "of": {"0x": "much"}}, 5):
        with pytest.raises(PersistentError, match="balances"):
            await source.poll({**begun, balances.KEY: broken}, scene.watch)


# --- state that is gone -------------------------------------------------------------------------------------------


@pytest.fixture
async def alone(scene, proxies):
    opened = evm_source(scene.chain, proxies[0].url)
    yield opened
    await opened.aclose()


async def test_what_cannot_be_located_is_credited_at_the_first_block_that_can_be_read_and_said_so(
    scene, proxies, alone
):
    sweep = await begin(scene, alone)
    scene.inside(5)
    scene.node.mine(40)
    horizon = scene.node.height() - 20
    proxies[0].deny = pruned(horizon)
    with capture_logs() as logs:
        found = await settled(scene, alone, sweep.checkpoint)
    assert told(found) == [(5, horizon, False)]
    [said] = logs
    assert said["event"] == "credited at the first block whose balances can be read"
    assert (said["payment"], said["height"]) == (found[0].key.payment_id, horizon)


async def test_a_chain_goes_on_while_balances_cannot_be_read_and_what_came_meanwhile_is_found_later(
    scene, proxies, alone
):
    sweep = await begin(scene, alone)
    proxies[0].deny = pruned(10**9)
    scene.inside(5)
    scene.node.send(to=scene.ours[0], value=50)
    scene.node.send(to=scene.node.accounts[8], value=7, sender=scene.ours[0])
    scene.node.mine(FINALITY + 3)
    with capture_logs() as logs:
        final, sweep = await follow(alone, sweep.checkpoint, scene.watch)
        scene.node.mine()
        more, sweep = await follow(alone, sweep.checkpoint, scene.watch)
    assert told(final + more) == [(50, scene.node.height() - FINALITY - 3, True)]
    assert [entry["event"] for entry in logs] == ["balances cannot be read: value from contract calls waits"]
    proxies[0].deny = lambda *_: None
    with capture_logs() as logs:
        found = await settled(scene, alone, sweep.checkpoint, mine=2)
    assert told(found) == [(5, sweep.final_height + 1, False)]
    assert [entry["event"] for entry in logs] == ["credited at the first block whose balances can be read"]


@pytest.mark.parametrize("method", ["eth_call", "eth_getProof"])
async def test_a_node_that_breaks_down_over_balances_holds_up_nothing_else(scene, proxies, alone, method):
    """As one that times out over old state does: the chain goes on, and what came in is found when it answers."""
    sweep = await begin(scene, alone)
    proxies[0].dies_of = {method}
    scene.inside(5)
    scene.node.send(to=scene.ours[0], value=50)
    scene.node.mine(FINALITY)
    final, sweep = await follow(alone, sweep.checkpoint, scene.watch)
    assert [payment.amount for payment in final] == ([50] if method == "eth_call" else [50, 5])
    proxies[0].dies_of = set()
    final += await settled(scene, alone, sweep.checkpoint, mine=1)
    assert [payment.amount for payment in final] == [50, 5]


async def test_a_node_that_never_had_old_state_begins_with_what_its_oldest_holds(scene, proxies, alone):
    checkpoint = await alone.start(2)
    scene.inside(5)
    scene.node.mine()
    scene.inside(6)
    proxies[0].deny = pruned(scene.node.height() + FINALITY)
    scene.node.mine(FINALITY)
    scene.node.mine()
    final, sweep = await follow(alone, checkpoint, scene.watch)
    scene.node.mine(FINALITY)
    more, sweep = await follow(alone, sweep.checkpoint, scene.watch)
    assert final + more == []
    scene.inside(8)
    assert [payment.amount for payment in await settled(scene, alone, sweep.checkpoint)] == [8]


async def test_a_node_that_answers_zero_for_state_it_does_not_have_mints_nothing_later(scene, proxies, alone):
    proxies[0].deny = without("eth_call")
    sweep = await begin(scene, alone)

    def zero(method, _params, result):
        return "0x0" if method == "eth_getBalance" else result

    proxies[0].twist = zero
    scene.node.mine(3)
    _, sweep = await follow(alone, sweep.checkpoint, scene.watch)
    proxies[0].twist = truth
    scene.node.mine(3)
    assert (await follow(alone, sweep.checkpoint, scene.watch))[0] == []


async def test_control_if_such_zeros_were_remembered_all_would_be_paid_to_us_again(scene, proxies, alone, monkeypatch):
    def as_told(held, now, _bases, span, _doubted=()):
        return replace(held, read=span.last, of={address: holding.wei for address, holding in now.items()})

    monkeypatch.setattr(finality, "remembered", as_told)
    proxies[0].deny = without("eth_call", "eth_getProof")
    sweep = await begin(scene, alone)
    proxies[0].twist = lambda method, _params, told: "0x0" if method == "eth_getBalance" else told
    scene.node.mine(3)
    _, sweep = await follow(alone, sweep.checkpoint, scene.watch)
    proxies[0].twist = truth
    scene.node.mine(3)
    assert len((await follow(alone, sweep.checkpoint, scene.watch))[0]) == len(scene.ours)


@pytest.mark.parametrize("missing", [("eth_call",), ("eth_call", "eth_getBalance"), ("eth_call", "eth_getCode")])
async def test_a_node_without_such_calls_is_asked_for_single_balances_and_without_those_the_chain_still_goes_on(
    scene, proxies, alone, missing
):
    proxies[0].deny = without(*missing)
    sweep = await begin(scene, alone)
    scene.inside(5)
    scene.node.mine(3)
    found = await settled(scene, alone, sweep.checkpoint)
    assert [payment.amount for payment in found] == ([5] if len(missing) == 1 else [])


async def test_a_node_that_takes_only_short_requests_is_asked_for_single_balances(scene, proxies, alone):
    proxies[0].largest = 250
    sweep = await begin(scene, alone)
    scene.inside(5)
    scene.node.mine(3)
    assert [payment.amount for payment in await settled(scene, alone, sweep.checkpoint)] == [5]
    assert "eth_getBalance" in proxies[0].asked


async def test_a_node_that_runs_calls_at_another_block_is_asked_for_single_balances(scene, proxies, alone):
    latest = {"number": 0}

    def elsewhere(method, params, result):
        if method == "eth_call":
            latest["number"] += 1
            return scene.node.rpc("eth_call", params[0], "latest")
        return result

    sweep = await begin(scene, alone)
    proxies[0].twist = elsewhere
    scene.inside(5)
    scene.node.mine(4)
    height = scene.node.height() - 3
    assert told(await settled(scene, alone, sweep.checkpoint)) == [(5, height, False)]
    assert latest["number"]


async def test_control_without_the_number_in_the_answer_it_would_be_booked_to_another_block(
    scene, proxies, alone, monkeypatch
):
    def unchecked(answer, addresses, _height):
        return answered(answer, addresses, int(answer[2:66], 16))

    monkeypatch.setattr(audit, "answered", unchecked)
    proxies[0].deny = without("eth_getProof")
    sweep = await begin(scene, alone)
    proxies[0].twist = lambda method, params, result: (
        scene.node.rpc("eth_call", params[0], "latest") if method == "eth_call" else result
    )
    scene.node.mine(3)
    scene.inside(5)
    scene.node.mine()
    true_height = scene.node.height()
    assert told(await settled(scene, alone, sweep.checkpoint)) != [(5, true_height, False)]


# --- whom to believe ----------------------------------------------------------------------------------------------


def inventing(amount, since):
    """Make an endpoint add to every balance from a height on."""

    def twist(method, params, result):
        if method == "eth_call" and result and int(params[1], 16) >= since:
            raw = bytearray.fromhex(result[2:])
            for at in range(32, len(raw), 16):
                raw[at : at + 16] = (int.from_bytes(raw[at : at + 16], "big") + amount).to_bytes(16, "big")
            return "0x" + raw.hex()
        return result

    return twist


@pytest.fixture
async def two(scene, proxies):
    opened = evm_source(scene.chain, proxies[0].url, proxies[1].url)
    yield opened
    await opened.aclose()


@pytest.mark.parametrize("liar", [0, 1])
async def test_a_balance_that_one_of_two_endpoints_invents_is_never_final(scene, proxies, two, liar):
    sweep = await begin(scene, two)
    proxies[liar].twist = inventing(100, scene.node.height())
    scene.node.mine(FINALITY + 2)
    with pytest.raises(TransientError, match="no second reading"):
        await follow(two, sweep.checkpoint, scene.watch)


def dearer(_method, _params, result):
    """Tell of transactions that they cost twice as much: what is left would seem to have come in."""
    if isinstance(result, dict) and "effectiveGasPrice" in result:
        return result | {"gasUsed": hex(2 * int(result["gasUsed"], 16))}
    return result


@pytest.mark.parametrize("liar", [0, 1])
async def test_what_our_own_transactions_cost_is_not_one_endpoints_word_either(scene, proxies, two, liar):
    sweep = await begin(scene, two)
    proxies[liar].twist = dearer
    scene.node.send(to=scene.node.accounts[8], value=ETHER, sender=scene.ours[0])
    scene.node.mine(FINALITY)
    with pytest.raises(TransientError, match="no second reading"):
        await follow(two, sweep.checkpoint, scene.watch)


async def test_control_a_cost_that_a_lone_endpoint_makes_up_would_be_money(scene, proxies, alone):
    proxies[0].deny = without("eth_getProof")
    sweep = await begin(scene, alone)
    proxies[0].twist = dearer
    scene.node.send(to=scene.node.accounts[8], value=ETHER, sender=scene.ours[0])
    scene.node.mine()
    [payment] = await settled(scene, alone, sweep.checkpoint)
    assert (payment.amount > 0, payment.key.index) == (True, "internal")


@pytest.mark.parametrize("liar", [0, 1])
async def test_of_three_endpoints_the_two_that_agree_are_believed(scene, proxies, liar):
    source = evm_source(scene.chain, *(proxy.url for proxy in proxies))
    sweep = await begin(scene, source)
    proxies[liar].twist = inventing(100, scene.node.height())
    scene.inside(5)
    scene.node.mine(4)
    assert [payment.amount for payment in await settled(scene, source, sweep.checkpoint)] == [5]
    await source.aclose()


async def test_a_balance_that_a_lone_endpoint_invents_is_denied_by_its_own_proofs(scene, proxies, alone):
    """The state root stands in the header, and the header has its hash: only another chain would prove another sum."""
    sweep = await begin(scene, alone)
    proxies[0].twist = inventing(100, scene.node.height() + 1)
    scene.inside(5)
    scene.node.mine()
    with capture_logs() as logs:
        scene.node.mine(FINALITY)
        final, sweep = await follow(alone, sweep.checkpoint, scene.watch)
    assert final == []
    assert {entry["event"] for entry in logs} == {"a balance contradicts its proof: value from contract calls waits"}
    assert {entry["address"] for entry in logs} == {address.lower() for address in scene.ours}
    proxies[0].twist = truth
    assert [payment.amount for payment in await settled(scene, alone, sweep.checkpoint, mine=1)] == [5]


async def test_a_proof_that_is_bent_denies_what_it_should_prove(scene, proxies, alone):
    def bent(method, _params, result):
        if method != "eth_getProof":
            return result
        *path, leaf = result["accountProof"]
        return result | {"accountProof": [*path, leaf[:-2] + "00"]}

    sweep = await begin(scene, alone)
    proxies[0].twist = bent
    scene.inside(5)
    scene.node.mine()
    assert await settled(scene, alone, sweep.checkpoint) == []


@pytest.mark.parametrize("instead", [None, {}, {"accountProof": []}, "refused"])
async def test_control_a_lone_endpoint_without_proofs_is_believed(scene, proxies, alone, instead):
    sweep = await begin(scene, alone)
    invent = inventing(100, scene.node.height() + 1)
    if instead == "refused":
        proxies[0].deny = without("eth_getProof")
    proxies[0].twist = lambda method, params, told: (
        instead if method == "eth_getProof" else invent(method, params, told)
    )
    scene.node.mine()
    found = await settled(scene, alone, sweep.checkpoint)
    assert [payment.amount for payment in found] == [100] * 3


async def test_control_without_asking_the_second_endpoint_the_invention_is_final(scene, proxies, two, monkeypatch):
    async def yes(_endpoint, _finding):
        return True

    monkeypatch.setattr(finality, "confirms", yes)
    sweep = await begin(scene, two)
    proxies[0].twist = inventing(100, scene.node.height() + 1)
    scene.node.mine()
    assert [payment.amount for payment in await settled(scene, two, sweep.checkpoint)] == [100] * 3


async def test_that_money_stood_in_another_block_is_not_one_endpoints_word_either(scene, proxies, two):
    sweep = await begin(scene, two)
    scene.inside(5)
    scene.node.mine(4)
    height = scene.node.height() - 3

    def earlier(method, params, result):
        if method == "eth_call" and int(params[1], 16) == height - 1:
            after = scene.node.rpc("eth_call", params[0], hex(height))
            return result[:66] + after[66:]
        return result

    proxies[0].twist = earlier
    scene.node.mine(FINALITY)
    with pytest.raises(TransientError, match="no second reading"):
        await follow(two, sweep.checkpoint, scene.watch)
    proxies[0].twist = truth
    again = evm_source(scene.chain, proxies[0].url, proxies[1].url)
    assert told((await follow(again, sweep.checkpoint, scene.watch))[0]) == [(5, height, False)]
    await again.aclose()


@pytest.mark.parametrize("without_state", [0, 1])
async def test_where_only_one_of_two_endpoints_has_the_state_its_word_is_enough(scene, proxies, two, without_state):
    sweep = await begin(scene, two)
    proxies[without_state].deny = pruned(10**9)
    scene.inside(5)
    scene.node.mine(4)
    assert told(await settled(scene, two, sweep.checkpoint)) == [(5, scene.node.height() - FINALITY - 3, False)]


async def test_a_second_endpoint_that_contradicts_itself_over_the_state_it_alone_has_holds_up_nothing(
    scene, proxies, two
):
    sweep = await begin(scene, two)
    proxies[0].deny = pruned(10**9)
    scene.inside(5)
    scene.node.mine(4)
    paid = scene.node.height() - 3

    def other_header(method, params, result):
        return wrong_hash(method, params, result) if params == [hex(paid), False] else result

    proxies[1].twist = other_header
    scene.node.mine(FINALITY)
    final, sweep = await follow(two, sweep.checkpoint, scene.watch)
    assert (final, sweep.final_height > paid) == ([], True)
    proxies[1].twist = truth
    scene.node.mine()
    assert [payment.amount for payment in (await follow(two, sweep.checkpoint, scene.watch))[0]] == [5]


async def test_above_the_value_where_two_must_agree_it_waits_until_they_do(scene, proxies):
    source = evm_source(scene.chain, proxies[0].url, proxies[1].url, agree_above={scene.chain.native.id: 99})
    sweep = await begin(scene, source)
    proxies[1].deny = pruned(10**9)
    scene.inside(100)
    scene.inside(7, scene.ours[1])
    scene.node.mine(3)
    scene.inside(6, scene.ours[2])
    scene.node.mine(FINALITY)
    final, sweep = await follow(source, sweep.checkpoint, scene.watch)
    assert [payment.amount for payment in final] == [6]
    proxies[1].deny = lambda *_: None
    scene.node.mine()
    final, sweep = await follow(source, sweep.checkpoint, scene.watch)
    assert sorted(payment.amount for payment in final) == [7, 100]
    scene.node.mine()
    assert (await follow(source, sweep.checkpoint, scene.watch))[0] == []
    await source.aclose()


async def test_control_without_the_limit_the_word_of_one_is_enough_for_any_sum(scene, proxies, monkeypatch):
    monkeypatch.setattr(Opinions, "believable", lambda *_: True)
    monkeypatch.setattr(finality, "large", lambda *_: {})
    source = evm_source(scene.chain, proxies[0].url, proxies[1].url, agree_above={scene.chain.native.id: 99})
    sweep = await begin(scene, source)
    proxies[1].deny = pruned(10**9)
    scene.inside(100)
    scene.node.mine()
    assert [payment.amount for payment in await settled(scene, source, sweep.checkpoint)] == [100]
    await source.aclose()


async def test_a_second_endpoint_that_dies_between_blocks_and_balances_ends_like_one_that_was_dead_before(
    scene, proxies, two
):
    sweep = await begin(scene, two)

    def die(method, _params, result):
        if method == "eth_call":
            proxies[1].dead = True
            return None
        return result

    proxies[1].twist = die
    scene.inside(5)
    scene.node.mine()
    assert [payment.amount for payment in await settled(scene, two, sweep.checkpoint)] == [5]
    assert proxies[1].dead


async def test_finality_by_the_nodes_own_word_finds_the_same(scene, proxies):
    tagged = replace(scene.chain, finality=replace(scene.chain.finality, tag="finalized"))
    source = evm_source(tagged, proxies[0].url, proxies[1].url)
    sweep = await begin(scene, source)
    scene.inside(5)
    scene.node.mine(70)
    found = (await follow(source, sweep.checkpoint, scene.watch))[0]
    assert told(found) == [(5, scene.node.height() - 69, False)]
    await source.aclose()
