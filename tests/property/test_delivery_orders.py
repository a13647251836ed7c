"""Invariant: however one history of a chain is delivered, the same tables come of it, and the book is sound.

Block by block, in ranges, at once, with everything said twice, with payments seen before they are in a block: the
order in which a chain made payments ripe decides who gets the last place, never the moment at which we looked. The
seed is in the test's name; USHER_SEED pins it.
"""

from dataclasses import replace

import pytest

from monitor.changes import replay
from store.engine import open_store
from tests.support.monitor_history import (
    DELIVERIES,
    Recorder,
    all_at_once,
    block_by_block,
    dice,
    scarce_history,
    seeds,
    settled_world,
)
from tests.support.monitor_world import PRICE, RECEIVE, World, holder, memo, wallet
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
    assert {record.key: placed(record) for record in live.values()} == {
        key: placed(record) for key, record in replayed.items()
    }


def placed(record):
    """Leave out what became of a payment: changes speak of the chain only."""
    return replace(record, outcome=till.Outcome.WAITING, reason=None, applied=0, owed=0, order_id=None, booked=False)


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
