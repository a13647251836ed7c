"""Contract wallets at the door: whose word counts for which ticket, and what a stranger's gift can do about it."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from gateway.gate import lookup, vouching
from gateway.gate.lookup import TROUBLE
from tests.support.gate_house import Contracts, Wallet, opened, refused
from tickets.schema import tickets
from verifier.verdict import Inconclusive, Invalid, Valid

HOME, OTHER, THIRD = "eip155:31337", "eip155:97", "eip155:80002"
SAFE, STRANGER = Wallet(3), Wallet(4)
CONTRACTS_WORD = "0x" + "11" * 70
"""No key's signature: only a contract can accept it."""


class Chains(Contracts):
    """A verdict for each chain, whichever account is asked about; "no" where a test names none."""

    def __init__(self, **verdicts):
        super().__init__()
        self.verdicts = {name.replace("_", ":"): verdict for name, verdict in verdicts.items()}
        self.before_answering = None

    async def contract_signature(self, account, _digest, _signature):
        self.asked.append(account.chain)
        if self.before_answering:
            await self.before_answering()
        match self.verdicts.get(account.chain):
            case "yes":
                return Valid(account=account, scheme="erc1271")
            case None:
                return Invalid(reason="no contract here vouches for this")
            case Inconclusive() as doubt:
                return doubt


async def ticket_paid_on(house, chain, *, bought=timedelta(0), holder=SAFE):
    """A ticket of this wallet, paid on a chain, so long before or after now."""
    ticket = await house.ticket(holder)
    paid = update(tickets).where(tickets.c.id == ticket.id).values(paid_on=chain, issued_at=house.clock() + bought)
    await house.store.transact(lambda conn: conn.execute(paid))
    return ticket


async def joins(house, *, holder=SAFE, named="{}", path="join"):
    proof = await house.proof(holder)
    body = proof | {"signature": CONTRACTS_WORD, "wallet_address": named.format(holder.address)}
    return await house.post(path, body)


async def entered_with(answer):
    assert answer.status == 200, await answer.text()
    return (await answer.json())["ticket"]["id"]


async def suspend(house, ticket):
    suspended = update(tickets).where(tickets.c.id == ticket.id).values(state="suspended")
    await house.store.transact(lambda conn: conn.execute(suspended))


@pytest.mark.parametrize("gifts", [(OTHER,), (OTHER, THIRD, OTHER), (None,)])
async def test_a_gift_that_was_paid_on_another_chain_keeps_nobody_from_the_ticket_it_bought(
    store, now, tmp_path, gifts
):
    async with opened(store, now, tmp_path, lookup=Chains(eip155_11155111="yes")) as house:
        bought = await ticket_paid_on(house, "eip155:11155111")
        for gift in gifts:
            await ticket_paid_on(house, gift, bought=-timedelta(seconds=1))
        assert await entered_with(await joins(house)) == bought.id
        assert (await (await joins(house, path="verify-access")).json())["access"]


async def test_asking_the_oldest_tickets_chain_alone_would_lock_the_wallet_out(store, now, tmp_path, monkeypatch):
    every = vouching.chains_to_ask
    monkeypatch.setattr(vouching, "chains_to_ask", lambda *asked, **more: every(*asked, **more)[:1])
    async with opened(store, now, tmp_path, lookup=Chains(eip155_31337="yes")) as house:
        await ticket_paid_on(house, HOME)
        await ticket_paid_on(house, OTHER, bought=-timedelta(seconds=1))
        assert await refused(await joins(house)) == (401, "signature_invalid")


async def test_each_chain_is_asked_once_and_only_those_of_valid_tickets(store, now, tmp_path):
    async with opened(store, now, tmp_path, lookup=Chains()) as house:
        for chain in (HOME, OTHER, OTHER, None):
            await ticket_paid_on(house, chain)
        await suspend(house, await ticket_paid_on(house, THIRD))
        assert await refused(await joins(house)) == (401, "signature_invalid")
        assert sorted(house.deps.lookup.asked) == sorted([HOME, OTHER])


async def test_the_chain_that_vouched_chooses_the_ticket(store, now, tmp_path):
    async with opened(store, now, tmp_path, lookup=Chains(eip155_97="yes")) as house:
        await ticket_paid_on(house, HOME, bought=-timedelta(seconds=1))
        gift = await ticket_paid_on(house, OTHER)
        assert await entered_with(await joins(house)) == gift.id


@pytest.mark.parametrize(("named", "which"), [("{}", 0), (f"{OTHER}:{{}}", 1), (f"{THIRD}:{{}}", 1)])
async def test_where_two_chains_vouch_the_named_one_counts_else_home_else_the_oldest_ticket(
    store, now, tmp_path, named, which
):
    async with opened(store, now, tmp_path, lookup=Chains(eip155_31337="yes", eip155_97="yes")) as house:
        mine = await ticket_paid_on(house, HOME)
        gift = await ticket_paid_on(house, OTHER, bought=-timedelta(seconds=1))
        assert await entered_with(await joins(house, named=named)) == (mine, gift)[which].id


async def between_look_up_and_transaction(house, chains):
    """The gift's chain vouches for it, and while it answers the gift is suspended: what is left is the other's."""
    mine = await ticket_paid_on(house, HOME)
    gift = await ticket_paid_on(house, OTHER, bought=-timedelta(seconds=1))

    async def suspended():
        await suspend(house, gift)

    chains.before_answering = suspended
    return mine


@pytest.mark.parametrize("path", ["join", "verify-access"])
async def test_what_was_proved_on_one_chain_never_opens_the_ticket_of_another(store, now, tmp_path, path):
    chains = Chains(eip155_97="yes")
    async with opened(store, now, tmp_path, lookup=chains) as house:
        await between_look_up_and_transaction(house, chains)
        assert (await (await joins(house, path=path)).json())["code"] == "ticket_suspended"


async def test_without_the_chain_of_the_proof_it_would_open_it(store, now, tmp_path, monkeypatch):
    monkeypatch.setattr(vouching, "narrowed", lambda stands, _signed, **_: stands)
    chains = Chains(eip155_97="yes")
    async with opened(store, now, tmp_path, lookup=chains) as house:
        mine = await between_look_up_and_transaction(house, chains)
        assert await entered_with(await joins(house)) == mine.id


async def test_a_word_from_a_chain_that_no_ticket_names_any_more_is_no_signature(store, now, tmp_path):
    chains = Chains(eip155_97="yes")
    async with opened(store, now, tmp_path, lookup=chains) as house:
        gift = await ticket_paid_on(house, OTHER)

        async def repaid():
            moved = update(tickets).where(tickets.c.id == gift.id).values(paid_on=HOME)
            await house.store.transact(lambda conn: conn.execute(moved))

        chains.before_answering = repaid
        assert await refused(await joins(house)) == (401, "signature_invalid")
        assert await refused(await joins(house)) == (401, "signature_invalid")
        assert chains.asked == [OTHER, HOME]


async def test_a_recovered_key_opens_the_ticket_of_any_chain(store, now, tmp_path):
    async with opened(store, now, tmp_path, lookup=Chains()) as house:
        ticket = await ticket_paid_on(house, OTHER)
        assert (await house.joined(SAFE))["ticket"]["id"] == ticket.id
        assert house.deps.lookup.asked == []


@pytest.mark.parametrize(("chain", "status"), [(HOME, 200), (OTHER, 401)])
async def test_a_contract_is_the_host_by_the_word_of_the_chain_the_event_names(store, now, tmp_path, chain, status):
    creator = f"{chain}:{SAFE.address}"
    async with opened(store, now, tmp_path, lookup=Chains(eip155_31337="yes"), event={"creator": creator}) as house:
        assert (await joins(house)).status == status
        assert house.deps.lookup.asked == [chain]


# --- who holds a ticket is not to be told -----------------------------------------------------------------------


async def test_while_nodes_fail_a_stranger_is_told_what_a_ticket_holder_is(store, now, tmp_path):
    away = Inconclusive(reason="no endpoint gave a usable answer")
    async with opened(store, now, tmp_path, lookup=Chains(eip155_31337=away)) as house:
        await ticket_paid_on(house, HOME)
        other_holder = Wallet(9)
        await ticket_paid_on(house, OTHER, holder=other_holder)  # asked on a chain that answers
        assert await refused(await joins(house)) == (503, "signature_inconclusive")
        for who in (SAFE, STRANGER, other_holder):
            for path in ("join", "verify-access"):
                assert await refused(await joins(house, holder=who, path=path)) == (503, "signature_inconclusive")
        house.deps.lookup.verdicts.clear()
        await house.move(TROUBLE)
        for who in (SAFE, STRANGER, other_holder):
            assert await refused(await joins(house, holder=who)) == (401, "signature_invalid")


async def test_what_a_signer_can_bring_about_is_no_inconclusive_answer(store, now, tmp_path):
    burnt = Inconclusive(reason="the account's contract used up the gas it is given here", passing=False)
    async with opened(store, now, tmp_path, lookup=Chains(eip155_31337=burnt)) as house:
        await ticket_paid_on(house, HOME)
        for who in (SAFE, STRANGER):
            assert await refused(await joins(house, holder=who)) == (401, "signature_invalid")


async def test_without_it_a_signature_that_burns_gas_would_tell_who_holds_a_ticket(store, now, tmp_path, monkeypatch):
    monkeypatch.setattr(lookup.Nodes, "told", lambda _self, verdict, **_: verdict)
    burnt = Inconclusive(reason="the account's contract used up the gas it is given here", passing=False)
    async with opened(store, now, tmp_path, lookup=Chains(eip155_31337=burnt)) as house:
        await ticket_paid_on(house, HOME)
        told = [(await refused(await joins(house, holder=who)))[0] for who in (SAFE, STRANGER)]
        assert told == [503, 401]
