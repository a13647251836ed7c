"""What a payer can find out with nothing but the transaction: what is owed back and why, and nothing about anybody."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chains.port import Note, Payment, PaymentKey
from tests.support import tickets_box as box
from tests.support.gateway_app import CHAIN, RECEIVE, WALLET, running
from tickets import notes, till
from tickets.reasons import Reason
from tickets.till import Outcome, PaymentRecord, PaymentState

TXID = "0x" + "ab" * 32
CONTRACT = "0x" + "5A" * 20


@pytest.fixture
async def gateway(store, now, tmp_path):
    async with running(store, now, tmp_path) as started:
        yield started


@pytest.fixture
async def event(store, now):
    return await box.opened(store, now, slug="opening-night")


def sent(now, **changes):
    """Two ether to the platform's address, without a word."""
    sound = PaymentRecord(
        key=PaymentKey(chain=CHAIN, txid=TXID, index="v"),
        asset=box.ETH.id,
        amount=2 * 10**18,
        destination=RECEIVE,
        sender=WALLET,
        direct=True,
        memos=(),
        internal=False,
        state=PaymentState.FINAL,
        confirmations=9,
        height=101,
        block_hash="0x65",
        block_time=now,
        first_seen=now,
        outcome=Outcome.OWED,
        reason=Reason.NO_MEMO,
        owed=2 * 10**18,
    )
    return replace(sound, **changes)


async def recorded(store, now, *payments):
    await store.transact(lambda conn: till.record(conn, payments, now=now))


async def test_money_that_came_without_a_memo_is_seen_by_its_payments_id(gateway, store, now):
    payment = sent(now)
    await recorded(store, now, payment)
    view = await (await gateway.client.get(f"/api/payments/{payment.id}")).json()
    assert (view["id"], view["chain"], view["txid"]) == (payment.id, CHAIN, TXID)
    assert (view["state"], view["confirmations"], view["outcome"]) == ("final", 9, "owed")
    assert (view["amount"], view["owed"], view["currency"]) == ("2", "2", "ETH")
    assert (view["reason"], view["text"]) == ("no_memo", Reason.NO_MEMO.sentence)


async def test_a_payer_who_knows_the_transaction_alone_finds_all_its_payments(gateway, store, now):
    first, second = sent(now), sent(now, key=PaymentKey(chain=CHAIN, txid=TXID, index="0"), asset=box.USDC.id, amount=5)
    other = sent(now, key=PaymentKey(chain=CHAIN, txid="0x" + "cd" * 32, index="v"))
    await recorded(store, now, first, second, other)
    for spelled in (TXID, TXID.upper().replace("X", "x")):
        answer = await gateway.client.get("/api/payments", params={"chain": CHAIN, "txid": spelled})
        assert [one["id"] for one in (await answer.json())["payments"]] == [second.id, first.id]


def inside(now, **changes):
    """The same money out of a contract call, as a block's balances told it, and the transaction that a trace names."""
    key = PaymentKey(chain=CHAIN, txid=f"0x{'cd' * 32}:{RECEIVE.lower()}", index="internal")
    payment = sent(now, key=key, sender=None, direct=False, **changes)
    told = Payment(
        key=key, asset=payment.asset, amount=payment.amount, destination=RECEIVE, sender=None, memos=(), block=None,
        noted=(Note(txid=TXID, sender=CONTRACT),),
    )  # fmt: skip
    return payment, told


async def test_a_payer_who_knows_the_transaction_his_wallet_shows_finds_what_came_inside_its_call(gateway, store, now):
    payment, told = inside(now)
    await recorded(store, now, payment)
    assert (await gateway.client.get("/api/payments", params={"chain": CHAIN, "txid": TXID})).status == 404
    await store.transact(lambda conn: notes.keep(conn, [told]))
    for asked in (TXID, TXID.upper().replace("X", "x"), payment.key.txid):
        answer = await gateway.client.get("/api/payments", params={"chain": CHAIN, "txid": asked})
        [view] = (await answer.json())["payments"]
        assert (view["id"], view["txid"], view["amount"]) == (payment.id, payment.key.txid, "2")
        assert view["noted"] == [{"txid": TXID, "explorer_url": None}]
    assert (await gateway.client.get("/api/payments", params={"chain": "eip155:1", "txid": TXID})).status == 404
    view = await (await gateway.client.get(f"/api/payments/{payment.id}")).json()
    assert [one["txid"] for one in view["noted"]] == [TXID]
    assert CONTRACT not in str(view)  # who sent money is nobody's business here, be it a wallet or what it called


async def test_what_names_the_transaction_itself_comes_before_what_was_only_seen_in_it(gateway, store, now):
    direct, (payment, told) = sent(now), inside(now)
    await recorded(store, now, payment, direct)
    await store.transact(lambda conn: notes.keep(conn, [told]))
    answer = await gateway.client.get("/api/payments", params={"chain": CHAIN, "txid": TXID})
    assert [one["id"] for one in (await answer.json())["payments"]] == [direct.id, payment.id]


async def test_an_order_shows_what_was_noted_on_its_payments(gateway, event, store, now):
    bill = await gateway.buy(event)
    payment, told = inside(now, order_id=bill["order_id"], destination=bill["address"], reason=Reason.LATE)
    await recorded(store, now, payment)
    await store.transact(lambda conn: notes.keep(conn, [told]))
    order = await (await gateway.client.get(f"/api/orders/{bill['order_id']}")).json()
    assert [one["noted"] for one in order["payments"]] == [[{"txid": TXID, "explorer_url": None}]]


async def test_notes_are_kept_once_and_change_nothing_about_the_payment(store, now):
    payment, told = inside(now)
    await recorded(store, now, payment)
    for _ in range(2):
        await store.transact(lambda conn: notes.keep(conn, [told, replace(told, noted=())]))
    kept = await store.read(lambda conn: (till.by_id(conn, payment.id), notes.of_payments(conn, [payment.id])))
    assert kept == (payment, {payment.id: told.noted})


async def test_an_order_that_died_is_a_reason_and_stays_its_buyers_own(gateway, event, store, now):
    bill = await gateway.buy(event)
    payment = sent(now, order_id=bill["order_id"], destination=bill["address"], reason=Reason.LATE)
    await recorded(store, now, payment)
    answer = await gateway.client.get(f"/api/payments/{payment.id}")
    text = await answer.text()
    assert (await answer.json())["text"] == Reason.LATE.sentence
    for private in (bill["order_id"], bill["code"], event.ref, "token", WALLET):
        assert private not in text
    assert (await answer.json())["event"] is None


async def test_an_event_is_named_where_the_memo_names_it_in_the_open(gateway, event, store, now):
    payment = sent(now, memos=("hello", f"event:{event.ref}:wallet:{WALLET}"), reason=Reason.SOLD_OUT)
    await recorded(store, now, payment)
    view = await (await gateway.client.get(f"/api/payments/{payment.id}")).json()
    assert view["event"] == event.ref
    assert WALLET not in str(view)


@pytest.mark.parametrize("payment_id", ["0" * 32, "x", "%F0%9F%98%80", "%ff", "a" * 5000])
async def test_an_unknown_payment_is_a_problem(gateway, payment_id):
    answer = await gateway.client.get(f"/api/payments/{payment_id}")
    assert (answer.status, (await answer.json(content_type=None))["code"]) == (404, "unknown_payment")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"chain": CHAIN, "txid": "0x12"}, (404, "unknown_payment")),
        ({"chain": CHAIN}, (422, "invalid_fields")),
        ({"txid": TXID}, (422, "invalid_fields")),
        ({"chain": CHAIN, "txid": "x" * 129}, (422, "invalid_fields")),
    ],
)
async def test_a_transaction_that_is_not_known_or_not_named_is_a_problem(gateway, asked, expected):
    answer = await gateway.client.get("/api/payments", params=asked)
    assert (answer.status, (await answer.json(content_type=None))["code"]) == expected


async def test_a_payment_that_its_chain_took_back_says_so(gateway, store, now):
    payment = sent(now, state=PaymentState.PENDING, outcome=Outcome.WAITING, reason=None, owed=0)
    await recorded(store, now, payment)
    await store.transact(
        lambda conn: till.amend(conn, [replace(payment, state=PaymentState.GONE)], now=now + timedelta(seconds=1))
    )
    view = await (await gateway.client.get(f"/api/payments/{payment.id}")).json()
    assert (view["state"], view["outcome"], view["reason"], view["owed"]) == ("gone", "waiting", None, "0")
