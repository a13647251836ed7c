"""Payments that a chain takes back, tells otherwise, or shows no more once it is read anew; both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chains import progress
from chains.port import Block, Payment, PaymentKey, Pending, Sweep, Tip
from chains.progress import Status
from monitor.changes import changes
from monitor.housekeeping import Housekeeping
from monitor.resume import resume
from payouts import bookings, dues, journal
from payouts.invariants import payments_told_otherwise
from tests.support.monitor_world import CHAIN, COIN, PRICE, RECEIVE, START, TOKEN, World, memo, terms, wallet
from tickets import addresses, orders, till
from tickets.reasons import Reason
from tickets.till import Outcome, PaymentRecord, PaymentState

ADDRESSES = [wallet(0xAD00 + number) for number in range(3)]


@pytest.fixture
async def world(store):
    made = World(store=store)
    made.chain.mine()
    await store.transact(lambda conn: addresses.extend(conn, CHAIN, ADDRESSES, start=0))
    await made.catch_up()
    return made


@pytest.fixture
def housekeeping(world):
    return Housekeeping(store=world.store, terms=(terms(),), clock=lambda: world.now)


async def ticket_states(world):
    return [row[-1] for row in (await world.book()).tickets]


async def dues_of(world, payment_id):
    found = await world.store.read(lambda conn: dues.of_payments(conn, [payment_id]))
    return [(due.amount, due.reason) for due in found.get(payment_id, ())]


async def undo(world, depth):
    """Replace the newest blocks by one more without their transactions, which the test may send again."""
    world.chain.fork_at(world.chain.height - depth)
    waiting, world.chain._pool = world.chain._pool, []
    world.chain.mine(depth + 1)
    await world.turn()
    return waiting


async def let_time_pass(world, until):
    """Let the chain's next block come at that moment, and read it."""
    world.chain._block_seconds = int((until - START).total_seconds()) - world.chain.height
    world.chain.mine()
    world.chain._block_seconds = 1
    world.now = until
    await world.turn(block_time=False)


# --- other facts ---------------------------------------------------------------------------------------------


OTHERWISE = {
    "amount": 1,
    "destination": ADDRESSES[2],
    "asset": TOKEN,
    "sender": wallet(7),
    "memos": ("a text that names nothing",),
    "internal": True,
}


async def reorganised(world, depth, **facts):
    """Mine the same transactions again in other blocks, where they come to something else."""
    world.chain.fork_at(world.chain.height - depth)
    world.chain._pool = [replace(payment, **facts) for payment in world.chain._pool]
    world.chain.mine(depth + 1)
    await world.turn()


@pytest.mark.parametrize("minted", [False, True])
@pytest.mark.parametrize("fact", OTHERWISE)
async def test_a_payment_that_another_block_tells_otherwise_is_worth_what_it_is_there(world, fact, minted):
    event = await world.event()
    depth = 3 if minted else 1
    paid = await world.pay(PRICE, memo(event, 1), sender=wallet(1), blocks=depth)
    assert await ticket_states(world) == (["valid"] if minted else [])
    await reorganised(world, depth, **{fact: OTHERWISE[fact]})
    if minted and fact != "destination":
        assert "suspended" in await ticket_states(world)
    await world.mine(12)
    record = await world.payment(paid)
    assert getattr(record, fact) == OTHERWISE[fact]
    assert record.state is PaymentState.FINAL
    assert await world.store.read(lambda conn: payments_told_otherwise(conn, world.chain.payments)) == []
    book = await world.book()
    assert book.faults == ()
    buys_all_the_same = fact in {"sender", "destination"}  # anybody may pay for a wallet, to any address of ours
    assert ("valid" in await ticket_states(world)) is buys_all_the_same
    if fact == "amount":
        balances = await world.store.read(journal.balances)
        assert balances[journal.Place(bookings.chain_account(CHAIN), COIN)] == 1


async def test_control_without_its_facts_a_payment_of_nothing_is_booked_for_what_it_was_elsewhere(world, monkeypatch):
    monkeypatch.setattr(PaymentRecord, "facts", property(lambda _: ()))
    event = await world.event()
    await world.pay(PRICE, memo(event, 1), sender=wallet(1))
    await reorganised(world, 1, amount=1)
    await world.mine(12)
    balances = await world.store.read(journal.balances)
    assert balances[journal.Place(bookings.chain_account(CHAIN), COIN)] == PRICE
    assert await ticket_states(world) == ["valid"]


async def test_an_order_is_not_restored_by_what_is_left_of_its_payments(world):
    event = await world.event()
    order = await world.order(event)
    first = await world.pay(400, None, to=order.address, blocks=1)
    await world.pay(600, None, to=order.address, blocks=3)
    assert await ticket_states(world) == ["valid"]
    both = await undo(world, 4)
    smaller = [replace(payment, amount=1) if payment.key.payment_id == first else payment for payment in both]
    world.chain._pool = smaller
    await world.mine(12)
    assert await ticket_states(world) == ["suspended"]
    await world.pay(399, None, to=order.address, blocks=12)
    assert await ticket_states(world) == ["valid"]
    assert (await world.book()).faults == ()


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("final_too", [False, True])
def test_the_newest_word_holds_in_whatever_order_a_sweep_says_it(now, gone, final_too):
    sweep = _sweep_with(now, amount=1, gone=gone, final_too=final_too)
    before = changes({}, _sweep_with(now, amount=PRICE), now).recorded[0]
    before = replace(before, outcome=Outcome.MINTED, applied=PRICE, order_id="0" * 32)
    happened = changes({before.key: before}, sweep, now)
    [fallen], [fresh] = happened.displaced, happened.recorded
    assert (fallen.state, fallen.amount, fallen.outcome) == (PaymentState.GONE, PRICE, Outcome.MINTED)
    assert (fresh.amount, fresh.outcome, fresh.order_id, fresh.applied) == (1, Outcome.WAITING, None, 0)
    assert fresh.state is (PaymentState.FINAL if final_too else PaymentState.PENDING)
    assert happened.gone == ()
    again = changes({fresh.key: fresh}, replace(sweep, gone=()), now)
    assert again.records == again.displaced == ()


def _sweep_with(now, *, amount, gone=False, final_too=False) -> Sweep:
    payment = Payment(
        key=PaymentKey(chain=CHAIN, txid="0x1", index="v"),
        asset=COIN,
        amount=amount,
        destination=RECEIVE,
        sender=wallet(1),
        memos=(),
        block=Block(height=5, hash=f"0x{amount}", time=now),
    )
    return Sweep(
        final=(payment,) if final_too else (),
        pending=(Pending(payment=payment, confirmations=1),),
        gone=(payment.key,) if gone else (),
        tip=Tip(height=5, hash="0x5", time=now),
        final_height=0,
        checkpoint={},
    )


# --- while an order is suspended -----------------------------------------------------------------------------


async def test_a_top_up_of_a_suspended_order_goes_back_when_the_payment_returns(world):
    event = await world.event()
    order = await world.order(event)
    await world.pay(PRICE, None, to=order.address, blocks=3)
    waiting = await undo(world, 3)
    helped = await world.pay(400, None, to=order.address, blocks=3)
    assert (await world.payment(helped)).outcome is Outcome.TOPPED_UP
    world.chain._pool = waiting
    await world.mine(12)
    assert await ticket_states(world) == ["valid"]
    assert await dues_of(world, helped) == [(400, Reason.ORDER_PAID)]
    assert (await world.book()).faults == ()


async def test_a_book_in_which_a_buyer_is_left_with_money_is_not_sound(world, monkeypatch):
    """The control of the rule above: nothing is owed back."""
    monkeypatch.setattr("monitor.reorg.owed_back", lambda part, *_: part)
    event = await world.event()
    order = await world.order(event)
    await world.pay(PRICE, None, to=order.address, blocks=3)
    waiting = await undo(world, 3)
    await world.pay(400, None, to=order.address, blocks=3)
    world.chain._pool = waiting
    await world.mine(12)
    [fault] = (await world.book()).faults
    assert f"buyer:{order.id} has -400" in fault


@pytest.mark.parametrize("returns", [False, True])
async def test_a_second_full_payment_stands_in_for_the_first(world, returns):
    event = await world.event(capacity=1)
    order = await world.order(event)
    first = await world.pay(PRICE, None, to=order.address)
    first_txid = world.chain.last_txid
    second = await world.pay(PRICE, None, to=order.address, blocks=5)
    assert (await world.payment(second)).reason is Reason.ORDER_PAID
    world.chain.fork_at(1)
    held = [payment for payment in world.chain._pool if payment.key.txid == first_txid]
    world.chain.drop(first_txid).mine(8)
    await world.turn()
    assert await ticket_states(world) == ["valid"]
    if returns:
        world.chain._pool = held
    await world.mine(12)
    assert await ticket_states(world) == ["valid"]
    assert (await world.payment(second)).outcome is Outcome.MINTED
    assert await dues_of(world, first) == ([(PRICE, Reason.ORDER_PAID)] if returns else [])
    assert (await world.book()).faults == ()


async def test_what_was_paid_beyond_the_price_counts_when_a_part_of_it_vanishes(world):
    event = await world.event()
    order = await world.order(event)
    first = await world.pay(400, None, to=order.address)
    first_txid = world.chain.last_txid
    second = await world.pay(PRICE, None, to=order.address, blocks=5)
    assert (await world.payment(second)).reason is Reason.OVERPAID
    world.chain.fork_at(1)
    held = [payment for payment in world.chain._pool if payment.key.txid == first_txid]
    world.chain.drop(first_txid).mine(8)
    await world.turn()
    assert await ticket_states(world) == ["valid"]
    world.chain._pool = held
    await world.mine(12)
    assert (await world.payment(second)).applied == PRICE
    assert await dues_of(world, first) == [(400, Reason.ORDER_PAID)]
    assert (await world.book()).faults == ()


async def test_a_part_that_returns_beside_what_took_its_place_is_decided_anew(world):
    """Of 400 and 900 for 1000 the first vanishes: the second counts whole, and waits for the missing 100."""
    event = await world.event()
    order = await world.order(event)
    first = await world.pay(400, None, to=order.address)
    first_txid = world.chain.last_txid
    second = await world.pay(900, None, to=order.address, blocks=5)
    world.chain.fork_at(1)
    held = [payment for payment in world.chain._pool if payment.key.txid == first_txid]
    world.chain.drop(first_txid).mine(8)
    await world.turn()
    assert await ticket_states(world) == ["suspended"]
    assert (await world.payment(second)).applied == 900
    world.chain._pool = held
    await world.mine(12)
    assert await ticket_states(world) == ["valid"]
    assert await dues_of(world, first) == [(300, Reason.OVERPAID)]
    assert (await world.book()).faults == ()


# --- read anew -----------------------------------------------------------------------------------------------


async def broken_below_finality(world, height, *, pool=()):
    """Replace everything above a height, deeper than finality, and let the operator have the chain read anew."""
    world.chain.fork_at(height)
    world.chain._pool = list(pool)
    world.chain.mine(40)
    await world.turn()
    [stopped] = await world.store.read(progress.status_of)
    assert stopped.status is Status.STOPPED
    assert await world.store.transact(lambda conn: resume(conn, CHAIN, anew=True))
    world.chain.blocks_per_poll = 7
    await world.catch_up()


async def test_a_pending_payment_that_a_chain_read_anew_does_not_show_is_gone(world):
    event = await world.event()
    await world.mine(20)
    paid = await world.pay(PRICE, memo(event, 1), sender=wallet(1), blocks=3)
    await world.mine(2)
    await broken_below_finality(world, 8)
    assert (await world.payment(paid)).state is PaymentState.GONE
    assert await ticket_states(world) == ["suspended"]


async def test_a_waiting_payment_that_is_on_no_chain_any_more_keeps_nobody_elses_money(world, housekeeping):
    event = await world.event()
    short = await world.pay(400, memo(event, 1), sender=wallet(1), blocks=10)
    await world.mine(10)
    await world.pay(PRICE, memo(event, 2), sender=wallet(2))  # never deep enough
    await world.mine(1)
    kept = [payment for payment in world.chain.payments if payment.key.payment_id == short]
    await broken_below_finality(world, 8, pool=())
    assert kept[0].block.height <= 8
    await let_time_pass(world, event.sales_end + timedelta(minutes=1))
    await housekeeping.expire_orders()
    assert await housekeeping.return_topups() == 1
    assert await dues_of(world, short) == [(400, Reason.SHORT)]


async def test_a_payment_whose_block_did_not_count_yet_is_gone_as_well_when_nothing_shows_it(world):
    event = await world.event()
    await world.mine(20)
    world.watcher.source = Doubting(world.chain)
    paid = await world.pay(PRICE, memo(event, 1), sender=wallet(1), blocks=3)
    assert (await world.payment(paid)).height is None
    world.watcher.source = world.chain
    await broken_below_finality(world, 8)
    assert (await world.payment(paid)).state is PaymentState.GONE


async def test_a_final_payment_that_is_not_found_again_is_named_and_found_when_it_is(world):
    event = await world.event()
    await world.mine(9)
    paid = await world.pay(PRICE, memo(event, 1), sender=wallet(1), blocks=12)
    other = await world.pay(PRICE, memo(event, 2), sender=wallet(2), blocks=12)
    moved = [replace(p, block=None) for p in world.chain.payments if p.key.payment_id == other]
    await broken_below_finality(world, 8, pool=moved)
    assert (await world.payment(paid)).state is PaymentState.LOST
    assert (await world.payment(other)).state is PaymentState.FINAL
    assert (await world.payment(other)).height == 9
    assert await world.store.read(till.lost_by_chain) == {CHAIN: 1}
    assert (await world.book()).faults == (f"payment {paid} is in the book and no longer on {CHAIN}",)
    assert await ticket_states(world) == ["valid", "valid"], "whether they stay so, a person decides"


async def test_a_final_payment_that_was_mined_again_far_above_is_lost_only_until_then(world):
    event = await world.event()
    await world.mine(9)
    paid = await world.pay(PRICE, memo(event, 1), sender=wallet(1), blocks=12)
    again = [replace(payment, block=None) for payment in world.chain.payments]
    await broken_below_finality(world, 8)
    assert (await world.payment(paid)).state is PaymentState.LOST
    world.chain._pool = again
    before = await world.book()
    await world.mine(9)
    record = await world.payment(paid)
    assert (record.state, record.booked) == (PaymentState.FINAL, True)
    after = await world.book()
    assert (after.faults, after.postings) == ((), before.postings)


# --- what does not count -------------------------------------------------------------------------------------


class Doubting:
    """A source whose second endpoint agrees to nothing that is not final."""

    def __init__(self, inner):
        self.inner, self.chain = inner, inner.chain

    async def start(self, height=None):
        return await self.inner.start(height)

    async def poll(self, checkpoint, watch):
        sweep = await self.inner.poll(checkpoint, watch)
        doubted = (
            replace(pending, payment=replace(pending.payment, block=None), confirmations=0) for pending in sweep.pending
        )
        return replace(sweep, pending=tuple(doubted))

    async def aclose(self):
        await self.inner.aclose()


async def test_a_payment_that_a_second_endpoint_does_not_agree_about_mints_at_finality_only(world):
    world.watcher.source = Doubting(world.chain)
    event = await world.event()
    await world.pay(PRICE, memo(event, 1), sender=wallet(1), blocks=7)
    assert await ticket_states(world) == []
    await world.mine()
    assert await ticket_states(world) == ["valid"]


@pytest.mark.parametrize(
    ("asset", "text", "extended"),
    [(COIN, None, True), (TOKEN, None, False), (COIN, "o:{other}", False), (COIN, "o:{own}", True)],
)
async def test_a_hold_is_extended_by_money_that_would_count_and_by_no_other(world, asset, text, extended):
    event = await world.event()
    order, other = await world.order(event, 1), await world.order(event, 2)
    world.now = order.expires_at - timedelta(minutes=1)
    text = text and text.format(own=order.code, other=other.code)
    world.chain.pay(order.address, PRICE, asset=asset, memo=text, sender=wallet(9)).mine()
    await world.turn(block_time=False)
    after = await world.store.read(lambda conn: orders.by_id(conn, order.id))
    assert (after.expires_at > order.expires_at) is extended


async def test_an_ended_order_of_an_event_that_is_over_keeps_no_money(world, housekeeping):
    event = await world.event()
    short = await world.pay(400, memo(event, 1), sender=wallet(1), blocks=10)
    await let_time_pass(world, event.ends_at + timedelta(minutes=1))
    await housekeeping.expire_orders()
    await housekeeping.complete_events()
    [fault] = (await world.book()).faults
    assert "has -400" in fault, "the chore has not run yet"
    assert await housekeeping.return_topups() == 1
    assert (await world.book()).faults == ()
    assert await dues_of(world, short) == [(400, Reason.SHORT)]
