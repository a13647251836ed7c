"""The daemons behind a Monero source: reorgs, double spends, and those that lie, lag or answer for somebody else."""

import pytest

from chains.errors import DeepReorgError, TransientError, WrongChainError
from tests.support.chains_drivers import follow
from tests.support.monero_proxy import monero_proxy, truth
from tests.support.monero_world import monero_source, monero_world, reading, told, watching
from tests.support.natures import FINALITY

pytestmark = pytest.mark.xdist_group("chain monero")


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
async def one(world):
    async with monero_proxy(world.node.url) as proxy:
        yield proxy


@pytest.fixture
async def other(world):
    async with monero_proxy(world.node.url) as proxy:
        yield proxy


# --- reorgs and the pool -------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 3])
async def test_a_payment_that_falls_back_into_the_pool_waits_there_and_is_mined_again(world, source, depth):
    ours = world.fresh()
    checkpoint = await source.start()
    world.pay((ours, 7))
    world.mine(depth)
    before = await source.poll(checkpoint, watching(ours))
    world.node.pop(depth, flush=False)
    waiting = world.node.post("/get_transaction_pool")["transactions"]
    world.node.flush()
    world.mine(depth)
    for one in waiting:  # it is in no block now, and waits
        world.node.post("/send_raw_transaction", tx_as_hex=one["tx_blob"], do_not_relay=False)
    fallen = await source.poll(before.checkpoint, watching(ours))
    assert (told(before), told(fallen), fallen.gone) == ([(7, depth)], [(7, 0)], ())
    world.mine()
    again = await source.poll(fallen.checkpoint, watching(ours))
    assert (told(again), again.gone) == ([(7, 1)], ())
    assert again.pending[0].payment.key == before.pending[0].payment.key
    world.mine(FINALITY)
    final, last = await follow(source, again.checkpoint, watching(ours))
    assert ([payment.amount for payment in final], last.pending) == ([7], ())


async def test_a_payment_whose_money_was_spent_elsewhere_is_gone(world, source):
    ours = world.fresh()
    checkpoint = await source.start()
    txid = world.pay((ours, 7))
    waiting = await source.poll(checkpoint, watching(ours))
    world.node.flush()
    world.double_spend(txid)
    contested = await source.poll(waiting.checkpoint, watching(ours))
    assert (told(contested), contested.gone) == ([(7, 0)], ())  # another one waits: that proves nothing yet
    world.mine()
    after = await source.poll(contested.checkpoint, watching(ours))
    assert ([key.txid for key in after.gone], after.pending) == ([txid], ())
    assert (await source.poll(after.checkpoint, watching(ours))).gone == ()


def untold(txid, *, owner):
    """Answers of a wallet that has counted the keys of a transaction for another one (None: that tells nothing)."""

    def twist(method, _params, result):
        if method == "get_transfers":
            return {**result, "in": [one for one in result.get("in", []) if one["txid"] != txid]}
        if method == "incoming_transfers":
            entries = [one for one in result["transfers"] if owner is not None or one["tx_hash"] != txid]
            return {"transfers": [one | ({"tx_hash": owner} if one["tx_hash"] == txid else {}) for one in entries]}
        return result

    return twist


async def test_a_payment_whose_key_was_used_before_gives_its_place_away_when_its_block_is_final(world, one, other):
    """A wallet makes no such transaction: the daemons' answers are true, those of the wallet as it gives them then."""
    ours = world.fresh()
    async with (
        monero_proxy(world.wallet.url) as wallet,
        reading(world, one.url, other.url, wallet=wallet.url) as source,
    ):
        checkpoint = await source.start()
        txid = world.pay((ours, 7))
        waiting = await source.poll(checkpoint, watching(ours))
        wallet.twist = untold(txid, owner=None)
        world.mine(FINALITY)
        _, silent = await follow(source, waiting.checkpoint, watching(ours))
        assert (told(silent), silent.gone) == ([(7, 0)], ())  # that the wallet tells nothing proves nothing
        wallet.twist = untold(txid, owner="ab" * 32)
        other.twist = lambda method, _params, result: {**result, "txs": []} if method == "/get_transactions" else result
        alone = await source.poll(silent.checkpoint, watching(ours))
        assert (told(alone), alone.gone) == ([(7, 0)], ())  # nor does the word of one daemon, where there are two
        other.twist = truth
        burnt = await source.poll(alone.checkpoint, watching(ours))
        assert ([key.txid for key in burnt.gone], burnt.pending) == ([txid], ())
        assert (await source.poll(burnt.checkpoint, watching(ours))).gone == ()


async def test_of_two_payments_with_the_same_money_the_later_one_is_told_until_one_is_mined(world, source):
    first, second = world.fresh(), world.fresh()
    watch, checkpoint = watching(first, second), await source.start()
    earlier = world.pay((first, 7))
    waiting = await source.poll(checkpoint, watch)
    world.node.flush()
    later = world.double_spend(earlier, to=second)
    contested = await source.poll(waiting.checkpoint, watch)
    assert [entry.payment.key.txid for entry in waiting.pending] == [earlier]
    assert ([entry.payment.key.txid for entry in contested.pending], contested.gone) == ([later], ())
    world.mine()
    mined = await source.poll(contested.checkpoint, watch)
    assert [(entry.payment.key.txid, entry.confirmations) for entry in mined.pending] == [(later, 1)]
    assert [key.txid for key in mined.gone] == [earlier]


async def test_a_payment_that_fell_back_is_told_no_more_while_another_one_waits_with_its_money(world, source):
    first, second = world.fresh(), world.fresh()
    watch, checkpoint = watching(first, second), await source.start()
    earlier = world.pay((first, 7))
    world.mine()
    before = await source.poll(checkpoint, watch)
    world.reorg(1)
    world.send_again(earlier)
    fallen = await source.poll(before.checkpoint, watch)
    assert (told(before), told(fallen), fallen.gone) == ([(7, 1)], [(7, 0)], ())
    world.node.flush()
    later = world.double_spend(earlier, to=second)
    contested = await source.poll(fallen.checkpoint, watch)
    assert ([entry.payment.key.txid for entry in contested.pending], contested.gone) == ([later], ())
    world.node.flush()
    world.send_again(earlier)
    world.mine()
    mined = await source.poll(contested.checkpoint, watch)
    assert (told(mined), [key.txid for key in mined.gone]) == ([(7, 1)], [later])


async def test_a_payment_that_only_vanished_from_the_pool_is_not_gone(world, source):
    """Negative control: absence proves nothing, and the payer may send it again."""
    ours = world.fresh()
    checkpoint = await source.start()
    txid = world.pay((ours, 7))
    waiting = await source.poll(checkpoint, watching(ours))
    world.node.flush()
    world.mine(2)
    vanished = await source.poll(waiting.checkpoint, watching(ours))
    assert (told(vanished), vanished.gone) == ([(7, 0)], ())
    world.send_again(txid)
    world.mine()
    assert told(await source.poll(vanished.checkpoint, watching(ours))) == [(7, 1)]


async def test_a_reorg_below_finality_stops_the_chain_if_a_second_daemon_says_so_too(world, one, other):
    async with reading(world, one.url, other.url) as source:
        checkpoint = await source.start()
        world.mine(FINALITY + 2)
        _, sweep = await follow(source, checkpoint, watching(world.fresh()))
        final = world.node.rpc("get_block_header_by_height", height=sweep.final_height)["block_header"]["hash"]

        def steadfast(method, params, result):
            """Tell of the old block, as a node would that has not seen the reorg."""
            if method == "get_block_header_by_height" and params["height"] == sweep.final_height:
                return {**result, "block_header": {**result["block_header"], "hash": final}}
            if method == "get_block_headers_range":
                headers = [
                    {**header, "hash": final} if header["height"] == sweep.final_height else header
                    for header in result["headers"]
                ]
                return {**result, "headers": headers}
            return result

        world.reorg(FINALITY + 1)
        other.twist = steadfast
        with pytest.raises(TransientError, match="no second endpoint confirms"):
            await source.poll(sweep.checkpoint, watching(world.fresh()))
        other.twist = truth
        with pytest.raises(DeepReorgError, match=str(sweep.final_height)):
            await source.poll(sweep.checkpoint, watching(world.fresh()))


# --- one daemon that is not to be believed -------------------------------------------------------------------


def another_block(method, _params, result):
    """Tell a block with another's bytes."""
    return {**result, "blob": result["blob"][:-64] + "ab" * 32} if method == "get_block" else result


def another_hash(method, _params, result):
    if method == "get_block_headers_range":
        return {**result, "headers": [{**header, "prev_hash": "ab" * 32} for header in result["headers"]]}
    return result


def fewer_headers(method, _params, result):
    return {**result, "headers": result["headers"][:-1]} if method == "get_block_headers_range" else result


def busy(_method, _params, result):
    return {**result, "status": "BUSY"}


def by_another_node(_method, _params, result):
    return {**result, "untrusted": True}


def nothing(_method, _params, _result):
    return None


LIES = [another_block, another_hash, fewer_headers, busy, by_another_node, nothing]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
async def test_a_daemon_that_does_not_tell_the_truth_is_not_believed(world, one, lie):
    ours = world.fresh()
    async with reading(world, one.url) as source:
        checkpoint = await source.start()
        world.pay((ours, 7))
        world.mine(3)
        one.twist = lie
        with pytest.raises(TransientError):
            await source.poll(checkpoint, watching(ours))


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
async def test_where_there_is_another_daemon_that_one_is_asked(world, one, other, lie):
    ours = world.fresh()
    async with reading(world, one.url, other.url) as source:
        checkpoint = await source.start()
        world.pay((ours, 7))
        world.mine(3)
        one.twist = lie
        assert told(await source.poll(checkpoint, watching(ours))) == [(7, 3)]


@pytest.mark.parametrize("fault", [{"dead": True}, {"garbage": b"<html>"}], ids=["dead", "a web page"])
async def test_the_next_daemon_takes_over_from_one_that_is_away(world, one, other, fault):
    ours = world.fresh()
    async with reading(world, one.url, other.url) as source:
        checkpoint = await source.start()
        world.pay((ours, 7))
        world.mine()
        one.dead, one.garbage = fault.get("dead", False), fault.get("garbage")
        assert told(await source.poll(checkpoint, watching(ours))) == [(7, 1)]


async def test_a_daemon_that_speaks_for_another_chain_is_never_used(world, one):
    one.twist = lambda method, _params, result: {**result, "nettype": "mainnet"} if method == "get_info" else result
    async with reading(world, one.url) as source:
        with pytest.raises(WrongChainError, match="monero:418015bb9ae982a1975da7d79277c270"):
            await source.start()


async def test_where_no_pool_can_be_looked_into_blocks_are_read_all_the_same(world, one):
    ours = world.fresh()
    async with reading(world, one.url) as source:
        checkpoint = await source.start()
        world.pay((ours, 7))
        world.mine()
        world.pay((ours, 8))
        one.twist = lambda method, _params, result: None if method == "/get_transactions" else result
        assert told(await source.poll(checkpoint, watching(ours))) == [(7, 1)]
    world.mine()


# --- much money ------------------------------------------------------------------------------------------------


async def test_above_a_limit_two_daemons_must_agree_on_the_block(world, one, other):
    ours, limit = world.fresh(), {"XMR": "0.000000000005"}
    async with reading(world, one.url, other.url, agree_above=limit) as source:
        checkpoint = await source.start()
        world.pay((ours, 7))
        world.mine(3)
        other.twist = another_block
        alone = await source.poll(checkpoint, watching(ours))
        assert told(alone) == [(7, 0)]
        other.twist = truth
        assert told(await source.poll(alone.checkpoint, watching(ours))) == [(7, 3)]
