"""Buying over HTTP: orders, their answers, their repetition and their end."""

from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import delete, func, select

from chains import progress
from chains.port import PaymentKey
from config.registry import Registry
from gateway.api import purchase
from gateway.api.bill import Desk
from gateway.api.order_view import find_view
from gateway.app import build_app
from gateway.http import idempotency
from tests.support import tickets_box as box
from tests.support.config_files import XPUB
from tests.support.gateway_app import CHAIN, OWN_ADDRESSES, RECEIVE, WALLET, running, wish
from tickets import orders, till
from tickets.keys import KeyKind
from tickets.reasons import Reason
from tickets.schema import order_addresses
from tickets.schema import orders as orders_table
from tickets.till import Outcome, PaymentRecord, PaymentState


@pytest.fixture
async def gateway(store, now, tmp_path):
    async with running(store, now, tmp_path) as started:
        yield started


@pytest.fixture
async def event(store, now):
    return await box.opened(store, now, slug="opening-night")


async def refusal(answer):
    """The code of a problem, whose form is checked on the way."""
    body = await answer.json(content_type="application/problem+json")
    assert body["status"] == answer.status
    assert body["error"]
    return answer.status, body["code"]


async def test_a_purchase_answers_with_everything_a_wallet_needs(gateway, event, now):
    bill = await gateway.buy(event)
    assert bill["payment_address"] == bill["address"] == OWN_ADDRESSES[0]
    assert (bill["amount"], bill["currency"], bill["asset"]) == ("1", "ETH", box.ETH.id)
    assert bill["memo"] == f"event:opening-night:wallet:{WALLET}"
    assert bill["memo_short"] == f"o:{bill['code']}"
    assert bill["payment_uri"] == f"ethereum:{OWN_ADDRESSES[0]}@31337?value=1000000000000000000"
    transaction = bill["transaction"]
    assert bytes.fromhex(transaction["data"][2:]).decode() == bill["memo_short"]
    assert (transaction["to"], int(transaction["value"], 16)) == (OWN_ADDRESSES[0], 10**18)
    assert bill["expires_at"] == "2026-11-20T12:15:00Z"
    assert bill["hold"] is True
    assert bill["confirmations_required"] == 2
    assert bill["status_url"] == f"https://house.test/api/orders/{bill['order_id']}"
    assert len(bill["order_id"]) == 32


async def test_a_purchase_reads_camel_case_as_existing_pages_write_it(gateway, event):
    answer = await gateway.client.post(
        "/api/events/purchase",
        json={"eventId": event.id, "paymentMethod": "ETH", "walletAddress": WALLET, "pageVersion": 3},
    )
    assert answer.status == 201


async def test_a_memo_names_tier_and_quantity_where_a_bare_one_would_mean_something_else(gateway, store, now):
    event = await box.opened(store, now, tiers=(box.tier("floor"), box.tier("balcony")))
    bill = await gateway.buy(event, tier="balcony", quantity=2)
    assert bill["memo"] == f"event:{event.id}:wallet:{WALLET}:tier:balcony:qty:2"
    assert bill["amount"] == "2"


async def test_without_an_own_address_there_is_no_link_that_would_lose_the_memo(gateway, event, store):
    await store.transact(lambda conn: conn.execute(delete(order_addresses)))
    bill = await gateway.buy(event)
    assert (bill["payment_address"], bill["payment_uri"], bill["qr_url"]) == (RECEIVE, None, None)
    assert bytes.fromhex(bill["transaction"]["data"][2:]).decode() == bill["memo_short"]
    answer = await gateway.client.get(f"/api/orders/{bill['order_id']}/qr.svg")
    assert await refusal(answer) == (404, "no_payment_link")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"event_id": "elsewhere"}, (404, "unknown_event")),
        ({"event_id": 0}, (404, "unknown_event")),
        ({"event_id": -1}, (404, "unknown_event")),
        ({"event_id": 2**53}, (422, "invalid_fields")),
        ({"payment_method": "doubloons"}, (422, "unknown_payment_method")),
        ({"payment_method": "usdc:dev"}, (409, "asset_not_accepted")),
        ({"wallet_address": "0x12"}, (422, "invalid_account")),
        ({"wallet_address": f"{WALLET[:-2]}c8"}, (422, "invalid_account")),
        ({"wallet_address": None}, (422, "invalid_fields")),
        ({"tier": "moon"}, (404, "unknown_tier")),
        ({"quantity": 0}, (422, "invalid_fields")),
        ({"quantity": 11}, (409, "sold_out")),
        ({"quantity": "many"}, (422, "invalid_fields")),
        ({"message": "a text alone"}, (422, "invalid_fields")),
        ({"message": "no challenge", "signature": "0x00"}, (400, "malformed_message")),
    ],
)
async def test_each_refused_purchase_has_its_own_code(gateway, event, changes, expected):
    answer = await gateway.client.post("/api/events/purchase", json=wish(event, **changes))
    assert await refusal(answer) == expected


async def test_refusals_for_time_say_what_time_it_is(gateway, event):
    gateway.clock.now = event.sales_start - timedelta(seconds=1)
    early = await gateway.client.post("/api/events/purchase", json=wish(event))
    assert (await early.json(content_type=None))["server_time"] == "2026-11-20T11:59:59Z"
    assert await refusal(early) == (409, "sale_not_open")
    gateway.clock.now = event.sales_end + timedelta(seconds=1)
    late = await gateway.client.post("/api/events/purchase", json=wish(event))
    assert await refusal(late) == (409, "sale_over")


async def test_nothing_is_sold_on_a_chain_that_stopped_or_was_never_read(gateway, event, store, now):
    await store.transact(lambda conn: progress.stop(conn, CHAIN, "a final block changed at http://secret", now))
    stopped = await gateway.client.post("/api/events/purchase", json=wish(event))
    assert await refusal(stopped) == (503, "chain_stopped")
    assert "secret" not in await stopped.text()
    await store.transact(lambda conn: conn.execute(delete(progress.checkpoints)))
    unread = await gateway.client.post("/api/events/purchase", json=wish(event))
    assert await refusal(unread) == (503, "chain_not_ready")


async def test_a_repeated_purchase_is_one_order(gateway, event, store):
    headers = {"Idempotency-Key": '"7f3c-1"'}
    first = await gateway.client.post("/api/events/purchase", json=wish(event), headers=headers)
    again = await gateway.client.post(
        "/api/events/purchase",
        json={"eventId": event.ref, "paymentMethod": "eth", "walletAddress": WALLET},
        headers={"Idempotency-Key": "7f3c-1"},
    )
    assert (first.status, again.status) == (201, 201)
    assert await first.json() == await again.json()
    assert await count_orders(store) == 1


async def test_without_a_key_every_purchase_is_a_new_order(gateway, event, store):
    await gateway.buy(event)
    await gateway.buy(event)
    assert await count_orders(store) == 2


async def test_a_key_used_for_another_body_is_refused(gateway, event):
    headers = {"Idempotency-Key": "k"}
    await gateway.client.post("/api/events/purchase", json=wish(event), headers=headers)
    other = await gateway.client.post("/api/events/purchase", json=wish(event, quantity=2), headers=headers)
    assert await refusal(other) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("key", ["", '"', '""', '"a', "a b", "ü", "x" * 256, '"a\\"b"'])
async def test_a_malformed_key_is_refused(gateway, event, store, key):
    answer = await gateway.client.post("/api/events/purchase", json=wish(event), headers={"Idempotency-Key": key})
    assert await refusal(answer) == (400, "idempotency_key_malformed")
    assert await count_orders(store) == 0


async def test_a_refusal_does_not_use_up_the_key(gateway, event):
    headers = {"Idempotency-Key": "again"}
    gateway.clock.now = event.sales_start - timedelta(seconds=1)
    early = await gateway.client.post("/api/events/purchase", json=wish(event), headers=headers)
    assert await refusal(early) == (409, "sale_not_open")
    gateway.clock.now = event.sales_start
    assert (await gateway.client.post("/api/events/purchase", json=wish(event), headers=headers)).status == 201


async def count_orders(store):
    return await store.read(lambda conn: conn.execute(select(func.count()).select_from(orders_table)).scalar_one())


async def test_an_order_shows_where_it_stands(gateway, event, now):
    bill = await gateway.buy(event)
    view = await (await gateway.client.get(f"/api/orders/{bill['order_id']}")).json()
    assert {**bill, "state": "open"}.items() <= view.items()
    assert (view["paid"], view["payments"], view["tickets"], view["owed"]) == ("0", [], [], [])
    assert view["lines"] == [{"tier": "general", "quantity": 1, "unit_price": "1", "account": f"{CHAIN}:{WALLET}"}]
    assert view["event"] == "opening-night"


async def test_a_released_order_gives_its_place_back_and_may_be_released_again(gateway, event, store):
    bill = await gateway.buy(event)
    assert (await box.reread(store, event)).tiers[0].held == 1
    for _ in range(2):
        answer = await gateway.client.delete(f"/api/orders/{bill['order_id']}")
        assert (answer.status, (await answer.json())["state"]) == (200, "released")
        assert (await box.reread(store, event)).tiers[0].held == 0


@pytest.mark.parametrize("order_id", ["0" * 32, "x", "%F0%9F%98%80", "%ff", "a" * 5000])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_unknown_order_is_a_problem(gateway, method, order_id):
    answer = await gateway.client.request(method, f"/api/orders/{order_id}")
    assert await refusal(answer) == (404, "unknown_order")


async def test_the_links_qr_code_is_an_svg(gateway, event):
    bill = await gateway.buy(event)
    answer = await gateway.client.get(f"/api/orders/{bill['order_id']}/qr.svg")
    assert (answer.status, answer.content_type) == (200, "image/svg+xml")
    assert (await answer.read()).startswith(b"<?xml")


def seen_payment(bill, now, **changes):
    """A payment to an order's own address, two ether in one block, as the watcher records it."""
    sound = PaymentRecord(
        key=PaymentKey(chain=CHAIN, txid="0x" + "ab" * 32, index="v"),
        asset=box.ETH.id,
        amount=2 * 10**18,
        destination=bill["address"],
        sender=WALLET,
        direct=True,
        memos=(),
        internal=False,
        state=PaymentState.PENDING,
        confirmations=1,
        height=101,
        block_hash="0x65",
        block_time=now,
        first_seen=now,
        order_id=bill["order_id"],
    )
    return replace(sound, **changes)


async def test_an_order_shows_payments_tickets_and_what_is_owed_back(gateway, event, store, now):
    bill = await gateway.buy(event)
    payment = seen_payment(bill, now)
    await store.transact(lambda conn: till.record(conn, [payment], now=now))
    view = await order_of(gateway, bill)
    [seen] = view["payments"]
    assert (seen["state"], seen["confirmations"], seen["confirmations_required"]) == ("pending", 1, 2)
    assert (seen["amount"], seen["currency"], seen["txid"]) == ("2", "ETH", payment.key.txid)
    assert view["paid"] == "2"

    def settle(conn):
        order = orders.by_id(conn, bill["order_id"], lock=True)
        paid = replace(
            payment, confirmations=2, outcome=Outcome.MINTED, applied=10**18, owed=10**18, reason=Reason.OVERPAID
        )
        till.amend(conn, [paid], now=now + timedelta(seconds=1))
        return box.pay(conn, order, event, gateway.deps.keyring.signer(KeyKind.TICKET), now)

    [minted] = await store.transact(settle)
    view = await order_of(gateway, bill)
    assert (view["state"], view["paid"]) == ("paid", "1")
    [ticket] = view["tickets"]
    assert (ticket["id"], ticket["token"], ticket["state"]) == (minted.id, minted.token, "valid")
    assert view["owed"] == [
        {
            "payment_id": payment.id,
            "amount": "1",
            "currency": "ETH",
            "asset": box.ETH.id,
            "reason": "overpaid",
            "text": Reason.OVERPAID.sentence,
        }
    ]


async def test_an_order_that_was_paid_cannot_be_let_go(gateway, event, store, now):
    bill = await gateway.buy(event)
    await store.transact(lambda conn: till.record(conn, [seen_payment(bill, now)], now=now))
    answer = await gateway.client.delete(f"/api/orders/{bill['order_id']}")
    assert await refusal(answer) == (409, "order_has_payment")
    await store.transact(lambda conn: orders.expire_due(conn, now=now + timedelta(days=2), known={}))
    answer = await gateway.client.delete(f"/api/orders/{bill['order_id']}")
    assert await refusal(answer) == (409, "order_not_open")


async def order_of(gateway, bill):
    return await (await gateway.client.get(f"/api/orders/{bill['order_id']}")).json()


async def test_nothing_a_buyer_sends_or_gets_is_logged(gateway, event, caplog, capfd):
    caplog.set_level("DEBUG")
    body = wish(event, message="m-hush", signature="s-hush")
    answer = await gateway.client.post(
        "/api/events/purchase", json=body, headers={"Idempotency-Key": "k-hush", "Authorization": "Bearer t-hush"}
    )
    assert answer.status == 400
    bill = await gateway.buy(event)
    out, err = capfd.readouterr()
    logged = caplog.text + out + err
    for secret in ("hush", bill["order_id"], bill["memo"]):
        assert secret not in logged


async def test_an_order_outlives_the_chain_it_was_to_be_paid_on(gateway, event, store, now):
    bill = await gateway.buy(event)
    order = await store.read(lambda conn: orders.by_id(conn, bill["order_id"]))
    bare = Desk(registry=Registry(()), settings=gateway.deps.settings)
    view = await store.read(lambda conn: find_view(conn, order.id, bare, now=now))
    assert (view.amount, view.currency, view.payment_uri) == (str(10**18), box.ETH.id, None)
    assert view.confirmations_required is None


async def test_without_the_claim_a_repeated_purchase_would_be_two_orders(gateway, event, store, monkeypatch):
    monkeypatch.setattr(idempotency, "_take", lambda *_: True)
    for _ in range(2):
        await gateway.client.post("/api/events/purchase", json=wish(event), headers={"Idempotency-Key": "k"})
    assert await count_orders(store) == 2


async def test_without_its_guard_a_stopped_chain_would_go_on_selling(gateway, event, store, now, monkeypatch):
    await store.transact(lambda conn: progress.stop(conn, CHAIN, "stopped", now))
    monkeypatch.setattr(purchase, "selling", lambda *_: None)
    assert (await gateway.client.post("/api/events/purchase", json=wish(event))).status == 201


async def test_beyond_its_own_addresses_a_network_pays_by_memo_and_no_addresses_at_all_are_waited_for(
    store, event, now, tmp_path
):
    async with running(store, now, tmp_path) as plain:
        chain = plain.deps.settings.chains[CHAIN].model_copy(update={"xpub": XPUB})
        settings = plain.deps.settings.model_copy(update={"chains": {CHAIN: chain}})
        deps = replace(plain.deps, settings=settings)
    async with TestClient(TestServer(build_app(deps))) as client:
        bills = [
            await (await client.post("/api/events/purchase", json=wish(event, hold=False))).json() for _ in range(6)
        ]
        assert [bill["payment_uri"] is not None for bill in bills] == [True] * 5 + [False]
        assert bills[-1]["payment_address"] == RECEIVE
        assert bytes.fromhex(bills[-1]["transaction"]["data"][2:]).decode() == bills[-1]["memo_short"]
        await store.transact(
            lambda conn: conn.execute(delete(order_addresses).where(order_addresses.c.state == "watched"))
        )
        empty = await client.post("/api/events/purchase", json=wish(event, hold=False))
        assert await refusal(empty) == (503, "no_address_ready")
