"""A wallet with a ticket is let in, with everything that the room needs; a session lasts as long as its right does."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.gate import turn
from gateway.schema import sessions
from tests.support.gate_house import Contracts, Wallet, opened, refused
from tests.support.vectors import vectors
from tickets import tickets
from tickets.schema import tickets as ticket_rows
from verifier.port import NO_LOOKUP

BUYER = Wallet(1)
CREATOR = Wallet(9)
SAFE = "0x5aFE3855358E112B5647B952709E6165e1c1eEEe"


@pytest.fixture
async def house(store, now, tmp_path):
    async with opened(store, now, tmp_path) as house:
        yield house


async def test_a_ticket_holder_who_signs_the_challenge_is_let_in_with_everything_the_room_needs(house):
    ticket = await house.ticket(BUYER)
    grant = await house.joined(BUYER)
    assert grant["access_granted"] is True
    assert grant["websocket_url"] == "wss://house.test/event/opening-night"
    assert grant["ticket"] == {"id": ticket.id, "token": ticket.token}
    assert grant["turn_credentials"]["credential"] == grant["turn_credentials"]["password"]
    assert grant["iceServers"][0]["username"] == grant["turn_credentials"]["username"]
    assert grant["livekit"] is None


async def test_the_challenge_names_the_operators_domain_whatever_host_the_request_claims(house):
    answer = await house.post("challenge", {"walletAddress": BUYER.address}, headers={"Host": "evil.test"})
    body = await answer.json()
    assert body["domain"] == "house.test"
    assert body["message"].startswith("house.test wants you to sign in with your Ethereum account:")


@pytest.mark.parametrize("asks", [{"uri": "https://evil.test/x"}, {"uri": "https://house.test@evil.test/"}])
async def test_a_page_that_is_not_on_the_list_gets_no_challenge(house, asks):
    answer = await house.post("challenge", {"wallet_address": BUYER.address, **asks})
    assert await refused(answer) == (403, "origin_not_allowed")
    answer = await house.post("challenge", {"wallet_address": BUYER.address}, headers={"Origin": "https://evil.test"})
    assert await refused(answer) == (403, "origin_not_allowed")


async def test_an_events_own_page_signs_for_its_own_domain(store, now, tmp_path):
    async with opened(store, now, tmp_path, event={"page_origins": ("https://fan.test",)}) as house:
        await house.ticket(BUYER)
        proof = await house.proof(BUYER, uri="https://fan.test/show?x=1#y")
        assert proof["message"].startswith("fan.test wants you")
        assert "URI: https://fan.test/show\n" in proof["message"]
        assert (await house.post("join", proof)).status == 200


async def test_existing_pages_may_send_camel_case_and_a_signature_as_integers(house):
    await house.ticket(BUYER)
    stamp = house.stamped(BUYER)
    body = {
        "walletAddress": stamp["wallet_address"],
        "timestamp": stamp["timestamp"],
        "signature": list(bytes.fromhex(stamp["signature"][2:])),
    }
    assert (await house.post("join", body)).status == 200


async def test_joining_notes_the_first_and_the_last_access(house):
    ticket = await house.ticket(BUYER)
    first = house.clock()
    await house.joined(BUYER)
    last = await house.move(timedelta(minutes=7))
    await house.joined(BUYER)
    row = await house.store.read(
        lambda conn: conn.execute(select(ticket_rows).where(ticket_rows.c.id == ticket.id)).one()
    )
    assert (row.first_access, row.last_access, row.generation) == (first, last, 2)


async def test_the_creator_is_the_host_and_needs_no_ticket_even_before_the_doors_open(store, now, tmp_path):
    early = {"creator": f"eip155:1:{CREATOR.address}", "doors_at": now + timedelta(hours=1)}
    async with opened(store, now, tmp_path, event={**early, "starts_at": now + timedelta(hours=1)}) as house:
        grant = await house.joined(CREATOR)
        assert (grant["role"], grant["ticket"]) == ("host", None)
        await house.ticket(BUYER)
        assert await refused(await house.post("join", await house.proof(BUYER))) == (403, "doors_closed")


# --- verify-access -------------------------------------------------------------------------------------------


async def test_verify_access_answers_without_spending(house):
    await house.ticket(BUYER)
    proof = await house.proof(BUYER)
    for _ in range(2):
        answer = await (await house.post("verify-access", proof)).json()
        assert (answer["access"], answer["hasAccess"], answer["code"]) == (True, True, None)
    assert (await house.post("join", proof)).status == 200
    answer = await (await house.post("verify-access", proof)).json()
    assert (answer["access"], answer["code"]) == (False, "proof_spent")


async def test_unsigned_verify_access_tells_every_wallet_the_same(house):
    await house.ticket(BUYER)
    answers = [await house.post("verify-access", {"walletAddress": one.address}) for one in (BUYER, Wallet(3))]
    told = [(answer.status, await answer.json()) for answer in answers]
    assert told[0] == told[1]
    assert told[0][1]["code"] == "proof_required"


# --- contract wallets ----------------------------------------------------------------------------------------


def safe_proof(text: str, chain: str = "") -> dict[str, str]:
    return {"wallet_address": f"{chain}{SAFE}", "message": text, "signature": "0x" + "51" * 65}


async def granted_to_safe(house, chain: str) -> None:
    account = replace(BUYER.account, chain=chain, address=SAFE)
    holder = replace(account.holder, canonical=bytes.fromhex(SAFE[2:]))
    signer_of = house.ticket
    await signer_of(StandIn(account=replace(account, holder=holder)))


class StandIn:
    """An account without a key, for `House.ticket`."""

    def __init__(self, *, account):
        self.account = account


async def test_a_contract_wallet_is_asked_on_the_chain_its_ticket_was_paid_on(store, now, tmp_path):
    lookup = Contracts(f"eip155:137:{SAFE}")
    async with opened(store, now, tmp_path, lookup=lookup) as house:
        await granted_to_safe(house, "eip155:137")
        text = (await (await house.post("challenge", {"wallet_address": SAFE})).json())["message"]
        assert (await house.post("join", safe_proof(text))).status == 200
        assert lookup.asked == [f"eip155:137:{SAFE}"]


async def test_a_wallet_deployed_at_the_same_address_on_another_chain_opens_nothing(store, now, tmp_path):
    lookup = Contracts(f"eip155:137:{SAFE}")
    async with opened(store, now, tmp_path, lookup=lookup) as house:
        await granted_to_safe(house, "eip155:1")
        named = {"wallet_address": f"eip155:137:{SAFE}"}
        text = (await (await house.post("challenge", named)).json())["message"]
        answer = await house.post("join", safe_proof(text, "eip155:137:"))
        assert await refused(answer) == (401, "signature_invalid")
        assert lookup.asked == [f"eip155:1:{SAFE}"]


async def test_a_bad_signature_for_a_wallet_without_a_ticket_asks_no_node(store, now, tmp_path):
    lookup = Contracts(f"eip155:1:{SAFE}")
    async with opened(store, now, tmp_path, lookup=lookup) as house:
        text = (await (await house.post("challenge", {"wallet_address": SAFE})).json())["message"]
        assert await refused(await house.post("join", safe_proof(text))) == (401, "signature_invalid")
        assert lookup.asked == []


async def test_a_node_that_does_not_answer_neither_admits_nor_spends(store, now, tmp_path):
    async with opened(store, now, tmp_path, lookup=NO_LOOKUP) as house:
        await granted_to_safe(house, "eip155:1")
        text = (await (await house.post("challenge", {"wallet_address": SAFE})).json())["message"]
        answer = await house.post("join", safe_proof(text))
        assert await refused(answer) == (503, "signature_inconclusive")
        assert answer.headers["Retry-After"] == "3"


# --- sessions ------------------------------------------------------------------------------------------------


async def test_a_session_goes_on_after_a_reload_with_the_next_secret_only(house):
    await house.ticket(BUYER)
    first = await house.joined(BUYER)
    await house.move(timedelta(minutes=30))
    second = await (await house.post("resume", {"resume": first["resume"]})).json()
    assert second["resume"] != first["resume"]
    assert await refused(await house.post("resume", {"resume": first["resume"]})) == (401, "resume_invalid")
    assert (await house.post("resume", {"resume": second["resume"]})).status == 200


async def test_a_resume_secret_is_stored_hashed(house):
    await house.ticket(BUYER)
    grant = await house.joined(BUYER)
    rows = await house.store.read(lambda conn: conn.execute(select(sessions)).all())
    assert grant["resume"] not in str(rows)


async def test_a_resume_secret_opens_nothing_once_the_event_is_over(house):
    await house.ticket(BUYER)
    grant = await house.joined(BUYER)
    await house.move(timedelta(hours=3))
    assert await refused(await house.post("resume", {"resume": grant["resume"]})) == (410, "event_over")


async def test_a_resume_secret_opens_nothing_once_the_ticket_is_revoked(house):
    ticket = await house.ticket(BUYER)
    grant = await house.joined(BUYER)
    await house.store.transact(lambda conn: tickets.revoke(conn, ticket.id, reason="lost", now=house.clock()))
    assert await refused(await house.post("resume", {"resume": grant["resume"]})) == (403, "ticket_revoked")


async def test_a_newer_join_closes_the_older_session(house):
    await house.ticket(BUYER)
    older, newer = await house.joined(BUYER), await house.joined(BUYER)
    assert await refused(await house.post("resume", {"resume": older["resume"]})) == (401, "session_closed")
    assert (await house.post("resume", {"resume": newer["resume"]})).status == 200


TURN_PATHS = ("/api/turn-credentials", "/api/webrtc/turn-config", "/api/presence/turn-credentials")


@pytest.mark.parametrize("path", TURN_PATHS)
async def test_an_open_session_gets_fresh_turn_credentials(house, path):
    await house.ticket(BUYER)
    grant = await house.joined(BUYER)
    bearer = {"Authorization": f"Bearer {grant['session_token']}"}
    answer = await (await house.client.get(path, headers=bearer)).json()
    assert answer["username"].startswith(f"{int(house.clock().timestamp()) + 600}:")
    assert answer["credential"] == turn.password("a secret that coturn shares", answer["username"])
    assert answer["ttl"] == 600


async def test_the_api_says_that_turn_credentials_take_a_session(house):
    paths = (await (await house.client.get("/openapi.json")).json())["paths"]
    for path in TURN_PATHS:
        assert paths[path]["get"]["security"] == [{"session": []}]


async def test_turn_credentials_are_for_open_sessions_only(house):
    ticket = await house.ticket(BUYER)
    grant = await house.joined(BUYER)
    path, bearer = TURN_PATHS[0], {"Authorization": f"Bearer {grant['session_token']}"}
    assert await refused(await house.client.get(path)) == (401, "session_required")
    forged = {"Authorization": f"Bearer {grant['session_token'][:-6]}AAAAAA"}
    assert await refused(await house.client.get(path, headers=forged)) == (401, "session_invalid")
    as_ticket = {"Authorization": f"Bearer {ticket.token}"}
    assert await refused(await house.client.get(path, headers=as_ticket)) == (401, "session_invalid")
    await house.joined(BUYER)
    assert await refused(await house.client.get(path, headers=bearer)) == (401, "session_closed")
    await house.move(timedelta(minutes=5))
    assert await refused(await house.client.get(path, headers=bearer)) == (401, "session_expired")


def test_turn_passwords_are_what_others_compute():
    for case in vectors("turn/cases.json"):
        assert turn.password(case["secret"], case["username"]) == case["password"]


async def test_a_livekit_token_joins_one_room_for_two_minutes_and_administers_nothing(store, now, tmp_path):
    from livekit.api import TokenVerifier  # noqa: PLC0415  the library of a deployment that has LiveKit

    keys = {"api_key": "key", "api_secret": "a secret of thirty-two characters"}
    table = '[livekit]\nurl = "wss://voice.house.test"\n' + "".join(f'{name} = "{key}"\n' for name, key in keys.items())
    async with opened(store, now, tmp_path, more=table) as house:
        await house.ticket(BUYER)
        given = (await house.joined(BUYER))["livekit"]
        assert given["url"] == "wss://voice.house.test"
        claims = TokenVerifier(**keys).verify(given["token"])
        assert (claims.video.room, claims.video.room_join) == (f"event-{house.event.id}", True)
        assert not claims.video.room_admin
        assert not claims.video.room_create


# --- a gate that cannot see ------------------------------------------------------------------------------------


async def test_a_gate_that_has_not_read_its_door_list_for_three_seconds_admits_nobody(house):
    await house.ticket(BUYER)
    grant = await house.joined(BUYER)
    proof = await house.proof(BUYER)
    house.clock.now += timedelta(seconds=3, milliseconds=1)
    for path, body in (("join", proof), ("resume", {"resume": grant["resume"]})):
        assert await refused(await house.post(path, body)) == (503, "gate_blind")
    await house.look()
    assert (await house.post("join", proof)).status == 200
