"""From a payment out of a contract wallet to a ticket, on a real node and both databases."""

import pytest

from chains.evm.address import display
from chains.port import Note
from tests.support.chains_drivers import FINALITY, deploy
from tests.support.evm_payers import funded_safe, pay_from_safe, spread
from tests.support.monitor_anvil import anvil_world
from tests.support.monitor_world import PRICE, wallet
from tickets import notes
from tickets.reasons import Reason
from tickets.till import Outcome, PaymentState

ORDER_ADDRESSES = [wallet(0xAD00 + number) for number in range(3)]


@pytest.fixture
async def world(store):
    async with anvil_world(store, ORDER_ADDRESSES) as made:
        yield made


async def test_an_order_that_a_safe_pays_becomes_a_ticket_at_finality(world):
    safe = funded_safe(world.node, 10 * PRICE)
    order = await world.order(await world.event())
    pay_from_safe(world.node, safe, order.address, PRICE)
    await world.mine(FINALITY - 1)
    assert await world.payments() == []
    await world.mine()
    [payment] = await world.payments()
    assert (payment.order_id, payment.outcome, payment.state) == (order.id, Outcome.MINTED, PaymentState.FINAL)
    assert payment.first_seen == payment.block_time  # not when finality showed it: what is late is told by its block
    assert await world.ticket_states() == ["valid"]
    await world.mine(2)
    book = await world.book()
    assert {row[1] for row in book.postings} == {"receipt", "sale"}
    assert (book.faults, len(await world.payments())) == ((), 1)


async def test_the_transaction_that_the_safes_owner_sees_is_kept_and_finds_the_payment(world):
    safe = funded_safe(world.node, 10 * PRICE)
    order = await world.order(await world.event())
    txid = pay_from_safe(world.node, safe, order.address, PRICE)
    await world.mine(FINALITY)
    [payment] = await world.payments()

    def work(conn):
        found = notes.in_transaction(conn, txid, chain=payment.key.chain, limit=9)
        return found, notes.in_transaction(conn, txid, chain="eip155:1", limit=9), notes.of_payments(conn, found)

    found, elsewhere, noted = await world.store.read(work)
    assert (found, elsewhere) == ([payment.id], [])
    assert noted == {payment.id: (Note(txid=txid, sender=display(bytes.fromhex(safe[2:]))),)}
    assert (payment.sender, payment.amount) == (None, PRICE)


async def test_part_of_the_price_in_a_transfer_and_the_rest_out_of_a_contract_buy_together(world):
    spreader = deploy(world.node, "Spreader")
    order = await world.order(await world.event())
    world.node.send(to=order.address, value=PRICE - 400)
    spread(world.node, spreader, 400, order.address)
    await world.mine(FINALITY)
    found = sorted((payment.amount, payment.key.index) for payment in await world.payments())
    assert found == [(400, "internal"), (PRICE - 400, "v")]
    assert await world.ticket_states() == ["valid"]
    assert (await world.book()).faults == ()


async def test_what_comes_to_the_platforms_own_address_inside_a_call_names_nobody_and_is_owed_back(world):
    spreader = deploy(world.node, "Spreader")
    spread(world.node, spreader, PRICE, world.chain.ours)
    await world.mine(FINALITY)
    [payment] = await world.payments()
    assert (payment.outcome, payment.sender, payment.reason) == (Outcome.OWED, None, Reason.NO_MEMO)
    assert (await world.book()).faults == ()
