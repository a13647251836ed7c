"""Hive accounts at the door: whose keys are asked for, on which chain, and what a stranger can learn of it."""

from functools import partial

import pytest
from sqlalchemy import select, update

from chains.accounts import account_of
from config.registry import Network
from gateway.gate import lookup
from gateway.gate.lookup import TROUBLE
from tests.support import gate_house
from tests.support.gate_house import Wallet, refused
from tests.support.verifier_signers import HiveChain, HiveKey, authority
from tickets import tickets as box_office
from tickets.keys import KeyKind
from tickets.schema import tickets
from verifier.port import KeyAuthorities, Lookups
from verifier.verdict import Inconclusive, Invalid

HOME = "hive:42000000000000000000000000000000"
HERS = authority(1, alice=1)
ALICE, MALLORY = HiveKey("alice"), HiveKey("mallory")
AWAY = Inconclusive(reason="no endpoint gave a usable answer")
NOT_HERE = Inconclusive(reason="no endpoint of that chain is configured", passing=False)

ON_HIVE = f"""
[chains."{HOME}"]
endpoints = ["http://127.0.0.1:1"]
receive = "cave.tickets"
"""
"""The deployment follows Hive; who answers for it is the test's."""
opened = partial(gate_house.opened, more=ON_HIVE)


def chain(**said):
    return HiveChain(**said)


async def ticket_of(house, name):
    account = account_of(name, network=Network.TEST)
    signer = house.deps.keyring.signer(KeyKind.TICKET)
    tier = house.event.tiers[0]
    return await house.store.transact(
        lambda conn: box_office.grant(conn, house.event, account, tier, signer=signer, now=house.clock())
    )


async def joins(house, *, key=ALICE, name="alice", named="{}", path="join", signature=None):
    answer = await house.post("challenge", {"wallet_address": name})
    assert answer.status == 200, await answer.text()
    text = (await answer.json())["message"]
    signed = signature or key.sign(text).hex()
    return await house.post(path, {"wallet_address": named.format(name), "message": text, "signature": signed})


async def code_of(answer):
    return (await answer.json())["code"]


async def test_a_hive_wallet_enters_with_a_key_that_the_chain_names(store, now, tmp_path):
    hive = chain(posting=HERS)
    async with opened(store, now, tmp_path, lookup=hive) as house:
        ticket = await ticket_of(house, "alice")
        answer = await joins(house)
        assert answer.status == 200, await answer.text()
        assert (await answer.json())["ticket"]["id"] == ticket.id
        assert hive.asked == [f"{HOME}:alice"]
        assert (await (await joins(house, path="verify-access")).json())["access"]


@pytest.mark.parametrize("path", ["join", "verify-access"])
async def test_a_key_that_the_chain_does_not_name_opens_nothing(store, now, tmp_path, path):
    async with opened(store, now, tmp_path, lookup=chain(posting=HERS)) as house:
        await ticket_of(house, "alice")
        assert await code_of(await joins(house, key=MALLORY, path=path)) == "signature_invalid"


@pytest.mark.parametrize("path", ["join", "verify-access"])
async def test_nobody_is_asked_about_an_account_without_business_here(store, now, tmp_path, path):
    hive = chain(posting=HERS)
    async with opened(store, now, tmp_path, lookup=hive) as house:
        await ticket_of(house, "bob")
        assert await code_of(await joins(house, path=path)) == "signature_invalid"
        assert hive.asked == []


async def test_the_host_has_business_here(store, now, tmp_path):
    async with opened(store, now, tmp_path, lookup=chain(posting=HERS), event={"creator": f"{HOME}:alice"}) as house:
        answer = await joins(house)
        assert (answer.status, (await answer.json())["role"]) == (200, "host")


async def test_a_ticket_in_any_state_is_business_here(store, now, tmp_path):
    async with opened(store, now, tmp_path, lookup=chain(posting=HERS)) as house:
        ticket = await ticket_of(house, "alice")
        revoked = update(tickets).where(tickets.c.id == ticket.id).values(state="revoked")
        await house.store.transact(lambda conn: conn.execute(revoked))
        assert await refused(await joins(house)) == (403, "ticket_revoked")


async def test_a_ticket_that_was_paid_on_another_familys_chain_asks_hive_all_the_same(store, now, tmp_path):
    hive = chain(active=HERS)
    async with opened(store, now, tmp_path, lookup=hive) as house:
        ticket = await ticket_of(house, "alice")
        paid = update(tickets).where(tickets.c.id == ticket.id).values(paid_on="eip155:31337")
        await house.store.transact(lambda conn: conn.execute(paid))
        assert (await joins(house)).status == 200
        assert hive.asked == [f"{HOME}:alice"]
        [stored] = await house.store.read(lambda conn: conn.execute(select(tickets.c.paid_on)).scalars().all())
        assert stored == "eip155:31337"


async def test_which_chain_is_asked_is_not_the_requests_to_say(store, now, tmp_path):
    hive = chain(posting=HERS)
    async with opened(store, now, tmp_path, lookup=hive) as house:
        await ticket_of(house, "alice")
        elsewhere = "hive:c0ffee00000000000000000000000000"
        assert (await joins(house, named=f"{elsewhere}:{{}}")).status == 200
        assert hive.asked == [f"{HOME}:alice"]


async def test_a_spent_proof_asks_nobody(store, now, tmp_path):
    hive = chain(posting=HERS)
    async with opened(store, now, tmp_path, lookup=hive) as house:
        await ticket_of(house, "alice")
        text = (await (await house.post("challenge", {"wallet_address": "alice"})).json())["message"]
        body = {"wallet_address": "alice", "message": text, "signature": ALICE.sign(text).hex()}
        assert (await house.post("join", body)).status == 200
        hive.asked.clear()
        assert await refused(await house.post("join", body)) == (409, "proof_spent")
        assert hive.asked == []


async def test_a_changed_key_opens_nothing_any_more(store, now, tmp_path):
    hive = chain(posting=HERS)
    async with opened(store, now, tmp_path, lookup=hive) as house:
        await ticket_of(house, "alice")
        assert (await joins(house)).status == 200
        hive.said = KeyAuthorities(posting=authority(1, mallory=1), active=authority(1, mallory=1))
        assert await refused(await joins(house)) == (401, "signature_invalid")


# --- who holds a ticket is not to be told ------------------------------------------------------------------------


async def told(house, *, key=ALICE):
    """What a ticket holder and a stranger are told of one kind of signature."""
    answers = [await joins(house, name=name, key=key, path=path) for name in ("alice", "stranger")
               for path in ("join", "verify-access")]  # fmt: skip
    return {await code_of(answer) for answer in answers}


@pytest.mark.parametrize("otherwise", [Invalid(reason="there is no such account"), NOT_HERE])
async def test_an_answer_against_it_reads_like_no_answer(store, now, tmp_path, otherwise):
    async with opened(store, now, tmp_path, lookup=chain(otherwise=otherwise)) as house:
        await ticket_of(house, "alice")
        assert await told(house) == {"signature_invalid"}


async def test_while_nodes_fail_a_stranger_is_told_what_a_ticket_holder_is(store, now, tmp_path):
    hive = chain(otherwise=AWAY)
    async with opened(store, now, tmp_path, lookup=hive) as house:
        await ticket_of(house, "alice")
        assert await told(house) == {"signature_inconclusive"}
        hive.said = KeyAuthorities(posting=HERS, active=HERS)  # they answer again
        assert await told(house, key=MALLORY) == {"signature_inconclusive"}
        assert (await joins(house)).status == 200
        await house.move(TROUBLE)
        assert await told(house, key=MALLORY) == {"signature_invalid"}


async def test_without_the_doubt_a_wrong_key_would_tell_who_holds_a_ticket(store, now, tmp_path, monkeypatch):
    hive = chain(otherwise=AWAY)
    async with opened(store, now, tmp_path, lookup=hive) as house:
        await ticket_of(house, "alice")
        assert await code_of(await joins(house)) == "signature_inconclusive"
        hive.said = KeyAuthorities(posting=HERS, active=HERS)
        monkeypatch.setattr(lookup, "replace", lambda found, **_changes: found)
        codes = [await code_of(await joins(house, name=name, key=MALLORY)) for name in ("alice", "stranger")]
        assert codes == ["signature_invalid", "signature_inconclusive"]


async def test_each_question_goes_to_whom_it_is_for(store, now, tmp_path):
    hive, wallet = chain(posting=HERS), Wallet(3)

    class Evm:
        asked = 0

        async def contract_signature(self, _account, _digest, _signature):
            self.asked += 1
            return Invalid(reason="no contract here vouches for this")

    evm = Evm()
    async with opened(store, now, tmp_path, lookup=Lookups(contracts=evm, authorities=hive)) as house:
        await ticket_of(house, "alice")
        await house.ticket(wallet)
        assert (await joins(house)).status == 200
        assert evm.asked == 0
        proof = await house.proof(wallet)
        assert await refused(await house.post("join", proof | {"signature": "0x" + "11" * 70})) == (
            401,
            "signature_invalid",
        )
        assert (evm.asked, hive.asked) == (1, [f"{HOME}:alice"])
