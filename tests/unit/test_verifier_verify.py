"""The front door: which scheme decides, when a contract is asked, and what a sign-in text rules out by itself."""

import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from chains.accounts import account_of
from config.registry import Family, Network
from tests.support.programs import ROOT
from tests.support.verifier_families import leave_only
from tests.support.verifier_wallets import ALICE, MALLORY, evm_account, personal_digest
from verifier.evm import scheme as evm
from verifier.evm.erc6492 import MAGIC
from verifier.port import KEYS_ONLY, NO_LOOKUP
from verifier.texts import signin, siwe
from verifier.texts.layout import SignIn
from verifier.verdict import Inconclusive, Invalid, Valid
from verifier.verify import supports, verify

MESSAGE = "Access event 42 at 1795176000000"
DIGEST = personal_digest(MESSAGE)
ACCOUNT = evm_account(ALICE.address)
GOOD = ALICE.sign(DIGEST)


@dataclass
class Recorder:
    """Says yes to everything, and remembers what it was asked."""

    asked: list = field(default_factory=list)

    async def contract_signature(self, account, digest, signature):
        self.asked.append((account, digest, signature))
        return Valid(account=account, scheme="erc1271")


async def verdict(signature, now, *, message=MESSAGE, account=ACCOUNT, lookup=NO_LOOKUP):
    text = signature if isinstance(signature, str) else signature.hex()
    return await verify(account, message, text, lookup=lookup, now=now)


@pytest.mark.parametrize("spelling", [GOOD.hex(), "0x" + GOOD.hex(), "0X" + GOOD.hex().upper()])
async def test_a_signature_is_hex_with_or_without_its_prefix(now, spelling):
    assert await verdict(spelling, now) == Valid(account=ACCOUNT, scheme="eip191")


@pytest.mark.parametrize(
    "spelling",
    [
        "0x0x" + GOOD.hex(),
        GOOD.hex()[:-1],
        GOOD.hex() + "\n",
        " " + GOOD.hex(),
        GOOD.hex().replace("a", "\N{FULLWIDTH LATIN SMALL LETTER A}"),
        "0x" + "zz" * 65,
        "Ïx" + GOOD.hex(),
        "00" * (evm.LONGEST_SIGNATURE + 1),
    ],
)
async def test_what_is_no_hex_or_too_long_is_invalid_and_nobody_is_asked(now, spelling):
    recorder = Recorder()
    assert isinstance(await verdict(spelling, now, lookup=recorder), Invalid)
    assert recorder.asked == []


async def test_a_key_that_signed_needs_no_contract(now):
    recorder = Recorder()
    assert (await verdict(GOOD, now, lookup=recorder)).scheme == "eip191"
    assert recorder.asked == []


@pytest.mark.parametrize(
    "signature", [b"", GOOD[:64], GOOD + b"\0", MALLORY.sign(DIGEST), bytes(65), GOOD + MAGIC], ids=len
)
async def test_where_no_key_signed_the_contract_is_asked_about_the_very_bytes(now, signature):
    recorder = Recorder()
    assert (await verdict(signature, now, lookup=recorder)).scheme == "erc1271"
    assert recorder.asked == [(ACCOUNT, DIGEST, signature)]


async def test_without_a_node_what_a_key_did_not_sign_is_open_or_taken_as_refused(now):
    for signature in (GOOD[:64], GOOD + b"\0", MALLORY.sign(DIGEST), bytes(65), GOOD[:64] + bytes([37])):
        assert isinstance(await verdict(signature, now, lookup=NO_LOOKUP), Inconclusive)
        assert isinstance(await verdict(signature, now, lookup=KEYS_ONLY), Invalid)
    assert isinstance(await verdict(GOOD + MAGIC, now, lookup=KEYS_ONLY), Inconclusive)


async def test_a_text_that_is_no_unicode_is_invalid(now):
    assert isinstance(await verdict(GOOD, now, message="\udfff", lookup=Recorder()), Invalid)


@pytest.mark.parametrize("address", ["alice", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"])
async def test_a_family_without_a_scheme_is_neither_let_in_nor_accused(now, address, monkeypatch):
    leave_only(monkeypatch, Family.EVM)
    account = account_of(address, network=Network.MAIN)
    family = account.holder.family
    assert await verdict(GOOD, now, account=account) == Inconclusive(
        reason=f"signatures of {family} accounts cannot be checked yet", passing=False
    )
    assert not supports(family, frozenset(Family))


@pytest.mark.parametrize("family", Family)
def test_every_familys_accounts_can_prove_themselves(family):
    assert supports(family, frozenset(Family))


def test_a_hive_account_proves_itself_only_where_its_chain_can_be_asked():
    assert not supports(Family.HIVE, frozenset(Family) - {Family.HIVE})
    assert all(supports(family, frozenset()) for family in Family if family is not Family.HIVE)


def sign_in(**changes):
    fields = {
        "domain": "tickets.example",
        "address": ALICE.address,
        "uri": "https://tickets.example",
        "chain_id": "1",
        "nonce": "12345678",
        "issued_at": "2026-11-20T12:00:00Z",
        "expiration_time": "2026-11-20T12:05:00Z",
        "not_before": "2026-11-20T12:00:00Z",
    }
    return siwe.write(SignIn(**{**fields, **changes}))


@pytest.mark.parametrize(
    ("text", "late", "reason"),
    [
        (sign_in(), 0, None),
        (sign_in(), 329, None),
        (sign_in(), -30, None),
        (sign_in(expiration_time=None, not_before=None), 10**8, None),
        (sign_in(), 330, "the text has expired"),
        (sign_in(), -31, "the text is not valid yet"),
        (sign_in(address=MALLORY.address), 0, "the text names another wallet"),
        (sign_in(address=ALICE.address.lower()), 0, "EIP-55"),
        (sign_in(nonce="short"), 0, "Nonce"),
        (sign_in(version="2"), 0, "Version"),
        (sign_in() + "\n", 0, "line 12"),
        (sign_in().replace("\n", "\r\n"), 0, "first line"),
    ],
)
async def test_a_well_signed_sign_in_text_is_still_held_to_what_it_says(now, text, late, reason):
    signature = ALICE.sign(personal_digest(text))
    found = await verdict(signature, now + timedelta(seconds=late), message=text, lookup=Recorder())
    if reason is None:
        assert found == Valid(account=ACCOUNT, scheme="eip191")
    else:
        assert isinstance(found, Invalid)
        assert reason in found.reason


async def test_without_that_check_the_good_signature_of_a_bad_text_would_count(now, monkeypatch):
    text = sign_in(nonce="short")
    monkeypatch.setattr(signin, "claimed", lambda _text: None)
    assert isinstance(await verdict(ALICE.sign(personal_digest(text)), now, message=text), Valid)


def test_the_gate_can_verify_and_look_up_without_the_heavy_libraries():
    heavy = "{'web3', 'solana', 'beem', 'bitcoinlib'} & set(sys.modules)"
    program = f"import sys, verifier.verify, chains.evm.lookup; sys.exit(bool({heavy}))"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
