"""What payments become, through the watcher's own door: a chain made by hand, both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chains.port import Watch
from config.registry import MintStep
from monitor import settlement
from monitor.extent import BLOCKS_UNDER_WAY
from monitor.housekeeping import Housekeeping
from monitor.sitting import Sitting
from payouts import bookings, dues, journal
from tests.support.monitor_world import (
    CHAIN,
    CHAIN_RECORD,
    COIN,
    DUST,
    PRICE,
    RECEIVE,
    START,
    TOKEN,
    World,
    holder,
    memo,
    terms,
    wallet,
)
from tests.support.tickets_box import without_the_guards
from tickets import addresses, events, inventory, orders, till
from tickets import tickets as ticket_store
from tickets.errors import CountsError
from tickets.order import Hold, OrderState
from tickets.reasons import Reason
from tickets.till import Outcome, PaymentState

UNDER_WAY = BLOCKS_UNDER_WAY * CHAIN_RECORD.block_time
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


async def outcome(world, payment_id):
    payment = await world.payment(payment_id)
    return payment.outcome, payment.reason


async def dues_of(world, payment_id):
    found = await world.store.read(lambda conn: dues.of_payments(conn, [payment_id]))
    return [(due.amount, due.reason, due.state, due.recipient) for due in found.get(payment_id, ())]


async def ticket_states(world):
    return [row[-1] for row in (await world.book()).tickets]


async def order_of(world, payment_id):
    payment = await world.payment(payment_id)
    return await world.store.read(lambda conn: orders.by_id(conn, payment.order_id))


async def test_an_exact_payment_becomes_a_ticket_at_mint_depth_and_money_at_finality(world):
    event = await world.event()
    paid = await world.pay(PRICE, memo(event, 1))
    assert await outcome(world, paid) == (Outcome.WAITING, None)
    await world.mine()
    assert await outcome(world, paid) == (Outcome.MINTED, None)
    book = await world.book()
    assert [ticket[-1] for ticket in book.tickets] == ["valid"]
    assert book.postings == ()
    await world.mine(6)
    assert (await world.payment(paid)).state is PaymentState.FINAL
    balances = await world.store.read(journal.balances)
    assert balances == {
        (bookings.chain_account(CHAIN), COIN): PRICE,
        (bookings.COMMISSION, COIN): -200,
        (bookings.creator_account(event.id), COIN): -800,
    }
    assert (await world.book()).faults == ()


async def test_a_payment_below_the_price_waits_for_its_top_up(world):
    event = await world.event()
    first = await world.pay(600, memo(event, 1), blocks=3)
    assert await outcome(world, first) == (Outcome.TOPPED_UP, None)
    second = await world.pay(450, memo(event, 1), blocks=10)
    assert await outcome(world, first) == (Outcome.MINTED, None)
    assert await outcome(world, second) == (Outcome.MINTED, Reason.OVERPAID)
    assert await dues_of(world, second) == [(50, Reason.OVERPAID, "due", None)]
    book = await world.book()
    assert [ticket[-1] for ticket in book.tickets] == ["valid"]
    assert book.faults == ()


@pytest.mark.parametrize("sold_out", [False, True])
async def test_a_part_that_comes_with_the_last_of_an_order_begins_the_next_one(world, sold_out):
    """The stored order ends, paid or refused, in the sweep that opens another one of the same top-up key."""
    event = await world.event(capacity=1)
    if sold_out:
        await world.pay(PRICE, memo(event, 2), sender=wallet(2), blocks=3)
    begun = await world.pay(400, memo(event, 1), blocks=3)
    world.chain.pay(RECEIVE, 600, memo=memo(event, 1))
    completing = world.chain.last_txid
    world.chain.pay(RECEIVE, 300, memo=memo(event, 1))
    beginning = world.chain.last_txid
    await world.mine(10)
    completed, next_one = [await world.payment(await world.payment_id(txid)) for txid in (completing, beginning)]
    ended, opened = await order_of(world, completed.id), await order_of(world, next_one.id)
    assert (await order_of(world, begun)).id == ended.id
    assert ended.state is (OrderState.REFUSED if sold_out else OrderState.PAID)
    assert next_one.outcome is Outcome.TOPPED_UP
    assert opened.state is OrderState.OPEN
    assert opened.topup_key == ended.topup_key
    assert opened.id != ended.id
    assert (await world.book()).faults == ()


async def test_the_payments_of_two_buyers_do_not_add_up(world):
    event = await world.event()
    await world.pay(500, memo(event, 1), sender=wallet(1))
    await world.pay(500, memo(event, 1), sender=wallet(2), blocks=3)
    assert await ticket_states(world) == []


async def test_a_payment_from_nobody_adds_to_nothing(world):
    event = await world.event()
    await world.pay(500, memo(event, 1), sender=None)
    await world.pay(500, memo(event, 1), sender=None, blocks=3)
    assert await ticket_states(world) == []


async def test_a_shortfall_not_worth_sending_is_forgiven_and_the_creator_shares_what_came(world):
    event = await world.event()
    paid = await world.pay(PRICE - 5, memo(event, 1), blocks=10)
    assert await outcome(world, paid) == (Outcome.MINTED, None)
    balances = await world.store.read(journal.balances)
    assert balances[journal.Place(bookings.COMMISSION, COIN)] == -199
    assert balances[journal.Place(bookings.creator_account(event.id), COIN)] == -796


async def test_a_rest_not_worth_sending_is_booked_to_dust(world):
    event = await world.event()
    paid = await world.pay(PRICE + DUST - 1, memo(event, 1), blocks=10)
    assert await dues_of(world, paid) == [(9, Reason.OVERPAID, "dust", None)]
    balances = await world.store.read(journal.balances)
    assert balances[journal.Place(bookings.DUST, COIN)] == -9
    assert (await world.book()).faults == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, Reason.NO_MEMO),
        ("hello", Reason.UNREADABLE_MEMO),
        ("event:nowhere:wallet:" + wallet(1), Reason.UNKNOWN_EVENT),
        ("o:0000000000000", Reason.UNKNOWN_ORDER),
        ("o:0000000000001", Reason.UNREADABLE_MEMO),
        ("subscription:gold:account:alice", Reason.SUBSCRIPTION),
    ],
)
async def test_what_names_no_purchase_is_owed_back_with_its_reason(world, text, reason):
    paid = await world.pay(PRICE, text, blocks=10)
    assert await outcome(world, paid) == (Outcome.OWED, reason)
    [(amount, why, _, _)] = await dues_of(world, paid)
    assert (amount, why) == (PRICE, reason)
    balances = await world.store.read(journal.balances)
    assert balances[journal.Place(bookings.owed_account(paid), COIN)] == -PRICE
    assert (await world.book()).faults == ()


async def test_another_asset_than_the_price_is_owed_back(world):
    event = await world.event()
    paid = await world.pay(PRICE, memo(event, 1), asset=TOKEN, blocks=10)
    assert await outcome(world, paid) == (Outcome.OWED, Reason.WRONG_ASSET)


async def test_a_payment_to_a_cancelled_event_is_owed_back(world):
    event = await world.event()
    await world.store.transact(lambda conn: events.cancel(conn, event.id, reason="rain", now=world.now))
    paid = await world.pay(PRICE, memo(event, 1), blocks=10)
    assert await outcome(world, paid) == (Outcome.OWED, Reason.CANCELLED)


async def test_two_buyers_and_one_seat_make_one_ticket_and_one_refund(world):
    event = await world.event(capacity=1)
    first = await world.pay(PRICE, memo(event, 1), sender=wallet(1))
    second = await world.pay(PRICE, memo(event, 2), sender=wallet(2), blocks=10)
    assert await outcome(world, first) == (Outcome.MINTED, None)
    assert await outcome(world, second) == (Outcome.OWED, Reason.SOLD_OUT)
    assert (await order_of(world, second)).state is OrderState.REFUSED
    book = await world.book()
    assert (len(book.tickets), book.faults) == (1, ())


async def test_several_tickets_are_all_or_nothing(world):
    event = await world.event(capacity=2)
    paid = await world.pay(3 * PRICE, memo(event, 1, ":qty:3"), blocks=10)
    assert await outcome(world, paid) == (Outcome.OWED, Reason.SOLD_OUT)
    assert await ticket_states(world) == []


async def test_an_order_is_found_by_its_address_and_a_memo_beside_it_changes_nothing(world):
    event, other = await world.event(), await world.event()
    order = await world.order(event)
    paid = await world.pay(PRICE, memo(other, 2), to=order.address, blocks=10)
    assert await outcome(world, paid) == (Outcome.MINTED, None)
    [ticket] = await world.store.read(lambda conn: ticket_store.of_order(conn, order.id))
    assert ticket.holder == order.lines[0].holder
    assert (await world.payment(paid)).memos == (memo(other, 2),)


async def test_an_order_is_found_by_its_code(world):
    order = await world.order(await world.event())
    paid = await world.pay(PRICE, f"o:{order.code}", blocks=3)
    assert (await world.payment(paid)).order_id == order.id
    assert await ticket_states(world) == ["valid"]


async def test_an_address_and_another_orders_code_decide_nothing(world):
    event = await world.event()
    order, other = await world.order(event, 1), await world.order(event, 2)
    paid = await world.pay(PRICE, f"o:{other.code}", to=order.address, blocks=3)
    assert await outcome(world, paid) == (Outcome.OWED, Reason.CONFLICTING_MEMOS)


async def test_an_order_is_paid_once(world):
    order = await world.order(await world.event())
    await world.pay(PRICE, None, to=order.address, blocks=2)
    again = await world.pay(PRICE, None, to=order.address, blocks=10)
    assert await outcome(world, again) == (Outcome.OWED, Reason.ORDER_PAID)
    assert (await world.book()).faults == ()


async def test_an_order_shows_its_payment_before_it_is_deep_enough(world):
    order = await world.order(await world.event())
    await world.pay(PRICE, None, to=order.address)
    [payment] = await world.store.read(lambda conn: till.of_order(conn, order.id))
    assert (payment.outcome, payment.confirmations) == (Outcome.WAITING, 1)


async def test_a_late_payment_takes_the_hold_again_while_there_is_room(world, housekeeping):
    event = await world.event(capacity=1)
    order = await world.order(event, hold_for=timedelta(seconds=1))
    await world.mine(5)
    assert await housekeeping.expire_orders() == 1
    paid = await world.pay(PRICE, None, to=order.address, blocks=10)
    assert await outcome(world, paid) == (Outcome.MINTED, None)
    assert (await order_of(world, paid)).hold is Hold.SOLD
    assert (await world.book()).faults == ()


async def test_a_late_payment_without_room_is_owed_back(world, housekeeping):
    event = await world.event(capacity=1)
    order = await world.order(event, hold_for=timedelta(seconds=1))
    await world.mine(5)
    await housekeeping.expire_orders()
    await world.pay(PRICE, memo(event, 2), sender=wallet(2), blocks=3)
    late = await world.pay(PRICE, None, to=order.address, blocks=10)
    assert await outcome(world, late) == (Outcome.OWED, Reason.LATE)


async def test_a_payment_seen_in_time_keeps_its_order_open_until_it_is_deep_enough(world, housekeeping):
    event = await world.event(capacity=1)
    order = await world.order(event, hold_for=timedelta(seconds=2))
    await world.pay(PRICE, None, to=order.address)
    world.now += timedelta(minutes=10)
    assert await housekeeping.expire_orders() == 0
    await world.mine(2)
    assert await ticket_states(world) == ["valid"]


async def test_money_between_our_own_accounts_is_recorded_and_nothing_more(world):
    event = await world.event()
    paid = await world.pay(PRICE, memo(event, 1), internal=True, blocks=10)
    assert await outcome(world, paid) == (Outcome.INTERNAL, None)
    book = await world.book()
    assert (book.tickets, book.postings, book.faults) == ((), (), ())


async def test_amounts_beyond_64_bits_stay_exact(world):
    price = 10**30 + 7
    event = await world.event(price=price)
    await world.pay(price + 10**20, memo(event, 1), blocks=10)
    book = await world.book()
    assert sum(row[-1] for row in book.postings if row[5] == "commission") == -(price * 2000 // 10_000)
    assert book.faults == ()


# --- reorgs --------------------------------------------------------------------------------------------------


async def test_a_payment_that_returns_within_grace_makes_its_ticket_valid_again(world):
    event = await world.event(capacity=1)
    paid = await world.pay(PRICE, memo(event, 1), blocks=3)
    world.chain.fork_at(world.chain.height - 3).mine(0)
    waiting, world.chain._pool = world.chain._pool, []
    world.chain.mine(4)
    await world.turn()
    assert await ticket_states(world) == ["suspended"]
    assert (await order_of(world, paid)).state is OrderState.SUSPENDED
    assert (await order_of(world, paid)).hold is Hold.SOLD
    world.chain._pool = waiting
    await world.mine(10)
    assert await ticket_states(world) == ["valid"]
    assert (await order_of(world, paid)).state is OrderState.PAID
    assert (await world.book()).faults == ()


async def undo(world, depth):
    """Replace the newest blocks by one more without their transactions, which the test may send again."""
    world.chain.fork_at(world.chain.height - depth)
    waiting, world.chain._pool = world.chain._pool, []
    world.chain.mine(depth + 1)
    await world.turn()
    return waiting


async def test_after_grace_the_ticket_is_revoked_and_the_place_given_back(world, housekeeping):
    event = await world.event(capacity=1)
    first = await world.pay(400, memo(event, 1), blocks=9)
    second = await world.pay(600, memo(event, 1), blocks=3)
    assert await ticket_states(world) == ["valid"]
    await undo(world, 3)
    assert await ticket_states(world) == ["suspended"]
    assert await housekeeping.end_grace() == 0
    world.now += terms().grace + UNDER_WAY
    await world.mine()
    assert await housekeeping.end_grace() == 1
    assert await ticket_states(world) == ["revoked"]
    assert await outcome(world, first) == (Outcome.OWED, Reason.FELL_APART)
    assert await outcome(world, second) == (Outcome.WAITING, None)
    assert await dues_of(world, first) == [(400, Reason.FELL_APART, "due", None)]
    tier = (await world.store.read(lambda conn: events.find(conn, event.id))).tiers[0]
    assert (tier.held, tier.sold) == (0, 0)
    assert (await world.book()).faults == ()


@pytest.mark.parametrize("by_address", [False, True])
async def test_a_payment_that_returns_after_grace_settles_like_a_new_one(world, housekeeping, by_address):
    event = await world.event(capacity=1)
    order = await world.order(event)
    text, to = (None, order.address) if by_address else (memo(await world.event(capacity=1), 1), RECEIVE)
    paid = await world.pay(PRICE, text, to=to, blocks=3)
    waiting = await undo(world, 3)
    world.now += terms().grace + UNDER_WAY
    await world.mine()
    await housekeeping.end_grace()
    world.chain._pool = waiting
    await world.mine(10)
    assert await outcome(world, paid) == (Outcome.MINTED, None)
    assert sorted(await ticket_states(world)) == ["revoked", "valid"]
    assert (await world.book()).faults == ()


async def test_a_replacement_takes_the_place_that_was_kept_for_the_payment_it_replaced(world):
    event = await world.event(capacity=1)
    paid = await world.pay(PRICE, memo(event, 1), blocks=3)
    waiting = await undo(world, 3)
    replacement = await world.pay(PRICE, memo(event, 1), blocks=3)
    assert await ticket_states(world) == ["valid"]
    assert (await world.payment(replacement)).order_id == (await world.payment(paid)).order_id
    world.chain._pool = waiting
    await world.mine(10)
    assert await outcome(world, paid) == (Outcome.OWED, Reason.SOLD_OUT)
    assert (await world.book()).faults == ()


async def test_a_top_up_that_vanished_no_longer_counts(world):
    event = await world.event()
    await world.pay(400, memo(event, 1), blocks=2)
    await undo(world, 2)
    await world.pay(600, memo(event, 1), blocks=3)
    assert await ticket_states(world) == []


# --- the sale's end ------------------------------------------------------------------------------------------


async def test_what_is_still_short_at_the_sales_end_goes_back(world, housekeeping):
    event = await world.event()
    paid = await world.pay(400, memo(event, 1), blocks=10)
    assert await housekeeping.return_topups() == 0
    world.now = event.sales_end + timedelta(seconds=1)
    await housekeeping.expire_orders()
    assert await housekeeping.return_topups() == 0, "the chain was not read past the sale's end yet"
    world.chain._block_seconds = int((world.now - START).total_seconds())
    await world.mine()
    await housekeeping.expire_orders()
    assert await housekeeping.return_topups() == 1
    assert await outcome(world, paid) == (Outcome.OWED, Reason.SHORT)
    assert await dues_of(world, paid) == [(400, Reason.SHORT, "due", None)]
    assert await housekeeping.return_topups() == 0
    assert (await world.book()).faults == ()


async def test_parts_paid_for_a_cancelled_event_go_back_at_once(world, housekeeping):
    event = await world.event()
    paid = await world.pay(400, memo(event, 1), blocks=10)
    await world.store.transact(lambda conn: events.cancel(conn, event.id, reason="rain", now=world.now))
    assert await housekeeping.return_topups() == 1
    assert await outcome(world, paid) == (Outcome.OWED, Reason.CANCELLED)


# --- twice is once -------------------------------------------------------------------------------------------


async def test_storing_the_same_sweep_twice_changes_nothing(world):
    event = await world.event(capacity=1)
    for number in (1, 2):
        world.chain.pay(RECEIVE, PRICE, memo=memo(event, number), sender=wallet(number))
    world.chain.mine(10)
    await world.catch_up()
    before = await world.book()
    checkpoint = await world.chain.start(1)
    sweep = await world.chain.poll(checkpoint, Watch(active=frozenset({RECEIVE})))
    await world.store.transact(lambda conn: world.watcher._store(conn, sweep, _nothing(), world.now))
    assert await world.book() == before


def _nothing():
    return addresses.WatchedSet(active=frozenset(), retired=frozenset(), committed=(), stamp=())


async def test_without_the_capacity_guard_a_seat_is_sold_twice(world, monkeypatch):
    without_the_guards(monkeypatch)
    event = await world.event(capacity=1)
    await world.pay(PRICE, memo(event, 1), sender=wallet(1))
    await world.pay(PRICE, memo(event, 2), sender=wallet(2), blocks=3)
    assert await ticket_states(world) == ["valid", "valid"]


async def test_a_count_that_went_wrong_is_stopped_by_the_write(world, monkeypatch):
    monkeypatch.setattr(inventory.Places, "_fits", lambda *_: True)
    event = await world.event(capacity=1)
    await world.pay(PRICE, memo(event, 1), sender=wallet(1))
    with pytest.raises(CountsError):
        await world.pay(PRICE, memo(event, 2), sender=wallet(2), blocks=3)
    assert await ticket_states(world) == ["valid"]


async def test_a_payment_for_other_tickets_joins_no_order_that_is_still_short(world):
    event = await world.event()
    await world.pay(600, memo(event, 1))
    vip = await world.pay(5 * PRICE, memo(event, 1, ":tier:vip"))
    two = await world.pay(2 * PRICE, memo(event, 1, ":qty:2"), blocks=10)
    assert await outcome(world, vip) == (Outcome.MINTED, None)
    assert await outcome(world, two) == (Outcome.MINTED, None)
    await world.pay(400, memo(event, 1), blocks=10)
    assert await ticket_states(world) == ["valid"] * 4
    assert (await world.book()).faults == ()


async def test_a_payment_for_other_tickets_does_not_replace_one_that_vanished(world):
    event = await world.event()
    await world.pay(PRICE, memo(event, 1), blocks=3)
    await undo(world, 3)
    await world.pay(5 * PRICE, memo(event, 1, ":tier:vip"), blocks=10)
    assert sorted(await ticket_states(world)) == ["suspended", "valid"]


async def test_places_go_in_the_chains_order_to_as_many_as_there_is_room_for(world):
    event = await world.event(capacity=4)
    world.chain.lag(0)
    wanted = (2, 3, 1, 2, 1, 1)  # the second and the fourth find too little room, the fifth takes the last place
    for number, quantity in enumerate(wanted, 1):
        world.chain.pay(RECEIVE, quantity * PRICE, memo=memo(event, number, f":qty:{quantity}"), sender=wallet(number))
        world.chain.mine()
    world.chain.mine(12)
    await world.catch_up()
    book = await world.book()
    held = [str(ticket[3]) for ticket in book.tickets]
    assert sorted(held) == sorted([str(holder(1))] * 2 + [str(holder(3)), str(holder(5))])
    assert (await order_counts(world)) == {"paid": 3, "refused": 3}
    assert book.faults == ()


async def order_counts(world):
    states = [row[4] for row in (await world.book()).orders]
    return {state: states.count(state) for state in set(states)}


async def test_the_work_of_a_poll_grows_with_the_payments_of_an_order_and_not_with_their_square(world, monkeypatch):
    """Counted: how many payments of an order are looked at while many small parts of it settle."""
    looked_at = []
    of_order, ripe_at = Sitting.of_order, settlement.ripe_at

    def counted_parts(sitting, order_id):
        parts = of_order(sitting, order_id)
        looked_at.extend(parts)
        return parts

    def counted_depths(stake, stakes, steps, *, finality):
        looked_at.append(stake)
        return ripe_at(stake, stakes, steps, finality=finality)

    monkeypatch.setattr(Sitting, "of_order", counted_parts)
    monkeypatch.setattr(settlement, "ripe_at", counted_depths)
    event = await world.event()
    order = await world.order(event)
    world.chain.pay(order.address, 1, sender=wallet(1), times=500)
    await world.mine(3)
    looked_at.clear()
    await world.mine(3)
    assert (await world.store.read(lambda conn: len(till.of_order(conn, order.id)))) == 500
    assert len(looked_at) < 10 * 500
    world.chain.pay(order.address, PRICE - 500, sender=wallet(1))
    await world.mine(10)
    assert await ticket_states(world) == ["valid"]
    assert len(looked_at) < 20 * 500


async def test_the_parts_of_a_purchase_count_together_however_they_name_it(store):
    """By the number and the slug of one event, settled or not: a purchase has one purse until its money is final."""
    steps = {"*": (MintStep(up_to=PRICE // 2, confirmations=2), MintStep(up_to=None, confirmations=6))}
    world = World(store=store, record=replace(CHAIN_RECORD, mint_steps=steps))
    event = await world.event(slug="evening")
    await world.mine()
    await world.pay(PRICE // 2, memo(event, 1), sender=wallet(1), blocks=3)
    await world.pay(PRICE // 2, f"event:{event.id}:wallet:{wallet(1)}", sender=wallet(1), blocks=4)
    assert await ticket_states(world) == [], "both parts are at stake"
    await world.mine()
    assert await ticket_states(world) == ["valid"], "the first part is final"


async def test_an_heir_settles_at_the_depth_of_all_that_is_paid_for_its_fallen_order(world, housekeeping):
    event = await world.event()
    order = await world.order(event)
    paid = await world.pay(PRICE, None, to=order.address, blocks=3)
    waiting = await undo(world, 3)
    world.now += terms().grace + UNDER_WAY
    await world.mine()
    await housekeeping.end_grace()
    world.chain._pool = waiting
    await world.mine(3)
    returned = await world.payment(paid)
    assert returned.order_id != order.id
    heir = await order_of(world, paid)
    again = await world.pay(1, f"o:{heir.code}", blocks=3)
    named = await world.pay(1, None, to=order.address, blocks=3)
    purses = {(await world.payment(payment_id)).purse for payment_id in (paid, again, named)}
    assert purses == {order.id}
