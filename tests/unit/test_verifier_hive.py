"""Hive's signed buffer: whose keys signed, and whether they are worth anything to the account now."""

import hashlib
import json

import pytest
from beemgraphenebase import ecdsasig
from coincurve import PrivateKey

from config.registry import Network
from tests.support.verifier_signers import BENDS, NOBODY, HiveChain, HiveKey, account, authority, verdict
from verifier import hive
from verifier.port import KEYS_ONLY, NO_LOOKUP, Authority
from verifier.verdict import Inconclusive, Invalid, Valid

ALICE, BOB, CAROL, MALLORY = (HiveKey(name) for name in ("alice", "bob", "carol", "mallory"))
ACCOUNT = account("alice")
VALID = Valid(account=ACCOUNT, scheme="hive")
TEXT = "Access event 42 at 1795176000000"
SIGN_IN = """\
tickets.example wants you to sign in with your Hive account:
alice

Enter the event Neon Night. This signature opens the door once and moves no money.

URI: https://tickets.example/event/17
Version: 1
Chain ID: beeab0de000000000000000000000000
Nonce: a1b2c3d4e5f60718
Issued At: 2026-11-20T12:00:00Z
Expiration Time: 2026-11-20T12:05:00Z
Resources:
- urn:usher:purpose:join
- urn:usher:event:17"""
HERS = authority(1, alice=1)


def signed(*keys, text=TEXT, apart=","):
    return apart.join(key.sign(text).hex() for key in keys)


@pytest.mark.parametrize("text", [TEXT, SIGN_IN, "", "Тест ✓", "a\nb\0", "x" * 32])
@pytest.mark.parametrize("role", ["posting", "active"])
async def test_a_key_of_the_posting_or_active_authority_opens(now, text, role):
    chain = HiveChain(**{role: HERS})
    assert await verdict(ACCOUNT, text, signed(ALICE, text=text), now, lookup=chain) == VALID
    assert chain.asked == [str(ACCOUNT)]


@pytest.mark.parametrize("spelling", [signed(ALICE), "0x" + signed(ALICE), signed(ALICE).upper()])
async def test_a_signature_is_hex_with_or_without_its_prefix(now, spelling):
    assert await verdict(ACCOUNT, TEXT, spelling, now, lookup=HiveChain(posting=HERS)) == VALID


async def test_what_is_recovered_is_what_beem_verifies(now):
    for number in range(20):
        text = f"Access event 42 at {number}"
        raw = ALICE.sign(text)
        assert hive.recover(hashlib.sha256(text.encode()).digest(), raw) == ALICE.public
        assert ecdsasig.verify_message(text.encode(), raw) == ALICE.public


@pytest.mark.parametrize("bend", BENDS)
async def test_a_bent_signature_is_invalid(now, bend):
    chain = HiveChain(posting=HERS, active=HERS)
    bent = BENDS[bend](ALICE.sign(TEXT)).hex()
    assert isinstance(await verdict(ACCOUNT, TEXT, bent, now, lookup=chain), Invalid)


@pytest.mark.parametrize(
    ("signature", "text"),
    [(signed(MALLORY), TEXT), (signed(ALICE), TEXT + " "), (signed(ALICE, text="another text"), TEXT)],
    ids=["another key", "another text", "a signature of another text"],
)
async def test_another_key_or_text_is_invalid(now, signature, text):
    assert isinstance(await verdict(ACCOUNT, text, signature, now, lookup=HiveChain(posting=HERS)), Invalid)


@pytest.mark.parametrize(
    "spelling",
    [
        "",
        " ",
        signed(ALICE) + "\n",
        " " + signed(ALICE),
        signed(ALICE) + ",",
        signed(ALICE) + ",," + signed(BOB),
        signed(ALICE) + ";" + signed(BOB),
        signed(ALICE) + signed(BOB),
        signed(ALICE) + "," + signed(BOB)[:-1],
        "0x0x" + signed(ALICE),
        "SIG_K1_" + signed(ALICE),
        ",".join(["00" * 65] * 17),
        signed(*[ALICE] * 17),
        "\N{FULLWIDTH DIGIT ONE}" + signed(ALICE)[1:],
        "\ud800",
    ],
)
async def test_what_is_no_spelling_of_signatures_is_invalid_and_nobody_is_asked(now, spelling):
    chain = HiveChain(posting=HERS)
    assert isinstance(await verdict(ACCOUNT, TEXT, spelling, now, lookup=chain), Invalid)
    assert chain.asked == []


@pytest.mark.parametrize("header", [0, 26, 27, 28, 29, 30, 35, 255])
async def test_no_wallet_writes_another_header_than_a_compressed_keys(now, header):
    raw = bytes([header]) + ALICE.sign(TEXT)[1:]
    chain = HiveChain(posting=HERS)
    assert isinstance(await verdict(ACCOUNT, TEXT, raw.hex(), now, lookup=chain), Invalid)
    assert chain.asked == []


async def test_a_signature_beyond_the_chains_canonical_form_is_one_too(now):
    """Neither s nor n - s opens twice: the text is spent, and never a signature."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    raw = PrivateKey(b"\x11" * 32).sign_recoverable(TEXT.encode())
    twin = raw[:32] + (order - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big") + bytes([raw[64] ^ 1])
    public = PrivateKey(b"\x11" * 32).public_key.format()
    chain = HiveChain(posting=Authority(threshold=1, keys={public: 1}))
    for one in (raw, twin):
        spelt = (bytes([one[64] + 31]) + one[:64]).hex()
        assert await verdict(ACCOUNT, TEXT, spelt, now, lookup=chain) == VALID


async def test_a_text_that_is_no_unicode_is_invalid(now):
    assert await verdict(ACCOUNT, "\udfff", signed(ALICE), now) == Invalid(reason="the message is no Unicode text")


async def test_a_message_that_is_the_json_of_a_buffer_is_its_own_text(now):
    """Keychain signs the bytes in it: one signature for two messages, if a verifier did the same."""
    buffer = json.dumps({"type": "Buffer", "data": list(TEXT.encode())})
    assert isinstance(await verdict(ACCOUNT, buffer, signed(ALICE), now, lookup=HiveChain(posting=HERS)), Invalid)
    assert await verdict(ACCOUNT, TEXT, signed(ALICE), now, lookup=HiveChain(posting=HERS)) == VALID


async def test_a_well_signed_sign_in_is_still_held_to_what_it_says(now):
    for changed in (
        SIGN_IN.replace("\nalice\n", "\nmallory\n"),
        SIGN_IN.replace("Version: 1", "Version: 2"),
        SIGN_IN.replace("12:05:00Z", "11:05:00Z"),
        SIGN_IN.replace("Hive account", "Solana account"),
    ):
        chain = HiveChain(posting=HERS)
        assert isinstance(await verdict(ACCOUNT, changed, signed(ALICE, text=changed), now, lookup=chain), Invalid)
        assert chain.asked == []


# --- what keys are worth ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signers", "posting", "active", "opens"),
    [
        ([ALICE], authority(2, alice=2), NOBODY, True),
        ([ALICE], authority(2, alice=1), NOBODY, False),
        ([ALICE, BOB], authority(2, alice=1, bob=1), NOBODY, True),
        ([BOB, ALICE], NOBODY, authority(2, alice=1, bob=1), True),
        ([ALICE, ALICE], authority(2, alice=1, bob=1), NOBODY, False),
        ([ALICE, MALLORY], authority(2, alice=1, bob=1), NOBODY, False),
        ([ALICE, MALLORY], authority(1, alice=1), NOBODY, True),
        ([ALICE, BOB, CAROL], authority(6, alice=1, bob=2, carol=3), NOBODY, True),
        ([BOB, CAROL], authority(6, alice=1, bob=2, carol=3), NOBODY, False),
        ([ALICE, BOB], authority(2, alice=1), authority(2, bob=1), False),
        ([MALLORY], NOBODY, NOBODY, False),
        ([MALLORY], authority(0), authority(0), False),
        ([MALLORY], authority(-1), NOBODY, False),
        ([ALICE], authority(1, alice=0), NOBODY, False),
    ],
    ids=[
        "a heavy key",
        "a light key",
        "two light keys",
        "two light keys, active",
        "the same key twice",
        "a stranger's key makes up for nothing",
        "a stranger's key does no harm",
        "three keys of three",
        "two keys of three",
        "half of each authority",
        "an account that nobody speaks for",
        "a threshold of nothing",
        "a threshold below nothing",
        "a key without weight",
    ],
)
async def test_weights_add_up_within_one_authority_each_key_once(now, signers, posting, active, opens):
    chain = HiveChain(posting=posting, active=active)
    found = await verdict(ACCOUNT, TEXT, signed(*signers), now, lookup=chain)
    assert found == VALID if opens else isinstance(found, Invalid)


@pytest.mark.parametrize("apart", [",", ", ", " ", "\n", ",\n  ", "\t\t"])
async def test_signatures_stand_apart_by_a_comma_or_white_space(now, apart):
    chain = HiveChain(posting=authority(2, alice=1, bob=1))
    assert await verdict(ACCOUNT, TEXT, signed(ALICE, BOB, apart=apart), now, lookup=chain) == VALID


async def test_without_the_threshold_any_key_would_open(now, monkeypatch):
    monkeypatch.setattr(hive, "_reached", lambda authority, _signers: authority.threshold <= 0)
    chain = HiveChain(posting=authority(0))
    assert await verdict(ACCOUNT, TEXT, signed(MALLORY), now, lookup=chain) == VALID


async def test_without_the_set_of_keys_one_key_would_count_twice(now, monkeypatch):
    chain = HiveChain(posting=authority(2, alice=1, bob=1))
    twice = hive.judged(ACCOUNT, [ALICE.public, ALICE.public], await chain.key_authorities(ACCOUNT))
    assert twice == VALID
    assert isinstance(await verdict(ACCOUNT, TEXT, signed(ALICE, ALICE), now, lookup=chain), Invalid)


async def test_sixteen_signatures_are_read_and_one_bad_one_spoils_them(now):
    many = [HiveKey(f"key-{number}") for number in range(16)]
    all_of_them = Authority(threshold=16, keys={key.public: 1 for key in many})
    assert await verdict(ACCOUNT, TEXT, signed(*many), now, lookup=HiveChain(posting=all_of_them)) == VALID
    spoilt = signed(ALICE) + "," + "1f" + "00" * 64
    chain = HiveChain(posting=HERS)
    assert isinstance(await verdict(ACCOUNT, TEXT, spoilt, now, lookup=chain), Invalid)
    assert chain.asked == []


# --- what a chain may answer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer", [Invalid(reason="there is no such account"), Inconclusive(reason="no endpoint gave a usable answer")]
)
async def test_what_the_chain_cannot_say_is_passed_on(now, answer):
    assert await verdict(ACCOUNT, TEXT, signed(ALICE), now, lookup=HiveChain(otherwise=answer)) == answer


async def test_a_doubt_stands_in_for_a_refusal_and_for_nothing_else(now):
    doubt = Inconclusive(reason="the nodes do not all answer")
    chain = HiveChain(posting=HERS, doubt=doubt)
    assert await verdict(ACCOUNT, TEXT, signed(MALLORY), now, lookup=chain) == doubt
    assert await verdict(ACCOUNT, TEXT, signed(ALICE), now, lookup=chain) == VALID


@pytest.mark.parametrize("lookup", [NO_LOOKUP, KEYS_ONLY])
async def test_without_a_node_a_name_has_no_keys(now, lookup):
    found = await verdict(ACCOUNT, TEXT, signed(ALICE), now, lookup=lookup)
    assert isinstance(found, Inconclusive)
    assert not found.passing


async def test_a_verdict_names_the_keys_so_that_a_renewal_can_ask_for_them_again(now):
    chain = HiveChain(posting=authority(2, alice=1, bob=1))
    found = await verdict(ACCOUNT, TEXT, signed(ALICE, BOB), now, lookup=chain)
    assert found.signers == {ALICE.public, BOB.public}
    assert hive.judged(ACCOUNT, found.signers, await chain.key_authorities(ACCOUNT)) == VALID
    changed = await HiveChain(posting=authority(1, carol=1)).key_authorities(ACCOUNT)
    assert isinstance(hive.judged(ACCOUNT, found.signers, changed), Invalid)


def test_the_keys_of_a_name_are_its_networks_and_a_key_is_enough():
    assert account("alice", Network.TEST).chain == "hive:42000000000000000000000000000000"
    assert VALID.by_key
