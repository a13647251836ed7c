"""Solana's signatures, in words above each property."""

import asyncio
import base64
from datetime import UTC, datetime

from hypothesis import assume, given
from hypothesis import strategies as st
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from config.registry import Family
from tests.support.verifier_signers import account, verdict
from verifier.solana import memo as solana_memo
from verifier.solana.offchain import layouts
from verifier.texts.layout import Malformed, SignIn
from verifier.texts.layouts import LAYOUTS
from verifier.verdict import Invalid, Valid

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ALICE = Keypair.from_seed(b"\xa1" * 32)
ACCOUNT = account(str(ALICE.pubkey()))
KEY = bytes(ALICE.pubkey())
MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
SIWS = LAYOUTS[Family.SOLANA]

texts = st.text(st.characters(codec="utf-8"), max_size=300)
any_text = st.text(st.characters(codec=None, exclude_categories=()))  # lone surrogates too


def found(message, signature):
    return asyncio.run(verdict(ACCOUNT, message, signature, NOW))


def transaction(text):
    message = MessageV0.try_compile(ALICE.pubkey(), [Instruction(MEMO, text.encode(), [])], [], Hash.default())
    return bytes(VersionedTransaction(message, [ALICE]))


@given(any_text, any_text | st.binary(max_size=1300).map(lambda raw: base64.b64encode(raw).decode()))
def test_any_message_and_signature_come_to_a_verdict(message, signature):
    """Never an exception, and never Valid: nobody guesses a signature."""
    assert isinstance(found(message, signature), Invalid)


@given(texts, texts)
def test_what_the_key_signed_is_valid_for_that_text_alone(text, other):
    """The text, each of its layouts and its memo are Valid for this text, and for no other one."""
    assume(" wants you to sign in with your " not in text + other)
    signed = [text.encode(), *layouts(text.encode(), KEY)]
    spelt = [str(ALICE.sign_message(one)) for one in signed] + [base64.b64encode(transaction(text)).decode()]
    for signature in spelt:
        assert isinstance(found(text, signature), Valid)
        if other != text:
            assert isinstance(found(other, signature), Invalid)


@given(texts, texts, st.binary(min_size=32, max_size=32))
def test_two_texts_or_keys_never_share_a_layout(text, other, key):
    """Whatever a wallet signs stands for one text and one key, and never for a text as it stands."""
    assume(text != other)
    mine = {text.encode(), *layouts(text.encode(), KEY)}
    assert mine.isdisjoint({other.encode(), *layouts(other.encode(), KEY)})
    if key != KEY:
        with_keys = {one for one in layouts(text.encode(), KEY) if KEY in one}
        assert with_keys.isdisjoint(layouts(text.encode(), key))


@given(st.text(st.characters(codec="ascii"), max_size=60), st.data())
def test_a_transaction_bent_at_any_byte_is_no_proof(text, data):
    """Every byte of a memo transaction is signed, or makes it another transaction, or none at all."""
    whole = transaction(text)
    at = data.draw(st.integers(0, len(whole) - 1))
    bent = bytearray(whole)
    bent[at] ^= data.draw(st.integers(1, 255))
    assert solana_memo.objection(whole, text.encode(), KEY) is None
    assert solana_memo.objection(bytes(bent), text.encode(), KEY) is not None


@given(st.binary(max_size=1300), st.binary(max_size=40))
def test_any_bytes_are_a_transaction_or_not(raw, text):
    """No bytes raise."""
    assert isinstance(solana_memo.objection(raw, text, KEY), str)


fields = {
    "statement": st.text("abc .,:-", min_size=1),
    "uri": st.sampled_from(["https://example.com/", "urn:a:b", "a:"]),
    "version": st.just("1"),
    "chain_id": st.sampled_from(["mainnet", "devnet", "solana:testnet", "EtWTRABZaYq6iMfeYKouRu166VU2xqa1"]),
    "nonce": st.text("abcXYZ019", min_size=8, max_size=20),
    "issued_at": st.just("2026-11-20T12:00:00Z"),
    "expiration_time": st.just("2026-11-20T12:05:00.000Z"),
    "not_before": st.just("2026-11-20T11:00:00+01:00"),
    "request_id": st.text("ab-._~!$&'()*+,;=:@"),
    "resources": st.lists(st.sampled_from(["https://example.com/", "urn:a:b"]), max_size=3).map(tuple),
}
messages = st.fixed_dictionaries({name: st.none() | strategy for name, strategy in fields.items()}).map(
    lambda chosen: SignIn(domain="example.com", address=ACCOUNT.address, **chosen)
)


@given(messages)
def test_a_sign_in_with_solana_and_its_fields_determine_each_other(message):
    """Any of the fields may be missing, and what is left is written to one text and read back."""
    assert SIWS.parse(SIWS.write(message)) == message


@given(messages, st.data())
def test_a_sign_in_bent_at_one_place_is_malformed_or_says_something_else_byte_for_byte(message, data):
    """No second spelling: what parses is exactly what its fields write."""
    text = SIWS.write(message)
    at = data.draw(st.integers(0, len(text)))
    bent = text[:at] + data.draw(st.text("aB1 \n\r\t:-%ü", max_size=2)) + text[at + 1 :]
    parsed = SIWS.parse(bent)
    assert isinstance(parsed, Malformed) or SIWS.write(parsed) == bent
