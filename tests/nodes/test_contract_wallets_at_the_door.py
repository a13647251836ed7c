"""A Safe at the door, on real nodes: it is asked on the chain its ticket was paid on, and only if it has a ticket."""

from dataclasses import dataclass

import pytest
from sqlalchemy import update

from chains.account import Account
from chains.accounts import account_of
from chains.evm.lookup import EvmLookup
from config.registry import Network
from tests.support import tickets_box as box
from tests.support.gate_house import opened, refused
from tests.support.verifier_wallets import ALICE, MALLORY, Safes, personal_digest
from tickets.keys import KeyKind
from tickets.schema import tickets

HERE, ELSEWHERE = "eip155:31337", "eip155:31338"
YES_TO_EVERYBODY = "0x631626ba7e60e01b60005260206000f3"  # returns ERC-1271's magic value, whatever it is asked


@dataclass(frozen=True)
class Safe:
    """A Safe that ALICE owns alone."""

    safes: Safes
    address: str

    @property
    def account(self) -> Account:
        account = account_of(self.address, network=Network.TEST)
        assert isinstance(account, Account)
        return account

    def sign(self, text, owner=ALICE):
        return "0x" + self.safes.sign(self.address, personal_digest(text), owner).hex()


@pytest.fixture
def nodes(anvils):
    with anvils(31337).lent() as one, anvils(31338).lent() as other:
        yield [one, other]


@pytest.fixture
def safe(nodes):
    safes = Safes.on(nodes[0])
    return Safe(safes, safes.create(ALICE))


@pytest.fixture
def asked():
    """On which chains a contract was asked, in order."""
    return []


@pytest.fixture
async def house(store, now, tmp_path, nodes, asked):
    lookup = EvmLookup(
        {f"eip155:{node.chain_id}": [node.url] for node in nodes}, observer=lambda spoken: asked.append(spoken.chain)
    )
    async with opened(store, now, tmp_path, lookup=lookup) as house:
        yield house
    await lookup.aclose()


async def paid(house, safe, *, on):
    """A ticket that this Safe holds, paid on a chain."""
    now, signer = house.clock(), house.deps.keyring.signer(KeyKind.TICKET)
    order = await box.ordered(house.store, house.event, now, account=safe.account)
    await house.store.transact(lambda conn: box.pay(conn, order, house.event, signer, now))
    await house.store.transact(lambda conn: conn.execute(update(tickets).values(paid_on=on)))


async def signed(house, safe, *, owner=ALICE, named="{}"):
    name = named.format(safe.address)
    answer = await house.post("challenge", {"wallet_address": name})
    text = (await answer.json())["message"]
    return {"wallet_address": name, "message": text, "signature": safe.sign(text, owner)}


async def test_a_safe_enters_with_the_ticket_that_was_paid_on_its_chain(house, safe, asked):
    await paid(house, safe, on=HERE)
    assert await refused(await house.post("join", await signed(house, safe, owner=MALLORY))) == (
        401,
        "signature_invalid",
    )
    answer = await house.post("join", await signed(house, safe))
    assert answer.status == 200, await answer.text()
    assert asked == [HERE, HERE]


@pytest.mark.parametrize("named", ["{}", f"{HERE}:{{}}", f"{ELSEWHERE}:{{}}"])
async def test_a_contract_at_the_same_address_on_another_chain_is_not_asked(house, safe, nodes, asked, named):
    nodes[1].rpc("anvil_setCode", safe.address, YES_TO_EVERYBODY)
    await paid(house, safe, on=HERE)
    forged = await signed(house, safe, owner=MALLORY, named=named)
    assert await refused(await house.post("join", forged)) == (401, "signature_invalid")
    assert (await house.post("join", await signed(house, safe, named=named))).status == 200
    assert asked == [HERE, HERE]


async def test_a_safe_that_is_asked_where_it_is_not_does_not_enter(house, safe, asked):
    await paid(house, safe, on=ELSEWHERE)
    assert await refused(await house.post("join", await signed(house, safe))) == (401, "signature_invalid")
    assert asked == [ELSEWHERE]


async def test_whoever_were_asked_on_another_chain_would_let_everybody_in(house, safe, nodes, asked):
    nodes[1].rpc("anvil_setCode", safe.address, YES_TO_EVERYBODY)
    await paid(house, safe, on=ELSEWHERE)  # what the guard keeps apart, taken away
    assert (await house.post("join", await signed(house, safe, owner=MALLORY))).status == 200
    assert asked == [ELSEWHERE]


async def test_no_node_is_asked_for_a_safe_without_a_ticket(house, safe, asked):
    for path in ("join", "verify-access"):
        answer = await (await house.post(path, await signed(house, safe))).json()
        assert answer["code"] == "signature_invalid"
    assert asked == []


async def test_a_safe_with_a_gift_is_asked_at_home(house, safe, asked):
    await paid(house, safe, on=None)
    assert (await house.post("join", await signed(house, safe))).status == 200
    assert asked == [HERE]
