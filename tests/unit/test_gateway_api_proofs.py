"""Buying with a wallet's proof: what it is worth, that it is spent once, and that a refusal spends nothing."""

import pytest
from aiohttp.test_utils import TestClient, TestServer
from eth_account import Account
from eth_account.messages import encode_defunct
from sqlalchemy import func, select

from chains import progress
from chains.port import Sweep, Tip
from config.registry import Family
from config.settings import load_settings
from gateway.api import purchase as purchase_room
from gateway.app import build_app
from gateway.deps import Deps
from gateway.gate.audit_log import AUDIT
from gateway.schema import audit, spent_proofs
from tests.support import tickets_box as box
from tests.support.gate_house import Contracts
from tests.support.gateway_app import RECEIVE, SECRET, Gateway, HandClock, running, wish
from tests.support.verifier_families import leave_only
from tickets.keys import Keyring

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


async def logged(gateway):
    store = gateway.store
    await gateway.client.app[AUDIT].settled()
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
    assert await logged(gateway) == [
        ("purchase", "granted", True, True, 1),
        ("purchase", "proof_spent", True, True, 1),
        ("purchase", "sold_out", True, True, 1),
    ]


async def test_refused_proofs_of_a_purchase_are_counted_without_a_holder(gateway, store, now):
    event = await box.opened(store, now)
    wrong = await proof(gateway, event, purpose="join")
    for _ in range(3):
        assert (await purchase(gateway, event, **wrong))[1] == "wrong_purpose"
    assert await logged(gateway) == [("purchase", "wrong_purpose", False, False, 3)]


async def test_purchases_without_a_proof_are_counted_by_what_came_of_them(gateway, store, now, monkeypatch):
    leave_only(monkeypatch, Family.EVM)
    event = await box.opened(store, now, tiers=(box.tier(capacity=4),))
    for _ in range(2):
        assert (await purchase(gateway, event, hold=False))[0] == 201
    assert await purchase(gateway, event, wallet_address="username") == (422, "wallet_not_supported")
    assert await purchase(gateway, event, payment_method="doubloons") == (422, "unknown_payment_method")
    assert await logged(gateway) == [
        ("purchase", "granted", False, False, 2),
        ("purchase", "unknown_payment_method", False, False, 1),
        ("purchase", "wallet_not_supported", False, False, 1),
    ]


@pytest.mark.parametrize("wallet", ["username", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"])
async def test_nothing_is_sold_to_a_wallet_that_could_not_open_the_door(gateway, store, now, wallet, monkeypatch):
    leave_only(monkeypatch, Family.EVM)
    event = await box.opened(store, now)
    assert await purchase(gateway, event, wallet_address=wallet) == (422, "wallet_not_supported")
    assert await purchase(gateway, event, wallet_address=None, user_account=wallet) == (422, "wallet_not_supported")


async def test_without_that_check_places_would_be_sold_to_it(gateway, store, now, monkeypatch):
    monkeypatch.setattr(purchase_room, "supports", lambda _family, _followed: True)
    event = await box.opened(store, now)
    assert await purchase(gateway, event, wallet_address="username") == (201, True)


# --- a contract wallet that buys --------------------------------------------------------------------------------

HOME, OTHER = "eip155:1", "eip155:56"
CONTRACTS_WORD = "0x" + "22" * 70
TWO_CHAINS = f"""
network = "main"
[platform]
domains = ["house.test"]
[gate]
public_url = "https://house.test"
[chains."{HOME}"]
endpoints = ["http://127.0.0.1:8545"]
receive = "{RECEIVE}"
[chains."{OTHER}"]
endpoints = ["http://127.0.0.1:8546"]
receive = "{RECEIVE}"
"""


@pytest.fixture
def lookup():
    """On the second chain somebody deployed a contract at the buyer's address that says yes to everybody."""
    return Contracts(f"{OTHER}:{BUYER.address}")


@pytest.fixture
async def two_chains(store, now, tmp_path, lookup):
    file = tmp_path / "usher.toml"
    file.write_text(TWO_CHAINS)
    settings = load_settings(file, {"HOME": str(tmp_path)})
    deps = Deps(
        settings=settings,
        registry=settings.registry(),
        store=store,
        clock=HandClock(now),
        keyring=Keyring.create(tmp_path / "keys", now=now),
        lookup=lookup,
        secret=SECRET,
    )
    tip = Tip(height=100, hash="0x64", time=now)
    sweep = Sweep(final=(), pending=(), gone=(), tip=tip, final_height=92, checkpoint={"height": 92})
    for chain in (HOME, OTHER):
        await store.transact(lambda conn, chain=chain: progress.save(conn, chain, sweep, now))
    async with TestClient(TestServer(build_app(deps))) as client:
        yield Gateway(client=client, deps=deps, clock=deps.clock)


async def bought_by_contract(gateway, now, payment_method):
    """What a purchase gets that no key signed."""
    prices = {gateway.deps.registry.by_payment_method(method).id: 10**16 for method in ("eth", "bnb")}
    event = await box.opened(gateway.store, now, tiers=(box.tier(prices=prices),))
    body = await proof(gateway, event) | {"signature": CONTRACTS_WORD, "payment_method": payment_method}
    return await purchase(gateway, event, **body)


@pytest.mark.parametrize("payment_method", ["eth", "bnb"])
async def test_a_buyer_proves_itself_at_home_whatever_it_pays_with(two_chains, now, lookup, payment_method):
    assert await bought_by_contract(two_chains, now, payment_method) == (401, "signature_invalid")
    lookup.vouching = (f"{HOME}:{BUYER.address}",)
    assert await bought_by_contract(two_chains, now, payment_method) == (201, True)
    assert lookup.asked == [f"{HOME}:{BUYER.address}"] * 2


async def test_asked_on_the_chain_that_is_paid_on_a_stranger_would_buy_in_its_name(two_chains, now, monkeypatch):
    monkeypatch.setattr(purchase_room, "at_home", lambda account, _registry: account)
    assert await bought_by_contract(two_chains, now, "bnb") == (201, True)
