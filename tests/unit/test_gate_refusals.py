"""What bad input gets: each its own code and status, nothing spent, and one row in the log."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import func, select

from chains.evm.lookup import Bounds
from config.registry import Family
from gateway.app import build_app
from gateway.gate import bans, nonces, proofs
from gateway.gate.evenly import FLOOR_SECONDS, LOOK_UP_SECONDS, Pace
from gateway.gate.nonces import NonceScope
from gateway.gate.spent import SpentHere
from gateway.schema import sessions, spent_proofs
from tests.support.gate_house import SECRET, Contracts, House, Wallet, opened, refused
from tests.support.verifier_families import leave_only
from tickets import events, tickets
from verifier.texts.challenge import Challenge, write
from verifier.texts.purpose import Purpose, statement

BUYER = Wallet(1)
THIEF = Wallet(2)
Case = Callable[[House], Awaitable[tuple[str, Any]]]


@pytest.fixture
async def house(store, now, tmp_path):
    async with opened(store, now, tmp_path) as house:
        await house.ticket(BUYER)
        yield house


def signed(wallet: Wallet, text: str) -> dict[str, Any]:
    return {"wallet_address": wallet.address, "message": text, "signature": wallet.sign(text)}


def written(house: House, **changes: Any) -> dict[str, Any]:
    """A signed text as our own challenge would be, with something changed."""
    issued = house.clock()
    fields: dict[str, Any] = {
        "domain": "house.test",
        "account": BUYER.account,
        "statement": statement(Purpose.JOIN, house.event.title),
        "uri": "https://house.test/events/opening-night",
        "issued_at": issued,
        "expires_at": issued + timedelta(minutes=5),
        "purpose": Purpose.JOIN,
        "event_id": house.event.id,
    }
    secret = changes.pop("secret", SECRET)
    fields |= changes
    scope = NonceScope(
        holder=fields["account"].holder,
        event_id=fields["event_id"],
        purpose=fields["purpose"],
        domain=fields["domain"],
        statement=fields["statement"],
        uri=fields["uri"],
    )
    nonce = nonces.issue(secret, scope, expires_at=fields["expires_at"], randomness=b"8 random")
    return signed(BUYER, write(Challenge(nonce=nonce, **fields)))


async def our_own_text_in_the_same_way(house):
    return "join", written(house)


async def wrong_signature(house):
    return "join", await house.proof(BUYER) | {"signature": THIEF.sign("something else")}


async def wrong_wallet(house):
    return "join", await house.proof(BUYER) | {"wallet_address": THIEF.address}


async def signed_by_another_wallet(house):
    text = await house.challenge(BUYER)
    return "join", {"wallet_address": BUYER.address, "message": text, "signature": THIEF.sign(text)}


async def a_wallet_without_a_ticket(house):
    return "join", await house.proof(THIEF)


async def stale_challenge(house):
    proof = await house.proof(BUYER)
    await house.move(timedelta(minutes=5, seconds=30))
    return "join", proof


async def stale_timestamp(house):
    return "join", house.stamped(BUYER, at=house.clock() - timedelta(minutes=5))


async def timestamp_from_the_future(house):
    return "join", house.stamped(BUYER, at=house.clock() + timedelta(seconds=31))


async def a_timestamp_beyond_all_calendars(house):
    body = house.stamped(BUYER)
    return "join", body | {"timestamp": 10**30, "signature": BUYER.sign(f"Access event opening-night at {10**30}")}


async def text_with_a_longer_life_than_its_nonce(house):
    scope = NonceScope(
        holder=BUYER.account.holder,
        event_id=house.event.id,
        purpose=Purpose.JOIN,
        domain="house.test",
        statement=statement(Purpose.JOIN, house.event.title),
        uri="https://house.test/events/opening-night",
    )
    ended = nonces.issue(SECRET, scope, expires_at=house.clock() - timedelta(seconds=31), randomness=b"8 random")
    body = written(house)
    text = body["message"].replace(body["message"].partition("Nonce: ")[2].partition("\n")[0], ended)
    return "join", signed(BUYER, text)


async def reused_proof(house):
    proof = await house.proof(BUYER)
    assert (await house.post("join", proof)).status == 200
    return "join", proof


async def reused_proof_with_the_other_s(house):
    proof = await house.proof(BUYER)
    assert (await house.post("join", proof)).status == 200
    raw = bytes.fromhex(proof["signature"][2:])
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    flipped = raw[:32] + (order - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big") + bytes([55 - raw[64]])
    return "join", proof | {"signature": f"0x{flipped.hex()}"}


async def reused_proof_under_another_name_of_the_same_holder(house):
    stamp = house.stamped(BUYER)
    assert (await house.post("join", stamp)).status == 200
    return "join", stamp | {"wallet_address": f"eip155:137:{BUYER.address}"}


async def a_foreign_domain(house):
    return "join", written(house, domain="evil.test")


async def another_purpose(house):
    return "join", written(house, purpose=Purpose.PURCHASE, statement=statement(Purpose.PURCHASE, "x"))


async def another_event(house):
    return "join", written(house, event_id=house.event.id + 1)


async def a_nonce_of_somebody_elses(house):
    return "join", written(house, secret=b"another secret")


async def a_text_of_nobodys(house):
    return "join", signed(BUYER, "Let me in, please")


async def a_malformed_address(house):
    return "join", house.stamped(BUYER) | {"wallet_address": "0x1234"}


async def an_address_with_a_wrong_checksum(house):
    return "join", house.stamped(BUYER) | {"wallet_address": BUYER.address.swapcase().replace("0X", "0x")}


async def a_wallet_that_cannot_prove_itself_here(house):
    return "join", house.stamped(BUYER) | {"wallet_address": "username"}


async def a_challenge_for_a_wallet_that_cannot_prove_itself_here(_house):
    return "challenge", {"wallet_address": "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"}


async def access_of_a_wallet_that_cannot_prove_itself_here(_house):
    return "verify-access", {"wallet_address": "username"}


async def no_signature(house):
    return "join", {"wallet_address": BUYER.address}


async def a_signature_without_its_text(house):
    return "join", {"wallet_address": BUYER.address, "signature": BUYER.sign("x")}


async def an_unknown_event(house):
    return "../nowhere/join", house.stamped(BUYER)


async def an_event_that_is_not_open_yet(house):
    await house.move(timedelta(0))
    house.clock.now = house.event.doors_at - timedelta(minutes=1)
    await house.look()
    return "join", house.stamped(BUYER)


async def an_event_that_is_over(house):
    await house.move(timedelta(hours=3))
    return "join", house.stamped(BUYER)


async def a_cancelled_event(house):
    now = house.clock()
    await house.store.transact(lambda conn: events.cancel(conn, house.event.id, reason="rain", now=now))
    return "join", house.stamped(BUYER)


async def _changed(house, change):
    await house.store.transact(
        lambda conn: change(conn, tickets.held_by(conn, house.event.id, BUYER.account.holder)[0].id)
    )
    return "join", house.stamped(BUYER)


async def a_revoked_ticket(house):
    return await _changed(house, lambda conn, ticket: tickets.revoke(conn, ticket, reason="lost", now=house.clock()))


async def a_banned_holder(house):
    now, holder = house.clock(), BUYER.account.holder
    await house.store.transact(lambda conn: bans.ban(conn, house.event.id, holder, reason="rude", now=now))
    return "join", house.stamped(BUYER)


async def a_signature_in_the_url(house):
    return f"join?signature={BUYER.sign('x')}", house.stamped(BUYER)


async def a_signature_that_is_a_number(house):
    return "join", house.stamped(BUYER) | {"signature": 12}


async def no_object(house):
    return "join", [1, 2]


BAD = [
    (wrong_signature, 401, "signature_invalid"),
    (wrong_wallet, 401, "wrong_wallet"),
    (signed_by_another_wallet, 401, "signature_invalid"),
    (a_wallet_without_a_ticket, 403, "no_ticket"),
    (stale_challenge, 401, "proof_expired"),
    (stale_timestamp, 401, "proof_expired"),
    (timestamp_from_the_future, 401, "proof_from_future"),
    (a_timestamp_beyond_all_calendars, 401, "proof_from_future"),
    (text_with_a_longer_life_than_its_nonce, 401, "proof_expired"),
    (reused_proof, 409, "proof_spent"),
    (reused_proof_with_the_other_s, 409, "proof_spent"),
    (reused_proof_under_another_name_of_the_same_holder, 409, "proof_spent"),
    (a_foreign_domain, 401, "wrong_domain"),
    (another_purpose, 401, "wrong_purpose"),
    (another_event, 401, "wrong_event"),
    (a_nonce_of_somebody_elses, 401, "unknown_challenge"),
    (a_text_of_nobodys, 400, "malformed_message"),
    (a_malformed_address, 422, "invalid_account"),
    (an_address_with_a_wrong_checksum, 422, "invalid_account"),
    (no_signature, 401, "proof_required"),
    (a_signature_without_its_text, 401, "proof_required"),
    (an_unknown_event, 404, "unknown_event"),
    (an_event_that_is_not_open_yet, 403, "doors_closed"),
    (an_event_that_is_over, 410, "event_over"),
    (a_cancelled_event, 410, "event_cancelled"),
    (a_revoked_ticket, 403, "ticket_revoked"),
    (a_banned_holder, 403, "banned"),
    (a_signature_in_the_url, 400, "secret_in_url"),
    (a_signature_that_is_a_number, 422, "invalid_fields"),
    (no_object, 422, "invalid_fields"),
]


@pytest.mark.parametrize(("case", "status", "code"), BAD, ids=lambda value: getattr(value, "__name__", None))
async def test_bad_input_gets_its_own_code_and_spends_nothing(house, case: Case, status: int, code: str):
    path, body = await case(house)
    before = await footprint(house)
    answer = await house.post(path, body)
    assert await refused(answer) == (status, code), await answer.text()
    assert await footprint(house) == before


@pytest.mark.parametrize(
    "case",
    [
        a_wallet_that_cannot_prove_itself_here,
        a_challenge_for_a_wallet_that_cannot_prove_itself_here,
        access_of_a_wallet_that_cannot_prove_itself_here,
    ],
)
async def test_a_wallet_that_cannot_prove_itself_here_is_told_so(house, case: Case, monkeypatch):
    leave_only(monkeypatch, Family.EVM)
    path, body = await case(house)
    assert await refused(await house.post(path, body)) == (422, "wallet_not_supported")


async def footprint(house: House) -> tuple[int, int]:
    """How many proofs are spent and how many sessions there are."""

    def count(conn):
        return tuple(conn.scalar(select(func.count()).select_from(table)) for table in (spent_proofs, sessions))

    return await house.store.read(count)


async def test_the_same_text_unchanged_opens(house):
    path, body = await our_own_text_in_the_same_way(house)
    assert (await house.post(path, body)).status == 200


@pytest.mark.parametrize(("body", "status", "code"), [(b"{", 400, "not_json"), (b"[" * 70_000, 413, "body_too_large")])
async def test_a_body_that_is_no_json_or_too_large_is_refused_before_it_is_looked_at(house, body, status, code):
    answer = await house.client.post(
        f"/api/events/{house.event.ref}/join", data=body, headers={"Content-Type": "application/json"}
    )
    assert await refused(answer) == (status, code)


async def test_refusals_whose_reason_was_time_tell_ours(house):
    for case in (stale_challenge, timestamp_from_the_future, an_event_that_is_not_open_yet):
        path, body = await case(house)
        answer = await (await house.post(path, body)).json()
        assert answer["server_time"] == house.clock().isoformat().replace("+00:00", "Z")


async def test_refusals_before_a_signature_are_counted_in_one_row_and_those_behind_one_have_their_own(house):
    for _ in range(5):
        await house.post("join", house.stamped(BUYER) | {"signature": THIEF.sign("x")})
    for _ in range(2):
        assert await refused(await house.post("join", house.stamped(THIEF))) == (403, "no_ticket")
    await house.joined(BUYER)
    assert sorted(await house.audited()) == [
        ("join", "granted", 1),
        ("join", "no_ticket", 1),
        ("join", "no_ticket", 1),
        ("join", "signature_invalid", 5),
    ]


async def test_the_timestamp_form_can_be_switched_off(store, now, tmp_path):
    async with opened(store, now, tmp_path, gate="timestamp_form = false") as house:
        await house.ticket(BUYER)
        assert await refused(await house.post("join", house.stamped(BUYER))) == (400, "timestamp_form_off")
        await house.joined(BUYER)


@pytest.mark.parametrize("path", ["join", "verify-access"])
async def test_a_spent_proof_is_told_before_its_signature_at_every_gate(house, path):
    proof = await house.proof(BUYER)
    assert (await house.post("join", proof)).status == 200
    async with TestClient(TestServer(build_app(house.deps))) as other_gate:
        for client in (house.client, other_gate):
            for signature in (THIEF.sign(proof["message"]), "0x" + "51" * 70, "no hex", proof["signature"]):
                wrong = proof | {"signature": signature}
                answer = await client.post(f"/api/events/{house.event.ref}/{path}", json=wrong)
                assert (await answer.json())["code"] == "proof_spent"
    assert house.deps.lookup.asked == []


async def test_a_spent_proof_sent_again_uses_up_nothing_of_its_wallets_budget(store, now, tmp_path):
    async with opened(store, now, tmp_path, joins_per_wallet=3) as house:
        await house.ticket(BUYER)
        assert await replayed(house) == 200


async def test_without_its_memory_the_gate_lets_anybody_use_up_a_wallets_budget(store, now, tmp_path, monkeypatch):
    monkeypatch.setattr(SpentHere, "__contains__", lambda _self, _digest: False)
    async with opened(store, now, tmp_path, joins_per_wallet=3) as house:
        await house.ticket(BUYER)
        assert await replayed(house) == 429


async def replayed(house: House) -> int:
    """What the owner's next proof gets, when somebody sends the last one again and again."""
    proof = await house.proof(BUYER)
    assert (await house.post("join", proof)).status == 200
    for _ in range(5):
        assert (await house.post("join", proof)).status >= 400
    return (await house.post("join", await house.proof(BUYER))).status


def test_a_gate_remembers_the_newest_spent_proofs():
    spent = SpentHere(size=2)
    for digest in (b"1", b"2", b"3"):
        spent.note(digest)
    assert [digest in spent for digest in (b"1", b"2", b"3")] == [False, True, True]


async def test_one_proof_sent_twenty_times_at_once_opens_once(house):
    proof = await house.proof(BUYER)
    assert await race(house, proof) == [200] + [409] * 19


async def test_without_spending_the_proof_it_opens_many_times(house, monkeypatch):
    monkeypatch.setattr(proofs, "spend", lambda _conn, passing: frozenset(proof.digest for proof in passing))
    proof = await house.proof(BUYER)
    assert (await race(house, proof)).count(200) > 1


async def race(house: House, proof: dict[str, Any]) -> list[int]:
    answers = await asyncio.gather(*(house.post("join", proof) for _ in range(20)))
    return sorted(answer.status for answer in answers)


async def test_a_wallets_own_budget_counts_valid_signatures_only(store, now, tmp_path):
    async with opened(store, now, tmp_path, joins_per_wallet=2) as house:
        await house.ticket(BUYER)
        for _ in range(5):
            await house.post("join", house.stamped(BUYER) | {"signature": THIEF.sign("x")})
        await house.joined(BUYER)
        await house.joined(BUYER)
        assert await refused(await house.post("join", await house.proof(BUYER))) == (429, "rate_limited")
        assert await refused(await house.post("join", house.stamped(THIEF))) == (403, "no_ticket")


class WorkingPace:
    """Time that passes only as the gate works, as fast as the test says; waits are noted."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.work = 0.0
        self.waits: list[float] = []

    def time(self) -> float:
        self.now += self.work
        return self.now

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)


async def test_refusals_are_answered_at_one_moment_however_long_they_took(store, now, tmp_path):
    pace = WorkingPace()
    async with opened(store, now, tmp_path, pace=Pace(time=pace.time, wait=pace.wait)) as house:
        await house.ticket(BUYER)
        spent = await house.proof(BUYER)
        assert (await house.post("join", spent)).status == 200
        assert pace.waits == []  # a grant goes out at once
        kinds = {
            "stale": house.stamped(BUYER, at=house.clock() - timedelta(minutes=5)),
            "malformed": house.stamped(BUYER) | {"wallet_address": "0x12"},
            "spent": spent,
            "no ticket": house.stamped(THIEF),
        }
        for number, (kind, body) in enumerate(kinds.items(), start=1):
            for path in ("join", "verify-access"):
                pace.work = number * FLOOR_SECONDS / 8
                assert not (await (await house.post(path, body)).json()).get("access"), kind
                assert pace.waits.pop() + pace.work == pytest.approx(FLOOR_SECONDS), kind
                assert pace.waits == []


@pytest.mark.parametrize("path", ["join", "verify-access"])
async def test_a_wrong_signature_is_told_at_one_moment_whether_or_not_a_chain_was_asked(store, now, tmp_path, path):
    pace = WorkingPace()
    async with opened(store, now, tmp_path, pace=Pace(time=pace.time, wait=pace.wait), lookup=Slow(pace)) as house:
        await house.ticket(BUYER)
        for number, who in enumerate((BUYER, THIEF), start=1):
            began = pace.now
            answer = await (await house.post(path, house.stamped(who) | {"signature": "0x" + "51" * 70})).json()
            assert answer["code"] == "signature_invalid"
            assert pace.now - began + pace.waits.pop() == pytest.approx(LOOK_UP_SECONDS)
            assert len(house.deps.lookup.asked) == 1, number  # the ticket holder's contract alone


class Slow(Contracts):
    """A chain that takes nearly as long as it may."""

    def __init__(self, pace: WorkingPace) -> None:
        super().__init__()
        self._pace = pace

    async def contract_signature(self, account, digest, signature):
        self._pace.now += Bounds().seconds
        return await super().contract_signature(account, digest, signature)


def test_the_floor_of_a_wrong_signature_lies_above_what_a_look_up_may_take():
    assert Bounds().seconds < LOOK_UP_SECONDS


async def test_a_refusal_that_took_longer_than_the_floor_waits_no_more(store, now, tmp_path):
    pace = WorkingPace()
    async with opened(store, now, tmp_path, pace=Pace(time=pace.time, wait=pace.wait)) as house:
        pace.work = 2 * FLOOR_SECONDS
        await refused(await house.post("join", house.stamped(THIEF)))
        assert pace.waits == [0]
