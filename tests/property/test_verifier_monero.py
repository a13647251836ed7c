"""Monero's signatures, in words above each property."""

import asyncio
from datetime import UTC, datetime

from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.support.verifier_signers import ORDER, MoneroKeys, verdict, written
from verifier import monero
from verifier.verdict import Invalid, Valid

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ALICE = MoneroKeys(spend=3**150 % ORDER, view=5**100 % ORDER)

texts = st.text(st.characters(codec="utf-8"), max_size=200)
any_text = st.text(st.characters(codec=None, exclude_categories=()))  # lone surrogates too
secrets = st.integers(1, ORDER - 1)
wallets = st.builds(MoneroKeys, spend=secrets, view=secrets)
versions = st.sampled_from([1, 2])


def found(keys, message, signature):
    return asyncio.run(verdict(keys.account, message, signature, NOW))


@given(any_text, any_text | st.binary(min_size=64, max_size=64).map(written))
@example("", "SigV2" + "1" * 88)
def test_any_message_and_signature_come_to_a_verdict(message, signature):
    """Never an exception, and never Valid: nobody guesses a signature."""
    assert isinstance(found(ALICE, message, signature), Invalid)


@given(wallets, secrets, versions, texts, texts)
def test_what_the_spend_key_signed_is_valid_for_that_text_alone(keys, nonce, version, text, other):
    """For any keys, nonce and text a wallet's signature is Valid, and for another text it is not."""
    assume(" wants you to sign in with your " not in text + other)
    signature = written(keys.sign(text, version=version, nonce=nonce), version=version)
    assert isinstance(found(keys, text, signature), Valid)
    if other != text:
        assert isinstance(found(keys, other, signature), Invalid)


@given(st.integers(0, 2**32 - 2), st.integers(0, 2**32 - 2), versions)
def test_every_subaddress_signs_for_itself_and_for_no_other(major, minor, version):
    """Each has a spend key of its own."""
    mine = ALICE.subaddress(major, minor)
    signature = written(mine.sign("text", version=version), version=version)
    assert isinstance(found(mine, "text", signature), Valid)
    assert isinstance(found(ALICE, "text", signature), Invalid)
    assert isinstance(found(ALICE.subaddress(minor, major + 1), "text", signature), Invalid)


@given(secrets, versions)
def test_the_view_key_never_opens(nonce, version):
    """Whoever may watch cannot enter, in neither form and with no nonce."""
    signature = written(ALICE.sign("text", version=version, by_view_key=True, nonce=nonce), version=version)
    assert isinstance(found(ALICE, "text", signature), Invalid)


@given(st.integers(0, 63), st.integers(1, 255), versions)
def test_a_signature_breaks_with_any_bit(at, flip, version):
    """With any byte changed it holds no more."""
    bent = bytearray(ALICE.sign("text", version=version))
    bent[at] ^= flip
    assert isinstance(found(ALICE, "text", written(bytes(bent), version=version)), Invalid)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.binary(max_size=80))
def test_any_bytes_are_a_key_a_hash_and_a_signature_or_not(key, hashed, signature):
    """No bytes raise, and none hold by chance."""
    assert not monero.holds(key, hashed, signature)
