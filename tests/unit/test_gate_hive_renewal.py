"""A Hive account whose keys change: whoever came in with the old key goes at the next renewal, and nobody else does."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from chains.accounts import account_of
from chains.hive.keys import public_key
from chains.hive.lookup import Bounds, HiveLookup
from config.registry import Network
from gateway.gate import signers
from gateway.gate.signers import AT_ONCE, UNHEARD_FOR, Renewals
from gateway.presence import seating
from gateway.presence.socket import ROOMS
from gateway.schema import sessions
from store.errors import StoreUnavailableError
from tests.nodes.hive import wallet
from tests.nodes.hive.chain import Emulation
from tests.support.gate_house import Contracts, Wallet, gate_of, opened, refused
from tests.support.gate_livekit import livekit_server
from tests.support.hive_node import CHAIN, hive_node
from tickets import tickets as box_office
from tickets.keys import KeyKind
from verifier.port import Lookups
from verifier.verdict import Inconclusive, Valid

SOLD_ON_HIVE = f"""
[chains."{CHAIN}"]
endpoints = ["http://127.0.0.1:1"]
receive = "usher-tickets"
"""
ANN = Wallet(1)
ALICE = account_of("alice", network=Network.TEST)
RENEWAL = timedelta(seconds=150)
HEARTBEAT = timedelta(seconds=30)
OLD, NEW = "password of alice", "another password of alice"


@pytest.fixture
def chain():
    made = Emulation()
    for name in ("alice", "bob"):
        made.account(name, hive=10**6)
    made.mine(3)
    return made


@pytest.fixture
async def node(chain):
    async with hive_node(chain) as running:
        yield running


@asynccontextmanager
async def house_over(node, store, now, folder, *, seconds=2.0, more="", **wanted):
    """A gate that asks this node, remembers nothing of it, and has an event for which Alice and Ann hold tickets."""
    hive = HiveLookup(
        {CHAIN: [node.url]},
        bounds=Bounds(seconds=seconds, kept=0.0),
        clock=lambda: datetime.fromtimestamp(node.chain.head.time, UTC),
    )
    lookup = Lookups(contracts=Contracts(), authorities=hive)
    async with opened(store, now, folder, more=SOLD_ON_HIVE + more, lookup=lookup, **wanted) as house:
        await house.ticket(ANN)
        signer, tier = house.deps.keyring.signer(KeyKind.TICKET), house.event.tiers[0]
        await store.transact(
            lambda conn: box_office.grant(conn, house.event, ALICE, tier, signer=signer, now=house.clock())
        )
        yield house
    await hive.aclose()


@pytest.fixture
async def house(node, store, now, tmp_path):
    async with house_over(node, store, now, tmp_path) as house:
        yield house


@pytest.fixture
async def other_gate(house):
    """A second gate of the same house, which reads its door list when it is told to."""
    async with gate_of(house.deps) as client:
        yield client


async def joins(house, *passwords, role="posting"):
    answer = await house.post("challenge", {"wallet_address": "alice"})
    text = (await answer.json())["message"]
    keys = [wallet.Keys("alice", password) for password in passwords or (OLD,)]
    signature = ",".join(wallet.sign(text.encode(), one.secret(role)) for one in keys)
    return await house.post("join", {"wallet_address": "alice", "message": text, "signature": signature})


async def joined(house, *passwords, **wanted):
    answer = await joins(house, *passwords, **wanted)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def resumes(house, grant):
    return await house.post("resume", {"resume": grant["resume"]})


def named(*passwords, threshold=1):
    """An authority of as many keys."""
    keys = sorted([wallet.Keys("alice", password).public("posting"), 1] for password in passwords)
    return {"weight_threshold": threshold, "account_auths": [], "key_auths": keys}


def change_key(chain, *passwords, **wanted):
    """Alice has other posting keys from the next block on."""
    memo_key = chain.keys["alice"].public("memo")
    update = {"account": "alice", "posting": named(*passwords, **wanted), "memo_key": memo_key, "json_metadata": ""}
    chain.send("alice", ["account_update", update])
    chain.mine()


async def wait_for_renewal(house, *sockets):
    """Let time pass until the next renewal; the sockets go on saying that they are there."""
    for _ in range(RENEWAL // HEARTBEAT):
        for socket in sockets:
            await socket.send_json({"type": "heartbeat"})
            assert (await house.said(socket))["type"] == "heartbeat"
        await house.move(HEARTBEAT)


async def renewal(house, *sockets):
    """What the first socket is told at its next renewal."""
    await wait_for_renewal(house, *sockets)
    return await house.said(sockets[0])


async def stored(house):
    """Alice's sessions, oldest first."""
    query = select(sessions).where(sessions.c.holder == str(ALICE.holder)).order_by(sessions.c.opened_at)
    return await house.store.read(lambda conn: conn.execute(query).all())


KICKED = [{"type": "kicked", "reason": "signature_invalid"}, {"closed": 4403}]


# --- over the socket ----------------------------------------------------------------------------------------------


async def test_a_session_goes_on_as_long_as_the_chain_names_its_key(house, node, now):
    socket, _ = await house.seated(await joined(house))
    for number in (1, 2):
        asked = len(node.asked)
        told = await renewal(house, socket)
        assert (told["type"], bool(told["session_token"])) == ("renewed", True)
        assert "database_api.find_accounts" in node.asked[asked:]
        [session] = await stored(house)
        assert session.named_at == session.renewed_at == now + number * RENEWAL


async def test_a_key_that_was_changed_loses_access_at_the_next_renewal(house, chain):
    grant = await joined(house)
    socket, _ = await house.seated(grant)
    ann, _ = await house.seated(await house.joined(ANN))
    assert (await house.said(socket))["type"] == "joined"
    change_key(chain, NEW)
    assert [await renewal(house, socket, ann), await house.said(socket)] == KICKED
    heard = {(await house.said(ann))["type"] for _ in range(2)}
    assert heard == {"renewed", "left"}
    [session] = await stored(house)
    assert (session.closed_reason, session.closed_at) == ("key_changed", house.clock())
    assert ("renew", "signature_invalid", 1) in await house.audited()


async def test_nothing_that_it_was_handed_opens_anything_any_more(house, chain):
    grant = await joined(house)
    socket, _ = await house.seated(grant)
    change_key(chain, NEW)
    assert (await renewal(house, socket))["type"] == "kicked"
    assert await refused(await resumes(house, grant)) == (401, "session_closed")
    again = await house.socket()
    await again.send_json({"type": "auth", "token": grant["session_token"]})
    assert await house.said(again) == {"type": "kicked", "reason": "session_closed"}
    bearer = {"Authorization": f"Bearer {grant['session_token']}"}
    answer = await house.client.get("/api/turn-credentials", headers=bearer)
    assert await refused(answer) == (401, "session_closed")
    assert await refused(await joins(house)) == (401, "signature_invalid")


async def test_the_ticket_stays_and_opens_with_the_new_key(house, chain):
    grant = await joined(house)
    socket, _ = await house.seated(grant)
    change_key(chain, NEW)
    await renewal(house, socket)
    newer = await joined(house, NEW)
    assert newer["ticket"]["id"] == grant["ticket"]["id"]
    socket, _ = await house.seated(newer)
    assert (await renewal(house, socket))["type"] == "renewed"


async def test_control_without_the_question_the_old_key_stays_in(house, chain, monkeypatch):
    socket, _ = await house.seated(await joined(house))
    change_key(chain, NEW)
    monkeypatch.setattr(signers, "judged", lambda account, keys, _: Valid(account=account, scheme="hive", signers=keys))
    for _ in range(2):
        assert (await renewal(house, socket))["type"] == "renewed"


async def test_another_key_that_was_changed_throws_nobody_out(house, chain):
    socket, _ = await house.seated(await joined(house, role="active"))
    change_key(chain, NEW)  # of the posting authority
    assert (await renewal(house, socket))["type"] == "renewed"


async def test_of_several_signers_so_many_must_go_on_being_named_as_the_threshold_says(house, chain):
    change_key(chain, OLD, NEW, "a third", threshold=2)
    socket, _ = await house.seated(await joined(house, OLD, NEW))
    [session] = await stored(house)
    keys = {public_key(wallet.Keys("alice", password).public("posting")) for password in (OLD, NEW)}
    assert {bytes(session.signers[:33]), bytes(session.signers[33:])} == keys
    assert (await renewal(house, socket))["type"] == "renewed"
    change_key(chain, OLD, "a third", threshold=2)
    assert [await renewal(house, socket), await house.said(socket)] == KICKED


async def test_the_hosts_session_ends_likewise(node, chain, store, now, tmp_path):
    async with house_over(node, store, now, tmp_path, event={"creator": str(ALICE)}) as house:
        grant = await joined(house)
        socket, welcome = await house.seated(grant)
        assert welcome["role"] == "host"
        change_key(chain, NEW)
        assert [await renewal(house, socket), await house.said(socket)] == KICKED
        assert await refused(await resumes(house, grant)) == (401, "session_closed")


async def test_a_socket_of_the_session_at_another_gate_is_closed_by_the_door_list(house, chain, other_gate):
    grant = await joined(house)
    here, _ = await house.seated(grant)
    there = await other_gate.ws_connect(f"/event/{house.event.ref}")
    await there.send_json({"type": "auth", "token": grant["session_token"]})
    assert (await there.receive_json())["type"] == "welcome"
    change_key(chain, NEW)
    assert (await renewal(house, here))["type"] == "kicked"
    await other_gate.app[ROOMS].door_list.poll()
    assert (await there.receive_json())["type"] == "kicked"
    await there.close()


async def test_its_voice_is_removed_from_livekits_room(node, chain, store, now, tmp_path):
    async with livekit_server() as voices, house_over(node, store, now, tmp_path, more=voices.settings) as house:
        socket, welcome = await house.seated(await joined(house))
        change_key(chain, NEW)
        assert (await renewal(house, socket))["type"] == "kicked"
        await house.look()
        _, identity, _ = await asyncio.wait_for(voices.removed.get(), 5)
        assert identity == welcome["media"]


async def test_a_ticket_that_does_not_hold_any_more_is_the_reason_before_any_key_and_asks_nobody(
    house, chain, node, monkeypatch
):
    grant = await joined(house)
    socket, _ = await house.seated(grant)
    change_key(chain, NEW)
    monkeypatch.setattr("tickets.door.announce", lambda _conn, **_notice: 0)  # the notice is lost
    ticket = grant["ticket"]["id"]
    await house.store.transact(lambda conn: box_office.revoke(conn, ticket, reason="lost", now=house.clock()))
    asked = node.requests
    assert await renewal(house, socket) == {"type": "kicked", "reason": "ticket_revoked"}
    assert node.requests == asked


async def test_wallets_whose_key_is_their_name_keep_no_signers_and_ask_nobody(house, node):
    grant = await house.joined(ANN)
    socket, _ = await house.seated(grant)
    assert (await renewal(house, socket))["type"] == "renewed"
    assert (await resumes(house, grant)).status == 200
    assert node.requests == 0
    columns = select(sessions.c.signers, sessions.c.named_at)
    assert await house.store.read(lambda conn: conn.execute(columns).all()) == [(None, None)]


# --- on a reload --------------------------------------------------------------------------------------------------


async def test_a_session_is_resumed_as_long_as_the_chain_names_its_key(house, node):
    grant = await joined(house)
    house.clock.now += timedelta(hours=1)
    await house.look()
    asked = len(node.asked)
    again = await resumes(house, grant)
    assert again.status == 200
    assert "database_api.find_accounts" in node.asked[asked:]
    [session] = await stored(house)
    assert session.named_at == house.clock()
    socket, _ = await house.seated(await again.json())
    assert (await renewal(house, socket))["type"] == "renewed"


async def test_a_key_that_was_changed_resumes_nothing_and_its_socket_is_closed(house, chain):
    grant = await joined(house)
    socket, _ = await house.seated(grant)
    change_key(chain, NEW)
    for _ in range(2):
        assert await refused(await resumes(house, grant)) == (401, "session_closed")
    [session] = await stored(house)
    assert session.closed_reason == "key_changed"
    await house.look()
    assert (await house.said(socket))["type"] == "kicked"
    assert await house.said(socket) == {"closed": 4409}


async def test_control_without_the_question_the_old_key_is_resumed(house, chain, monkeypatch):
    grant = await joined(house)
    change_key(chain, NEW)
    monkeypatch.setattr(signers, "judged", lambda account, keys, _: Valid(account=account, scheme="hive", signers=keys))
    assert (await resumes(house, grant)).status == 200


async def test_a_secret_that_opens_nothing_asks_no_node(house, node):
    grant = await joined(house)
    asked = node.requests
    assert await refused(await house.post("resume", {"resume": "a guess"})) == (401, "resume_invalid")
    assert (await resumes(house, grant)).status == 200
    assert node.requests > asked
    asked = node.requests
    assert await refused(await resumes(house, grant)) == (401, "resume_invalid")
    assert node.requests == asked


async def test_of_two_that_resume_with_one_secret_while_the_chain_is_asked_one_succeeds(house):
    grant = await joined(house)
    answers = await asyncio.gather(resumes(house, grant), resumes(house, grant))
    assert sorted(answer.status for answer in answers) == [200, 401]


# --- while the chain cannot be asked --------------------------------------------------------------------------------


async def test_a_node_that_is_away_throws_nobody_out(house, node, now):
    grant = await joined(house)
    socket, _ = await house.seated(grant)
    node.dead = True
    assert (await renewal(house, socket))["type"] == "renewed"
    [session] = await stored(house)
    assert (session.named_at, session.renewed_at) == (now, now + RENEWAL)
    assert (await resumes(house, grant)).status == 200


async def test_a_key_that_was_changed_meanwhile_goes_when_the_chain_is_heard_again(house, chain, node):
    socket, _ = await house.seated(await joined(house))
    node.dead = True
    change_key(chain, NEW)
    assert (await renewal(house, socket))["type"] == "renewed"
    node.dead = False
    assert [await renewal(house, socket), await house.said(socket)] == KICKED


async def unheard(house, node):
    """A socket that was let in shortly before its chain has not been heard for as long as is allowed."""
    grant = await joined(house)
    node.dead = True
    house.clock.now += UNHEARD_FOR - HEARTBEAT
    await house.look()
    answer = await resumes(house, grant)
    assert answer.status == 200, await answer.text()
    grant = await answer.json()
    return grant, (await house.seated(grant))[0]


async def test_after_half_an_hour_without_a_word_of_the_chain_nobody_is_renewed(house, node):
    grant, socket = await unheard(house, node)
    assert await renewal(house, socket) == {"type": "kicked", "reason": "signature_inconclusive"}
    assert await house.said(socket) == {"closed": 4403}
    answer = await resumes(house, grant)
    assert answer.headers["Retry-After"] == "3"
    assert await refused(answer) == (503, "signature_inconclusive")
    [session] = await stored(house)
    assert session.closed_at is None


async def test_then_its_resume_secret_is_good_as_soon_as_the_chain_is_heard_again(house, node):
    grant, socket = await unheard(house, node)
    assert (await renewal(house, socket))["type"] == "kicked"
    assert (await resumes(house, grant)).status == 503
    node.dead = False
    answer = await resumes(house, grant)
    assert answer.status == 200
    _, welcome = await house.seated(await answer.json())
    assert welcome["type"] == "welcome"


async def test_control_without_an_end_to_it_a_changed_key_stays_while_no_node_answers(house, chain, node, monkeypatch):
    _, socket = await unheard(house, node)
    change_key(chain, NEW)
    monkeypatch.setattr(signers, "UNHEARD_FOR", timedelta.max)
    for _ in range(2):
        assert (await renewal(house, socket))["type"] == "renewed"


async def test_while_a_node_keeps_silent_everybody_else_is_renewed_and_the_database_is_free(node, store, now, tmp_path):
    async with house_over(node, store, now, tmp_path, seconds=600.0) as house:
        alice, _ = await house.seated(await joined(house))
        ann, _ = await house.seated(await house.joined(ANN))
        assert (await house.said(alice))["type"] == "joined"
        node.hangs = True
        assert (await renewal(house, ann, alice))["type"] == "renewed"
        await node.held.wait()
        await house.ticket(Wallet(2))
        await alice.send_json({"type": "heartbeat"})
        assert (await house.said(alice))["type"] == "heartbeat"  # neither renewed nor kicked yet
        # and a gate that is stopped now does not wait for the answer


async def test_a_renewal_that_the_database_cannot_take_is_put_off(house, monkeypatch):
    socket, _ = await house.seated(await joined(house))
    renew_heard, failures = seating.renew_heard, [StoreUnavailableError("away")]

    def failing(*given):
        if failures:
            raise failures.pop()
        return renew_heard(*given)

    monkeypatch.setattr(seating, "renew_heard", failing)
    await wait_for_renewal(house, socket)
    await asyncio.wait(house.rooms._renewals._asking)
    assert failures == []
    await house.move(timedelta(seconds=1))
    assert (await house.said(socket))["type"] == "renewed"


# --- many at once ---------------------------------------------------------------------------------------------------


class Slow:
    """A chain that answers when it is told to, and says how many ask at once."""

    def __init__(self):
        self.asking, self.most, self.names = 0, 0, []
        self.busy, self.go = asyncio.Event(), asyncio.Event()

    async def key_authorities(self, account):
        self.asking += 1
        self.most = max(self.most, self.asking)
        self.names.append(account.address)
        if self.asking == AT_ONCE:
            self.busy.set()
        await self.go.wait()
        self.asking -= 1
        return Inconclusive(reason="it only counts")


def many(now, number=3 * AT_ONCE):
    """Sessions of as many accounts, the last of which was not heard of for longest."""
    names = [f"alice-{one:03}" for one in range(number)]
    holders = [str(account_of(name, network=Network.TEST).holder) for name in names]
    return names, {
        name: signers.Signers(holder=holder, keys=frozenset(), named_at=now - timedelta(minutes=age))
        for age, (name, holder) in enumerate(zip(names, holders, strict=True))
    }


async def test_renewals_leave_the_door_half_of_its_places_and_ask_first_for_whom_was_heard_of_last(house, now):
    chain, (names, asked) = Slow(), many(now)
    question = asyncio.create_task(Renewals(chain, house.deps.registry).hear(asked))
    await chain.busy.wait()
    chain.go.set()
    heard = await question
    assert (chain.most, chain.names) == (AT_ONCE, names[::-1])
    assert set(heard) == set(names)
    assert Bounds().in_flight >= 2 * AT_ONCE


async def test_control_without_that_bound_renewals_would_take_all_places(house, now, monkeypatch):
    monkeypatch.setattr(signers, "AT_ONCE", 1000)
    chain, (_, asked) = Slow(), many(now)
    question = asyncio.create_task(Renewals(chain, house.deps.registry).hear(asked))
    await chain.busy.wait()
    chain.go.set()
    await question
    assert chain.most > Bounds().in_flight


async def test_renewals_that_are_not_answered_in_time_are_inconclusive(house, now, monkeypatch):
    monkeypatch.setattr(signers, "WAIT_SECONDS", 0.01)
    names, asked = many(now)
    heard = await Renewals(Slow(), house.deps.registry).hear(asked)
    assert [isinstance(heard[name], Inconclusive) for name in names] == [True] * len(names)
