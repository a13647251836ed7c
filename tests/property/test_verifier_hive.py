"""Hive's signatures, in words above each property."""

import asyncio
import hashlib
from datetime import UTC, datetime

from coincurve import PrivateKey
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.verifier_signers import HiveChain, account, verdict
from verifier import hive
from verifier.port import Authority, KeyAuthorities
from verifier.verdict import Invalid, Valid

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ACCOUNT = account("alice")
KEYS = [PrivateKey(bytes([number]) * 32) for number in range(1, 6)]
PUBLIC = [key.public_key.format() for key in KEYS]

texts = st.text(st.characters(codec="utf-8"), max_size=200)
any_text = st.text(st.characters(codec=None, exclude_categories=()))  # lone surrogates too
weights = st.integers(-2, 5)
authorities = st.builds(
    Authority,
    threshold=st.integers(-1, 8),
    keys=st.dictionaries(st.sampled_from(PUBLIC), weights),
)


def sign(key, text):
    raw = key.sign_recoverable(hashlib.sha256(text.encode()).digest(), hasher=None)
    return bytes([raw[64] + 31]) + raw[:64]


def found(message, signature, **said):
    return asyncio.run(verdict(ACCOUNT, message, signature, NOW, lookup=HiveChain(**said)))


@given(any_text, any_text | st.binary(min_size=65, max_size=65).map(bytes.hex))
def test_any_message_and_signature_come_to_a_verdict(message, signature):
    """Never an exception, and never Valid: nobody guesses a signature."""
    everybody = Authority(threshold=1, keys=dict.fromkeys(PUBLIC, 1))
    assert isinstance(found(message, signature, posting=everybody), Invalid)


@given(texts, texts, st.sampled_from(KEYS))
def test_what_a_key_signed_is_valid_for_that_text_alone(text, other, key):
    """A key's signature of a text is Valid for it where the chain names the key, and for no other text."""
    assume(" wants you to sign in with your " not in text + other)
    hers = Authority(threshold=1, keys={key.public_key.format(): 1})
    signature = sign(key, text).hex()
    assert isinstance(found(text, signature, posting=hers), Valid)
    if other != text:
        assert isinstance(found(other, signature, posting=hers), Invalid)


@given(st.integers(0, 64), st.integers(1, 255))
def test_a_signature_breaks_with_any_bit(at, flip):
    """With any byte changed another key is recovered, or none."""
    hashed = hashlib.sha256(b"text").digest()
    bent = bytearray(sign(KEYS[0], "text"))
    bent[at] ^= flip
    assert hive.recover(hashed, bytes(bent)) != PUBLIC[0]


@given(st.sets(st.sampled_from(PUBLIC)), authorities, authorities)
def test_keys_open_exactly_if_their_weights_reach_one_threshold(signers, posting, active):
    """Whatever the chain says, weights of different keys of one authority must reach a threshold above nothing."""
    said = KeyAuthorities(posting=posting, active=active)
    expected = any(
        one.threshold > 0 and sum(weight for key, weight in one.keys.items() if key in signers) >= one.threshold
        for one in (posting, active)
    )
    assert isinstance(hive.judged(ACCOUNT, signers, said), Valid) == expected


@given(st.lists(st.sampled_from(KEYS), min_size=1, max_size=16), st.sampled_from([",", " ", ", ", "\n"]))
def test_a_signature_given_again_adds_nothing(keys, apart):
    """However often a key signs, it counts once."""
    different = len(set(keys))
    enough = Authority(threshold=different, keys=dict.fromkeys(PUBLIC, 1))
    more = Authority(threshold=different + 1, keys=dict.fromkeys(PUBLIC, 1))
    signature = apart.join(sign(key, "text").hex() for key in keys)
    assert isinstance(found("text", signature, active=enough), Valid)
    assert isinstance(found("text", signature, active=more), Invalid)
