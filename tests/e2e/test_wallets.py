"""Wallets that nobody here wrote open the door: each signs the texts as its pages would, and each signature is bent."""

import asyncio
import itertools
import json
import time
from datetime import datetime
from types import SimpleNamespace

import pytest

from chains.accounts import account_of
from config.registry import Network
from gateway.gate import proving
from store.engine import open_store
from tests.support import gate_house, npm_house
from tests.support.gate_house import refused
from tests.support.npm_house import FAMILIES
from tests.support.npm_wallets import ALL, SCRIPTS, bent
from tests.support.verifier_signers import BENDS
from verifier.verdict import Valid

NAMES = [*itertools.chain(*FAMILIES.values())]
ANY_TEXT = [name for name in NAMES if name not in ALL or ALL[name].any_text]
REFUSED = "signature_invalid"
WAYS = 13
LIBRARIES = {  # module here, package there: what people's wallets and pages are made with
    "ethers": "ethers",
    "viem": "viem",
    "bip322-js": "bip322-js",
    "bitcoinjs-message": "bitcoinjs-message",
    "solana-web3": "@solana/web3.js",
    "tweetnacl": "tweetnacl",
    "dhive": "@hiveio/dhive",
    "hive-js": "@hiveio/hive-js",
}
SOLD_ON_HIVE = f"""
[chains."{npm_house.HIVE}"]
endpoints = ["{npm_house.NOBODY}"]
receive = "usher"
"""


@pytest.fixture(scope="module")
def house():
    with npm_house.opened() as running:
        yield running


@pytest.fixture
async def door(house):
    async with house.visited() as door:
        yield door


def test_every_library_of_the_mission_signs_here_with_the_program_of_monero():
    assert LIBRARIES.keys() <= {kind.library for kind in ALL.values()}
    assert {name.partition(":")[0] for name in FAMILIES["monero"]} == {"monero-wallet-rpc"}
    installed = json.loads((SCRIPTS / "wallets" / "package.json").read_text())["dependencies"]
    for module, package in LIBRARIES.items():
        assert package in installed
        assert f'require("{package}' in (SCRIPTS / "wallets" / f"{module}.js").read_text()


def test_there_are_ten_ways_to_bend_the_bytes_of_a_signature_alone():
    assert len(BENDS) == 10
    assert all(bend(bytes(range(64))) != bytes(range(64)) for bend in BENDS.values())


@pytest.mark.parametrize("name", NAMES)
async def test_a_wallet_opens_the_door_with_the_challenge_once(house, door, name):
    wallet = house.wallets[name]
    challenge = await door.challenge(wallet)
    proof = {"message": challenge["message"], "signature": wallet.sign(challenge)}
    assert await door.join(wallet, **proof) == "granted"
    assert await door.join(wallet, **proof) == "proof_spent"


@pytest.mark.parametrize("name", ANY_TEXT)
async def test_a_wallet_opens_the_door_with_the_one_line_text_of_existing_pages(house, door, name):
    wallet, milliseconds = house.wallets[name], _milliseconds()
    signature = wallet.sign({"text": _one_line(milliseconds)})
    assert await door.join(wallet, timestamp=milliseconds, signature=signature) == "granted"


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_signature_bent_in_any_way_is_refused_and_spends_nothing(house, door, family):
    wallets = {name: house.wallets[name] for name in FAMILIES[family]}
    challenges = {name: await door.challenge(wallet) for name, wallet in wallets.items()}
    asked = {
        (name, way): door.join(wallet, message=challenges[name]["message"], signature=signature)
        for name, wallet in wallets.items()
        for way, signature in bent(wallet, challenges[name], another=await door.challenge(wallet))
    }
    assert len(asked) >= WAYS * len(wallets)
    assert await _other_than(REFUSED, asked) == {}
    for name, wallet in wallets.items():
        proof = {"message": challenges[name]["message"], "signature": wallet.sign(challenges[name])}
        assert await door.join(wallet, **proof) == "granted", name


async def test_the_one_line_text_opens_at_no_other_moment_than_the_one_that_was_signed(house, door):
    milliseconds = _milliseconds()
    signed = {name: house.wallets[name].sign({"text": _one_line(milliseconds)}) for name in ANY_TEXT}

    def asked(at):
        return {
            name: door.join(house.wallets[name], timestamp=at, signature=signature)
            for name, signature in signed.items()
        }

    assert await _other_than(REFUSED, asked(milliseconds + 1)) == {}
    assert await _other_than("granted", asked(milliseconds)) == {}


@pytest.mark.parametrize(("proof", "code"), [({"signature": ""}, "invalid_fields"), ({}, "proof_required")])
async def test_without_a_signature_nobody_enters(house, door, proof, code):
    asked = {}
    for name in NAMES:
        challenge = await door.challenge(house.wallets[name])
        asked[name] = door.join(house.wallets[name], message=challenge["message"], **proof)
    assert await _other_than(code, asked) == {}


async def test_viem_reads_the_challenge_as_a_sign_in_of_this_page_and_wallet(house, door):
    wallet = house.wallets["viem: personal_sign"]
    challenge = await door.challenge(wallet)
    shown = wallet.scripts.ask("viem", "shown", given=(challenge["message"],))
    assert (shown["domain"], shown["address"], shown["chainId"]) == (challenge["domain"], wallet.address, 31337)
    assert shown["nonce"] == challenge["nonce"]
    assert datetime.fromisoformat(shown["expirationTime"]) == datetime.fromisoformat(challenge["expires_at"])
    assert shown["uri"].startswith(house.url)
    assert "Opening night" in shown["statement"]


@pytest.fixture
async def doubtful(database_urls, now, tmp_path):
    """A gate in this process, so that its verdicts can be taken away."""
    store = open_store(database_urls("sqlite"))
    async with gate_house.opened(store, now, tmp_path, more=SOLD_ON_HIVE) as running:
        yield running
    await store.aclose()


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_door_that_believes_everybody_takes_a_bent_signature(house, doubtful, monkeypatch, family):
    async def believe(account, *_shown, **_more):
        return Valid(account=account, scheme="eip191")

    wallet = house.wallets[FAMILIES[family][0]]
    visitor = SimpleNamespace(address=wallet.address, account=account_of(wallet.address, network=Network.TEST))
    await doubtful.ticket(visitor)
    text = await doubtful.challenge(visitor)
    _, signature = next(bent(wallet, {"text": text}, another={}))
    proof = {"wallet_address": wallet.address, "message": text, "signature": signature}
    assert await refused(await doubtful.post("join", proof)) == (401, REFUSED)
    monkeypatch.setattr(proving, "verify", believe)
    assert (await doubtful.post("join", proof)).status == 200


def _milliseconds():
    """The present moment as pages stamp it: the gate is a process of its own, by today's clock."""
    return time.time_ns() // 1_000_000


def _one_line(milliseconds):
    return f"Access event {npm_house.EVENT} at {milliseconds}"


async def _other_than(expected, asked):
    """Ask all of it at once; return where the answer is another one."""
    answers = zip(asked, await asyncio.gather(*asked.values()), strict=True)
    return {what: code for what, code in answers if code != expected}
