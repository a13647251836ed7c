"""Orders that are paid to integrated addresses, from a wallet on a real Monero regtest to the ticket.

All of them come to the primary address; the payment id alone says whose each is.
"""

from contextlib import asynccontextmanager
from functools import partial

import pytest

from chains.monero import address, uri
from chains.monero.derive import deriving
from config.registry import Family, Network
from tests.support.chains_drivers import follow
from tests.support.monero_proxy import monero_proxy
from tests.support.monero_world import monero_source, monero_world, watching
from tests.support.monerod import NodeError
from tests.support.natures import FINALITY, NATURES
from tests.support.stage import KEYS, Bill
from tests.support.stage_monero import integrated_stage
from tests.support.stages import world_on
from tickets import addresses
from tickets.reasons import Reason
from tickets.till import Outcome, PaymentState

pytestmark = [pytest.mark.xdist_group("chain monero"), pytest.mark.timeout(300)]

ANOTHER_ID = "0123456789abcdef"


@asynccontextmanager
async def telling(url, orders="integrated"):
    """A world of its own. What other tests have paid to the primary address is final."""
    monero_world().mine(FINALITY)
    async with world_on(partial(integrated_stage, orders), NATURES[Family.MONERO], url) as begun:
        yield begun


@pytest.fixture
async def world(database_urls):
    async with telling(database_urls("sqlite")) as begun:
        yield begun
        await begun.end()


def primary(world):
    return world.stage.settings.receive


def stray(world, payment_id):
    """A bill for the primary address with a payment id that no order has; None: without any."""
    to = primary(world) if payment_id is None else address.integrated(primary(world), payment_id, Network.TEST)
    return Bill(to=to, amount=world.price)


async def test_an_order_is_paid_by_its_payment_id_seen_in_the_pool_and_minted(world):
    event = await world.event(capacity=2)
    other, order = await world.order(event, 1), await world.order(event, 2)
    for one in (other, order):
        assert address.split(one.address, Network.TEST).address == primary(world)
    world.stage.pay(world.bill(order))
    await world.turn()
    [seen] = await world.payments()
    assert (seen.order_id, seen.outcome, seen.destination) == (order.id, Outcome.WAITING, primary(world))
    await world.mine(world.depth)
    [payment] = await world.payments()
    assert (payment.order_id, payment.outcome, payment.internal) == (order.id, Outcome.MINTED, False)
    assert await world.tickets() == [(str(world.account(2)), "valid")]
    assert [(await world.order_now(one)).state for one in (other, order)] == ["open", "paid"]
    await world.mine(FINALITY)
    assert {row[1] for row in (await world.book()).postings} == {"receipt", "sale"}


async def test_the_link_pays_it_from_a_wallet_that_reads_links(world):
    order = await world.order(await world.event(), 1)
    link = uri.payment_uri(order.address, world.price)
    read = monero_world().payer.rpc("parse_uri", uri=link)["uri"]
    assert (read["address"], int(read["amount"])) == (order.address, world.price)
    world.stage.pay(Bill(to=read["address"], amount=int(read["amount"])))
    await world.mine(world.depth)
    assert await world.ticket_states() == ["valid"]


async def test_two_payments_with_one_payment_id_are_two_payments_for_one_order(world):
    order = await world.order(await world.event(), 1)
    world.stage.pay(world.bill(order, world.price // 4))
    await world.mine(world.depth)
    assert [payment.outcome for payment in await world.payments()] == [Outcome.TOPPED_UP]
    world.stage.pay(world.bill(order, world.price - world.price // 4))
    await world.mine(world.depth)
    first, second = await world.payments()
    assert (first.order_id, second.order_id) == (order.id, order.id)
    assert {first.outcome, second.outcome} == {Outcome.MINTED}
    assert await world.ticket_states() == ["valid"]


async def test_a_transaction_has_one_payment_id_and_all_that_it_brings_is_for_that_order(world):
    event = await world.event(capacity=2)
    order, other = await world.order(event, 1), await world.order(event, 2)
    with pytest.raises(NodeError, match="A single payment id is allowed per transaction"):
        world.stage.pay(world.bill(order), world.bill(other))
    half = world.price // 2
    world.stage.pay(world.bill(order, half), Bill(to=primary(world), amount=half))
    await world.mine(world.depth)
    [payment] = await world.payments()
    assert (payment.amount, payment.outcome) == (world.price, Outcome.MINTED)


@pytest.mark.parametrize("payment_id", [ANOTHER_ID, None], ids=["another one", "none"])
async def test_without_an_orders_payment_id_it_is_money_for_no_order(world, payment_id):
    order = await world.order(await world.event(), 1)
    world.stage.pay(stray(world, payment_id))
    await world.mine(FINALITY + 1)
    [payment] = await world.payments()
    assert (payment.outcome, payment.reason, payment.owed) == (Outcome.OWED, Reason.NO_MEMO, world.price)
    assert (payment.order_id, payment.destination) == (None, primary(world))
    assert ((await world.order_now(order)).state, await world.tickets()) == ("open", [])


async def test_a_payment_that_a_reorg_takes_suspends_its_ticket_until_it_returns(world):
    order = await world.order(await world.event(capacity=1), 1)
    txid = world.stage.pay(world.bill(order))
    await world.mine(world.depth)
    assert await world.ticket_states() == ["valid"]
    world.stage.reorg(world.depth)
    await world.mine()
    assert await world.ticket_states() == ["suspended"]
    world.stage.send_again(txid)
    await world.mine()
    assert await world.ticket_states() == ["valid"]


async def test_a_payment_that_another_transaction_replaced_buys_nothing(world):
    order = await world.order(await world.event(), 1)
    txid = world.stage.pay(world.bill(order))
    await world.mine()
    world.stage.reorg(1)
    world.stage.replace(txid)
    await world.mine(FINALITY + 1)
    assert [payment.state for payment in await world.payments()] == [PaymentState.GONE]
    assert (await world.tickets(), (await world.book()).postings) == ([], ())


@pytest.mark.parametrize("how", ["restarted", "lost"])
async def test_a_wallet_that_is_restarted_or_lost_knows_every_payment_id_again(world, how):
    event = await world.event(capacity=2)
    first, second = await world.order(event, 1), await world.order(event, 2)
    world.stage.pay(world.bill(first))
    await world.mine()
    wallet = world.stage.wallet
    wallet.rpc("close_wallet")
    if how == "lost":
        wallet.lose("usher")
    world.stage.pay(world.bill(second))
    async with world.stage.stopped():
        assert len(world.hooks.troubles) == 0
    await world.mine(world.depth)
    assert {payment.order_id for payment in await world.payments()} == {first.id, second.id}
    assert await world.ticket_states() == ["valid", "valid"]


async def test_the_setting_may_change_to_and_fro_and_every_order_keeps_its_address(database_urls):
    async with telling(database_urls("sqlite"), "subaddress") as world:
        event = await world.event()
        first_key, chain = world.stage.first_key, world.stage.chain.id
        held, worlds = [await world.order(event, 1)], [world]
        for turn, orders in enumerate(["integrated", "subaddress"], 1):
            wallet = world.stage.settings.wallet.model_copy(update={"orders": orders})
            world.stage.settings = world.stage.settings.model_copy(update={"wallet": wallet})
            changed = await worlds[-1].again(world.url)
            worlds.append(changed)
            start = first_key + turn * KEYS
            fresh = changed.derive(start, KEYS)
            used_up = partial(addresses.jump, chain_id=chain, past=start - 1)
            await changed.store.transact(lambda conn, used_up=used_up: used_up(conn))
            await changed.store.transact(
                lambda conn, fresh=fresh, start=start: addresses.extend(conn, chain, fresh, start=start)
            )
            await changed.catch_up()
            changed.begun = changed.now
            held.append(await changed.order(event, turn + 1))
        monero_world().shown = max(monero_world().shown, first_key + 3 * KEYS)
        assert [len(order.address) for order in held] == [95, 106, 95]
        last = worlds[-1]
        for order in held:
            last.stage.pay(last.bill(order))
        await last.mine(last.depth)
        assert {payment.order_id for payment in await last.payments()} == {order.id for order in held}
        assert await last.ticket_states() == ["valid"] * 3
        for one in worlds[1:]:
            await one.aclose()


# --- what is no change -----------------------------------------------------------------------------------


@pytest.fixture
async def claiming():
    """A wallet that says that every output of the chain is ours: then each ring holds one."""
    everything = {"transfers": [{"global_index": place} for place in range(100_000)]}
    async with monero_proxy(monero_world().wallet.url) as proxy:
        proxy.twist = lambda method, _params, result: everything if method == "incoming_transfers" else result
        yield proxy


async def test_a_payment_for_an_order_is_no_change_whatever_its_rings_hold(claiming):
    world = monero_world()
    [order] = deriving(world.primary, world.view_key, integrated=True)(0, 1)
    source = monero_source(world, wallet=claiming.url)
    checkpoint = await source.start()
    txid = world.pay((order, 7))

    def internal(sweep):
        return [one.payment.internal for one in sweep.pending if one.payment.key.txid == txid]

    for blocks in (0, 1):
        world.mine(blocks)
        sweep = await source.poll(checkpoint, watching(world.primary, order))
        assert internal(sweep) == [False]
        unnamed = await source.poll(checkpoint, watching(world.primary))
        assert internal(unnamed) == [True]  # negative control: by its rings alone, it would be
    world.mine(FINALITY)
    final, _ = await follow(source, sweep.checkpoint, watching(world.primary, order))
    assert [(one.internal, one.references) for one in final if one.key.txid == txid] == [(False, (order,))]
    await source.aclose()


async def test_change_that_comes_to_the_primary_address_names_no_order(claiming):
    """Change carries a payment id that means nothing: it is none of ours, so that the rings still tell."""
    world = monero_world()
    orders = deriving(world.primary, world.view_key, integrated=True)(0, 100)
    source = monero_source(world, wallet=claiming.url)
    world.pay((world.primary, 10**12))
    world.mine(10)
    checkpoint = await source.start()
    with world.spending() as spender:
        destinations = [{"address": world.payer_address, "amount": 10**11}]
        txid = spender.rpc("transfer", destinations=destinations)["tx_hash"]
    sweep = await source.poll(checkpoint, watching(world.primary, *orders))
    [change] = [one.payment for one in sweep.pending if one.payment.key.txid == txid]
    assert (change.internal, change.references) == (True, ())
    world.mine()
    await source.aclose()


def test_the_orders_integrated_addresses_are_those_that_the_wallet_makes_of_their_payment_ids():
    world = monero_world()
    made = deriving(world.primary, world.view_key, integrated=True)(0, 5)
    for one in made:
        parts = world.payer.rpc("split_integrated_address", integrated_address=one)
        assert (parts["standard_address"], parts["is_subaddress"]) == (world.primary, False)
        again = world.payer.rpc(
            "make_integrated_address", standard_address=world.primary, payment_id=parts["payment_id"]
        )
        assert again["integrated_address"] == one
    assert len(set(made)) == len(made)
