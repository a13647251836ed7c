"""The front of the Bitcoin schemes: base64, prefixes, sign-in texts, and which address speaks for whom."""

from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest

from chains.account import Account
from chains.accounts import account_of
from chains.bitcoin.script import output_script
from tests.support.verifier_bitcoin import (
    ALICE,
    BOB,
    MAINNET,
    NOW,
    REGTEST,
    TESTNET,
    account,
    address_of,
    behind_script_hash,
    bip137,
    p2pkh,
    p2tr,
    p2wpkh,
    p2wsh_multisig,
    verdict,
)
from verifier.bitcoin import scheme as bitcoin
from verifier.texts import signin
from verifier.texts.challenge import Challenge, timestamp_text, write
from verifier.texts.purpose import Purpose, statement
from verifier.verdict import Inconclusive, Invalid, Valid

NETWORKS = {"main": MAINNET, "test": TESTNET, "regtest": REGTEST}
WALLET = p2wpkh()
ACCOUNT = account(WALLET.output)
SIMPLE = WALLET.signed().simple


def challenge(of=ACCOUNT, **fields):
    return write(
        replace(
            Challenge(
                domain="vr.example",
                account=of,
                statement=statement(Purpose.JOIN, "Gala"),
                uri="https://vr.example/gala",
                nonce="abcdefgh12345678",
                issued_at=NOW,
                expires_at=NOW + timedelta(minutes=5),
                purpose=Purpose.JOIN,
                event_id=7,
            ),
            **fields,
        )
    )


# --- base64 and prefixes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bend",
    [
        lambda text: " " + text,
        lambda text: text + " ",
        lambda text: text + "\n",
        lambda text: text[:40] + "\n" + text[40:],
        lambda text: text[:40] + "    " + text[40:],
        lambda text: text.rstrip("="),
        lambda text: text + "====",
        lambda text: text + "AAAA",
        lambda text: "=" + text[1:],
        lambda text: text.replace("+", "-").replace("/", "_"),
        lambda text: text[:40] + "é" + text[41:],
        lambda text: text[:40] + "\ud800" + text[41:],
        lambda text: text[:40] + "\0" + text[41:],
        lambda _text: "",
        lambda _text: "=",
        lambda _text: "smp",
        lambda text: text.encode().hex(),
    ],
)
def test_base64_has_one_spelling(bend):
    text = bip137_with_every_character()
    assert isinstance(verdict(ACCOUNT, "hello", text), Valid)
    assert isinstance(verdict(ACCOUNT, "hello", bend(text)), Invalid)


def bip137_with_every_character():
    """Return a signature whose base64 has padding, a plus and a slash, so that each of them can be bent."""
    signature = b64encode(bip137(ALICE, "hello", 31)).decode()
    assert signature.endswith("=")
    return signature


def test_the_text_that_is_bent_has_what_is_bent_in_it():
    assert {"+", "/"} & set(bip137_with_every_character())


@pytest.mark.parametrize(
    "prefix", ["SMP", "Smp", "foo", "smq", "ful", "pof", "smp smp", "\0\0\0", "ßßß", "s", "sm", "="]
)
def test_a_wrong_prefix_is_not_cut_off(prefix):
    assert isinstance(verdict(ACCOUNT, "hello", "smp" + SIMPLE), Valid)
    assert isinstance(verdict(ACCOUNT, "hello", prefix + SIMPLE), Invalid)


def test_a_legacy_signature_has_no_prefix():
    legacy = bip137_with_every_character()
    for prefix in ("smp", "ful", "pof"):
        assert isinstance(verdict(ACCOUNT, "hello", prefix + legacy), Invalid)


def test_a_signature_longer_than_any_is_not_even_decoded(monkeypatch):
    longest = bitcoin.LONGEST_SIGNATURE
    assert isinstance(verdict(ACCOUNT, "hello", "A" * longest), Invalid)
    monkeypatch.setattr(bitcoin, "from_base64", lambda _text: pytest.fail("it was decoded"))
    found = verdict(ACCOUNT, "hello", "A" * (longest + 4))
    assert found == Invalid(reason=f"a signature is base64, of at most {longest} characters")


def test_the_largest_multisig_of_consensus_fits():
    wallet = p2wsh_multisig(20, *[ALICE] * 20)
    signed = wallet.signed()
    assert len(signed.full) < bitcoin.LONGEST_SIGNATURE / 4
    assert isinstance(verdict(account(wallet.output), "hello", "ful" + signed.full), Valid)


def test_a_proof_of_funds_is_inconclusive_for_it_speaks_of_coins():
    found = verdict(ACCOUNT, "hello", "pof" + b64encode(b"psbt\xff" + b"anything").decode())
    assert isinstance(found, Inconclusive)
    assert not found.passing
    assert isinstance(verdict(ACCOUNT, "hello", "pof" + b64encode(b"psbs\xff").decode()), Invalid)


# --- texts ----------------------------------------------------------------------------------------------------------

WALLETS = {
    "P2PKH": p2pkh(),
    "P2SH-P2WPKH": behind_script_hash(p2wpkh()),
    "P2WPKH": p2wpkh(),
    "P2TR": p2tr(),
    "P2WSH": p2wsh_multisig(1, ALICE, BOB),
}


@pytest.mark.parametrize("net", NETWORKS)
@pytest.mark.parametrize("name", WALLETS)
def test_every_wallet_signs_the_challenge_and_the_timestamp_text(name, net):
    wallet, of = WALLETS[name], account(WALLETS[name].output, NETWORKS[net])
    for text in (challenge(of), timestamp_text("gala", 1_795_176_000_000)):
        assert isinstance(verdict(of, text, "ful" + wallet.signed(text).full), Valid)
        if wallet.has_simple_form:
            assert isinstance(verdict(of, text, "smp" + wallet.signed(text).simple), Valid)


def test_a_sign_in_text_is_for_its_wallet_and_its_moment():
    text = challenge()
    signature = WALLET.signed(text).simple
    assert isinstance(verdict(ACCOUNT, text, signature), Valid)
    assert isinstance(verdict(ACCOUNT, text, signature, NOW + timedelta(minutes=5, seconds=29)), Valid)
    late = verdict(ACCOUNT, text, signature, NOW + timedelta(minutes=5, seconds=30))
    assert late == Invalid(reason="the text has expired")


@pytest.mark.parametrize(
    "other",
    [account(p2wpkh(BOB).output), account(p2tr().output), account(WALLET.output, TESTNET)],
    ids=["another wallet", "another address of the same key", "the same script on another network"],
)
def test_a_text_that_names_another_wallet_is_invalid_though_the_signature_is_good(other):
    text = challenge(other)
    assert verdict(ACCOUNT, text, WALLET.signed(text).simple) == Invalid(reason="the text names another wallet")


@pytest.mark.parametrize("bend", [lambda text: text + "\n", lambda text: text.replace("Version: 1", "Version: 2")])
def test_a_text_that_claims_to_be_a_sign_in_must_be_one(bend):
    text = bend(challenge())
    found = verdict(ACCOUNT, text, WALLET.signed(text).simple)
    assert isinstance(found, Invalid)
    assert found.reason.startswith("not as CAIP-122 says")


def test_without_the_objections_an_expired_text_would_open(monkeypatch):
    text = challenge()
    monkeypatch.setattr(signin, "objection", lambda *_text, **_moment: None)
    assert isinstance(verdict(ACCOUNT, text, WALLET.signed(text).simple, NOW + timedelta(days=1)), Valid)


def test_a_text_that_utf_8_cannot_hold_is_invalid():
    assert verdict(ACCOUNT, "\ud800", SIMPLE) == Invalid(reason="the message is no Unicode text")


# --- networks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["P2WPKH", "P2TR", "P2WSH"])
def test_the_three_networks_write_one_script_in_three_ways(name):
    output = WALLETS[name].output
    accounts = {net: account(output, NETWORKS[net]) for net in NETWORKS}
    assert len({of.holder for of in accounts.values()}) == 3
    assert {output_script(of.address) for of in accounts.values()} == {output}
    text = challenge(accounts["test"])
    signature = WALLETS[name].signed(text).simple
    found = {net: isinstance(verdict(of, text, signature), Valid) for net, of in accounts.items()}
    assert found == {"main": False, "test": True, "regtest": False}


def test_an_account_whose_address_is_none_is_invalid():
    for address in ("", "bc1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "1" * 34, "x" * 10_000):
        of = replace(ACCOUNT, address=address)
        for signature in (SIMPLE, "smp" + SIMPLE, "ful" + WALLET.signed().full, bip137_with_every_character()):
            assert isinstance(verdict(of, "hello", signature), Invalid)


# --- output scripts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("net", NETWORKS)
@pytest.mark.parametrize("name", WALLETS)
def test_an_address_gives_its_script_back(name, net):
    address = address_of(WALLETS[name].output, NETWORKS[net])
    assert output_script(address) == WALLETS[name].output
    assert isinstance(account_of(address, network=NETWORKS[net].network), Account)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "1",
        "16UwLL9Risc3QfPqBUvKofHmBQ7wMtjvN",  # one character of the checksum
        "bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0m",
        "ltc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l",
        "DBXu2kgc3xtvCUWFcxFE3r9hEYgmuaaCyD",  # Dogecoin's version byte
        "16UwLL9Risc3QfPqBUvKofHmBQ7wMtjvM ",
        "1" * 100_000,
    ],
)
def test_what_is_no_address_has_no_script(address):
    assert output_script(address) is None


def test_witness_versions_to_come_have_a_script_and_no_signatures():
    output = b"\x60\x02\x75\x1e"  # BIP-350: bc1sw50qgdz25j
    assert output_script("bc1sw50qgdz25j") == output
    of = replace(ACCOUNT, address="bc1sw50qgdz25j")
    assert isinstance(verdict(of, "hello", replace(p2wpkh().signed(), output=output).simple), Inconclusive)


def test_more_elements_than_a_stack_may_have_are_not_even_read():
    for count, told in ((1_024, "the address's script is not satisfied"), (1_025, "more elements than a stack may")):
        raw = b"\xfd" + count.to_bytes(2, "little") + bytes(count)
        found = verdict(ACCOUNT, "hello", "smp" + b64encode(raw).decode())
        assert isinstance(found, Invalid)
        assert told in found.reason
