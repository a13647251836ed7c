"""Contract wallets on real nodes: who is believed, who is not, and what cannot be found out."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from chains.evm import validator
from chains.evm.lookup import Bounds, EvmLookup
from chains.rpc import Trouble
from tests.support.verifier_solidity import compile_solidity
from tests.support.verifier_wallets import (
    ALICE,
    MALLORY,
    Key,
    Safes,
    call_data,
    creation_code,
    deploy,
    evm_account,
    personal_digest,
    transact,
    wallet,
    wrapped,
)
from verifier.verdict import Inconclusive, Invalid, Valid
from verifier.verify import verify

MESSAGE = "Access event 42 at 1795435200000"
DIGEST = personal_digest(MESSAGE)
BOB = Key(b"\xb0" * 32)


@pytest.fixture
def chain(anvils):
    with anvils(1).lent() as node:
        yield node


@pytest.fixture
def other_chain(anvils):
    with anvils(137).lent() as node:
        yield node


@pytest.fixture
async def ask(now):
    """Ask for the verdict on a signature of MESSAGE: `await ask(address, signature, {chain: [urls]})`."""
    opened = []

    async def verdict(address, signature, endpoints, *, on=1, bounds=None, observer=lambda _spoken: None):
        lookup = EvmLookup(endpoints, bounds=bounds, observer=observer)
        opened.append(lookup)
        return await verify(evm_account(address, on), MESSAGE, signature.hex(), lookup=lookup, now=now)

    yield verdict
    for lookup in opened:
        await lookup.aclose()


def on(*nodes):
    return {f"eip155:{node.chain_id}": [node.url] for node in nodes}


def test_the_shipped_validator_is_what_its_source_compiles_to():
    folder = validator.files(validator.__package__)
    shipped = json.loads(folder.joinpath("SignatureValidator.json").read_text())
    source = folder.joinpath("SignatureValidator.sol").read_text()
    assert compile_solidity(source, shipped["settings"]) == {"SignatureValidator": shipped["bytecode"]}


async def test_a_safe_answers_for_its_owners(chain, ask):
    safes = Safes.on(chain)
    safe = safes.create(ALICE, BOB)
    account = evm_account(safe)
    assert await ask(safe, safes.sign(safe, DIGEST, ALICE, BOB), on(chain)) == Valid(account=account, scheme="erc1271")
    refused = Invalid(reason="the account's contract refuses the signature")
    for forged in (
        safes.sign(safe, DIGEST, ALICE, MALLORY),
        safes.sign(safe, DIGEST, ALICE),  # one owner of two
        safes.sign(safe, personal_digest("another text"), ALICE, BOB),
        ALICE.sign(DIGEST),  # as a plain key, not for the Safe
        b"",  # a text that the Safe itself approved, which it did not
    ):
        assert await ask(safe, forged, on(chain)) == refused


async def test_a_safe_that_is_not_deployed_yet_answers_through_its_factory(chain, ask):
    safes = Safes.on(chain)
    safe = safes.address(ALICE)
    signature = safes.sign(safe, DIGEST, ALICE)
    deployment = safes.deployment(ALICE)
    account = evm_account(safe)
    assert await ask(safe, wrapped(safes.factory, deployment, signature), on(chain)) == Valid(
        account=account, scheme="erc6492"
    )
    assert chain.rpc("eth_getCode", safe, "latest") == "0x"  # asking leaves nothing behind
    forged = wrapped(safes.factory, deployment, safes.sign(safe, DIGEST, MALLORY))
    assert isinstance(await ask(safe, forged, on(chain)), Invalid)
    assert await ask(safe, signature, on(chain)) == Invalid(
        reason="no key signed this for the account, and there is no contract at its address"
    )


async def test_a_wrapped_signature_stays_good_once_the_wallet_is_deployed(chain, ask):
    factory = wallet(chain, "KeyWalletFactory")
    create = call_data("create(address,bytes32)", ALICE.address, bytes(32))
    address = "0x" + chain.rpc("eth_call", {"to": factory, "data": create}, "latest")[-40:]
    signature = wrapped(factory, create, ALICE.sign(DIGEST))
    assert await ask(address, signature, on(chain)) == Valid(account=evm_account(address), scheme="erc6492")
    transact(chain, factory, create)
    assert await ask(address, signature, on(chain)) == Valid(account=evm_account(address), scheme="erc1271")


async def test_a_factory_that_makes_another_wallet_than_the_account_opens_nothing(chain, ask):
    factory = wallet(chain, "KeyWalletFactory")
    mallorys = call_data("create(address,bytes32)", MALLORY.address, bytes(32))
    not_made = Invalid(reason="what the signature was wrapped in makes no contract at the account's address")
    for victim in (ALICE.address, "0x" + "12" * 20):
        assert await ask(victim, wrapped(factory, mallorys, MALLORY.sign(DIGEST)), on(chain)) == not_made
        assert await ask(victim, wrapped(MALLORY.address, "0x", b""), on(chain)) == not_made


async def test_a_deployed_wallet_is_asked_as_it_stands_and_never_prepared_first(chain, ask):
    address = wallet(chain, "Unclaimed")
    prepared = wrapped(address, call_data("claim()"), b"")
    assert isinstance(await ask(address, prepared, on(chain)), Invalid)
    transact(chain, address, call_data("claim()"))  # what the attacker would have had believed
    assert isinstance(await ask(address, prepared, on(chain)), Valid)


@pytest.mark.parametrize("body", [b"", bytes(32), bytes(95), b"\xff" * 96, bytes(12) + b"\x01" * 84])
async def test_a_malformed_wrapping_is_the_senders_fault(chain, ask, body):
    signature = body + bytes.fromhex("6492" * 16)
    malformed = Invalid(reason="the signature's ERC-6492 wrapping is malformed")
    assert await ask(wallet(chain, "AlwaysValid"), signature, on(chain)) == malformed


@pytest.mark.parametrize(
    "name", ["Reverts", "AnswersOtherwise", "AnswersShort", "AnswersDirty", "AnswersMegabyte", "RevertsMegabyte"]
)
async def test_only_the_magic_value_is_a_yes(chain, ask, name):
    assert await ask(wallet(chain, name), ALICE.sign(DIGEST), on(chain)) == Invalid(
        reason="the account's contract refuses the signature"
    )


@pytest.mark.parametrize("name", ["Loop", "Thirsty", "ThirstyInside"])
async def test_a_wallet_that_runs_out_of_gas_is_neither_let_in_nor_accused(chain, ask, name):
    address = wallet(chain, name)
    assert await ask(address, b"", on(chain)) == Inconclusive(
        reason="the account's contract used up the gas it is given here", passing=False
    )
    if name != "Loop":  # with more gas it would have said yes
        assert isinstance(await ask(address, b"", on(chain), bounds=Bounds(gas=20_000_000)), Valid)


async def test_a_wallet_that_writes_while_it_is_asked_is_not_let_in(chain, ask):
    # The EVM halts it and takes all its gas, which looks like too little gas from outside.
    assert isinstance(await ask(wallet(chain, "Writes"), b"", on(chain)), Inconclusive)


async def test_what_a_wallet_wants_fetched_is_not_fetched(chain, ask):
    assert await ask(wallet(chain, "AsksElsewhere"), b"", on(chain)) == Inconclusive(
        reason="the account's contract wants data from elsewhere, which is not fetched here", passing=False
    )


async def test_a_key_of_its_own_needs_no_contract_and_no_node(ask):
    assert isinstance(await ask(ALICE.address, ALICE.sign(DIGEST), {}), Valid)


async def test_an_account_without_a_contract_is_refused(chain, ask):
    assert isinstance(await ask(ALICE.address, MALLORY.sign(DIGEST), on(chain)), Invalid)


async def test_an_always_valid_wallet_at_the_victims_address_on_another_chain_gets_nothing(chain, other_chain, ask):
    """One factory stands on both chains and numbers its wallets: Alice was first on 1, Mallory on 137."""
    deployer = "0x" + "d0" * 20
    wallets = {1: creation_code("KeyWallet") + ALICE.raw.hex().rjust(64, "0"), 137: creation_code("AlwaysValid")}
    addresses = set()
    for node in (chain, other_chain):
        node.rpc("anvil_setBalance", deployer, hex(10**20))
        node.rpc("anvil_impersonateAccount", deployer)
        factory = deploy(node, creation_code("NonceFactory"), sender=deployer)
        create = call_data("create(bytes)", bytes.fromhex(wallets[node.chain_id]))
        addresses.add("0x" + node.rpc("eth_call", {"to": factory, "data": create}, "latest")[-40:])
        transact(node, factory, create, sender=deployer)
    (address,) = addresses
    both = on(chain, other_chain)
    assert isinstance(await ask(address, ALICE.sign(DIGEST), both, on=1), Valid)
    assert isinstance(await ask(address, MALLORY.sign(DIGEST), both, on=1), Invalid)
    assert isinstance(await ask(address, MALLORY.sign(DIGEST), both, on=137), Valid)  # why only one chain is asked


async def test_an_endpoint_of_another_chain_is_not_believed(chain, other_chain, ask):
    address = wallet(other_chain, "AlwaysValid")
    heard = []
    misconfigured = {"eip155:1": [other_chain.url]}
    assert isinstance(await ask(address, b"", misconfigured, observer=heard.append), Inconclusive)
    assert [spoken.trouble for spoken in heard] == [Trouble.WRONG_CHAIN]
    assert heard[0].chain == "eip155:1"
    followed_by_an_honest_one = {"eip155:1": [other_chain.url, chain.url]}
    assert isinstance(await ask(address, b"", followed_by_an_honest_one), Invalid)


async def test_without_the_validators_look_at_the_chain_that_endpoint_would_open_the_door(
    other_chain, ask, monkeypatch
):
    guard = "if (block.chainid != chain) return Finding.OtherChain;"
    shipped = validator.files(validator.__package__)
    source = shipped.joinpath("SignatureValidator.sol").read_text()
    settings = json.loads(shipped.joinpath("SignatureValidator.json").read_text())["settings"]
    assert guard in source
    unguarded = compile_solidity(source.replace(guard, ""), settings)["SignatureValidator"]
    monkeypatch.setattr(validator, "CREATION_CODE", bytes.fromhex(unguarded))
    address = wallet(other_chain, "AlwaysValid")
    assert isinstance(await ask(address, b"", {"eip155:1": [other_chain.url]}), Valid)


async def test_nothing_of_an_endpoints_address_is_told(ask, unused_tcp_port):
    heard = []
    endpoint = f"http://user:password@127.0.0.1:{unused_tcp_port}/v3/secret"
    verdict = await ask(ALICE.address, b"", {"eip155:1": [endpoint]}, observer=heard.append)
    assert [spoken.trouble for spoken in heard] == [Trouble.UNREACHABLE]
    for secret in ("user", "password", "127.0.0.1", "secret"):
        assert secret not in f"{verdict} {heard}"


async def test_a_chain_without_an_endpoint_decides_nothing(ask):
    assert await ask(ALICE.address, b"", {}) == Inconclusive(reason="no endpoint of eip155:1 is configured here")


def answers(**fields):
    async def handler(_request):
        return web.Response(**fields)

    return handler


@asynccontextmanager
async def bad_node(handler):
    application = web.Application()
    application.router.add_post("/", handler)
    async with TestServer(application) as server:
        yield str(server.make_url("/"))


YES = b'{"jsonrpc":"2.0","id":1,"result":"0x01"}'
NONSENSE = {
    "an error": answers(body=b'{"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"execution reverted"}}'),
    "an error beside a yes": answers(body=YES[:-1] + b',"error":{}}'),
    "a status": answers(status=500, body=YES),
    "a limit": answers(status=429),
    "no JSON": answers(body=b"<html>"),
    "no object": answers(body=b"[1]"),
    "no result": answers(body=b"{}"),
    "null": answers(body=b'{"result":null}'),
    "nothing": answers(body=b'{"result":"0x"}'),
    "too much": answers(body=b'{"result":"0x0101"}'),
    "an unknown finding": answers(body=b'{"result":"0x63"}'),
    "a list": answers(body=b'{"result":["0x01"]}'),
    "a flood": answers(body=YES + b" " * 70_000),
}


@pytest.mark.parametrize("handler", NONSENSE.values(), ids=NONSENSE.keys())
async def test_a_node_that_does_not_answer_properly_decides_nothing_and_the_next_one_is_asked(chain, ask, handler):
    address = wallet(chain, "AlwaysValid")
    async with bad_node(handler) as url:
        assert await ask(address, b"", {"eip155:1": [url]}) == Inconclusive(
            reason="no endpoint of eip155:1 gave a usable answer"
        )
        assert isinstance(await ask(address, b"", {"eip155:1": [url, chain.url]}), Valid)


async def test_a_node_that_sends_us_on_is_not_followed(chain, ask):
    address = wallet(chain, "AlwaysValid")
    async with bad_node(answers(status=307, headers={"Location": chain.url})) as url:
        assert isinstance(await ask(address, b"", {"eip155:1": [url]}), Inconclusive)


async def test_a_node_that_nobody_listens_at_decides_nothing(ask, unused_tcp_port):
    assert isinstance(
        await ask(ALICE.address, b"", {"eip155:1": [f"http://127.0.0.1:{unused_tcp_port}"]}), Inconclusive
    )


async def test_a_node_that_hangs_costs_its_share_of_the_time_and_then_comes_last(chain, ask):
    address = wallet(chain, "AlwaysValid")
    asked = asyncio.Event()
    never = asyncio.Event()

    async def hangs(_request):
        asked.set()
        await never.wait()

    async with bad_node(hangs) as url:
        bounds = Bounds(seconds=0.5)
        assert isinstance(await ask(address, b"", {"eip155:1": [url]}, bounds=bounds), Inconclusive)
        assert asked.is_set()
        lookup = EvmLookup({"eip155:1": [url, chain.url]}, bounds=bounds)
        asked.clear()
        assert isinstance(await lookup.contract_signature(evm_account(address), DIGEST, b""), Valid)
        assert asked.is_set()
        asked.clear()
        assert isinstance(await lookup.contract_signature(evm_account(address), DIGEST, b""), Valid)
        assert not asked.is_set()
        await lookup.aclose()
        never.set()


@pytest.mark.parametrize("places", [2, 5])
async def test_no_more_questions_are_under_way_than_there_are_places(places):
    under_way = most = 0
    full, release = asyncio.Event(), asyncio.Event()

    async def slow(_request):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == places:
            full.set()
        await release.wait()
        under_way -= 1
        return web.Response(body=YES)

    async with bad_node(slow) as url:
        lookup = EvmLookup({"eip155:1": [url]}, bounds=Bounds(in_flight=places, seconds=30))
        questions = [lookup.contract_signature(evm_account(ALICE.address), DIGEST, bytes([n])) for n in range(5)]
        tasks = [asyncio.create_task(question) for question in questions]
        await full.wait()
        release.set()
        assert all(isinstance(verdict, Valid) for verdict in await asyncio.gather(*tasks))
        assert most == places
        await lookup.aclose()


async def test_who_waits_for_a_place_too_long_is_told_so():
    never = asyncio.Event()
    arrived = asyncio.Event()

    async def hangs(_request):
        arrived.set()
        await never.wait()

    async with bad_node(hangs) as url:
        lookup = EvmLookup({"eip155:1": [url]}, bounds=Bounds(in_flight=1, seconds=0.3))
        first = asyncio.create_task(lookup.contract_signature(evm_account(ALICE.address), DIGEST, b""))
        await arrived.wait()
        second = await lookup.contract_signature(evm_account(ALICE.address), DIGEST, b"")
        assert isinstance(second, Inconclusive)
        assert isinstance(await first, Inconclusive)
        await lookup.aclose()
        never.set()
