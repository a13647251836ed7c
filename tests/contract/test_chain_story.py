"""The whole watcher on real nodes of every chain: one body of stories, from a wallet's transaction to the book.

In the drawings time goes to the right; numbers are confirmations, `M` is the mint depth, `F` finality. On chains that
mint at their own word only, M is F. After each story its world ends: everything becomes final, every chore is done, and
the book must keep its rules, sell no place twice and hold exactly what the node says that our addresses received.

    a memo buys a ticket                    two payments in one transaction     the node is away for a minute
    an order's own key or code buys it      garbage is owed back                the node is restarted
    a short payment is topped up            a reorg before M, after it,         a thousand blocks at once
    another transaction takes its place     below F                             the same history twice

The watcher that is killed stands in test_chain_story_crash.py.
"""

from dataclasses import replace
from datetime import timedelta
from math import ceil

import pytest

from chains.progress import Status
from monitor.resume import resume
from tests.support.chains_drivers import DRIVERS, FINALITY, on_one_worker
from tests.support.monitor_world import standing
from tests.support.stage_history import begin, complete, prepare
from tests.support.stage_world import StageWorld
from tests.support.stages import STAGES, stages, story_world
from tickets.reasons import Reason
from tickets.till import Outcome, PaymentState

pytestmark = pytest.mark.timeout(300)


def needing(*wanted):
    """Tell a story only of the chains that can have this."""
    return pytest.mark.parametrize("world", on_one_worker(stages(*wanted)), indirect=True)


@pytest.fixture(params=on_one_worker(STAGES))
async def world(request, database_urls):
    async with story_world(request.param, database_urls("sqlite")) as begun:
        yield begun
        await begun.end()


def test_every_chain_with_a_driver_has_a_stage():
    assert STAGES.keys() == DRIVERS.keys()


class Deaf:
    """A source that keeps back one payment."""

    def __init__(self, heard):
        self._heard = heard

    async def poll(self, checkpoint, watch):
        sweep = await self._heard.poll(checkpoint, watch)
        return replace(sweep, final=sweep.final[:-1])


async def test_a_story_in_which_the_watcher_missed_a_payment_does_not_end_well(database_urls):
    async with story_world("fake", database_urls("sqlite")) as world:
        await world.event()
        world.stage.pay(world.stray_bill(None))
        world.watcher.source = Deaf(world.source)
        with pytest.raises(AssertionError):
            await world.end()


#   pay(memo) ── 1 ── … ── M ──────── … ──── F
#                          ticket            receipt, sale
@needing("memos")
async def test_a_memo_buys_its_wallet_a_ticket(world):
    event = await world.event()
    world.stage.pay(world.memo_bill(event, 1))
    await world.mine(world.depth - 1)
    assert await world.tickets() == []
    await world.mine()
    assert await world.tickets() == [(str(world.account(1)), "valid")]
    await world.mine(FINALITY - world.depth + 1)
    assert {row[1] for row in (await world.book()).postings} == {"receipt", "sale"}


#   order ── pay(its address, subaddress, reference or code) ── M ── … ── F
#                                                               ticket of that order
async def test_an_order_is_paid_by_its_own_key_or_code_without_an_event_memo(world):
    await an_order_is_paid(world)


@pytest.mark.parametrize("name", on_one_worker(STAGES))
async def test_an_order_is_paid_on_postgresql_as_well(name, database_urls):
    async with story_world(name, database_urls("postgres")) as world:
        await an_order_is_paid(world)
        await world.end()


async def an_order_is_paid(world: StageWorld) -> None:
    event = await world.event(capacity=2)
    other, order = await world.order(event, 1), await world.order(event, 2)
    assert world.nature.own_keys == (order.address is not None)
    world.stage.pay(world.bill(order))
    await world.mine(world.depth)
    [payment] = await world.payments()
    assert (payment.order_id, payment.outcome) == (order.id, Outcome.MINTED)
    assert await world.tickets() == [(str(world.account(2)), "valid")]
    assert [(await world.order_now(one)).state for one in (other, order)] == ["open", "paid"]


#   one transaction ─┬─ half ──┐
#                    └─ half ──┴─ M: one ticket          two subaddresses: two orders, two tickets
async def test_two_payments_in_one_transaction_are_two_payments(world):
    event = await world.event(asset=world.stage.several_in)
    together = world.nature.pays_one_key_twice
    order = await world.order(event, 1)
    bills = [world.bill(order, world.price // 2)] * 2 if together else [
        world.bill(order), world.bill(await world.order(event, 2))
    ]  # fmt: skip
    txid = world.stage.pay(*bills)
    await world.mine(world.depth)
    first, second = await world.payments()
    assert first.key.txid == second.key.txid == txid
    assert first.key.index != second.key.index
    assert (first.outcome, second.outcome) == (Outcome.MINTED, Outcome.MINTED)
    assert await world.ticket_states() == ["valid"] * (1 if together else 2)


#   pay(garbage) ── M ── … ── F
#                   owed      due, with its reason
@pytest.mark.parametrize("text", ["event:1:wallet:0x123", "\x00\ufffd garbage 🜚"])
async def test_money_with_a_text_that_says_nothing_is_owed_back(world, text):
    await world.event()
    has_memos = world.nature.memos
    world.stage.pay(world.stray_bill(text if has_memos else None))
    await world.mine(FINALITY + 1)
    [payment] = await world.payments()
    expected = Reason.UNREADABLE_MEMO if has_memos else Reason.NO_MEMO
    assert (payment.outcome, payment.reason, payment.owed) == (Outcome.OWED, expected, world.price)
    [due] = (await world.book()).dues
    assert due[:4] == (payment.id, 1, world.stage.chain.native.id, world.price)
    assert await world.tickets() == []


#   pay(1/4) ── M ───────── pay(3/4) ── M
#               topped up                ticket
async def test_a_short_payment_waits_for_the_rest(world):
    order = await world.order(await world.event(), 1)
    world.stage.pay(world.bill(order, world.price // 4))
    await world.mine(world.depth)
    assert [payment.outcome for payment in await world.payments()] == [Outcome.TOPPED_UP]
    assert await world.tickets() == []
    world.stage.pay(world.bill(order, world.price - world.price // 4))
    await world.mine(world.depth)
    assert {payment.outcome for payment in await world.payments()} == {Outcome.MINTED}
    assert await world.ticket_states() == ["valid"]


#   pay ── 1 ─x another block
#             gone, no ticket, nothing in the book
async def test_a_payment_that_a_reorg_takes_before_it_is_deep_enough_buys_nothing(world):
    order = await world.order(await world.event(), 1)
    world.stage.pay(world.bill(order))
    await world.mine()
    assert [payment.outcome for payment in await world.payments()] == [Outcome.WAITING]
    world.stage.reorg(1)
    await world.mine(FINALITY)
    assert [payment.state for payment in await world.payments()] == [PaymentState.GONE]
    assert await world.tickets() == []
    assert (await world.book()).postings == ()


#   pay ── M ─────── x M other blocks ── mined again ── … ── F
#          ticket      suspended         valid again         sale
@needing("mints_before_final")
async def test_a_ticket_is_suspended_with_its_payment_and_valid_again_when_it_returns(world):
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
    await world.mine(FINALITY)
    assert {row[1] for row in (await world.book()).postings} == {"receipt", "sale"}


#   pay ── M ── F ── … F + 3 more ── x F + 3 other blocks
#          ticket                      the chain is stopped and asked no more, until the operator has looked
async def test_a_reorg_below_finality_stops_the_chain_until_the_operator_has_looked(world):
    event = await world.event()
    world.stage.pay(world.bill(await world.order(event, 1)))
    await world.mine(FINALITY + 1)
    world.stage.mine(FINALITY + 3)
    await world.catch_up()
    world.stage.reorg(FINALITY + 3)
    world.stage.mine()
    await world.turn()
    stopped = await world.progress()
    assert stopped.status is Status.STOPPED
    assert "final is no longer on the chain" in stopped.reason
    [told] = world.hooks.troubles
    world.stage.pay(world.bill(await world.order(event, 2)))
    await world.mine(world.depth)
    assert (await world.ticket_states(), world.hooks.troubles) == (["valid"], [told])
    world.hooks.troubles.clear()
    await world.store.transact(lambda conn: resume(conn, world.stage.chain.id, anew=True))
    await world.catch_up()
    assert await world.ticket_states() == ["valid", "valid"]


#   pay ── 1 ─x another block ── another transaction of the same coins, to somebody else ── F
#             gone                                                                      gone for good
@needing("replaces")
async def test_a_payment_that_another_transaction_replaced_buys_nothing(world):
    order = await world.order(await world.event(), 1)
    txid = world.stage.pay(world.bill(order))
    await world.mine()
    world.stage.reorg(1)
    world.stage.replace(txid)
    await world.mine(FINALITY + 1)
    assert [payment.state for payment in await world.payments()] == [PaymentState.GONE]
    assert await world.tickets() == []
    assert (await world.book()).postings == ()


#   pay ── 1 ── ┊ line cut ┊ ── pay ── 60 s of blocks ── ┊ mended ┊ ── both are tickets
#               ┊ nothing is decided, nothing is stopped ┊
async def test_nothing_is_lost_while_the_node_is_away_for_a_minute(world):
    event = await world.event()
    first, second = await world.order(event, 1), await world.order(event, 2)
    world.stage.pay(world.bill(first))
    await world.mine()
    before = await world.payments()
    blocks = ceil(timedelta(seconds=60) / world.stage.chain.block_time)
    async with world.stage.down():
        world.stage.pay(world.bill(second))
        for _ in range(3):
            world.stage.mine(ceil(blocks / 3))
            assert await world.turn() > timedelta(0)
        assert await world.payments() == before
        assert (await world.progress()).status is Status.FOLLOWING
    assert len(world.hooks.troubles) == 3
    world.hooks.troubles.clear()
    world.stage.mine(world.depth)
    await world.catch_up()
    assert await world.ticket_states() == ["valid", "valid"]


#   pay ── 1 ── ┊ node stopped ┊ ── started on what it kept ── M
#               ┊              ┊                               ticket
async def test_a_node_may_be_restarted_under_a_payment(world):
    order = await world.order(await world.event(), 1)
    world.stage.pay(world.bill(order))
    await world.mine()
    async with world.stage.stopped():
        assert await world.turn() > timedelta(0)
    assert len(world.hooks.troubles) == 1
    world.hooks.troubles.clear()
    await world.catch_up()
    assert [payment.state for payment in await world.payments()] == [PaymentState.PENDING]
    await world.mine(world.depth)
    assert await world.ticket_states() == ["valid"]


#   pay ── 333 blocks ── pay ── 333 blocks ── pay(nothing said) ── 334 blocks ── read for the first time
@pytest.mark.timeout(600)  # Monero's proof of work takes a tenth of a second per block
async def test_a_thousand_blocks_are_caught_up_with(world):
    event = await world.event(capacity=2)
    bills = [world.bill(await world.order(event, buyer)) for buyer in (1, 2)]
    for bill in (*bills, world.stray_bill(None)):
        world.stage.pay(bill)
        world.stage.mine(333)
    world.stage.mine(1)
    await world.catch_up()
    assert [payment.outcome for payment in await world.payments()] == [Outcome.MINTED, Outcome.MINTED, Outcome.OWED]
    assert {payment.state for payment in await world.payments()} == {PaymentState.FINAL}
    assert await world.ticket_states() == ["valid", "valid"]


#   checkpoint ── history, block by block ──────────────────┐
#       └──────── the same, all at once, another database ──┴── the same book
async def test_the_same_history_gives_the_same_book_twice(world):
    told = await prepare(world)
    untouched = world.copy("again.db")
    await begin(world, told)
    complete(world, told)
    await world.catch_up()
    again = await world.again(untouched)
    await again.catch_up()
    assert standing(await again.book()) == standing(await world.book())
    assert await again.ticket_states() == ["valid", "valid"]
    assert again.hooks.troubles == []
    await again.aclose()
