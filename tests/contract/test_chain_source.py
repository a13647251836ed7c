"""What chains/port.py requires, asked of every implementation by one body.

What a family cannot have by its nature stands in tests/support/natures.py, and only that is not asked of it.
"""

import json

import pytest

from chains.catalogue import FAMILIES
from chains.errors import DeepReorgError, TransientError
from chains.port import Watch
from config.registry import Family
from tests.support.chains_drivers import DRIVERS, FINALITY, drivers, follow, nature, on_one_worker
from tests.support.natures import NATURES, Nature
from tests.support.sweeps import amounts, pending

pytestmark = pytest.mark.timeout(300)  # a chain's first test waits for its node, and Monero's mines coins first


def needing(*wanted):
    """Ask only the drivers whose chains can have this."""
    return pytest.mark.parametrize("driver", on_one_worker(drivers(*wanted)), indirect=True)


@pytest.fixture(params=on_one_worker(DRIVERS))
async def driver(request):
    _, start = DRIVERS[request.param]
    async with start() as running:
        running.nature = nature(request.param)
        yield running


@pytest.fixture
async def source(driver):
    opened = driver.source()
    yield opened
    await opened.aclose()


def test_every_family_in_the_catalogue_has_a_driver_here():
    assert {family for family, _ in DRIVERS.values() if family} == set(FAMILIES)


def test_the_evm_chains_are_asked_for_everything():
    assert NATURES[Family.EVM] == Nature(nobody=NATURES[Family.EVM].nobody)
    assert {"ethereum", "polygon", "bnb"} <= {name for name, (family, _) in DRIVERS.items() if family is Family.EVM}


async def test_a_payment_becomes_final_exactly_once_and_in_order(driver, source):
    driver.mine()
    checkpoint = await source.start()
    found = []
    for amount in range(1, 6):
        driver.pay(amount, f"memo {amount}")
        driver.mine(2)
        final, sweep = await follow(source, checkpoint, driver.watch)
        found += final
        checkpoint = sweep.checkpoint
    driver.mine(FINALITY)
    final, sweep = await follow(source, checkpoint, driver.watch)
    found += final
    assert amounts(found) == [1, 2, 3, 4, 5]
    texts = [(f"memo {amount}",) if driver.nature.memos else () for amount in range(1, 6)]
    assert [payment.memos for payment in found] == texts
    assert {payment.destination for payment in found} == {driver.ours}
    assert sweep.pending == ()
    assert (await source.poll(sweep.checkpoint, driver.watch)).final == ()


async def test_finality_is_reached_with_the_configured_confirmations_and_not_before(driver, source):
    checkpoint = await source.start()
    driver.pay(7)
    driver.mine(FINALITY - 1)
    final, sweep = await follow(source, checkpoint, driver.watch)
    assert (amounts(final), pending(sweep)) == ([], {7: FINALITY - 1})
    driver.mine()
    final, sweep = await follow(source, sweep.checkpoint, driver.watch)
    assert (amounts(final), pending(sweep)) == ([7], {})
    assert final[0].block.height == sweep.final_height == sweep.tip.height - FINALITY + 1


async def test_polling_twice_from_one_checkpoint_reports_the_same(driver, source):
    checkpoint = await source.start()
    driver.pay(1)
    driver.mine()
    driver.pay(2)
    driver.mine(FINALITY)
    first = await source.poll(checkpoint, driver.watch)
    assert amounts(first.final) == [1, 2]
    assert await source.poll(checkpoint, driver.watch) == first


async def test_confirmations_of_a_pending_payment_rise_with_each_block(driver, source):
    checkpoint = await source.start()
    driver.pay(1)
    seen = []
    for _ in range(3):
        driver.mine()
        sweep = await source.poll(checkpoint, driver.watch)
        checkpoint = sweep.checkpoint
        seen.append(pending(sweep))
    assert seen == [{1: 1}, {1: 2}, {1: 3}]


@pytest.mark.parametrize("depth", [1, 3])
async def test_a_reorg_makes_the_payments_of_the_replaced_blocks_gone_and_no_others(driver, source, depth):
    checkpoint = await source.start()
    driver.pay(1)
    driver.mine()
    driver.pay(2)
    driver.mine(depth)
    _, before = await follow(source, checkpoint, driver.watch)
    assert set(pending(before)) == {1, 2}
    driver.reorg(depth)
    _, after = await follow(source, before.checkpoint, driver.watch)
    assert [key.txid for key in after.gone] == [
        entry.payment.key.txid for entry in before.pending if entry.payment.amount == 2
    ]
    assert set(pending(after)) == {1}
    driver.mine(FINALITY)
    final, _ = await follow(source, after.checkpoint, driver.watch)
    assert amounts(final) == [1]


@needing("replaces")
async def test_a_replaced_transaction_is_gone_and_never_final(driver, source):
    checkpoint = await source.start()
    txid = driver.pay(5)
    driver.mine()
    before = await source.poll(checkpoint, driver.watch)
    driver.reorg(1)
    driver.replace(txid)
    driver.mine()
    after = await source.poll(before.checkpoint, driver.watch)
    assert [key.txid for key in after.gone] == [txid]
    driver.mine(FINALITY)
    final, _ = await follow(source, after.checkpoint, driver.watch)
    assert final == []


async def test_a_payment_that_returns_is_pending_again_and_final_once(driver, source):
    checkpoint = await source.start()
    txid = driver.pay(5, "back again")
    driver.mine()
    before = await source.poll(checkpoint, driver.watch)
    driver.reorg(1)
    away = await source.poll(before.checkpoint, driver.watch)
    assert away.gone == tuple(entry.payment.key for entry in before.pending)
    driver.send_again(txid)
    driver.mine()
    back = await source.poll(away.checkpoint, driver.watch)
    assert [entry.payment.key for entry in back.pending] == [entry.payment.key for entry in before.pending]
    assert back.gone == ()
    driver.mine(FINALITY)
    final, _ = await follow(source, back.checkpoint, driver.watch)
    assert [payment.key.txid for payment in final] == [txid]


async def test_a_payment_that_only_moves_to_another_block_is_not_gone(driver, source):
    checkpoint = await source.start()
    txid = driver.pay(5)
    driver.mine()
    before = await source.poll(checkpoint, driver.watch)
    driver.reorg(1)
    driver.send_again(txid)
    driver.mine()
    after = await source.poll(before.checkpoint, driver.watch)
    assert after.gone == ()
    assert after.pending[0].payment.block != before.pending[0].payment.block


@needing("pays_by_block")
async def test_a_payment_that_is_another_in_its_new_block_is_gone_and_seen_anew(driver, source):
    checkpoint = await source.start()
    txid = driver.pay_by_block(5)
    driver.mine()
    before = await source.poll(checkpoint, driver.watch)
    assert pending(before) == {5: 1}
    driver.reorg(1)
    driver.send_again(txid)
    driver.mine()
    after = await source.poll(before.checkpoint, driver.watch)
    [was], [now] = before.pending, after.pending
    assert (now.payment.key, now.payment.amount) == (was.payment.key, 1)
    assert after.gone == (was.payment.key,)
    driver.mine(FINALITY)
    final, last = await follow(source, after.checkpoint, driver.watch)
    assert (amounts(final), last.gone) == ([1], ())


async def test_a_payment_under_way_becomes_final_though_the_watch_has_lost_its_address(driver, source):
    checkpoint = await source.start()
    driver.pay(5)
    driver.mine(2)
    before = await source.poll(checkpoint, driver.watch)
    driver.mine(FINALITY)
    driver.pay(6)
    driver.mine()
    nobody = Watch(active=frozenset({driver.nature.nobody}))
    final, last = await follow(source, before.checkpoint, nobody)
    assert (amounts(final), last.gone) == ([5], ())


async def test_an_endpoint_that_lags_suspends_nothing(driver, source):
    checkpoint = await source.start()
    driver.mine(2)
    driver.pay(5)
    driver.mine(2)
    before = await source.poll(checkpoint, driver.watch)
    driver.lag(2)
    with pytest.raises(TransientError):
        await source.poll(before.checkpoint, driver.watch)
    driver.lag(0)
    assert await driver.source().poll(before.checkpoint, driver.watch) == before


async def test_a_final_block_that_changes_is_a_deep_reorg(driver, source):
    checkpoint = await source.start()
    driver.mine(FINALITY + 2)
    _, sweep = await follow(source, checkpoint, driver.watch)
    driver.reorg(FINALITY + 1)
    with pytest.raises(DeepReorgError, match=str(sweep.final_height)):
        await source.poll(sweep.checkpoint, driver.watch)


async def test_a_new_process_goes_on_from_the_stored_checkpoint_as_if_nothing_had_been(driver, source):
    checkpoint = await source.start()
    found = []
    for amount in range(1, 5):
        driver.pay(amount)
        driver.mine(4)
        fresh = driver.source()
        sweep = await fresh.poll(json.loads(json.dumps(checkpoint)), driver.watch)
        await fresh.aclose()
        checkpoint = sweep.checkpoint
        found += sweep.final
    driver.mine(FINALITY)
    final, _ = await follow(source, json.loads(json.dumps(checkpoint)), driver.watch)
    assert amounts([*found, *final]) == [1, 2, 3, 4]


async def test_a_range_and_single_blocks_give_the_same_payments(driver, source):
    start = await source.start()
    checkpoint, one_by_one = start, []
    for amount in range(1, 13):
        driver.pay(amount, f"memo {amount}")
        if amount % 3 == 0:
            driver.pay_twice(100 + amount)
        driver.mine()
        sweep = await source.poll(checkpoint, driver.watch)
        checkpoint = sweep.checkpoint
        one_by_one += sweep.final
    at_once, last = await follow(source, start, driver.watch)
    in_parts, also_last = await follow(driver.source(blocks_per_poll=2), start, driver.watch)
    assert one_by_one == at_once == in_parts
    assert sweep.pending == last.pending == also_last.pending


async def test_a_poll_reads_a_bounded_part_and_says_that_more_waits(driver):
    source = driver.source(blocks_per_poll=5)
    checkpoint = await source.start()
    begin = driver.height
    driver.pay(1)
    driver.mine(12)
    sweep = await source.poll(checkpoint, driver.watch)
    assert sweep.behind
    assert sweep.tip.height < begin + 12
    final, sweep = await follow(source, sweep.checkpoint, driver.watch)
    assert amounts(final) == [1]
    assert sweep.tip.height == begin + 12


async def test_two_payments_in_one_transaction_are_two_payments(driver, source):
    checkpoint = await source.start()
    txid = driver.pay_twice(5)
    driver.mine()
    sweep = await source.poll(checkpoint, driver.watch)
    keys = [entry.payment.key for entry in sweep.pending]
    assert [key.txid for key in keys] == [txid, txid]
    assert len({key.payment_id for key in keys}) == 2
    assert amounts([entry.payment for entry in sweep.pending]) == [5, 5]


async def test_payments_to_others_are_not_reported(driver, source):
    checkpoint = await source.start()
    driver.pay(5)
    driver.mine(FINALITY)
    nobody = Watch(active=frozenset({driver.nature.nobody}))
    final, sweep = await follow(source, checkpoint, nobody)
    assert (final, sweep.pending) == ([], ())
