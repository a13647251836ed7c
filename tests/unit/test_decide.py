"""Every decision about a payment, in a table: what is known, and what it becomes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chains.port import PaymentKey
from config.registry import Family, Network
from memo.code import new_code
from monitor.decide import MOST_TICKETS, Mint, Open, Owe, TopUp, decide, tolerance
from monitor.reading import read
from tests.support.monitor_world import CHAIN, COIN, RECEIVE, START, TOKEN, holder, wallet
from tests.support.verifier_families import leave_only
from tickets.event import Event, EventStatus, SpaceType, Tier
from tickets.order import Hold, Line, Order, OrderState
from tickets.reasons import Reason
from tickets.till import PaymentRecord, PaymentState

PRICE = 10_000
DUST = 40

EVENT = Event(
    id=7, slug="seven", creator="c", title="t", description="", space_type=SpaceType.CUSTOM, space_id="s",
    category=None, require_camera=False, require_microphone=False, age_restriction=None,
    doors_at=START, starts_at=START + timedelta(hours=6), ends_at=START + timedelta(hours=8),
    sales_start=START - timedelta(hours=1), sales_end=START + timedelta(hours=5), status=EventStatus.ACTIVE,
    commission_bps=2000, purchase_limit=None, page_origins=(), relay_only=False, created_at=START, updated_at=START,
    tiers=(
        Tier(id=1, name="general", capacity=10, held=0, sold=0, prices={COIN: PRICE}),
        Tier(id=2, name="vip", capacity=10, held=0, sold=0, prices={TOKEN: PRICE}),
    ),
)  # fmt: skip
ORDER = Order(
    id="0" * 32, code="00000000000A0", event_id=7, asset=COIN, amount=PRICE, state=OrderState.OPEN, hold=Hold.HELD,
    implicit=False, payer=None, proved=True, client=None, chain=CHAIN, address=wallet(0xAD), created_at=START,
    expires_at=START + timedelta(minutes=15), expires_cap=START + timedelta(hours=1), grace_until=None, version=1,
    updated_at=START, lines=(Line(tier_id=1, quantity=1, holder=holder(1), account="a", unit_price=PRICE),),
)  # fmt: skip
PAYMENT = PaymentRecord(
    key=PaymentKey(chain=CHAIN, txid="0x1", index="v"), asset=COIN, amount=PRICE, destination=RECEIVE, sender=wallet(1),
    direct=True, memos=(), internal=False, state=PaymentState.PENDING, confirmations=2, height=1, block_hash="0x",
    block_time=START, first_seen=START,
)  # fmt: skip
MEMO = f"event:seven:wallet:{wallet(1)}"
TO_ORDER = {"destination": ORDER.address}


def decided(*texts, event=EVENT, order=None, held=0, at=START, counted=0, **payment):
    paid = replace(PAYMENT, memos=texts, **payment)
    reading = read(texts, network=Network.TEST)
    return decide(paid, reading, event=event, order=order, held=held, at=at, dust=DUST, counted=counted)


# --- bare memos ----------------------------------------------------------------------------------------------


def test_a_bare_memo_asks_for_an_order_of_the_first_tier():
    decision = decided(MEMO)
    assert isinstance(decision, Open)
    assert (decision.tier.name, decision.quantity) == ("general", 1)


def test_a_memo_may_name_tier_and_quantity():
    decision = decided(f"{MEMO}:tier:vip:qty:3", asset=TOKEN)
    assert (decision.tier.name, decision.quantity) == ("vip", 3)


def test_the_same_memo_twice_is_one_memo():
    assert isinstance(decided(MEMO, MEMO, "thank you"), Open)


@pytest.mark.parametrize(
    ("texts", "known", "reason"),
    [
        ((), {}, Reason.NO_MEMO),
        (("  ",), {}, Reason.NO_MEMO),
        (("thanks",), {}, Reason.UNREADABLE_MEMO),
        (("event:seven:wallet:0x12",), {}, Reason.UNREADABLE_MEMO),
        (("subscription:gold:account:alice",), {}, Reason.SUBSCRIPTION),
        ((MEMO, f"event:eight:wallet:{wallet(1)}"), {}, Reason.CONFLICTING_MEMOS),
        ((MEMO, f"{MEMO}:qty:2"), {}, Reason.CONFLICTING_MEMOS),
        ((MEMO, "subscription:gold:account:alice"), {}, Reason.CONFLICTING_MEMOS),
        (("o:0000000000000",), {"event": None}, Reason.UNKNOWN_ORDER),
        (("o:0000000000000", MEMO), {}, Reason.UNKNOWN_ORDER),
        (("o:0000000000000", f"o:{new_code(bytes(7) + bytes([16]))}"), {}, Reason.CONFLICTING_MEMOS),
        ((MEMO,), {"event": None}, Reason.UNKNOWN_EVENT),
        ((f"{MEMO}:tier:balcony",), {}, Reason.UNKNOWN_TIER),
        ((f"{MEMO}:qty:{MOST_TICKETS + 1}",), {}, Reason.BAD_QUANTITY),
        ((MEMO,), {"asset": TOKEN}, Reason.WRONG_ASSET),
        ((MEMO,), {"at": EVENT.sales_start - timedelta(seconds=1)}, Reason.NOT_OPEN_YET),
        ((MEMO,), {"at": EVENT.sales_end + timedelta(seconds=1)}, Reason.CLOSED),
        ((MEMO,), {"event": replace(EVENT, status=EventStatus.COMPLETED)}, Reason.CLOSED),
        ((MEMO,), {"event": replace(EVENT, status=EventStatus.CANCELLED)}, Reason.CANCELLED),
    ],
)
def test_what_buys_nothing_is_owed_back_for_a_reason(texts, known, reason):
    assert decided(*texts, **known) == Owe(reason=reason)


def test_a_ticket_for_a_wallet_that_could_not_open_the_door_is_owed_back(monkeypatch):
    assert isinstance(decided("event:seven:wallet:alice"), Open)
    leave_only(monkeypatch, Family.EVM)
    assert decided("event:seven:wallet:alice") == Owe(reason=Reason.WALLET_NOT_SUPPORTED)


@pytest.mark.parametrize("at", [EVENT.sales_start, EVENT.sales_end])
def test_the_first_and_the_last_moment_of_a_sale_count(at):
    assert isinstance(decided(MEMO, at=at), Open)


# --- sums ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "amount", "decision"),
    [
        (0, PRICE, Mint(applied=PRICE, rest=0, if_gone=Reason.SOLD_OUT)),
        (0, PRICE + 1, Mint(applied=PRICE, rest=1, if_gone=Reason.SOLD_OUT)),
        (0, PRICE - DUST, Mint(applied=PRICE - DUST, rest=0, if_gone=Reason.SOLD_OUT)),
        (0, PRICE - DUST - 1, TopUp(missing=DUST + 1)),
        (4000, 6000, Mint(applied=6000, rest=0, if_gone=Reason.SOLD_OUT)),
        (4000, 5000, TopUp(missing=1000)),
        (4000, PRICE, Mint(applied=6000, rest=4000, if_gone=Reason.SOLD_OUT)),
    ],
)
def test_the_sum_that_reaches_the_price_buys(held, amount, decision):
    assert decided(order=ORDER, held=held, amount=amount, **TO_ORDER) == decision


@pytest.mark.parametrize(
    ("price", "dust", "forgiven"), [(10_000, 40, 40), (10_000, 90, 50), (100, 90, 0), (10_000, 0, 0)]
)
def test_a_shortfall_is_forgiven_up_to_dust_and_half_a_percent(price, dust, forgiven):
    assert tolerance(price, dust) == forgiven


# --- orders --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("texts", [(), (MEMO,), ("nonsense",), (MEMO, f"{MEMO}:qty:2"), (f"o:{ORDER.code}",)])
def test_an_orders_own_address_wins_over_whatever_stands_beside_it(texts):
    assert isinstance(decided(*texts, order=ORDER, **TO_ORDER), Mint)


def test_an_orders_code_wins_over_an_event_memo_beside_it():
    reading = replace(read((MEMO,), network=Network.TEST), codes=(ORDER.code,))
    assert isinstance(decide(PAYMENT, reading, event=EVENT, order=ORDER, held=0, at=START), Mint)


LATE = ORDER.expires_at + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("state", "known", "reason"),
    [
        (OrderState.PAID, {}, Reason.ORDER_PAID),
        (OrderState.REFUSED, {}, Reason.SOLD_OUT),
        (OrderState.OPEN, {"asset": TOKEN}, Reason.WRONG_ASSET),
        (OrderState.OPEN, {"event": replace(EVENT, status=EventStatus.CANCELLED)}, Reason.CANCELLED),
        (OrderState.EXPIRED, {"at": EVENT.sales_end + timedelta(seconds=1)}, Reason.CLOSED),
    ],
)
def test_an_order_that_cannot_be_paid_owes_the_money_back(state, known, reason):
    assert decided(order=replace(ORDER, state=state), **TO_ORDER, **known) == Owe(reason=reason)


@pytest.mark.parametrize("state", [OrderState.OPEN, OrderState.EXPIRED, OrderState.RELEASED])
def test_a_late_payment_buys_at_the_locked_price_if_there_is_room(state):
    decision = decided(order=replace(ORDER, state=state), at=LATE, **TO_ORDER)
    assert decision == Mint(applied=PRICE, rest=0, if_gone=Reason.LATE)


def test_an_orders_last_moment_is_in_time_even_if_the_sale_is_over():
    closing = replace(EVENT, sales_end=ORDER.expires_at - timedelta(minutes=1))
    decision = decided(order=ORDER, event=closing, at=ORDER.expires_at, **TO_ORDER)
    assert decision == Mint(applied=PRICE, rest=0, if_gone=Reason.SOLD_OUT)


def test_a_suspended_order_is_paid_by_what_replaces_its_payment_however_late():
    decision = decided(order=replace(ORDER, state=OrderState.SUSPENDED), at=LATE, **TO_ORDER)
    assert decision == Mint(applied=PRICE, rest=0, if_gone=Reason.SOLD_OUT)


@pytest.mark.parametrize("over", [{"at": EVENT.ends_at}, {"event": replace(EVENT, status=EventStatus.COMPLETED)}])
@pytest.mark.parametrize("state", [OrderState.OPEN, OrderState.EXPIRED, OrderState.RELEASED])
def test_an_event_that_is_over_sells_nothing_to_an_order_that_has_time_either(state, over):
    order = replace(ORDER, state=state, expires_at=EVENT.ends_at)
    assert decided(order=order, **TO_ORDER, **over) == Owe(reason=Reason.CLOSED)


@pytest.mark.parametrize("at", [EVENT.sales_end + timedelta(seconds=1), EVENT.ends_at])
def test_what_replaces_the_payment_of_a_suspended_bare_memo_is_like_its_return_even_after_the_sale(at):
    order = replace(ORDER, state=OrderState.SUSPENDED, hold=Hold.SOLD, implicit=True, address=None)
    assert decided(MEMO, order=order, at=at) == Mint(applied=PRICE, rest=0, if_gone=Reason.SOLD_OUT)
    assert decided(MEMO, order=replace(order, state=OrderState.OPEN), at=at) == Owe(reason=Reason.CLOSED)


LIMITED = replace(EVENT, purchase_limit=2)


@pytest.mark.parametrize(
    ("counted", "memo", "payment", "refused"),
    [
        (1, MEMO, {}, False),
        (2, MEMO, {}, True),
        (1, f"{MEMO}:qty:2", {}, True),
        (0, f"{MEMO}:qty:2", {}, False),
        (2, MEMO, {"sender": wallet(2)}, False),
        (2, MEMO, {"sender": None}, False),
        (2, MEMO, {"direct": False}, False),
    ],
)
def test_a_bare_memo_from_the_holders_own_wallet_keeps_to_the_purchase_limit(counted, memo, payment, refused):
    decision = decided(memo, event=LIMITED, counted=counted, **payment)
    assert isinstance(decision, Owe if refused else Open)
    assert not refused or decision.reason is Reason.PURCHASE_LIMIT
    assert isinstance(decided(memo, counted=counted, **payment), Open), "no limit, no refusal"


@pytest.mark.parametrize(
    ("order", "refused"),
    [
        (replace(ORDER, state=OrderState.EXPIRED), True),
        (replace(ORDER, state=OrderState.RELEASED), True),
        (replace(ORDER, state=OrderState.EXPIRED, proved=False), False),
        (ORDER, False),
        (replace(ORDER, state=OrderState.SUSPENDED), False),
    ],
)
def test_only_a_proved_order_that_ended_is_counted_anew_when_it_is_paid_after_all(order, refused):
    decision = decided(order=order, event=LIMITED, counted=2, at=LATE, **TO_ORDER)
    assert (decision == Owe(reason=Reason.PURCHASE_LIMIT)) is refused


def test_every_reason_has_a_sentence_for_the_public():
    assert all(reason.sentence.endswith(".") for reason in Reason)
