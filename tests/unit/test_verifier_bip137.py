"""BIP-137 as Electrum reads it: every header, every kind of address, and what a signature can be bent into."""

import itertools
import unicodedata
from base64 import b64decode, b64encode

import pytest

from chains.account import Account
from chains.accounts import account_of
from config.registry import Network
from tests.support.vectors import vectors
from tests.support.verifier_bitcoin import (
    ALICE,
    BOB,
    MAINNET,
    ORDER,
    TESTNET,
    Net,
    account,
    behind_script_hash,
    bip137,
    p2pkh,
    p2sh_multisig,
    p2tr,
    p2wpkh,
    p2wsh_multisig,
    sha256d,
    var,
    verdict,
)
from verifier.bitcoin import bip137 as scheme
from verifier.verdict import Invalid, Valid

MESSAGE = "Enter the event Grüße, 世界 🌍.\nLine two"
KINDS = {
    "P2PKH": p2pkh(),
    "P2PKH of the long key": p2pkh(compressed=False),
    "P2SH-P2WPKH": behind_script_hash(p2wpkh()),
    "P2WPKH": p2wpkh(),
}
TAKES = {
    27: {"P2PKH of the long key"},
    31: {"P2PKH", "P2SH-P2WPKH", "P2WPKH"},
    35: {"P2SH-P2WPKH"},
    39: {"P2WPKH"},
}
"""Electrum: 27 to 34 stand for whichever address the key gives, 35 to 38 and 39 to 42 for one kind alone."""


def encoded(raw):
    return b64encode(raw).decode()


def say(raw, message=MESSAGE, wallet=KINDS["P2PKH"], net=MAINNET):
    return verdict(account(wallet.output, net), message, encoded(raw))


GOOD = bip137(ALICE, MESSAGE, 31)
HEADER, R, S = GOOD[:1], GOOD[1:33], GOOD[33:]


def word(number):
    return number.to_bytes(32)


def test_what_others_published_is_judged_as_they_judge_it():
    for case in vectors("bip137/cases.json"):
        of = account_of(case["address"], network=Network.MAIN)
        found = isinstance(of, Account) and isinstance(verdict(of, case["message"], case["signature"]), Valid)
        assert found is case["valid"], case


@pytest.mark.parametrize(("header", "kind"), list(itertools.product(TAKES, KINDS)))
def test_each_header_is_for_the_addresses_that_electrum_takes_it_for(header, kind):
    found = say(bip137(ALICE, MESSAGE, header), wallet=KINDS[kind])
    assert isinstance(found, Valid if kind in TAKES[header] else Invalid)


@pytest.mark.parametrize("header", [*range(27), *range(43, 256)])
def test_no_other_header_exists(header):
    assert say(bytes([header]) + R + S) == Invalid(reason="no key can have made this signature")


@pytest.mark.parametrize("message", ["", "a", MESSAGE, "0" * 252, "0" * 253, "0" * 70_000, "\0", "\x18Bitcoin Signed"])
@pytest.mark.parametrize("net", [MAINNET, TESTNET], ids=["main", "test"])
def test_any_text_can_be_signed_on_any_network(message, net):
    assert isinstance(say(bip137(ALICE, message, 31), message, net=net), Valid)


def test_the_verdict_names_account_and_scheme():
    of = account(KINDS["P2WPKH"].output)
    assert verdict(of, MESSAGE, encoded(GOOD)) == Valid(account=of, scheme="bip137")


def test_what_bitcoinlib_signs_is_valid(tmp_path, monkeypatch):
    monkeypatch.setenv("BCL_DATA_DIR", str(tmp_path))
    from bitcoinlib.keys import Key  # noqa: PLC0415  it writes to HOME when imported

    signature = Key(ALICE.secret.hex()).sign_message(MESSAGE).as_base64()
    assert isinstance(verdict(account(KINDS["P2PKH"].output), MESSAGE, signature), Valid)


def test_the_twin_with_the_high_s_is_valid_since_a_signature_is_no_replay_key():
    twin = bytes([(HEADER[0] - 31 ^ 1) + 31]) + R + word(ORDER - int.from_bytes(S))
    assert twin != GOOD
    assert isinstance(say(twin), Valid)


@pytest.mark.parametrize(
    "bent",
    [
        bytes([HEADER[0] ^ 1]) + R + S,  # the other point
        bytes([HEADER[0] - 4]) + R + S,  # the long key
        HEADER + S + R,
        HEADER + R[:-1] + bytes([R[-1] ^ 1]) + S,
        HEADER + R + S[:-1] + bytes([S[-1] ^ 1]),
        HEADER + bytes(32) + S,
        HEADER + R + bytes(32),
        HEADER + word(ORDER) + S,
        HEADER + R + word(ORDER),
        R + S + HEADER,  # the recovery id where Ethereum has it
        GOOD[:-1],
        GOOD + b"\0",
        bytes(65),
        b"",
    ],
    ids=lambda raw: f"{len(raw)} bytes {raw[:2].hex()}…{raw[-2:].hex()}",
)
@pytest.mark.parametrize("kind", ["P2PKH", "P2SH-P2WPKH", "P2WPKH"])
def test_a_signature_bent_in_any_way_is_invalid(bent, kind):
    assert isinstance(say(bent, wallet=KINDS[kind]), Invalid)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (bip137(BOB, MESSAGE, 31), MESSAGE),
        (GOOD, MESSAGE + " "),
        (GOOD, ""),
        (GOOD, MESSAGE.replace("E", "e", 1)),
    ],
)
def test_a_signature_of_somebody_or_something_else_is_invalid(raw, message):
    assert say(raw, message) == Invalid(reason="another key made this signature, or of another text")


@pytest.mark.parametrize(
    "wallet", [p2tr(), p2wsh_multisig(1, ALICE), p2sh_multisig(1, ALICE)], ids=["P2TR", "P2WSH", "P2SH"]
)
@pytest.mark.parametrize("header", TAKES)
def test_addresses_that_stand_for_no_single_key_have_no_such_signature(wallet, header):
    assert isinstance(say(bip137(ALICE, MESSAGE, header), wallet=wallet), Invalid)


def test_the_scheme_itself_refuses_them_too():
    found = scheme.verify(account(p2tr().output), MESSAGE, GOOD)
    assert found == Invalid(reason="BIP-137 is for addresses of one key: P2PKH, P2SH-P2WPKH and P2WPKH")


DECOMPOSED = unicodedata.normalize("NFD", "Access event Café at 1795176000000")
COMPOSED = unicodedata.normalize("NFC", DECOMPOSED)


@pytest.mark.parametrize("signed", [DECOMPOSED, COMPOSED], ids=["as it stands", "composed first, as Trezor does"])
def test_a_text_is_valid_as_it_stands_and_as_a_wallet_composes_it(signed):
    assert DECOMPOSED != COMPOSED
    assert isinstance(say(bip137(ALICE, signed, 31), DECOMPOSED), Valid)


def test_nothing_but_composing_is_done_to_a_text():
    assert isinstance(say(bip137(ALICE, DECOMPOSED, 31), COMPOSED), Invalid)
    assert isinstance(say(bip137(ALICE, "ﬁ ① Å", 31), unicodedata.normalize("NFKC", "ﬁ ① Å")), Invalid)


def test_a_long_text_is_not_composed_for_that_could_take_forever():
    marks = "a" + "\u0316\u0301" * (scheme.LONGEST_NORMALISED // 2)  # every second mark has to move before the first
    assert unicodedata.normalize("NFC", marks) != marks
    assert len(list(scheme.digests(marks))) == 1
    assert len(list(scheme.digests(marks[:-2]))) == 2


def test_without_the_second_reading_a_trezor_would_stay_outside(monkeypatch):
    monkeypatch.setattr(scheme, "LONGEST_NORMALISED", 0)
    assert isinstance(say(bip137(ALICE, COMPOSED, 31), DECOMPOSED), Invalid)


def test_without_the_exact_headers_a_signature_would_speak_for_another_kind_of_address(monkeypatch):
    nested, native = (bip137(ALICE, MESSAGE, first) for first in (35, 39))
    headers = {at: scheme._Header(recovery_id=header.recovery_id) for at, header in scheme._HEADERS.items() if at > 30}
    assert isinstance(say(nested, wallet=KINDS["P2PKH"]), Invalid)
    monkeypatch.setattr(scheme, "_HEADERS", headers)
    assert isinstance(say(nested, wallet=KINDS["P2PKH"]), Valid)
    assert isinstance(say(native, wallet=KINDS["P2PKH"]), Valid)


def test_bits_that_base64_leaves_over_make_no_second_signature():
    text = encoded(GOOD)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    spelt_otherwise = text[:-2] + alphabet[alphabet.index(text[-2]) ^ 1] + "="
    assert b64decode(spelt_otherwise) == GOOD
    assert isinstance(verdict(account(KINDS["P2PKH"].output), MESSAGE, spelt_otherwise), Invalid)


# --- another coin's words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "header"), [(p2pkh().output, 31), (behind_script_hash(p2wpkh()).output, 35), (p2wpkh().output, 39)]
)
def test_a_litecoin_wallet_signs_in_litecoins_words_and_a_bitcoin_wallet_in_bitcoins(output, header):
    litecoin = Net(network=Network.MAIN, prefix="ltc", key_hash=0x30, script_hash=0x32)
    hashed = sha256d(b"\x19Litecoin Signed Message:\n" + var(MESSAGE.encode()))
    compact = ALICE.sign_recoverable(hashed, hasher=None)
    theirs = encoded(bytes([header + compact[64]]) + compact[:64])
    ours = encoded(bip137(ALICE, MESSAGE, header))
    for of, good, bad in ((account(output, litecoin), theirs, ours), (account(output), ours, theirs)):
        assert verdict(of, MESSAGE, good) == Valid(account=of, scheme="bip137")
        assert isinstance(verdict(of, MESSAGE, bad), Invalid)
