"""Orders: placed, limited, released, extended, expired; and what bare memos open."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from memo.code import normalise
from store.engine import open_store
from tests.support.tickets_box import (
    CHAIN,
    ETH,
    HOLD_FOR,
    PRICE,
    USDC,
    counted_places,
    kept_places,
    opened,
    ordered,
    read_to,
    request,
    reread,
    sell,
    tier,
    wallet,
)
from tickets import addresses, events, inventory, limits, order_store, orders, tickets
from tickets.errors import IllegalMoveError
from tickets.lateness import Timing, first_known, judge
from tickets.limits import ADDRESS_WHILE, ADDRESSES_PER_CLIENT
from tickets.order import Hold, Order, OrderState, extended, moved
from tickets.orders import Known, OrderRefusal


async def placed(store, event, now, by=1, **changes):
    wish = request(event, by, **changes)
    return await store.transact(lambda conn: orders.place(conn, wish, now=now, hold_for=HOLD_FOR))


async def test_an_order_locks_its_price_and_keeps_its_places(store, now):
    event = await opened(store, now)
    order = await ordered(store, event, now, quantity=3)
    assert (order.state, order.hold, order.amount, order.quantity) == (OrderState.OPEN, Hold.HELD, 3 * PRICE, 3)
    assert order.expires_at == now + HOLD_FOR
    assert order.expires_cap == now + CHAIN.hold_cap
    assert (order.lines[0].account, order.lines[0].holder) == (str(wallet(1)), wallet(1).holder)
    assert len(bytes.fromhex(order.id)) == 16
    assert normalise(order.code.lower()) == order.code
    assert await store.read(lambda conn: orders.by_id(conn, order.id)) == order
    assert await store.read(lambda conn: orders.by_code(conn, order.code)) == order
    assert (await reread(store, event)).tier().left == 7


async def test_ids_and_codes_come_from_the_randomness_that_is_given(store, now):
    event = await opened(store, now)
    wish = request(event)
    order = await store.transact(
        lambda conn: orders.place(conn, wish, now=now, hold_for=HOLD_FOR, randomness=lambda size: b"\x07" * size)
    )
    assert order.id == "07" * 16


async def test_a_hold_longer_than_the_chains_cap_is_its_own_cap(store, now):
    event = await opened(store, now)
    order = await store.transact(lambda conn: orders.place(conn, request(event), now=now, hold_for=timedelta(hours=2)))
    assert order.expires_cap == order.expires_at == now + timedelta(hours=2)


async def test_no_order_lasts_longer_than_its_event(store, now):
    ends = now + timedelta(minutes=5)
    event = await opened(store, now, starts_at=now + timedelta(minutes=1), ends_at=ends)
    order = await ordered(store, event, now)
    assert order.expires_at == order.expires_cap == ends
    assert await placed(store, event, ends) is OrderRefusal.SALE_OVER


@pytest.mark.parametrize(
    ("refusal", "changes", "event_changes"),
    [
        (OrderRefusal.UNKNOWN_EVENT, {"event_ref": "nowhere"}, {}),
        (OrderRefusal.UNKNOWN_TIER, {"tier": "vip"}, {}),
        (OrderRefusal.QUANTITY, {"quantity": 0}, {}),
        (OrderRefusal.QUANTITY, {"quantity": 21}, {}),
        (OrderRefusal.WRONG_ASSET, {"asset": USDC.id}, {}),
        (OrderRefusal.SOLD_OUT, {"quantity": 11}, {}),
        (OrderRefusal.SOLD_OUT, {"quantity": 11, "want_hold": False}, {}),
        (OrderRefusal.LIMIT_REACHED, {"quantity": 3}, {"purchase_limit": 2}),
        (OrderRefusal.NOT_ON_SALE, {}, {"sales_start": timedelta(hours=1)}),
        (OrderRefusal.SALE_OVER, {}, {"sales_start": timedelta(hours=-2), "sales_end": timedelta(hours=-1)}),
    ],
)
async def test_an_order_that_cannot_be_is_refused_with_its_reason(store, now, refusal, changes, event_changes):
    shifted = {name: now + by if isinstance(by, timedelta) else by for name, by in event_changes.items()}
    event = await opened(store, now, **shifted)
    assert await placed(store, event, now, **changes) is refusal
    assert (await reread(store, event)).tier().held == 0


async def test_a_cancelled_event_sells_nothing(store, now):
    event = await opened(store, now)
    await store.transact(lambda conn: events.cancel(conn, event.id, reason="rain", now=now))
    assert await placed(store, event, now) is OrderRefusal.CANCELLED


async def test_an_unproved_client_holds_two_places_and_then_only_a_price(store, now):
    event = await opened(store, now)
    holds = [(await ordered(store, event, now, by, proved=False)).hold for by in range(4)]
    assert holds == [Hold.HELD, Hold.HELD, Hold.NONE, Hold.NONE]
    elsewhere = await ordered(store, event, now, proved=False, client="net-2")
    proved = await ordered(store, event, now)
    assert (elsewhere.hold, proved.hold) == (Hold.HELD, Hold.HELD)
    other_event = await opened(store, now)
    assert (await ordered(store, other_event, now, proved=False)).hold is Hold.HELD


async def test_clients_nobody_knows_share_one_budget(store, now):
    event = await opened(store, now)
    holds = [(await ordered(store, event, now, by, proved=False, client=None)).hold for by in range(3)]
    assert holds == [Hold.HELD, Hold.HELD, Hold.NONE]


async def test_unproved_holds_together_keep_at_most_half_of_what_is_left(store, now):
    event = await opened(store, now)
    await ordered(store, event, now, quantity=2)  # proved: eight are left
    holds = [(await ordered(store, event, now, by, proved=False, client=f"net-{by}")).hold for by in range(6)]
    assert holds == [Hold.HELD] * 4 + [Hold.NONE] * 2
    assert (await reread(store, event)).tier().left == 4
    assert (await ordered(store, event, now, quantity=4)).hold is Hold.HELD


async def test_a_tier_without_end_has_no_half(store, now):
    event = await opened(store, now, tiers=(tier(capacity=None),))
    holds = [(await ordered(store, event, now, by, proved=False, client=f"net-{by}")).hold for by in range(6)]
    assert holds == [Hold.HELD] * 6


async def test_a_released_or_expired_hold_counts_no_more(store, now):
    event = await opened(store, now)
    first = await ordered(store, event, now, proved=False)
    await ordered(store, event, now, proved=False)
    await store.transact(lambda conn: orders.release(conn, first.id, now=now))
    assert (await ordered(store, event, now, proved=False)).hold is Hold.HELD
    later = now + HOLD_FOR + timedelta(seconds=1)
    await store.transact(lambda conn: orders.expire_due(conn, now=later, known=read_to(later)))
    assert (await ordered(store, event, later, proved=False)).hold is Hold.HELD


async def test_two_requests_at_once_share_the_unproved_budget(store, now):
    event = await opened(store, now)
    made = await asyncio.gather(*(ordered(store, event, now, by, proved=False) for by in range(16)))
    assert sum(order.hold is Hold.HELD for order in made) == 2
    assert (await reread(store, event)).tier().held == 2


async def test_without_the_events_lock_two_requests_at_once_hold_twice_the_budget(database_urls, now, monkeypatch):
    """Negative control, on PostgreSQL, where works really run side by side."""
    store = open_store(database_urls("postgres"))
    event = await opened(store, now, tiers=(tier(capacity=100),))
    meeting = threading.Barrier(4, timeout=20)
    find, counting = events.find, limits.may_hold_unproved

    def unlocked(conn, ref, *, lock=False):
        return find(conn, ref)

    def counted_together(*args):
        may = counting(*args)
        meeting.wait()
        return may

    monkeypatch.setattr(events, "find", unlocked)
    monkeypatch.setattr(limits, "may_hold_unproved", counted_together)
    made = await asyncio.gather(*(ordered(store, event, now, by, proved=False) for by in range(4)))
    assert sum(order.hold is Hold.HELD for order in made) == 4
    await store.aclose()


async def test_a_purchase_limit_counts_what_the_wallet_proved(store, now):
    event = await opened(store, now, purchase_limit=3)
    await ordered(store, event, now, quantity=2)
    assert await placed(store, event, now, quantity=2) is OrderRefusal.LIMIT_REACHED
    last = await ordered(store, event, now)
    assert await placed(store, event, now) is OrderRefusal.LIMIT_REACHED
    await store.transact(lambda conn: orders.release(conn, last.id, now=now))
    assert (await ordered(store, event, now)).hold is Hold.HELD
    assert (await ordered(store, event, now, by=2, quantity=3)).hold is Hold.HELD


async def test_a_strangers_order_or_gift_never_blocks_the_wallet_it_names(store, now):
    event = await opened(store, now, purchase_limit=1)
    await ordered(store, event, now, proved=False)  # anybody may name wallet 1
    await store.transact(lambda conn: order_store.add(conn, [bare(event, payer="0xstranger", now=now)]))
    assert await store.read(lambda conn: limits.counted(conn, event.id, wallet(1).holder)) == 0
    assert (await ordered(store, event, now)).proved


async def test_releasing_gives_the_places_back_once(store, now):
    event = await opened(store, now)
    order = await ordered(store, event, now, quantity=4)
    let_go = lambda conn: orders.release(conn, order.id, now=now + timedelta(minutes=1))  # noqa: E731
    assert await store.transact(let_go)
    assert not await store.transact(let_go)
    assert not await store.transact(lambda conn: orders.release(conn, "0" * 32, now=now))
    released = await store.read(lambda conn: orders.by_id(conn, order.id))
    assert (released.state, released.hold, released.version) == (OrderState.RELEASED, Hold.LAPSED, 2)
    assert released.expires_at == now + timedelta(minutes=1)  # what comes after is late
    assert (await reread(store, event)).tier().left == 10


@pytest.mark.parametrize("given", ["", "0" * 31, "A" * 32, "\0" * 32, "0" * 31 + "\n", "é" * 32])
async def test_a_text_that_is_no_id_names_no_order_and_no_ticket(store, given):
    assert await store.read(lambda conn: orders.by_id(conn, given, lock=True)) is None
    assert await store.read(lambda conn: tickets.by_id(conn, given)) is None
    assert not await store.transact(lambda conn: tickets.revoke(conn, given, reason="", now=None))


async def test_expiry_takes_what_is_due_in_batches_and_only_once(store, now):
    event = await opened(store, now, tiers=(tier("a", 10), tier("b", 10)))
    for by in range(5):
        await ordered(store, event, now + timedelta(minutes=by), by, tier="ab"[by % 2], client=f"net-{by}")
    none = await ordered(store, event, now, 7, want_hold=False)

    def expire(at, limit=500):
        return store.transact(lambda conn: orders.expire_due(conn, now=at, known=read_to(at), limit=limit))

    assert await expire(now + HOLD_FOR) == 0  # the last moment still counts
    due = now + HOLD_FOR + timedelta(minutes=2, seconds=1)
    assert [await expire(due, 3), await expire(due, 3), await expire(due, 3)] == [3, 1, 0]
    assert [one.held for one in (await reread(store, event)).tiers] == [1, 1]
    assert await store.read(kept_places) == await store.read(counted_places)
    assert (await store.read(lambda conn: orders.by_id(conn, none.id))).hold is Hold.NONE


async def test_a_pending_payment_extends_a_hold_a_step_ahead_up_to_its_cap(store, now):
    event = await opened(store, now)
    order = await ordered(store, event, now)
    minutes = lambda n: now + timedelta(minutes=n)  # noqa: E731
    order = extended(order, now=minutes(5))
    assert (order.expires_at, order.version) == (minutes(30), 2)
    assert extended(order, now=minutes(6)) is order  # enough time is left: nothing is to be written
    order = extended(order, now=minutes(29))
    assert order.expires_at == minutes(45)
    order = extended(order, now=minutes(44))
    order = extended(order, now=minutes(59))
    assert order.expires_at == order.expires_cap == minutes(60)
    assert extended(order, now=minutes(60)) is order
    expired = moved(order, OrderState.EXPIRED, now=minutes(61))
    assert extended(expired, now=minutes(61)) is expired


async def test_an_order_ends_once_its_chain_is_read_past_its_time_or_at_its_cap(store, now):
    order = await ordered(store, await opened(store, now), now)
    after = order.expires_at + timedelta(seconds=1)

    def expire(at, known):
        return store.transact(lambda conn: orders.expire_due(conn, now=at, known=known))

    elsewhere = {"eip155:1": Known(read=after, decided=after)}
    for known in ({}, elsewhere, read_to(order.expires_at), read_to(now)):
        assert await expire(after, known) == 0
        assert await expire(order.expires_cap, known) == 0
    assert await expire(order.expires_at, read_to(after)) == 0, "by our own clock there is time left"
    assert await expire(after, {CHAIN.id: Known(read=after, decided=now)}) == 1
    assert await expire(after, read_to(after)) == 0
    unread = await ordered(store, await opened(store, now), now)
    assert await expire(unread.expires_cap + timedelta(seconds=1), {}) == 1


async def test_what_bare_memos_opened_waits_for_what_is_undecided_and_knows_no_cap(store, now):
    event = await opened(store, now)
    purse = bare(event, payer="a", now=now)
    await store.transact(lambda conn: order_store.add(conn, [purse]))
    over = event.sales_end + timedelta(seconds=1)
    for known in ({}, {CHAIN.id: Known(read=over, decided=event.sales_end)}):
        assert await store.transact(lambda conn, k=known: orders.expire_due(conn, now=over, known=k)) == 0
    assert await store.transact(lambda conn: orders.expire_due(conn, now=over, known=read_to(over))) == 1


@pytest.mark.parametrize(("seconds", "timing"), [(-1, Timing.IN_TIME), (0, Timing.IN_TIME), (1, Timing.LATE)])
async def test_lateness_is_judged_by_the_earlier_of_first_sighting_and_block_time(store, now, seconds, timing):
    order = await ordered(store, await opened(store, now), now)
    known = order.expires_at + timedelta(seconds=seconds)
    assert judge(order, first_known(known, known + timedelta(hours=1))) is timing
    assert judge(order, first_known(known + timedelta(hours=1), known)) is timing
    assert judge(order, first_known(known, None)) is timing


async def test_an_order_takes_a_watched_address_and_is_found_by_it(store, now):
    event = await opened(store, now)
    bare_order = await ordered(store, event, now)
    assert bare_order.address is None  # none was ready: memo and code still find it

    def commit(conn):
        addresses.extend(conn, CHAIN.id, ["0xA", "0xB"], start=0)
        return addresses.acknowledge(conn, CHAIN.id, [0, 1])

    assert await store.transact(commit) == 2
    order = await ordered(store, event, now)
    assert order.address == "0xA"
    assert await store.read(lambda conn: orders.by_address(conn, CHAIN.id, "0xA")) == order
    assert await store.read(lambda conn: orders.by_address(conn, "eip155:1", "0xA")) is None


async def addresses_ready(store, count):
    def commit(conn):
        addresses.extend(conn, CHAIN.id, [f"0x{position:040x}" for position in range(count)], start=0)
        return addresses.acknowledge(conn, CHAIN.id, range(count))

    await store.transact(commit)


async def crowd_and_a_buyer(store, now):
    """One network places orders without proof, letting them go again; then another buyer comes."""
    event = await opened(store, now)
    await addresses_ready(store, 8)
    crowd = []
    for _ in range(12):
        crowd.append(await ordered(store, event, now, proved=False, want_hold=False))
        await store.transact(lambda conn, order=crowd[-1]: orders.release(conn, order.id, now=now))
    return event, crowd, await ordered(store, event, now, 2, proved=False, client="net-2")


async def test_one_network_without_proof_takes_no_more_than_a_few_addresses(store, now):
    event, crowd, buyer = await crowd_and_a_buyer(store, now)
    assert [order.address is not None for order in crowd] == [True] * ADDRESSES_PER_CLIENT + [False] * 7
    assert buyer.address is not None
    proved = await ordered(store, event, now)
    assert proved.address is not None, "whoever proves a wallet has an address nevertheless"
    later = now + ADDRESS_WHILE + timedelta(seconds=1)
    assert (await ordered(store, event, later, proved=False)).address is not None


async def test_without_the_limit_one_network_leaves_no_address_for_anybody(store, now, monkeypatch):
    """Negative control."""
    monkeypatch.setattr(limits, "may_take_address", lambda *_: True)
    _, crowd, buyer = await crowd_and_a_buyer(store, now)
    assert (buyer.address, crowd[7].address is None) == (None, False)


async def test_clients_nobody_knows_share_their_addresses_and_paid_orders_give_room(store, now):
    event = await opened(store, now)
    await addresses_ready(store, 12)
    strangers = [await ordered(store, event, now, by, proved=False, client=None) for by in range(6)]
    assert [order.address is not None for order in strangers] == [True] * 5 + [False]
    await store.transact(lambda conn: sell(conn, strangers[0], now))
    assert (await ordered(store, event, now, proved=False, client=None)).address is not None
    assert (await ordered(store, await opened(store, now), now, proved=False, client=None)).address is not None


async def test_the_last_place_of_a_tier_is_kept_only_for_a_wallet_that_proved_itself(store, now):
    event = await opened(store, now, tiers=(tier("box", 1), tier("floor", 100)))
    assert (await ordered(store, event, now, tier="box", proved=False)).hold is Hold.NONE
    assert (await ordered(store, event, now, tier="box")).hold is Hold.HELD


def bare(event, *, payer, now, quantity=1, holder=1, tier=None, **changes) -> Order:
    return orders.implicit(
        event=event,
        tier=event.tier(tier),
        quantity=quantity,
        holder=wallet(holder).holder,
        account=str(wallet(holder)),
        asset=ETH.id,
        chain=CHAIN.id,
        payer=payer,
        at=now,
        **changes,
    )


async def test_bare_memos_of_one_payer_for_the_same_tickets_add_up_in_one_open_order(store, now):
    event = await opened(store, now, tiers=(tier("a"), tier("b")))
    first = bare(event, payer="0xp", now=now, quantity=2)
    assert (first.hold, first.implicit, first.amount, first.expires_at) == (Hold.NONE, True, 2 * PRICE, event.sales_end)
    await store.transact(lambda conn: order_store.add(conn, [first]))
    later = now + timedelta(hours=1)
    assert bare(event, payer="0xp", now=later, quantity=2).topup_key == first.topup_key
    others = [
        bare(event, payer="0xq", now=later, quantity=2),
        bare(event, payer="0xp", holder=2, now=later, quantity=2),
        bare(event, payer="0xp", now=later, quantity=1),
        bare(event, payer="0xp", now=later, quantity=2, tier="b"),
    ]
    keys = [first.topup_key, *(order.topup_key for order in others)]
    assert len(set(keys)) == 5
    await store.transact(lambda conn: order_store.add(conn, others[:1]))
    found = lambda: store.read(lambda conn: order_store.by_topup_keys(conn, keys))  # noqa: E731
    assert await found() == {first.topup_key: (first.id,), others[0].topup_key: (others[0].id,)}
    await store.transact(lambda conn: orders.change(conn, first, OrderState.REFUSED, now=later))
    assert await found() == {others[0].topup_key: (others[0].id,)}


@pytest.mark.parametrize("unique", [True, False], ids=["guarded", "negative control"])
async def test_only_the_unique_key_keeps_a_payers_top_ups_in_one_order(store, now, unique):
    """Two that open it at once: whoever comes second is refused whole, and finds the first one's order next time."""
    event = await opened(store, now)
    if not unique:
        await store.transact(lambda conn: conn.execute(text("DROP INDEX uq_orders_topup_open")))

    def work(conn):
        order_store.add(conn, [bare(event, payer="0xp", now=now)])

    raised = await asyncio.gather(*(store.transact(work) for _ in range(8)), return_exceptions=True)
    assert [type(error) for error in raised if error] == [IntegrityError] * (7 if unique else 0)


async def test_an_order_is_paid_only_once_its_places_are_sold(store, now):
    event = await opened(store, now)
    order = await ordered(store, event, now)
    with pytest.raises(IllegalMoveError):
        await store.transact(lambda conn: orders.change(conn, order, OrderState.PAID, now=now))

    def settle(conn):
        return sell(conn, order, now)

    paid = await store.transact(settle)
    assert (paid.state, paid.hold) == (OrderState.PAID, Hold.SOLD)
    with pytest.raises(IllegalMoveError):
        await store.transact(lambda conn: orders.change(conn, order, OrderState.EXPIRED, now=now))  # a stale view
    with pytest.raises(IllegalMoveError):
        await store.transact(lambda conn: orders.change(conn, paid, OrderState.OPEN, now=now))
    assert await store.read(kept_places) == await store.read(counted_places)


async def test_a_suspended_order_keeps_its_places_until_its_grace_is_over(store, now):
    event = await opened(store, now)
    order = await ordered(store, event, now, quantity=2)

    def suspend(conn):
        paid = sell(conn, order, now)
        return orders.change(conn, paid, OrderState.SUSPENDED, now=now, grace_until=now + timedelta(hours=1))

    suspended = await store.transact(suspend)
    assert (suspended.hold, suspended.grace_until) == (Hold.SOLD, now + timedelta(hours=1))
    assert (await reread(store, event)).tier().sold == 2
    assert await store.transact(lambda conn: orders.expire_due(conn, now=now + timedelta(days=9), known={})) == 0
    expired = await store.transact(lambda conn: orders.change(conn, suspended, OrderState.EXPIRED, now=now))
    assert (expired.hold, expired.grace_until, (await reread(store, event)).tier().left) == (Hold.LAPSED, None, 10)

    def late(conn):
        return sell(conn, expired, now)

    assert (await store.transact(late)).hold is Hold.SOLD
    assert await store.read(kept_places) == await store.read(counted_places)


async def test_an_order_of_several_tiers_is_sold_wholly_or_not_at_all(store, now):
    event = await opened(store, now, tiers=(tier("a", 3), tier("b", 1), tier("c", 3)))
    order = await ordered(store, event, now, tier="a", want_hold=False)
    lines = tuple(replace(order.lines[0], tier_id=one.id, quantity=1) for one in reversed(event.tiers))
    several = replace(order, id="e" * 32, code="X" * 13, lines=lines)
    await store.transact(lambda conn: order_store.add(conn, [several]))
    assert await store.transact(lambda conn: inventory.sell(conn, event.tiers[1].id, 1))
    assert not await store.transact(lambda conn: sell(conn, several, now))
    assert [one.sold for one in (await reread(store, event)).tiers] == [0, 1, 0]
    await store.transact(lambda conn: inventory.give_back(conn, event.tiers[1].id, 1))
    assert await store.transact(lambda conn: sell(conn, several, now))
    assert [one.sold for one in (await reread(store, event)).tiers] == [1, 1, 1]
    assert list(several.places) == sorted(several.places)
