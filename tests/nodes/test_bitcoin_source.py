"""Payments on a real Bitcoin node, without -txindex: addresses, memos, the pool, reorgs, coinbases, our own money."""

import json
from dataclasses import replace

import pytest

from chains import waiting
from chains.bitcoin import mempool, pool
from chains.bitcoin.pool import MATURITY
from chains.bitcoin.reader import Notes
from chains.progress import Progress, Status
from chains.waiting import MOST_NEEDED
from memo.grammar import LONGEST
from monitor.changes import changes, replay
from monitor.resume import begins_at
from tests.support.bitcoind import COIN, NodeError, op_return, transaction
from tests.support.chains_drivers import follow
from tests.support.driver_bitcoin import bitcoin_chain, bitcoin_source, shared_bitcoind
from tests.support.sweeps import pending, watching

FINALITY = 6
MEMO = "event:7:wallet:0x90F79bf6EB2c4f870365E785982E1f101E93b906"


@pytest.fixture
def node():
    running = shared_bitcoind()
    yield running
    running.mine()  # what a test left in the pool


@pytest.fixture
async def source(node):
    opened = bitcoin_source(bitcoin_chain(blocks=FINALITY), node.url)
    yield opened
    await opened.aclose()


def p2wsh(node):
    """Return the address of a script that anybody could spend (BIP-173's way to write OP_TRUE)."""
    return node.rpc("decodescript", "51")["segwit"]["address"]


KINDS = {
    "P2PKH": lambda node: node.address("legacy"),
    "P2SH": lambda node: node.address("p2sh-segwit"),
    "P2WPKH": lambda node: node.address("bech32"),
    "P2WSH": p2wsh,
    "P2TR": lambda node: node.address("bech32m"),
}


# --- what a payment is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_money_arrives_at_every_kind_of_address(node, source, kind):
    ours = KINDS[kind](node)
    checkpoint = await source.start()
    txid = node.pay((ours, 12_345))
    [block] = node.mine()
    sweep = await source.poll(checkpoint, watching(ours))
    [entry] = sweep.pending
    assert (entry.payment.amount, entry.payment.destination, entry.confirmations) == (12_345, ours, 1)
    assert (entry.payment.key.txid, entry.payment.key.index) == (txid, "0")
    assert (entry.payment.block.hash, entry.payment.block.height) == (block, node.height)
    assert int(entry.payment.block.time.timestamp()) == node.rpc("getblockheader", block)["time"]
    node.mine(FINALITY)
    final, _ = await follow(source, sweep.checkpoint, watching(ours))
    assert final == [entry.payment]


async def test_several_outputs_to_us_in_one_transaction_are_several_payments_known_by_their_place(node, source):
    ours, also_ours, other = node.address(), node.address("bech32m"), node.address("legacy")
    checkpoint = await source.start()
    node.pay((other, 1_000), (ours, 7), (ours, 7), (also_ours, 8), (ours, 0))
    node.mine()
    sweep = await source.poll(checkpoint, watching(ours, also_ours))
    seen = [(entry.payment.key.index, entry.payment.amount, entry.payment.destination) for entry in sweep.pending]
    assert seen == [("1", 7, ours), ("2", 7, ours), ("3", 8, also_ours)]


CARRIERS = {
    "in the first output": ((op_return(MEMO.encode()),), None, (MEMO,)),
    "behind the payment": (None, (op_return(MEMO.encode()),), (MEMO,)),
    "in several pushes": (None, (op_return(MEMO[:20].encode(), MEMO[20:].encode()),), (MEMO,)),
    "in three pushes, an empty one among them": (None, (op_return(b"o:", b"", b"ABC"),), ("o:ABC",)),
    "in two outputs": ((op_return(b"one"),), (op_return(b"two"),), ("one", "two")),
    "one of two is no text": ((op_return(b"\xff\xfe\x00"),), (op_return(b"two"),), ("two",)),
    "not UTF-8": (None, (op_return(b"caf\xe9"),), ()),
    "UTF-8 cut between two pushes within a letter": (None, (op_return("é".encode()[:1], "é".encode()[1:]),), ("é",)),
    "with a control character": (None, (op_return(b"a\x1bb"),), ()),
    "empty": (None, (b"\x6a",), ()),
    "a number, which is no push of bytes": (None, (b"\x6a\x51",), ()),
    "a push that is cut off": (None, (b"\x6a\x20abc",), ()),
    "beyond 80 bytes, which nodes do not relay": (None, (op_return(b"x" * 300),), ("x" * 300,)),
    "beyond any memo": (None, (op_return(b"x" * 40_000),), ()),
}


@pytest.mark.parametrize("case", CARRIERS)
async def test_memos_are_read_from_every_output_that_carries_data(node, source, case):
    before, behind, texts = CARRIERS[case]
    ours = node.address()
    checkpoint = await source.start()
    outputs = [(script, 0) for script in before or ()] + [(ours, 5_000)] + [(script, 0) for script in behind or ()]
    node.mine_only(node.signed(node.funded(*outputs)))
    sweep = await source.poll(checkpoint, watching(ours))
    assert [entry.payment.memos for entry in sweep.pending] == [texts]


# --- where it came from ---------------------------------------------------------------------------------------------


def coin_of(node, address, amount=COIN):
    """Give an address a coin and return it as an input."""
    txid = node.pay((address, amount))
    node.mine_only(txid)
    return txid, 0


async def test_the_sender_is_known_where_all_inputs_share_one_address_in_the_pool_as_in_the_block(node, source):
    ours, payer = node.address(), node.address("bech32m")
    coins = [coin_of(node, payer), coin_of(node, payer)]
    checkpoint = await source.start()
    raw = transaction(coins, [(node.script(ours), 2 * COIN - 2_000)])
    node.send(node.signed(raw))
    waiting = await source.poll(checkpoint, watching(ours))
    node.mine()
    mined = await source.poll(waiting.checkpoint, watching(ours))
    for sweep in (waiting, mined):
        [entry] = sweep.pending
        assert (entry.payment.sender, entry.payment.direct, entry.payment.internal) == (payer, True, False)


async def test_no_sender_is_named_where_inputs_come_from_two_addresses(node, source):
    ours = node.address()
    coins = [coin_of(node, node.address()), coin_of(node, node.address())]
    checkpoint = await source.start()
    node.send(node.signed(transaction(coins, [(node.script(ours), 2 * COIN - 2_000)])))
    waiting = await source.poll(checkpoint, watching(ours))
    node.mine()
    mined = await source.poll(waiting.checkpoint, watching(ours))
    for sweep in (waiting, mined):
        [entry] = sweep.pending
        assert (entry.payment.sender, entry.payment.direct) == (None, False)


async def test_what_our_own_transactions_bring_is_internal(node, source):
    order, receive, stranger = node.address(), node.address("bech32m"), node.address()
    ours, not_ours = coin_of(node, order), coin_of(node, stranger)
    checkpoint = await source.start()
    sweeping = node.send(node.signed(transaction([ours], [(node.script(receive), COIN - 1_000)])))
    mixed = [not_ours, (sweeping, 0)]
    node.send(node.signed(transaction(mixed, [(node.script(order), 2 * COIN - 5_000)])))
    waiting = await source.poll(checkpoint, watching(order, receive))
    node.mine()
    mined = await source.poll(waiting.checkpoint, watching(order, receive))
    expected = {COIN: False, COIN - 1_000: True, 2 * COIN - 5_000: True}  # the first put the coin there
    for sweep in (waiting, mined):
        assert {entry.payment.amount: entry.payment.internal for entry in sweep.pending} == expected
    foreign = await bitcoin_source(bitcoin_chain(), node.url).poll(checkpoint, watching(receive))
    assert [entry.payment.internal for entry in foreign.pending] == [False]  # without the order's address watched


# --- the pool -------------------------------------------------------------------------------------------------------


async def test_a_payment_is_told_of_while_it_waits_and_keeps_its_facts_in_the_block(node, source, now):
    ours = node.address()
    checkpoint = await source.start()
    node.pay((ours, 5_000), (op_return(MEMO.encode()), 0))
    waiting = await source.poll(checkpoint, watching(ours))
    [entry] = waiting.pending
    assert (entry.confirmations, entry.payment.block, entry.payment.memos) == (0, None, (MEMO,))
    node.mine()
    mined = await source.poll(waiting.checkpoint, watching(ours))
    assert mined.gone == ()
    assert replace(mined.pending[0].payment, block=None) == entry.payment
    first = changes({}, waiting, now)
    second = changes(replay({}, [first]), mined, now)
    assert (len(first.recorded), len(second.confirmed), second.undone) == (1, 1, ())


async def test_nothing_is_told_twice_and_what_waits_is_read_again_by_a_new_process(node, source):
    ours = node.address()
    checkpoint = await source.start()
    node.pay((ours, 5_000))
    first = await source.poll(checkpoint, watching(ours))
    second = await source.poll(json.loads(json.dumps(first.checkpoint)), watching(ours))
    assert first == second
    fresh = bitcoin_source(bitcoin_chain(blocks=FINALITY), node.url)
    assert await fresh.poll(checkpoint, watching(ours)) == first
    await fresh.aclose()


async def test_a_payment_replaced_in_the_pool_is_gone_when_its_replacement_is_mined_and_not_before(node, source):
    ours = node.address()
    checkpoint = await source.start()
    first = node.pay((ours, 5_000))
    seen = await source.poll(checkpoint, watching(ours))
    second = node.send(node.respend(first, (ours, 5_001)))
    both = await source.poll(seen.checkpoint, watching(ours))
    assert (pending(both), both.gone) == ({5_001: 0}, ())  # one coin pays once; nothing proves which
    node.mine()
    mined = await source.poll(both.checkpoint, watching(ours))
    assert (pending(mined), [key.txid for key in mined.gone]) == ({5_001: 1}, [first])
    node.mine(FINALITY)
    final, last = await follow(source, mined.checkpoint, watching(ours))
    assert ([payment.key.txid for payment in final], last.pending, last.gone) == ([second], (), ())


async def test_a_double_spend_to_somebody_else_is_proved_by_the_block_that_holds_it(node, source):
    ours = node.address()
    checkpoint = await source.start()
    ours_first = node.pay((ours, 5_000))
    seen = await source.poll(checkpoint, watching(ours))
    node.mine_only(node.respend(ours_first, (node.address(), 5_000)))
    mined = await source.poll(seen.checkpoint, watching(ours))
    assert (mined.pending, [key.txid for key in mined.gone]) == ((), [ours_first])


async def test_without_looking_who_spends_what_a_double_spent_payment_would_wait_for_ever(node, source, monkeypatch):
    ours = node.address()
    checkpoint = await source.start()
    lost = node.pay((ours, 5_000))
    seen = await source.poll(checkpoint, watching(ours))
    monkeypatch.setattr(Notes, "spent_below", lambda _self, _tip: {})
    node.mine_only(node.respend(lost, (node.address(), 5_000)))
    node.mine(FINALITY)
    final, after = await follow(source, seen.checkpoint, watching(ours))
    assert (final, pending(after), after.gone) == ([], {5_000: 0}, ())


async def test_what_stands_on_a_payment_that_was_replaced_is_gone_with_it(node, source):
    ours, between = node.address(), node.address()
    checkpoint = await source.start()
    parent = node.pay((between, COIN))
    node.send(node.signed(transaction([(parent, 0)], [(node.script(ours), COIN - 1_000)])))
    seen = await source.poll(checkpoint, watching(ours))
    assert pending(seen) == {COIN - 1_000: 0}
    node.mine_only(node.respend(parent, (node.address(), 5_000)))
    mined = await source.poll(seen.checkpoint, watching(ours))
    assert (mined.pending, len(mined.gone)) == ((), 1)


async def test_what_stands_on_a_payment_that_is_mined_before_it_still_waits(node, source):
    ours, between = node.address(), node.address()
    checkpoint = await source.start()
    parent = node.pay((between, COIN))
    node.send(node.signed(transaction([(parent, 0)], [(node.script(ours), COIN - 1_000)])))
    seen = await source.poll(checkpoint, watching(ours))
    node.mine_only(parent)
    mined = await source.poll(seen.checkpoint, watching(ours))
    assert (pending(mined), mined.gone) == ({COIN - 1_000: 0}, ())
    node.mine()
    assert pending(await source.poll(mined.checkpoint, watching(ours))) == {COIN - 1_000: 1}


async def test_that_a_node_forgets_what_waits_proves_nothing(node, source):
    ours = node.address()
    checkpoint = await source.start()
    txid = node.pay((ours, 5_000))
    raw = node.raw(txid)
    seen = await source.poll(checkpoint, watching(ours))
    node.stop()
    node.start()
    assert node.rpc("getrawmempool") == []
    node.mine(2)
    _, after = await follow(source, seen.checkpoint, watching(ours))
    assert (pending(after), after.gone) == ({5_000: 0}, ())
    node.mine_only(raw)
    assert pending(await source.poll(after.checkpoint, watching(ours))) == {5_000: 1}


async def test_a_conflict_that_is_itself_undone_brings_the_payment_back(node, source):
    ours = node.address()
    checkpoint = await source.start()
    txid = node.pay((ours, 5_000))
    raw = node.raw(txid)
    seen = await source.poll(checkpoint, watching(ours))
    node.mine_only(node.respend(txid, (node.address(), 5_000)))
    gone = await source.poll(seen.checkpoint, watching(ours))
    assert [key.txid for key in gone.gone] == [txid]
    node.undo(1)
    node.mine_only(raw)
    back = await source.poll(gone.checkpoint, watching(ours))
    assert (pending(back), back.gone) == ({5_000: 1}, ())


async def test_a_full_list_takes_up_no_more_and_forgets_nothing_that_is_mined(node, source, monkeypatch):
    monkeypatch.setattr(waiting, "MOST_WAITING", 2)
    monkeypatch.setattr(mempool, "MOST_WAITING", 2)
    ours = node.address()
    checkpoint = await source.start()
    for amount in (1_001, 1_002, 1_003, 1_004):
        node.pay((ours, amount))
    first = await source.poll(checkpoint, watching(ours))
    assert len(first.pending) == 2
    second = await source.poll(first.checkpoint, watching(ours))
    assert second.pending == first.pending
    node.mine()
    mined = await source.poll(second.checkpoint, watching(ours))
    assert (set(pending(mined)), mined.gone) == ({1_001, 1_002, 1_003, 1_004}, ())


async def test_a_transaction_that_pays_us_more_often_than_can_be_kept_is_told_of_when_it_is_mined(
    node, source, monkeypatch
):
    monkeypatch.setattr(waiting, "MOST_WAITING", 2)
    monkeypatch.setattr(mempool, "MOST_WAITING", 2)
    ours = node.address()
    checkpoint = await source.start()
    node.pay(*[(ours, amount) for amount in (1_001, 1_002, 1_003)])
    waits = await source.poll(checkpoint, watching(ours))
    assert waits.pending == ()
    node.pay((ours, 1_004))
    beside = await source.poll(waits.checkpoint, watching(ours))
    assert pending(beside) == {1_004: 0}
    node.mine()
    assert set(pending(await source.poll(beside.checkpoint, watching(ours)))) == {1_001, 1_002, 1_003, 1_004}


@pytest.mark.parametrize("depth", [1, 2])
async def test_a_payment_with_many_inputs_is_gone_though_only_the_last_of_them_is_spent_elsewhere(node, source, depth):
    ours, coins = node.address(), many_coins(node, MOST_NEEDED + 1)
    checkpoint = await source.start()
    paid = node.signed(transaction(coins, [(node.script(ours), 5_000)]))
    node.mine_only(paid)
    node.mine(depth - 1)
    mined = await source.poll(checkpoint, watching(ours))
    assert pending(mined) == {5_000: depth}
    node.undo(depth)
    for _ in range(depth):
        node.mine_only()
    away = await source.poll(mined.checkpoint, watching(ours))
    assert (away.pending, len(away.gone)) == ((), 1)
    node.mine_only(node.signed(transaction([coins[-1]], [(node.script(node.address()), 5_000)])))
    after = await source.poll(away.checkpoint, watching(ours))
    assert after.pending == ()


async def test_if_less_were_kept_in_mind_than_is_needed_a_double_spent_payment_would_wait_for_ever(
    node, source, monkeypatch
):
    ours, coins = node.address(), many_coins(node, 3)
    checkpoint = await source.start()
    node.send(node.signed(transaction(coins, [(node.script(ours), 5_000)])))
    told = mempool.PoolReader._waiting

    async def forgetful(*those, **named):
        seen = await told(*those, **named)
        return replace(seen, needs=seen.needs[:2])

    monkeypatch.setattr(mempool.PoolReader, "_waiting", forgetful)
    seen = await source.poll(checkpoint, watching(ours))
    node.mine_only(node.signed(transaction([coins[-1]], [(node.script(node.address()), 5_000)])))
    node.mine(FINALITY)
    _, after = await follow(source, seen.checkpoint, watching(ours))
    assert (pending(after), after.gone) == ({5_000: 0}, ())


def many_coins(node, count):
    """Return so many mined coins of 10,000 satoshis each."""
    txid = node.pay(*[(node.address(), 10_000)] * count)
    node.mine()
    return [(txid, vout) for vout in range(count)]


async def test_many_texts_beside_many_outputs_are_kept_once_over_and_not_multiplied(node, source):
    ours = node.address()
    checkpoint = await source.start()
    texts = [(op_return(b"%03d" % number + b"x" * 60), 0) for number in range(300)]
    node.mine_only(node.signed(node.funded(*[(ours, 1_000)] * 300, *texts)))
    sweep = await source.poll(checkpoint, watching(ours))
    assert len(sweep.pending) == 300
    assert all(sum(map(len, entry.payment.memos)) <= LONGEST for entry in sweep.pending)


async def test_a_waiting_payment_is_looked_for_though_the_watch_has_lost_its_address(node, source):
    ours = node.address()
    checkpoint = await source.start()
    node.pay((ours, 5_000))
    seen = await source.poll(checkpoint, watching(ours))
    node.mine(FINALITY)
    final, _ = await follow(source, seen.checkpoint, watching(node.address()))
    assert [payment.amount for payment in final] == [5_000]


# --- reorgs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 6])
async def test_a_payment_that_a_reorg_puts_back_into_the_pool_waits_again(node, depth):
    source = bitcoin_source(bitcoin_chain(blocks=depth + 2), node.url)
    ours = node.address()
    checkpoint = await source.start()
    txid = node.pay((ours, 5_000), (op_return(MEMO.encode()), 0))
    node.mine(depth)
    before = await source.poll(checkpoint, watching(ours))
    assert pending(before) == {5_000: depth}
    node.undo(depth)
    for _ in range(depth):
        node.mine_only()
    away = await source.poll(before.checkpoint, watching(ours))
    assert (pending(away), away.gone) == ({5_000: 0}, ())
    assert replace(before.pending[0].payment, block=None) == away.pending[0].payment
    node.mine(depth + 2)
    final, _ = await follow(source, away.checkpoint, watching(ours))
    assert [payment.key.txid for payment in final] == [txid]
    await source.aclose()


@pytest.mark.parametrize("depth", [1, 2, 6])
async def test_a_payment_that_a_reorg_loses_is_gone_and_its_double_spend_is_paid_once(node, depth):
    source = bitcoin_source(bitcoin_chain(blocks=depth + 2), node.url)
    ours = node.address()
    checkpoint = await source.start()
    txid = node.pay((ours, 5_000))
    conflict = node.respend(txid, (ours, 4_000))
    node.mine(depth)
    before = await source.poll(checkpoint, watching(ours))
    node.undo(depth)
    node.mine_only(conflict)
    for _ in range(depth - 1):
        node.mine_only()
    after = await source.poll(before.checkpoint, watching(ours))
    assert (pending(after), [key.txid for key in after.gone]) == ({4_000: depth}, [txid])
    node.mine(depth + 2)
    final, _ = await follow(source, after.checkpoint, watching(ours))
    assert [payment.amount for payment in final] == [4_000]
    await source.aclose()


# --- coinbases ------------------------------------------------------------------------------------------------------


async def test_a_coinbase_to_us_counts_when_it_can_be_spent_and_then_in_its_own_block(node, source):
    ours = node.address()
    checkpoint = await source.start()
    node.mine(1, to=ours)
    height = node.height
    young = await source.poll(checkpoint, watching(ours))
    [entry] = young.pending
    assert (entry.confirmations, entry.payment.block, entry.payment.sender) == (0, None, None)
    node.mine(MATURITY - 2)
    final, almost = await follow(source, young.checkpoint, watching(ours))
    assert (final, [entry.payment for entry in almost.pending]) == ([], [entry.payment])
    assert almost.final_height > height
    node.mine()
    final, mature = await follow(source, almost.checkpoint, watching(ours))
    assert [(payment.key, payment.block.height) for payment in final] == [(entry.payment.key, height)]
    assert mature.pending == ()
    assert (await source.poll(mature.checkpoint, watching(ours))).final == ()


async def test_without_waiting_for_maturity_a_coinbase_would_be_taken_for_money_that_nobody_can_spend(
    node, source, monkeypatch
):
    ours = node.address()
    checkpoint = await source.start()
    node.mine(1, to=ours)
    coinbase = node.rpc("getblock", node.rpc("getbestblockhash"))["tx"][0]
    node.mine(FINALITY)
    monkeypatch.setattr(pool, "MATURITY", 1)
    final, _ = await follow(source, checkpoint, watching(ours))
    assert [payment.key.txid for payment in final] == [coinbase]
    spending = node.signed(transaction([(coinbase, 0)], [(node.script(node.address()), 1_000)]))
    with pytest.raises(NodeError, match="premature-spend-of-coinbase"):
        node.send(spending)


async def test_a_coinbase_that_waited_when_the_position_was_forgotten_is_found_again(node, source):
    chain, ours = bitcoin_chain(blocks=FINALITY), node.address()
    checkpoint = await source.start()
    node.mine(1, to=ours)
    node.mine(MATURITY - 2)
    _, waits = await follow(source, checkpoint, watching(ours))
    assert ([entry.confirmations for entry in waits.pending], waits.final_height) == ([0], node.height - FINALITY + 1)
    stopped = progress_at(chain, waits)
    _, anew = await follow(source, await source.start(begins_at(stopped, chain)), watching(ours))
    assert [entry.payment.key for entry in anew.pending] == [entry.payment.key for entry in waits.pending]
    node.mine()
    final, _ = await follow(source, anew.checkpoint, watching(ours))
    assert [payment.key for payment in final] == [entry.payment.key for entry in waits.pending]


def progress_at(chain, sweep):
    """Return what the database says of a chain that was stopped after this sweep."""
    return Progress(
        chain=chain.id,
        checkpoint={},
        tip_height=sweep.tip.height,
        tip_time=sweep.tip.time,
        final_height=sweep.final_height,
        polled_at=sweep.tip.time,
        caught_up_at=None,
        status=Status.STOPPED,
        reason=None,
    )


async def test_a_coinbase_in_a_block_that_is_replaced_is_gone(node, source):
    ours = node.address()
    checkpoint = await source.start()
    node.mine(1, to=ours)
    before = await source.poll(checkpoint, watching(ours))
    node.undo(1)
    node.mine_only()
    after = await source.poll(before.checkpoint, watching(ours))
    assert (after.pending, after.gone) == ((), (before.pending[0].payment.key,))


async def test_catching_up_over_a_coinbase_and_its_maturity_tells_it_once_and_in_order(node):
    source = bitcoin_source(bitcoin_chain(blocks=FINALITY), node.url, blocks_per_poll=30)
    ours = node.address()
    checkpoint = await source.start()
    node.mine(1, to=ours)
    made = node.height
    node.pay((ours, 5_000))
    node.mine(MATURITY + FINALITY)
    final, last = await follow(source, checkpoint, watching(ours))
    assert [payment.block.height for payment in final] == [made + 1, made]
    assert last.pending == ()
    await source.aclose()


# --- the chain as such ----------------------------------------------------------------------------------------------


async def test_the_tips_time_is_the_median_of_eleven_blocks_as_the_node_has_it(node, source):
    checkpoint = await source.start()
    for _ in range(3):
        node.mine()
        sweep = await source.poll(checkpoint, watching())
        checkpoint = sweep.checkpoint
        assert int(sweep.tip.time.timestamp()) == node.rpc("getblockchaininfo")["mediantime"]


async def test_the_tips_time_never_falls_though_headers_times_do(node, source):
    checkpoint = await source.start()
    now = node.rpc("getblockchaininfo")["time"]
    times = []
    for step in (600, 5_000, 700, 4_000, 800, 900, 1_000):
        node.rpc("setmocktime", now + step)
        node.mine()
        sweep = await source.poll(checkpoint, watching())
        checkpoint = sweep.checkpoint
        times.append((sweep.tip.time, node.rpc("getblockheader", sweep.tip.hash)["time"]))
    node.rpc("setmocktime", 0)
    medians, headers = zip(*times, strict=True)
    assert list(medians) == sorted(medians)
    assert list(headers) != sorted(headers)


async def test_an_outage_of_a_thousand_blocks_is_caught_up_with_in_batches(node, source):
    ours = node.address()
    checkpoint = await source.start()
    begin = node.height
    for part in range(10):
        node.pay((ours, 1_000 + part))
        node.mine(100)
    polls = 0
    final = []
    while True:
        sweep = await source.poll(checkpoint, watching(ours))
        checkpoint, polls = sweep.checkpoint, polls + 1
        final += sweep.final
        if not sweep.behind:
            break
    assert [payment.amount for payment in final] == [1_000 + part for part in range(10)]
    assert (sweep.tip.height, polls) == (begin + 1_000, 11)  # from where finality was


async def test_the_node_may_be_restarted_between_two_polls(node, source):
    ours = node.address()
    checkpoint = await source.start()
    node.pay((ours, 5_000))
    node.mine()
    before = await source.poll(checkpoint, watching(ours))
    node.stop()
    node.start()
    node.mine(FINALITY)
    final, _ = await follow(source, before.checkpoint, watching(ours))
    assert [payment.amount for payment in final] == [5_000]
