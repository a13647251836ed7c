"""Whose key signed a text: the signatures wallets make, and what they can be bent into."""

import asyncio
from datetime import UTC, datetime

import pytest
from eth_account import Account as EthAccount
from eth_account.messages import encode_defunct

from tests.support.verifier_wallets import ALICE, MALLORY, evm_account, personal_digest
from verifier.evm import eip191
from verifier.port import KEYS_ONLY
from verifier.verdict import Invalid, Valid
from verifier.verify import verify

MESSAGE = "Enter the event Grüße, 世界 🌍.\nLine two"
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ACCOUNT = evm_account(ALICE.address)
GOOD = ALICE.sign(personal_digest(MESSAGE))
R, S, V = GOOD[:32], GOOD[32:64], GOOD[64]


def verdict(signature, message=MESSAGE, account=ACCOUNT):
    return asyncio.run(verify(account, message, signature.hex(), lookup=KEYS_ONLY, now=NOW))


def word(number):
    return number.to_bytes(32, "big")


@pytest.mark.parametrize("message", ["", "a", MESSAGE, "0" * 1000, "\0", "\x19Ethereum Signed Message:\n1a"])
def test_what_another_library_signs_is_valid(message):
    signed = EthAccount.sign_message(encode_defunct(text=message), ALICE.secret).signature
    assert verdict(bytes(signed), message) == Valid(account=ACCOUNT, scheme="eip191")


def test_both_ways_of_numbering_the_recovery_id_are_valid():
    assert isinstance(verdict(R + S + bytes([V])), Valid)
    assert isinstance(verdict(R + S + bytes([V - 27])), Valid)


def test_the_twin_with_the_high_s_is_valid_since_a_signature_is_no_replay_key():
    twin = R + word(ORDER - int.from_bytes(S, "big")) + bytes([55 - V])
    assert twin != GOOD
    assert isinstance(verdict(twin), Valid)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        GOOD[:64],
        GOOD + b"\0",
        bytes(32) + S + bytes([V]),
        R + bytes(32) + bytes([V]),
        bytes(65),
        word(ORDER) + S + bytes([V]),
        R + word(ORDER) + bytes([V]),
        b"\xff" * 64 + bytes([V]),
        *(R + S + bytes([v]) for v in (2, 3, 26, 29, 30, 31, 35, 36, 37, 38, 128, 255)),
    ],
    ids=lambda signature: f"{len(signature)} bytes {signature[:2].hex()}…{signature[-2:].hex()}",
)
def test_what_no_key_can_have_made_is_invalid(signature):
    assert eip191.recover(personal_digest(MESSAGE), signature) is None
    assert isinstance(verdict(signature), Invalid)


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        (R + S + bytes([55 - V]), MESSAGE),
        (S + R + bytes([V]), MESSAGE),
        (R + word(int.from_bytes(S, "big") ^ 1) + bytes([V]), MESSAGE),
        (GOOD, MESSAGE + " "),
        (GOOD, MESSAGE.replace("ü", "u\u0308")),  # looks alike, other bytes
        (MALLORY.sign(personal_digest(MESSAGE)), MESSAGE),
    ],
)
def test_a_signature_of_something_or_somebody_else_is_invalid(signature, message):
    assert isinstance(verdict(signature, message), Invalid)


def test_a_text_that_is_no_unicode_is_invalid():
    assert verdict(GOOD, "\ud800") == Invalid(reason="the message is no Unicode text")


def test_the_coincurve_back_end_agrees_with_eth_account_on_who_signed():
    recovered = EthAccount.recover_message(encode_defunct(text=MESSAGE), signature=GOOD)
    assert eip191.recover(eip191.digest(MESSAGE), GOOD) == bytes.fromhex(recovered[2:])
