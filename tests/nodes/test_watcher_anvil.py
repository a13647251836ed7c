"""The watcher on a real EVM node: from a transaction to a ticket, through reorgs, lags and outages."""

from datetime import timedelta

import pytest

from chains import progress
from chains.progress import Status
from monitor.resume import resume
from tests.support.anvil import anvil_node
from tests.support.chains_drivers import EvmDriver, evm_chain, evm_source, transfer_call
from tests.support.lying_node import lying_node
from tests.support.monitor_anvil import AnvilWorld, anvil_world
from tests.support.monitor_world import CHAIN, PRICE, START, memo, wallet
from tickets import till
from tickets.reasons import Reason
from tickets.till import Outcome

ORDER_ADDRESSES = [wallet(0xAD00 + number) for number in range(3)]
MINT = 2
FINAL = 8


@pytest.fixture
async def world(store):
    async with anvil_world(store, ORDER_ADDRESSES) as made:
        yield made


async def test_native_value_with_a_memo_becomes_a_ticket_and_then_money(world):
    event = await world.event()
    world.chain.pay(PRICE, memo(event, 1))
    await world.mine(MINT)
    assert await world.ticket_states() == ["valid"]
    await world.mine(FINAL)
    book = await world.book()
    assert {row[1] for row in book.postings} == {"receipt", "sale"}
    assert book.faults == ()


async def test_a_token_with_a_memo_becomes_a_ticket(world):
    event = await world.event(asset=world.record.tokens[0].id)
    world.node.send(to=world.chain.coin, data=transfer_call(world.chain.ours, PRICE, memo(event, 1)))
    await world.mine(MINT)
    assert await world.ticket_states() == ["valid"]


async def test_value_sent_to_an_orders_own_address_pays_it(world):
    order = await world.order(await world.event())
    world.node.send(to=order.address, value=PRICE)
    await world.mine(MINT)
    [payment] = await world.payments()
    assert (payment.order_id, payment.outcome) == (order.id, Outcome.MINTED)


async def test_above_the_value_where_two_must_agree_one_endpoints_word_buys_no_ticket(store):
    with anvil_node(31337, "--timestamp", str(int(START.timestamp()))) as node:
        async with lying_node(node.url) as first, lying_node(node.url) as second:
            driver = EvmDriver(node, evm_chain(31337), first)
            limits = {driver.chain.native.id: PRICE - 1}
            source = evm_source(driver.chain, first.url, second.url, agree_above=limits)
            world = AnvilWorld(store=store, chain=driver, source=source, record=driver.chain)
            world.watcher.receive = frozenset({driver.ours})
            await world.catch_up()
            second.lag = MINT + 2
            driver.pay(PRICE, memo(await world.event(), 1))
            await world.mine(MINT + 1)
            [payment] = await world.payments()
            assert (payment.outcome, payment.confirmations) == (Outcome.WAITING, 0)
            second.lag = 0
            await world.mine()
            assert await world.ticket_states() == ["valid"]
            await world.mine(FINAL)
            assert (await world.book()).faults == ()
            await source.aclose()


@pytest.mark.parametrize("depth", [1, 3])
async def test_a_payment_that_a_reorg_undoes_before_it_is_deep_enough_becomes_nothing(world, depth):
    event = await world.event()
    await world.mine(3)
    world.chain.pay(PRICE, memo(event, 1))
    await world.mine()
    world.chain.reorg(depth)
    await world.mine(FINAL)
    [payment] = await world.payments()
    assert payment.state is till.PaymentState.GONE
    assert await world.ticket_states() == []


async def test_a_ticket_is_suspended_with_its_payment_and_valid_again_when_it_returns(world):
    event = await world.event(capacity=1)
    txid = world.chain.pay(PRICE, memo(event, 1))
    await world.mine(MINT + 2)
    assert await world.ticket_states() == ["valid"]
    world.chain.reorg(MINT + 2)
    await world.mine()
    assert await world.ticket_states() == ["suspended"]
    world.chain.send_again(txid)
    await world.mine()
    assert await world.ticket_states() == ["valid"]
    await world.mine(FINAL)
    assert (await world.book()).faults == ()


@pytest.mark.parametrize("before", [1, MINT + 1])
async def test_a_contract_that_pays_by_block_number_is_worth_what_its_last_block_says(world, before):
    order = await world.order(await world.event(asset=world.record.tokens[0].id))
    world.chain.ours = order.address
    txid = world.chain.pay_by_block(PRICE)
    await world.mine(before)
    [payment] = await world.payments()
    assert payment.amount == PRICE
    world.chain.reorg(before)
    world.chain.send_again(txid)
    await world.mine(FINAL + 1)
    [payment] = await world.payments()
    assert (payment.amount, payment.state) == (1, till.PaymentState.FINAL)
    assert "valid" not in await world.ticket_states()
    book = await world.book()
    assert sorted(row[-1] for row in book.postings) == [-1, 1]
    assert book.faults == ()


async def test_a_payment_that_another_transaction_replaced_is_counted_once(world):
    event = await world.event()
    txid = world.chain.pay(PRICE, memo(event, 1))
    await world.mine(MINT)
    world.chain.reorg(MINT)
    world.chain.replace(txid)
    await world.mine(FINAL + 1)
    [payment] = await world.payments()
    assert payment.state is till.PaymentState.GONE
    assert await world.ticket_states() == ["suspended"]
    assert (await world.book()).postings == ()


async def test_a_reorg_below_finality_stops_the_chain_until_the_operator_has_looked(world):
    await world.mine(2 * FINAL)
    world.chain.reorg(FINAL + 3)
    world.chain.mine()
    await world.turn()
    [stopped] = await world.store.read(progress.status_of)
    assert stopped.status is Status.STOPPED
    assert "final is no longer on the chain" in stopped.reason
    asked = len(world.chain._proxy.asked)
    await world.turn()
    assert len(world.chain._proxy.asked) == asked, "a stopped chain is not asked again"
    await world.store.transact(lambda conn: resume(conn, CHAIN, anew=True))
    event = await world.event()
    await world.catch_up()
    world.chain.pay(PRICE, memo(event, 1))
    await world.mine(MINT)
    assert await world.ticket_states() == ["valid"]


async def test_an_endpoint_that_lags_undoes_nothing(world):
    event = await world.event()
    world.chain.pay(PRICE, memo(event, 1))
    await world.mine(MINT)
    world.chain.lag(MINT + 1)
    assert await world.turn() > timedelta(0)
    assert await world.ticket_states() == ["valid"]
    [read] = await world.store.read(progress.status_of)
    assert read.status is Status.FOLLOWING
    world.chain.lag(0)
    await world.mine()
    assert (await world.payments())[0].confirmations == MINT + 1


async def test_nothing_is_missed_in_an_outage_of_500_blocks(world):
    event = await world.event(capacity=2)
    for number in (1, 2, 3):
        world.chain.pay(PRICE, memo(event, number))
        world.chain.mine(166)
    world.chain.mine(2)
    await world.catch_up()
    first, second, third = await world.payments()
    assert [first.outcome, second.outcome] == [Outcome.MINTED, Outcome.MINTED]
    assert (third.outcome, third.reason) == (Outcome.OWED, Reason.SOLD_OUT)
    book = await world.book()
    assert (await world.ticket_states(), book.faults) == (["valid", "valid"], ())
