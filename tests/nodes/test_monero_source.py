"""Payments on a real Monero regtest: pool, blocks, locks, addresses of every kind, and our own change."""

import pytest

from chains.monero import address
from config.registry import Network
from tests.support.chains_drivers import follow
from tests.support.monero_proxy import monero_proxy
from tests.support.monero_world import PIECE, monero_source, monero_world, told, watching
from tests.support.monerod import JsonRpc, wallet_rpc
from tests.support.natures import FINALITY

pytestmark = pytest.mark.xdist_group("chain monero")  # whose process has the regtest

PAYMENT_ID = "0123456789abcdef"


@pytest.fixture
def world():
    running = monero_world()
    running.node.flush()
    return running


@pytest.fixture
async def source(world):
    opened = monero_source(world)
    yield opened
    await opened.aclose()


@pytest.fixture
async def proxy(world):
    """A wallet that can be made to tell otherwise."""
    async with monero_proxy(world.wallet.url) as running:
        yield running


@pytest.fixture
async def twisted(world, proxy):
    """A source that reads that wallet."""
    opened = monero_source(world, wallet=proxy.url)
    yield opened
    await opened.aclose()


async def test_a_payment_is_seen_in_the_pool_then_in_its_block_then_final(world, source):
    ours = world.fresh()
    watch, checkpoint = watching(ours), await source.start()
    txid = world.pay((ours, 7))
    waiting = await source.poll(checkpoint, watch)
    [entry] = waiting.pending
    assert (entry.payment.key.txid, entry.payment.amount, entry.confirmations) == (txid, 7, 0)
    assert (entry.payment.block, entry.payment.destination, entry.payment.sender) == (None, ours, None)
    world.mine()
    mined = await source.poll(waiting.checkpoint, watch)
    assert (told(mined), mined.gone) == ([(7, 1)], ())
    assert mined.pending[0].payment.key == entry.payment.key
    world.mine(FINALITY - 1)
    final, last = await follow(source, mined.checkpoint, watch)
    assert [payment.key for payment in final] == [entry.payment.key]
    assert (last.pending, last.gone) == ((), ())


async def test_outputs_to_one_subaddress_add_up_and_to_two_are_two_payments(world, source):
    one, other = world.fresh(), world.fresh()
    checkpoint = await source.start()
    txid = world.pay((one, 1000), (other, 7), (one, 500))
    in_pool = await source.poll(checkpoint, watching(one, other))
    world.mine()
    in_block = await source.poll(in_pool.checkpoint, watching(one, other))
    for sweep in (in_pool, in_block):
        paid = {entry.payment.destination: entry.payment for entry in sweep.pending}
        assert {address: payment.amount for address, payment in paid.items()} == {one: 1500, other: 7}
        assert {payment.key.txid for payment in paid.values()} == {txid}
        assert len({payment.key.payment_id for payment in paid.values()}) == 2


async def test_an_integrated_address_names_an_order_where_it_is_watched(world, source):
    world.mine(FINALITY)  # what other tests have paid to the primary address is final
    both = address.integrated(world.primary, PAYMENT_ID, Network.TEST)
    checkpoint = await source.start()
    world.pay((both, 11))
    world.mine()
    for watch, references in ((watching(world.primary, both), (both,)), (watching(world.primary), ())):
        [entry] = (await source.poll(checkpoint, watch)).pending
        assert (entry.payment.destination, entry.payment.references) == (world.primary, references)
    assert (await source.poll(checkpoint, watching(world.fresh()))).pending == ()


async def test_a_coinbase_is_in_no_block_that_counts_until_it_can_be_spent(world, source):
    world.mine(FINALITY)  # what other tests have paid there is final
    watch, checkpoint = watching(world.primary), await source.start()
    world.mine(1, to=world.primary)
    height = world.node.height()
    fresh = await source.poll(checkpoint, watch)
    assert [entry.confirmations for entry in fresh.pending] == [0]
    world.mine(FINALITY + 1)
    final, locked = await follow(source, fresh.checkpoint, watch)
    assert (final, locked.final_height >= height) == ([], True)
    assert [(entry.payment.block, entry.confirmations) for entry in locked.pending] == [(None, 0)]
    world.mine(60 - (FINALITY + 1) - 2)
    final, locked = await follow(source, locked.checkpoint, watch)
    assert (final, len(locked.pending)) == ([], 1)
    world.mine(1)
    final, last = await follow(source, locked.checkpoint, watch)
    assert [payment.block.height for payment in final] == [height]
    assert last.tip.height - height + 1 == 60
    assert last.pending == ()


def locking(unlock_time):
    """The wallet tells of a lock that the daemons of today relay no more."""

    def lock(method, _params, result):
        if method == "get_transfers":
            return {kind: [{**one, "unlock_time": unlock_time} for one in entries] for kind, entries in result.items()}
        return result

    return lock


async def test_an_output_locked_to_a_height_is_no_payment_until_the_chain_is_there(world, proxy, twisted):
    ours = world.fresh()
    watch, checkpoint = watching(ours), await twisted.start()
    world.pay((ours, 7))
    world.mine()
    height = world.node.height()
    proxy.twist = locking(height + 12)
    early = await twisted.poll(checkpoint, watch)
    world.mine(10)
    final, below = await follow(twisted, early.checkpoint, watch)
    assert (told(early), told(below), final) == ([(7, 0)], [(7, 0)], [])
    world.mine(1)
    final, last = await follow(twisted, below.checkpoint, watch)
    assert [(payment.amount, payment.block.height) for payment in final] == [(7, height)]
    assert last.tip.height + 1 == height + 12


async def test_an_output_locked_to_a_time_waits_for_the_chains_own_clock(world, proxy, twisted):
    ours = world.fresh()
    watch, checkpoint = watching(ours), await twisted.start()
    world.pay((ours, 7))
    world.mine()
    now = world.node.rpc("get_last_block_header")["block_header"]["timestamp"]
    proxy.twist = locking(now + 10_000)
    locked = await twisted.poll(checkpoint, watch)
    proxy.twist = locking(now)
    opened = await twisted.poll(checkpoint, watch)
    assert (told(locked), told(opened)) == ([(7, 0)], [(7, 1)])


@pytest.fixture
async def images(world):
    """A wallet of its own for tests that import key images into it, or must be sure that none are there."""
    with wallet_rpc(world.node.url) as rpc:
        async with monero_proxy(rpc.url) as running:
            yield running


async def spend_some(world):
    """Spend what we have received, and return the transaction that waits."""
    world.pay((world.primary, 3 * PIECE))
    world.mine(10)  # from then on it can be spent
    with world.spending() as spender:
        destinations = [{"address": world.payer_address, "amount": PIECE}]
        txid: str = spender.rpc("transfer", destinations=destinations)["tx_hash"]
        return txid


async def test_change_of_our_own_spends_is_internal_before_the_wallet_knows_key_images_and_after(world, images):
    source, watch = monero_source(world, wallet=images.url), watching(world.primary)
    checkpoint = await source.start(1)  # key images are imported for all outputs that ever were
    spent = await spend_some(world)
    _, in_pool = await follow(source, checkpoint, watch)
    world.mine()
    in_block = await source.poll(in_pool.checkpoint, watch)
    for sweep in (in_pool, in_block):
        assert [one.payment.internal for one in sweep.pending if one.payment.key.txid == spent] == [True]
    with world.spending() as spender:
        keys = spender.rpc("export_key_images", all=True)["signed_key_images"]
    JsonRpc(images.upstream).rpc("import_key_images", signed_key_images=keys)
    told_now = JsonRpc(images.upstream).rpc("get_transfers", **{"in": True, "out": True})
    assert spent in {one["txid"] for one in told_now["out"]}
    assert spent not in {one["txid"] for one in told_now["in"]}  # from now on the wallet tells of the spend alone
    after = await source.poll(in_block.checkpoint, watch)
    assert (after.pending, after.gone) == (in_block.pending, ())
    world.mine(FINALITY)
    final, _ = await follow(source, after.checkpoint, watch)
    assert [payment.internal for payment in final if payment.key.txid == spent] == [True]
    await source.aclose()


async def test_without_the_rings_change_would_be_income(world, images):
    """Negative control: a wallet that says that none of the outputs in the rings is ours."""
    images.twist = lambda method, _params, result: {} if method == "incoming_transfers" else result
    source = monero_source(world, wallet=images.url)
    checkpoint = await source.start()
    spent = await spend_some(world)
    sweep = await source.poll(checkpoint, watching(world.primary))
    assert [one.payment.internal for one in sweep.pending if one.payment.key.txid == spent] == [False]
    world.mine()
    await source.aclose()


async def test_a_strangers_payment_to_the_primary_address_is_none_of_our_own(world, proxy, twisted):
    """On a chain as small as this, a stranger's decoys are likely to be ours; on the real one they are not."""
    checkpoint = await twisted.start()
    txid = world.pay((world.primary, 5))
    proxy.twist = lambda method, _params, result: {} if method == "incoming_transfers" else result
    sweep = await twisted.poll(checkpoint, watching(world.primary))
    assert [one.payment.internal for one in sweep.pending if one.payment.key.txid == txid] == [False]
    world.mine()


async def test_cost_follows_our_payments_and_not_the_chains(world):
    """Blocks in which nobody pays us are never asked for, however many there are."""
    ours = world.fresh()
    async with monero_proxy(world.node.url) as daemon:
        source = monero_source(world, daemon.url)
        checkpoint = await source.start()
        world.pay((world.payer_address, 5), (ours, 6))
        world.mine()
        world.pay((world.payer_address, 5))
        world.mine(9)
        await source.poll(checkpoint, watching(ours))
        assert daemon.asked.count("get_block") <= 2  # read, and read again before it is final
        assert len(daemon.asked) < 16
        await source.aclose()
