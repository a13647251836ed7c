"""A Hive chain followed over HTTP: what is a payment, what waits, what mints, what is replaced and caught up with."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from chains.catalogue import open_source
from chains.hive.amounts import HIVE, Amount, spoken
from chains.hive.memo import MemoKey
from chains.hive.source import open_hive
from chains.port import Watch
from config.settings import ChainSettings
from memo.code import new_code
from memo.grammar import EventMemo, OrderMemo, parse
from tests.nodes.hive.chain import MAIN, Emulation
from tests.support.chains_drivers import follow
from tests.support.hive_node import (
    MEMO_BY_BEEM,
    MEMO_BY_JS,
    MEMO_RECIPIENT,
    MEMO_TEXT,
    hive_chain,
    hive_node,
    hive_source,
)
from tests.support.sweeps import amounts, pending

US = "usher-tickets"
WATCH = Watch(active=frozenset({US}))
CHAIN = hive_chain()
NATIVE, HBD = (asset.id for asset in CHAIN.assets)
CODE = new_code(bytes(range(8)))


def value(units=1000, memo="", sender="alice", to=US):
    return {"from": sender, "to": to, "amount": spoken(Amount(nai=HIVE, units=units)), "memo": memo}


def transfer(*arguments, **named):
    return ["transfer", value(*arguments, **named)]


def recurrent(units, *, executions=2, pair=0, **named):
    extensions = [{"type": "recurrent_transfer_pair_id", "value": {"pair_id": pair}}]
    whole = {**value(units, **named), "recurrence": 24, "executions": executions, "extensions": extensions}
    return ["recurrent_transfer", whole]


@pytest.fixture
def chain():
    made = Emulation(irreversible_after=3)
    for name in ("alice", "bob.shop-1", US):
        made.account(name, hive=10**9, hbd=10**9)
    made.mine(10)
    return made


@pytest.fixture
async def node(chain):
    async with hive_node(chain) as running:
        yield running


@pytest.fixture
async def source(node):
    opened = hive_source(CHAIN, node.url)
    yield opened
    await opened.aclose()


# --- payments -------------------------------------------------------------------------------------------------


async def test_both_coins_and_filled_recurrent_transfers_arrive_in_order(chain, source):
    checkpoint = await source.start()
    chain.send("alice", transfer(1, f"o:{CODE}"), ["transfer", {**value(), "amount": "0.002 HBD"}])
    chain.send("alice", recurrent(3, memo="monthly"))
    chain.mine()
    chain.send("bob.shop-1", transfer(4, sender="bob.shop-1"))
    chain.mine(4)
    final, sweep = await follow(source, checkpoint, WATCH)
    assert [(payment.amount, payment.asset, payment.sender, payment.memos) for payment in final] == [
        (1, NATIVE, "alice", (f"o:{CODE}",)),
        (2, HBD, "alice", ()),
        (3, NATIVE, "alice", ("monthly",)),
        (4, NATIVE, "bob.shop-1", ()),
    ]
    assert sweep.pending == ()


async def test_people_who_wait_see_head_blocks_and_only_irreversible_ones_are_final(chain, source):
    checkpoint = await source.start()
    chain.send("alice", transfer(5))
    seen = []
    for _ in range(5):
        chain.mine()
        sweep = await source.poll(checkpoint, WATCH)
        checkpoint = sweep.checkpoint
        seen.append((pending(sweep), amounts(sweep.final), sweep.tip.height - sweep.final_height))
    assert seen == [({5: 1}, [], 3), ({5: 2}, [], 3), ({5: 3}, [], 3), ({}, [5], 3), ({}, [], 3)]


async def test_where_witnesses_agree_at_once_a_payment_is_final_with_its_block(chain, source):
    chain.irreversible_after = 0
    checkpoint = await source.start()
    chain.send("alice", transfer(5))
    chain.mine()
    sweep = await source.poll(checkpoint, WATCH)
    assert (amounts(sweep.final), sweep.pending, sweep.final_height) == ([5], (), sweep.tip.height)


async def test_depth_alone_never_makes_anything_final(chain, source):
    checkpoint = await source.start()
    chain.send("alice", transfer(5))
    chain.irreversible_after = 1000
    chain.mine(100)
    final, sweep = await follow(source, checkpoint, WATCH)
    assert (final, pending(sweep)) == ([], {5: 100})


async def test_savings_are_no_payments_until_they_come_out_to_us(chain, source):
    checkpoint = await source.start()
    chain.send("alice", ["transfer_to_savings", value(7)], ["transfer_to_savings", value(8, to="alice")])
    chain.mine()
    chain.send("alice", ["transfer_from_savings", {**value(8, "o:1"), "request_id": 1}])
    chain.mine(5)
    final, sweep = await follow(source, checkpoint, WATCH)
    assert (final, sweep.pending) == ([], ())
    chain.pass_time(timedelta(days=3))
    chain.mine(4)
    final, _ = await follow(source, sweep.checkpoint, WATCH)
    assert [(payment.amount, payment.memos, payment.key.index) for payment in final] == [(8, ("o:1",), "savings.0")]


async def test_a_recurrent_transfer_pays_each_time_the_chain_fills_it(chain, source):
    checkpoint = await source.start()
    chain.send("alice", recurrent(5, executions=3))
    for _ in range(4):
        chain.mine()
        chain.pass_time(timedelta(hours=24))
    chain.mine(4)
    final, _ = await follow(source, checkpoint, WATCH)
    assert amounts(final) == [5, 5, 5]
    assert len({payment.key.payment_id for payment in final}) == 3


async def test_the_moves_between_our_own_accounts_are_internal(chain, source):
    checkpoint = await source.start()
    chain.send(US, transfer(5, sender=US), transfer(6, sender=US, to="alice"))
    chain.mine(4)
    final, _ = await follow(source, checkpoint, Watch(active=frozenset({US}), retired=frozenset({"alice"})))
    assert [(payment.amount, payment.destination, payment.internal) for payment in final] == [
        (5, US, True),
        (6, "alice", True),
    ]


@pytest.mark.parametrize("memo", [MEMO_BY_JS, MEMO_BY_BEEM], ids=["by JavaScript wallets", "by beem"])
async def test_encrypted_memos_are_read_where_the_memo_key_is_set_and_stay_closed_elsewhere(chain, node, memo):
    chain.send("alice", transfer(5, memo))
    chain.mine(4)
    told = []
    for memo_key in (MemoKey.of(MEMO_RECIPIENT), None):
        source = hive_source(CHAIN, node.url, memo_key=memo_key)
        [payment], _ = await follow(source, await source.start(1), WATCH)
        told.append(payment.memos)
        await source.aclose()
    assert told == [(MEMO_TEXT,), (memo,)]


async def test_names_with_dots_and_dashes_and_order_codes_come_through_to_the_grammar(chain, source):
    checkpoint = await source.start()
    chain.send("alice", transfer(1, "event:7:wallet:bob.shop-1"), transfer(2, f"o:{CODE.lower()}"))
    chain.mine(4)
    final, _ = await follow(source, checkpoint, WATCH)
    event, order = (parse(payment.memos[0], network=CHAIN.network) for payment in final)
    assert (type(event), event.wallet) == (EventMemo, "bob.shop-1")
    assert order == OrderMemo(code=CODE)


async def test_an_asset_that_left_the_list_is_followed_to_its_end(chain, node, source):
    checkpoint = await source.start()
    chain.send("alice", ["transfer", {**value(), "amount": "0.002 HBD"}])
    chain.mine()
    sweep = await source.poll(checkpoint, WATCH)
    delisted = hive_source(replace(CHAIN, tokens=()), node.url)
    chain.mine(4)
    final, _ = await follow(delisted, sweep.checkpoint, WATCH)
    await delisted.aclose()
    assert [(payment.asset, payment.amount) for payment in final] == [(HBD, 2)]


# --- microforks -----------------------------------------------------------------------------------------------


async def test_a_microfork_takes_a_payment_away_and_brings_it_back(chain, source):
    checkpoint = await source.start()
    chain.send("alice", transfer(5))
    chain.mine()
    before = await source.poll(checkpoint, WATCH)
    chain.drop_blocks(1, keep=True)
    waiting, chain.pool = chain.pool, []
    chain.mine()
    away = await source.poll(before.checkpoint, WATCH)
    assert (away.gone, away.pending) == ((before.pending[0].payment.key,), ())
    chain.pool = waiting
    chain.mine(4)
    final, back = await follow(source, away.checkpoint, WATCH)
    assert ([payment.key for payment in final], back.gone) == ([before.pending[0].payment.key], ())


async def test_a_microfork_that_keeps_a_payment_moves_it_and_nothing_is_gone(chain, source):
    checkpoint = await source.start()
    chain.send("alice", transfer(5))
    chain.mine(2)
    before = await source.poll(checkpoint, WATCH)
    chain.reorg(2, keep=True)
    after = await source.poll(before.checkpoint, WATCH)
    assert (after.gone, pending(after)) == ((), {5: 2})
    assert after.pending[0].payment.block != before.pending[0].payment.block


async def test_what_the_chain_fills_in_another_block_of_the_same_height_takes_the_place_of_the_first(chain, source):
    checkpoint = await source.start()
    chain.send("alice", recurrent(5))
    chain.mine()
    before = await source.poll(checkpoint, WATCH)
    chain.drop_blocks(1)
    chain.send("bob.shop-1", recurrent(6, sender="bob.shop-1"))
    chain.mine()
    after = await source.poll(before.checkpoint, WATCH)
    [was], [now] = before.pending, after.pending
    assert now.payment.key == was.payment.key == after.gone[0]
    assert (now.payment.amount, now.payment.sender) == (6, "bob.shop-1")
    chain.mine(3)
    final, last = await follow(source, after.checkpoint, WATCH)
    assert (amounts(final), last.gone) == ([6], ())


# --- catching up, and from the very beginning -----------------------------------------------------------------


async def test_after_a_thousand_blocks_away_it_goes_on_where_it_stopped(chain, node, source):
    checkpoint = await source.start()
    for number in range(1, 1001):
        if number % 100 == 0:
            chain.send("alice", transfer(number))
        if number % 250 == 0:
            chain.send("bob.shop-1", recurrent(number + 1, pair=number // 250, sender="bob.shop-1"))
        chain.mine()
    final, sweep = await follow(source, json.loads(json.dumps(checkpoint)), WATCH)
    assert sweep.tip.height == chain.head.number
    assert amounts(final) == [100, 200, 251, 300, 400, 500, 501, 600, 700, 751, 800, 900]
    assert pending(sweep) == {1000: 1, 1001: 1}
    assert node.requests < 250


async def test_a_chain_is_read_from_its_first_block(chain, source):
    chain.send("alice", transfer(5))
    chain.mine(4)
    for height in (0, 1):
        final, sweep = await follow(source, await source.start(height), WATCH)
        assert (amounts(final), sweep.tip.height) == ([5], chain.head.number)


async def test_a_chain_that_has_only_begun_is_followed_into_its_first_blocks(node):
    young = Emulation(irreversible_after=3)
    young.account("alice", hive=1000)
    young.account(US)
    node.chain = young
    source = hive_source(CHAIN, node.url)
    checkpoint = await source.start()
    assert (await source.poll(checkpoint, WATCH)).tip.height == 0
    young.send("alice", transfer(5))
    young.mine(4)
    final, _ = await follow(source, checkpoint, WATCH)
    await source.aclose()
    assert amounts(final) == [5]


async def test_ranges_that_are_too_large_for_a_node_are_asked_for_in_parts(chain, node, source):
    checkpoint = await source.start()
    chain.send("alice", transfer(5))
    chain.mine(60)
    node.most_blocks = 7
    final, _ = await follow(source, checkpoint, WATCH)
    assert amounts(final) == [5]


async def test_a_node_that_takes_no_batches_is_asked_one_by_one(chain, node, source):
    checkpoint = await source.start()
    chain.send("alice", transfer(5))
    chain.mine(10)
    node.most_calls = 1
    final, _ = await follow(source, checkpoint, WATCH)
    assert amounts(final) == [5]


# --- how it is opened -----------------------------------------------------------------------------------------


def settings(url, **more):
    return ChainSettings(endpoints=(url,), receive=US, **more)


async def test_the_catalogue_opens_it_as_the_operator_configured_it(chain, node):
    chain.send("alice", transfer(5, MEMO_BY_JS))
    chain.mine(4)
    source = open_source(CHAIN, settings(node.url, memo_key=SecretStr(MEMO_RECIPIENT)))
    [payment], _ = await follow(source, await source.start(1), WATCH)
    await source.aclose()
    assert payment.memos == (MEMO_TEXT,)


@pytest.mark.parametrize("mistaken", ["5Jsecret", f"{MEMO_RECIPIENT[:-1]}u"], ids=["by its form", "by its checksum"])
def test_a_memo_key_that_is_none_is_refused_and_not_shown(mistaken):
    with pytest.raises(ValueError, match="private key") as refusal:
        open_hive(CHAIN, settings("http://127.0.0.1:9", memo_key=SecretStr(mistaken)))
    assert mistaken not in str(refusal.value)


async def test_the_main_network_is_told_from_others_by_its_id(node):
    main = hive_chain("hive:beeab0de000000000000000000000000")
    node.chain.chain_id = MAIN
    source = hive_source(main, node.url)
    assert await source.start()
    await source.aclose()
