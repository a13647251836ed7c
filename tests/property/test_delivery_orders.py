"""Invariant: however one history of a chain is delivered, the same tables come of it, and the book is sound.

Block by block, in ranges, at once, with everything said twice, with payments seen before they are in a block: the
order in which a chain made payments ripe decides who gets the last place, never the moment at which we looked. The
seed is in the test's name; USHER_SEED pins it.
"""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from chains.testing import FakeChain
from config.registry import MintStep
from monitor.changes import replay
from monitor.housekeeping import Housekeeping
from monitor.settlement import _stakes as stakes
from payouts.invariants import payments_told_otherwise
from store.engine import open_store
from tests.support.monitor_history import (
    DELIVERIES,
    Recorder,
    all_at_once,
    block_by_block,
    dice,
    pay_at_random,
    scarce_history,
    seeds,
    settled_world,
)
from tests.support.monitor_world import CHAIN_RECORD, PRICE, RECEIVE, World, holder, memo, terms, wallet
from tickets import till


@pytest.fixture
async def stores(request, database_urls):
    opened = []

    def fresh(kind):
        opened.append(open_store(database_urls(kind)))
        return opened[-1]

    yield fresh
    for store in opened:
        await store.aclose()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize("seed", seeds(4))
async def test_every_delivery_order_ends_in_the_same_tables(stores, kind, seed):
    books = {}
    for deliver in DELIVERIES:
        world = await settled_world(stores(kind), scarce_history(seed))
        await deliver(world, seed)
        books[deliver.__name__] = await world.book()
    first = books["block_by_block"]
    assert first.faults == ()
    assert first.tickets, "a history without a ticket shows nothing"
    for name, book in books.items():
        assert book == first, name


@pytest.mark.parametrize("guarded", [True, False])
async def test_only_the_chains_own_order_makes_the_last_place_independent_of_when_we_looked(
    stores, monkeypatch, guarded
):
    if not guarded:
        monkeypatch.setattr("monitor.settlement._turn", lambda ripe: (ripe.height,))
    winners = set()
    for deliver in (block_by_block, all_at_once):
        world = World(store=stores("sqlite"))
        event = await world.event(capacity=1)
        world.chain.pay(RECEIVE, PRICE, memo=memo(event, 1), sender=wallet(1)).pay(RECEIVE, PRICE).mine()
        world.chain.pay(RECEIVE, PRICE, memo=memo(event, 2), sender=wallet(2)).mine(12)  # alone in its block
        await deliver(world, 0)
        winners.update(ticket[3] for ticket in (await world.book()).tickets)
    assert winners == ({str(holder(2))} if guarded else {str(holder(1)), str(holder(2))})


@pytest.mark.parametrize("guarded", [True, False])
async def test_only_a_purse_that_is_kept_makes_the_last_place_independent_of_when_we_looked(
    stores, monkeypatch, guarded
):
    """Two parts of one purchase need the depth of both, whether the first was settled before the second came or not."""
    if not guarded:
        monkeypatch.setattr("monitor.settlement._stakes", stakes_by_order)
    steps = {"*": (MintStep(up_to=PRICE, confirmations=2), MintStep(up_to=None, confirmations=6))}
    winners = set()
    for deliver in (block_by_block, all_at_once):
        world = World(store=stores("sqlite"), record=replace(CHAIN_RECORD, mint_steps=steps))
        event = await world.event(capacity=2, slug="rare")
        world.chain.mine(2)
        world.chain.pay(RECEIVE, PRICE, memo=memo(event, 1, ":qty:2"), sender=wallet(1)).mine(3)
        by_number = f"event:{event.id}:wallet:{wallet(1)}:qty:2"
        world.chain.pay(RECEIVE, PRICE, memo=by_number, sender=wallet(1)).mine()
        world.chain.pay(RECEIVE, PRICE, memo=memo(event, 2), sender=wallet(2)).mine(14)
        await deliver(world, 0)
        winners.update(ticket[3] for ticket in (await world.book()).tickets)
    assert winners == ({str(holder(2))} if guarded else {str(holder(1)), str(holder(2))})


def stakes_by_order(sitting, sweep):
    """Name a settled payment's purse after its order, as nobody would before it is settled."""
    return {
        payment_id: replace(stake, purse=order_id) if (order_id := settled_in(sitting, payment_id)) else stake
        for payment_id, stake in stakes(sitting, sweep).items()
    }


def settled_in(sitting, payment_id):
    record = sitting.payment(payment_id)
    return None if record.outcome is till.Outcome.WAITING else record.order_id


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize("seed", seeds(6))
async def test_whatever_vanishes_for_good_every_final_payment_is_used_or_owed_back_once(stores, kind, seed):
    """After any reorgs above finality and any end of grace, the book is sound, and tells what the chain did."""
    world = await settled_world(stores(kind), FakeChain())
    recorder = world.watcher.hooks = Recorder()
    keeper = Housekeeping(store=world.store, terms=(terms(),), clock=lambda: world.now)
    await suffer(world, keeper, dice(seed))
    book = await world.book()
    assert book.faults == ()
    assert await world.store.read(lambda conn: payments_told_otherwise(conn, recorder.final)) == []
    final = {row[0]: row for row in book.payments if row[3] == "final"}
    assert final.keys() == {payment.key.payment_id for payment in recorder.final}
    assert {row[5] for row in final.values()} <= {"minted", "topped_up", "owed", "internal"}
    valid = Counter(ticket[1] for ticket in book.tickets if ticket[-1] == "valid")
    assert {tier: sold for tier, _, sold in book.tiers if sold} == valid
    assert {row[5] for row in book.payments if row[3] == "gone"} <= {"waiting", "internal"}


async def suffer(world, keeper, thrown):
    """Live through blocks and reorgs that lose payments for good, change them, or mine them again much later."""
    later = []
    for _ in range(25):
        pay_at_random(world.chain, thrown)
        await world.mine(thrown.randrange(1, 3))
        if thrown.random() < 0.4:
            depth = thrown.randrange(1, min(7, world.chain.height) + 1)
            world.chain.fork_at(world.chain.height - depth)
            later += [payment for payment in world.chain._pool if thrown.random() < 0.3]
            kept = [payment for payment in world.chain._pool if payment not in later and thrown.random() < 0.7]
            world.chain._pool = [replace(p, amount=thrown.choice((p.amount, p.amount, 1))) for p in kept]
            world.chain.mine(depth + thrown.randrange(1, 3))
            await world.turn()
        if thrown.random() < 0.2:
            world.chain._pool, later = [*world.chain._pool, *later], []
        if thrown.random() < 0.1:
            await let_time_pass(world, timedelta(minutes=62))
            await keeper.end_grace()
    await world.mine(10)
    await let_time_pass(world, timedelta(days=2))
    for chore in (keeper.end_grace, keeper.expire_orders, keeper.complete_events, keeper.return_topups):
        await chore()


async def let_time_pass(world, time):
    """Let the next block come that much later."""
    world.chain._block_seconds = int(time.total_seconds())
    world.chain.mine()
    world.chain._block_seconds = 1
    world.now += time
    await world.turn()


@pytest.mark.parametrize("seed", seeds(6))
async def test_payments_that_all_return_after_reorgs_end_in_the_book_of_the_chain_that_stands(stores, seed):
    live = World(store=stores("sqlite"))
    await live.event(slug="wide")
    await wander(live, dice(seed))
    late = World(store=stores("sqlite"), chain=live.chain)
    await late.event(slug="wide")
    await late.catch_up()
    assert await live.book() == await late.book()
    assert (await live.book()).faults == ()


@pytest.mark.parametrize("seed", seeds(6))
async def test_replaying_all_changes_equals_the_live_records(stores, seed):
    recorder = Recorder()
    world = World(store=stores("sqlite"))
    world.watcher.hooks = recorder
    await world.event(slug="wide")
    await wander(world, dice(seed))
    replayed = replay({}, recorder.happened)
    live = await world.store.read(lambda conn: till.by_ids(conn, [record.id for record in replayed.values()]))
    assert await world.store.read(lambda conn: payments_told_otherwise(conn, recorder.final)) == []
    assert {record.key: placed(record) for record in live.values()} == {
        key: placed(record) for key, record in replayed.items()
    }


def placed(record):
    """Leave out what became of a payment: changes speak of the chain only."""
    undecided = {"outcome": till.Outcome.WAITING, "reason": None, "applied": 0, "owed": 0}
    return replace(record, **undecided, order_id=None, purse=None, booked=False)


async def wander(world, thrown):
    """Live through blocks and reorgs below finality, in which every transaction is mined again sooner or later."""
    for number in range(1, 25):
        if thrown.random() < 0.7:
            amount = thrown.choice((PRICE, PRICE // 2, 2 * PRICE))
            world.chain.pay(RECEIVE, amount, memo=f"event:wide:wallet:{wallet(number)}", sender=wallet(number))
        await world.mine(thrown.randrange(1, 3))
        if thrown.random() < 0.4:
            depth = thrown.randrange(1, min(7, world.chain.height) + 1)
            world.chain.fork_at(world.chain.height - depth)
            held, world.chain._pool = world.chain._pool, []
            world.chain.mine(depth + thrown.randrange(2))
            await world.turn()
            world.chain._pool = held
    await world.mine(20)
