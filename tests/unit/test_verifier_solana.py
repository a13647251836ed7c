"""Solana's ways to sign: the text, the off-chain layouts, a memo transaction that is never sent; and strict Ed25519."""

import base64

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from gateway.gate.models import ProofGiven
from tests.support.verifier_ed25519 import EDGES
from tests.support.verifier_signers import BENDS, ORDER, account, verdict
from verifier.solana import ed25519
from verifier.solana import memo as solana_memo
from verifier.solana.offchain import layouts
from verifier.verdict import Invalid, Valid

ALICE, MALLORY = Keypair.from_seed(b"\xa1" * 32), Keypair.from_seed(b"\x66" * 32)
ACCOUNT = account(str(ALICE.pubkey()))
KEY = bytes(ALICE.pubkey())
TEXT = "Access event 42 at 1795176000000"
SIGN_IN = f"""\
tickets.example wants you to sign in with your Solana account:
{ALICE.pubkey()}

Enter the event Neon Night. This signature opens the door once and moves no money.

URI: https://tickets.example/event/17
Version: 1
Chain ID: mainnet
Nonce: a1b2c3d4e5f60718
Issued At: 2026-11-20T12:00:00Z
Expiration Time: 2026-11-20T12:05:00Z
Resources:
- urn:usher:purpose:join
- urn:usher:event:17"""

MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
MEMO_1 = Pubkey.from_string("Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo")
RAW = Valid(account=ACCOUNT, scheme="ed25519")
OFFCHAIN = Valid(account=ACCOUNT, scheme="solana-offchain")
UNSENT = Valid(account=ACCOUNT, scheme="solana-transaction")


def base64_of(raw):
    return base64.b64encode(bytes(raw)).decode()


# --- the text itself -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [TEXT, SIGN_IN, "", "Тест ✓", "a\nb\r\n\0"])
async def test_the_text_signed_as_it_stands_in_every_spelling_of_64_bytes(now, text):
    raw = ALICE.sign_message(text.encode())
    for spelling in (str(raw), base64_of(raw), bytes(raw).hex(), "0x" + bytes(raw).hex()):
        assert await verdict(ACCOUNT, text, spelling, now) == RAW


async def test_an_array_of_integers_is_taken_as_wallets_hand_it_to_pages(now):
    raw = ALICE.sign_message(TEXT.encode())
    for array in (list(bytes(raw)), {str(index): byte for index, byte in enumerate(bytes(raw))}):
        given = ProofGiven.model_validate({"walletAddress": ACCOUNT.address, "signature": array})
        assert await verdict(ACCOUNT, TEXT, given.signature, now) == RAW


@pytest.mark.parametrize("bend", BENDS)
@pytest.mark.parametrize("spell", [lambda raw: raw.hex(), base64_of], ids=["hex", "base64"])
async def test_a_bent_signature_is_invalid(now, bend, spell):
    raw = bytes(ALICE.sign_message(TEXT.encode()))
    assert isinstance(await verdict(ACCOUNT, TEXT, spell(BENDS[bend](raw)), now), Invalid)


async def test_another_key_another_text_and_another_account_are_invalid(now):
    raw = ALICE.sign_message(TEXT.encode())
    for who, text, signature in (
        (ACCOUNT, TEXT, MALLORY.sign_message(TEXT.encode())),
        (ACCOUNT, TEXT + " ", raw),
        (account(str(MALLORY.pubkey())), TEXT, raw),
    ):
        assert isinstance(await verdict(who, text, str(signature), now), Invalid)


GOOD = ALICE.sign_message(TEXT.encode())


@pytest.mark.parametrize(
    "spelling",
    [
        "",
        " ",
        str(GOOD) + "\n",
        " " + str(GOOD),
        str(GOOD)[:-1],
        "1" + str(GOOD),
        base64_of(GOOD)[:-2],  # without its padding
        base64_of(GOOD) + "\n",
        base64_of(GOOD).replace("==", "="),
        base64_of(GOOD)[:-3] + chr(ord(base64_of(GOOD)[-3]) + 1) + "==",  # bits beyond the last byte
        base64_of(GOOD).replace("+", "-").replace("/", "_") + "-_",
        "0x0x" + bytes(GOOD).hex(),
        bytes(GOOD).hex()[:-1],
        "0" * 5000,
        "é" * 64,
        "\ud800",
    ],
)
async def test_what_is_no_spelling_of_a_signature_is_invalid(now, spelling):
    assert isinstance(await verdict(ACCOUNT, TEXT, spelling, now), Invalid)


async def test_a_text_that_is_no_unicode_is_invalid(now):
    assert await verdict(ACCOUNT, "\udfff", str(GOOD), now) == Invalid(reason="the message is no Unicode text")


async def test_a_well_signed_sign_in_is_still_held_to_what_it_says(now):
    for changed in (
        SIGN_IN.replace(str(ALICE.pubkey()), str(MALLORY.pubkey())),
        SIGN_IN.replace("Version: 1", "Version: 2"),
        SIGN_IN.replace("12:05:00Z", "11:05:00Z"),
        SIGN_IN.replace("Solana", "Ethereum"),
    ):
        signature = str(ALICE.sign_message(changed.encode()))
        assert isinstance(await verdict(ACCOUNT, changed, signature, now), Invalid)


# --- strict Ed25519 -------------------------------------------------------------------------------------------


def lenient(key, message, signature):
    """What OpenSSL takes."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("name", EDGES)
def test_of_the_published_edges_only_a_key_of_full_order_holds(name):
    key, message, signature = map(bytes.fromhex, EDGES[name])
    assert ed25519.holds(key, message, signature) == (name == "mixed key and R")


def test_a_lenient_verifier_takes_small_keys_and_other_encodings():
    taken = {name for name, edge in EDGES.items() if lenient(*map(bytes.fromhex, edge))}
    assert {"small key, small R, S = 0", "small key", "small R"} < taken
    assert any(name.startswith("another encoding") for name in taken)


@pytest.mark.parametrize("name", [name for name in EDGES if name.startswith("another encoding of the key")])
def test_keys_have_one_encoding_even_where_dalek_does_not_mind(name):
    key, message, signature = map(bytes.fromhex, EDGES[name])
    assert not ed25519.holds(key, message, signature)
    above = (2**255 - 19 + 3).to_bytes(32, "little")  # y = 3 is on the curve, and of large order
    assert Pubkey(above).is_on_curve()
    assert not ed25519.holds(above, b"", bytes(64))


async def test_the_twin_of_a_signature_beyond_the_order_is_invalid(now):
    raw = bytes(GOOD)
    twin = raw[:32] + (int.from_bytes(raw[32:], "little") + ORDER).to_bytes(32, "little")
    assert isinstance(await verdict(ACCOUNT, TEXT, twin.hex(), now), Invalid)


@pytest.mark.parametrize("address", ["11111111111111111111111111111111", "4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM"])
async def test_no_one_can_sign_for_an_account_of_small_order(now, monkeypatch, address):
    """The first is the system program's, of order four; the second the identity: R = A, S = 0 holds for every text."""
    forged = bytes([1]) + bytes(63)
    victim = account(address)
    texts = [f"Access event 42 at {number}" for number in range(20)]
    for text in texts:
        assert isinstance(await verdict(victim, text, forged.hex(), now), Invalid)
    monkeypatch.setattr(ed25519, "holds", lenient)
    assert [text for text in texts if isinstance(await verdict(victim, text, forged.hex(), now), Valid)]


# --- off-chain messages ---------------------------------------------------------------------------------------

DOMAIN = b"\xffsolana offchain"


def test_the_command_lines_layout_is_as_its_own_tests_have_it():
    """From solana-sdk's `offchain_message` tests."""
    ascii_bytes = DOMAIN + bytes([0, 0, 12, 0]) + b"Test Message"
    utf8_bytes = DOMAIN + bytes([0, 1, 35, 0]) + "Тестовое сообщение".encode()
    assert ascii_bytes in [*layouts(b"Test Message", KEY)]
    assert utf8_bytes in [*layouts("Тестовое сообщение".encode(), KEY)]


def test_the_specifications_layout_is_as_ledger_live_and_the_sdk_write_it():
    """From ledger-live's `formatMessage` tests and solana-offchain-message's."""
    ledger = bytes(Pubkey.from_string("8DpKDisipx6f76cEmuGvCX9TrA3SjeR76HaTRePxHBDe"))
    for text, form, size in (
        ("hello", "00", "0500"),
        ("Long Off-Chain Test Message.", "00", "1c00"),
        ("Тестовое сообщение в формате UTF-8", "01", "3b00"),
        (("example.com wants you to sign in with your Solana account: test-account\nURI: http://localhost:3000\n"
         "Version: 1\nNetwork: mainnet\nNonce: once\nIssued At: now"), "00", "9900"),
    ):  # fmt: skip
        head = DOMAIN + b"\0" + bytes(32) + bytes.fromhex(form) + b"\1" + ledger + bytes.fromhex(size)
        assert next(layouts(text.encode(), ledger)) == head + text.encode()
    sdk = DOMAIN + b"\0" + bytes(32) + b"\0\1" + bytes(32) + b"\x0c\0Test Message"
    assert next(layouts(b"Test Message", bytes(32))) == sdk


def test_version_1_is_as_kit_writes_it():
    """From @solana/offchain-messages' tests, whose signer has the address signerAAAA…"""
    signer = bytes.fromhex("0cfe2cc952550e94c725639a4bd11d4ea5a6383651c308b718c3aef286bca1af")
    for text in ("Hello\nworld", "✌🏿cool"):
        assert DOMAIN + b"\1\1" + signer + text.encode() in [*layouts(text.encode(), signer)]


@pytest.mark.parametrize("text", [TEXT, SIGN_IN, "Тест ✓", "tab\tbed", "x" * 1147, "x" * 4000])
async def test_every_layout_that_a_text_conforms_to_is_taken(now, text):
    found = [*layouts(text.encode(), KEY)]
    assert len(found) == len(set(found)) >= 3
    for layout in found:
        assert await verdict(ACCOUNT, text, str(ALICE.sign_message(layout)), now) == OFFCHAIN


def short(form, text):
    return DOMAIN + bytes([0, form]) + len(text).to_bytes(2, "little") + text


def long(form, text, *, key=KEY, application=bytes(32), version=0, count=1):
    head = DOMAIN + bytes([version]) + application + bytes([form, count]) + key
    return head + len(text).to_bytes(2, "little") + text


BAD_LAYOUTS = {
    "a line feed in the command line's restricted form": (b"a\nb", short(0, b"a\nb")),
    "a tab in the restricted form": (b"a\tb", long(0, b"a\tb")),
    "another script in the restricted form": ("é".encode(), long(0, "é".encode())),
    "a format that there is not": (b"abc", long(3, b"abc")),
    "longer than a device takes": (b"x" * 1148, long(0, b"x" * 1148)),
    "longer than a device takes, in the short form": (b"x" * 1213, short(0, b"x" * 1213)),
    "a length that is not the text's": (b"abc", long(0, b"abc").replace(b"\x03\0abc", b"\x04\0abc")),
    "another's key in the header": (b"abc", long(0, b"abc", key=bytes(MALLORY.pubkey()))),
    "two signers": (b"abc", long(0, b"abc", key=KEY + bytes(MALLORY.pubkey()), count=2)),
    "an application": (b"abc", long(0, b"abc", application=KEY)),
    "a version to come": (b"abc", long(0, b"abc", version=2)),
    "version 1 with another's key": (b"abc", DOMAIN + b"\1\1" + bytes(MALLORY.pubkey()) + b"abc"),
    "version 1 without a signer": (b"abc", DOMAIN + b"\1\0abc"),
    "no text": (b"", long(0, b"")),
    "no header": (b"abc", b"\0abc"),
}


@pytest.mark.parametrize("name", BAD_LAYOUTS)
async def test_a_layout_that_the_text_does_not_conform_to_is_invalid_whoever_signed_it(now, name):
    text, layout = BAD_LAYOUTS[name]
    assert isinstance(await verdict(ACCOUNT, text.decode(), str(ALICE.sign_message(layout)), now), Invalid)


@pytest.mark.parametrize(("size", "forms"), [(1147, {0, 1, 2}), (1148, {2}), (65_450, {2}), (65_451, set())])
def test_the_limits_are_of_header_and_text_together(size, forms):
    found = {one[49] for one in layouts(b"x" * size, KEY) if one.startswith(DOMAIN + b"\0" + bytes(32))}
    assert found == forms


@pytest.mark.parametrize("bend", BENDS)
async def test_a_bent_signature_of_a_layout_is_invalid(now, bend):
    raw = bytes(ALICE.sign_message(next(layouts(SIGN_IN.encode(), KEY))))
    assert isinstance(await verdict(ACCOUNT, SIGN_IN, BENDS[bend](raw).hex(), now), Invalid)


# --- a transaction that is never sent ---------------------------------------------------------------------------


def memo(text, *, program=MEMO, signers=()):
    return Instruction(program, text.encode(), [AccountMeta(key, is_signer=True, is_writable=False) for key in signers])


def says(text=TEXT, *more, payer=ALICE, signers=None, program=MEMO, version=0):
    instructions = [memo(text, program=program), *more]
    blockhash = Hash.default()
    if version == 0:
        message = MessageV0.try_compile(payer.pubkey(), instructions, [], blockhash)
    else:
        message = Message.new_with_blockhash(instructions, payer.pubkey(), blockhash)
    return VersionedTransaction(message, signers or [payer])


LEGACY = "legacy"
TRANSACTIONS = {
    "version 0": says(),
    "legacy": says(version=LEGACY),
    "the old memo program": says(program=MEMO_1),
    "what it may cost": says(TEXT, set_compute_unit_limit(30_000), set_compute_unit_price(1)),
    "the memo last": VersionedTransaction(
        Message.new_with_blockhash([set_compute_unit_limit(1), memo(TEXT)], ALICE.pubkey(), Hash.default()), [ALICE]
    ),
    "a memo that names its signer": VersionedTransaction(
        MessageV0.try_compile(ALICE.pubkey(), [memo(TEXT, signers=[ALICE.pubkey()])], [], Hash.default()), [ALICE]
    ),
    "another payer": VersionedTransaction(
        MessageV0.try_compile(MALLORY.pubkey(), [memo(TEXT, signers=[ALICE.pubkey()])], [], Hash.default()),
        [MALLORY, ALICE],
    ),
    "a recent block hash": VersionedTransaction(
        MessageV0.try_compile(ALICE.pubkey(), [memo(TEXT)], [], Hash.new_unique()), [ALICE]
    ),
}


@pytest.mark.parametrize("name", TRANSACTIONS)
async def test_a_memo_transaction_is_proof_in_base64_and_hex(now, name):
    raw = bytes(TRANSACTIONS[name])
    assert await verdict(ACCOUNT, TEXT, base64_of(raw), now) == UNSENT
    assert await verdict(ACCOUNT, TEXT, raw.hex(), now) == UNSENT


async def test_a_whole_challenge_fits_a_memo(now):
    assert await verdict(ACCOUNT, SIGN_IN, base64_of(says(SIGN_IN)), now) == UNSENT


async def test_a_payer_whose_signature_is_still_missing_does_not_matter(now):
    whole = TRANSACTIONS["another payer"]
    half = VersionedTransaction.populate(whole.message, [Signature.default(), whole.signatures[1]])
    assert await verdict(ACCOUNT, TEXT, base64_of(half), now) == UNSENT
    assert isinstance(await verdict(account(str(MALLORY.pubkey())), TEXT, base64_of(half), now), Invalid)


PAYS = transfer(TransferParams(from_pubkey=ALICE.pubkey(), to_pubkey=MALLORY.pubkey(), lamports=1))
TABLE = AddressLookupTableAccount(Pubkey.new_unique(), [MALLORY.pubkey()])


def with_signatures(transaction, *signatures):
    return VersionedTransaction.populate(transaction.message, list(signatures))


def looked_up():
    """The memo's second account comes from a table."""
    with_account = Instruction(MEMO, TEXT.encode(), [AccountMeta(MALLORY.pubkey(), is_signer=False, is_writable=False)])
    message = MessageV0.try_compile(ALICE.pubkey(), [with_account], [TABLE], Hash.default())
    assert message.address_table_lookups
    return VersionedTransaction(message, [ALICE])


def out_of_range():
    """The program's index points behind the keys; solders writes no such message, so its byte is changed."""
    raw = bytearray(bytes(says()))
    at = raw.rindex(bytes([1, 0, len(TEXT)]) + TEXT.encode())
    raw[at] = 9
    resigned = ALICE.sign_message(bytes(raw[65:]))
    return bytes(raw[:1]) + bytes(resigned) + bytes(raw[65:])


BAD_TRANSACTIONS = {
    "another text": says("Access event 43 at 1795176000000"),
    "more text": says(TEXT + " "),
    "no text": says(""),
    "the text twice": says(TEXT, memo(TEXT)),
    "a second memo": says(TEXT, memo("x", program=MEMO_1)),
    "no memo": VersionedTransaction(
        Message.new_with_blockhash([set_compute_unit_limit(1)], ALICE.pubkey(), Hash.default()), [ALICE]
    ),
    "a payment beside it": says(TEXT, PAYS),
    "a look-up table": looked_up(),
    "a program that it does not name": out_of_range(),
    "another's transaction": says(payer=MALLORY),
    "no signature": with_signatures(says(), Signature.default()),
    "another's signature": with_signatures(says(), MALLORY.sign_message(bytes(says())[65:])),
    "the signature of the text": with_signatures(says(), GOOD),
    "no place for a signature": with_signatures(says()),
    "a signature too many": with_signatures(says(), says().signatures[0], says().signatures[0]),
    "a byte behind it": bytes(says()) + b"\0",
    "a byte missing": bytes(says())[:-1],
    "a length written in two bytes": b"\x81\0" + bytes(says())[1:],
    "too large": bytes(1233),
    "one byte": b"\1",
    "an account that is named and does not sign": VersionedTransaction(
        MessageV0.try_compile(
            MALLORY.pubkey(),
            [Instruction(MEMO, TEXT.encode(), [AccountMeta(ALICE.pubkey(), is_signer=False, is_writable=False)])],
            [],
            Hash.default(),
        ),
        [MALLORY],
    ),
}


@pytest.mark.parametrize("name", BAD_TRANSACTIONS)
async def test_a_transaction_that_says_anything_else_is_no_proof(now, name):
    assert isinstance(await verdict(ACCOUNT, TEXT, base64_of(BAD_TRANSACTIONS[name]), now), Invalid)


@pytest.mark.parametrize("bend", BENDS)
async def test_a_bent_transaction_is_invalid(now, bend):
    assert isinstance(await verdict(ACCOUNT, TEXT, base64_of(BENDS[bend](bytes(says()))), now), Invalid)


@pytest.mark.parametrize("name", ["another text", "a payment beside it", "a look-up table", "the text twice"])
async def test_without_the_look_at_what_it_does_any_transaction_of_the_account_would_open_the_door(
    now, monkeypatch, name
):
    monkeypatch.setattr(solana_memo, "_says_more", lambda _message, _text: None)
    assert await verdict(ACCOUNT, TEXT, base64_of(BAD_TRANSACTIONS[name]), now) == UNSENT


async def test_without_the_look_at_every_byte_one_transaction_would_have_many_spellings(now, monkeypatch):
    monkeypatch.setattr(solana_memo, "_read", VersionedTransaction.from_bytes)
    assert await verdict(ACCOUNT, TEXT, base64_of(BAD_TRANSACTIONS["a byte behind it"]), now) == UNSENT
