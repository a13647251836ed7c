"""Buying with a wallet's proof: what it is worth, that it is spent once, and that a refusal spends nothing."""

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from sqlalchemy import func, select

from gateway.schema import audit, spent_proofs
from tests.support import tickets_box as box
from tests.support.gateway_app import running, wish

BUYER = Account.from_key("0x" + "11" * 32)


@pytest.fixture
async def gateway(store, now, tmp_path):
    async with running(store, now, tmp_path) as started:
        yield started


async def proof(gateway, event, *, purpose="purchase", signer=BUYER):
    answer = await gateway.client.post(
        f"/api/events/{event.ref}/challenge", json={"wallet_address": BUYER.address, "purpose": purpose}
    )
    assert answer.status == 200, await answer.text()
    message = (await answer.json())["message"]
    signature = signer.sign_message(encode_defunct(text=message)).signature.hex()
    return {"wallet_address": BUYER.address, "message": message, "signature": f"0x{signature}"}


async def purchase(gateway, event, **changes):
    answer = await gateway.client.post("/api/events/purchase", json=wish(event, **changes))
    body = await answer.json(content_type=None)
    return answer.status, body.get("code") if answer.status >= 400 else body["hold"]


async def spent(store):
    return await store.read(lambda conn: conn.execute(select(func.count()).select_from(spent_proofs)).scalar_one())


async def test_a_proved_wallet_keeps_more_places_than_a_stranger(gateway, store, now):
    event = await box.opened(store, now)
    assert await purchase(gateway, event, quantity=3) == (201, False)
    assert await purchase(gateway, event, quantity=3, **await proof(gateway, event)) == (201, True)


async def test_a_proof_buys_once(gateway, store, now):
    event = await box.opened(store, now)
    once = await proof(gateway, event)
    assert await purchase(gateway, event, **once) == (201, True)
    assert await purchase(gateway, event, **once) == (409, "proof_spent")


async def test_a_repeated_purchase_answers_although_its_proof_is_spent(gateway, store, now):
    event = await box.opened(store, now)
    body, headers = wish(event, **await proof(gateway, event)), {"Idempotency-Key": "k"}
    first = await gateway.client.post("/api/events/purchase", json=body, headers=headers)
    again = await gateway.client.post("/api/events/purchase", json=body, headers=headers)
    assert (first.status, await first.json()) == (again.status, await again.json())


async def test_a_refused_purchase_spends_nothing(gateway, store, now):
    event = await box.opened(store, now, tiers=(box.tier(capacity=1),))
    once = await proof(gateway, event)
    assert await purchase(gateway, event, quantity=2, **once) == (409, "sold_out")
    assert await spent(store) == 0
    assert await purchase(gateway, event, **once) == (201, True)
    assert await spent(store) == 1


async def test_a_wallet_meets_its_limit_only_by_its_own_proof(gateway, store, now):
    event = await box.opened(store, now, purchase_limit=1)
    assert await purchase(gateway, event, wallet_address=BUYER.address) == (201, True)
    assert await purchase(gateway, event, **await proof(gateway, event)) == (201, True)
    assert await purchase(gateway, event, **await proof(gateway, event)) == (409, "purchase_limit")


async def test_a_text_for_the_door_buys_nothing(gateway, store, now):
    event = await box.opened(store, now)
    assert (await purchase(gateway, event, **await proof(gateway, event, purpose="join")))[1] == "wrong_purpose"


async def test_a_text_for_another_event_buys_nothing_here(gateway, store, now):
    here, elsewhere = await box.opened(store, now), await box.opened(store, now)
    assert (await purchase(gateway, here, **await proof(gateway, elsewhere)))[1] == "wrong_event"


async def test_another_wallets_signature_proves_nothing(gateway, store, now):
    event = await box.opened(store, now)
    stranger = Account.from_key("0x" + "22" * 32)
    status, code = await purchase(gateway, event, **await proof(gateway, event, signer=stranger))
    assert code in {"signature_invalid", "signature_inconclusive"}  # a contract may have signed: nobody was asked
    assert status >= 400


async def test_a_clients_third_order_keeps_places_because_it_is_proved(gateway, store, now):
    event = await box.opened(store, now)
    assert [await purchase(gateway, event) for _ in range(3)] == [(201, True), (201, True), (201, False)]
    assert await purchase(gateway, event, **await proof(gateway, event)) == (201, True)
    assert await purchase(gateway, event) == (201, False)  # only the one that was proved


async def logged(store):
    rows = await store.read(lambda conn: conn.execute(select(audit)).all())
    return sorted(
        (row.action, row.outcome, row.holder is not None, row.event_id is not None, row.count) for row in rows
    )


async def test_what_became_of_a_proved_purchase_is_in_the_log(gateway, store, now):
    event = await box.opened(store, now, tiers=(box.tier(capacity=1),))
    once = await proof(gateway, event)
    assert await purchase(gateway, event, quantity=2, **once) == (409, "sold_out")
    assert await purchase(gateway, event, **once) == (201, True)
    assert await purchase(gateway, event, **once) == (409, "proof_spent")
    assert await logged(store) == [
        ("purchase", "granted", True, True, 1),
        ("purchase", "proof_spent", True, True, 1),
        ("purchase", "sold_out", True, True, 1),
    ]


async def test_refused_proofs_of_a_purchase_are_counted_without_a_holder(gateway, store, now):
    event = await box.opened(store, now)
    wrong = await proof(gateway, event, purpose="join")
    for _ in range(3):
        assert (await purchase(gateway, event, **wrong))[1] == "wrong_purpose"
    assert await purchase(gateway, event) == (201, True)  # nothing was proved: nothing to log
    assert await logged(store) == [("purchase", "wrong_purpose", False, False, 3)]
