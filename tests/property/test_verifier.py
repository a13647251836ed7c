"""The verifier's invariants, in words above each property."""

import asyncio
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from chains.accounts import account_of
from chains.evm import address as evm_address
from chains.evm import validator
from config.registry import Network
from tests.support.verifier_wallets import ALICE, evm_account, personal_digest
from verifier.evm import erc6492
from verifier.port import KEYS_ONLY
from verifier.texts import rfc3339, siwe
from verifier.texts.challenge import Challenge, parse, write
from verifier.texts.judge import judge_timestamp
from verifier.texts.layout import Malformed, SignIn
from verifier.texts.purpose import Purpose, statement
from verifier.verdict import Inconclusive, Invalid, Valid
from verifier.verify import verify

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ACCOUNTS = [
    evm_account(ALICE.address),
    account_of("alice", network=Network.MAIN),
    account_of("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", network=Network.MAIN),
]

alphanumeric = string.ascii_letters + string.digits
any_text = st.text(st.characters(codec=None, exclude_categories=()))  # lone surrogates too
hosts = st.sampled_from(["a", "example.com", "127.0.0.1:80", "[::1]", "u@h:1", "%41.example"])
uris = st.sampled_from(["https://example.com/", "urn:a:b", "a:", "ipfs://Qm#x", "http://[::1]:80/?q=%20"])
times = st.datetimes(timezones=st.just(UTC)).map(rfc3339.write)
statements = st.text(alphanumeric + " -._~:/?#[]@!$&'()*+,;=", min_size=1)
messages = st.builds(
    SignIn,
    scheme=st.none() | st.sampled_from(["https", "wc", "a+b-c.d"]),
    domain=hosts,
    address=st.binary(min_size=20, max_size=20).map(evm_address.display),
    statement=st.none() | statements,
    uri=uris,
    chain_id=st.integers(1, 10**12).map(str),
    nonce=st.text(alphanumeric, min_size=8, max_size=40),
    issued_at=times,
    expiration_time=st.none() | times,
    not_before=st.none() | times,
    request_id=st.none() | st.text(alphanumeric + "-._~!$&'()*+,;=:@"),
    resources=st.none() | st.lists(uris, max_size=4).map(tuple),
)


@given(messages)
def test_a_sign_in_text_and_its_fields_determine_each_other(message):
    """Whatever the grammar allows is written to one text, and that text is read back into the same fields."""
    text = siwe.write(message)
    assert siwe.parse(text) == message


@given(messages, st.data())
def test_a_text_bent_at_one_place_is_malformed_or_says_something_else_byte_for_byte(message, data):
    """No second spelling: what parses is exactly what its fields write."""
    text = siwe.write(message)
    at = data.draw(st.integers(0, len(text)))
    bent = text[:at] + data.draw(st.text(alphanumeric + " \n\r\t:-%ü", max_size=2)) + text[at + 1 :]
    parsed = siwe.parse(bent)
    assert isinstance(parsed, Malformed) or siwe.write(parsed) == bent


@given(messages, st.data())
def test_one_pattern_takes_what_the_rules_take_one_by_one(message, data):
    """No line is read in another way because of what follows it."""
    text = siwe.write(message)
    at = data.draw(st.integers(0, len(text)))
    for candidate in (text, text[:at] + data.draw(st.text(alphanumeric + " \n:-%", max_size=3)) + text[at:]):
        position = 0
        for rule in siwe.LAYOUT._rules:
            match = rule.pattern.match(candidate, position)
            position = match.end() if match else position if rule.optional else -1
            if position < 0:
                break
        assert (siwe.LAYOUT._whole.fullmatch(candidate) is not None) == (position == len(candidate))


@given(any_text)
@example("\ud800 wants you to sign in with your Ethereum account:\n")
@example("٣ wants you to sign in with your Ethereum account:\n0x")
def test_any_text_parses_or_is_malformed(text):
    """No text raises, neither as a sign-in nor as a challenge nor as a moment."""
    assert isinstance(siwe.parse(text), SignIn | Malformed)
    assert isinstance(parse(text, network=Network.MAIN), Challenge | Malformed)
    assert isinstance(rfc3339.moment(text), datetime | None)


@given(
    st.sampled_from(Purpose),
    any_text,
    st.sampled_from(ACCOUNTS),
    st.none() | st.integers(1, 10**18),
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  hypothesis adds the zone
)
def test_a_challenge_about_any_subject_is_read_back(purpose, subject, account, event_id, issued_at):
    """Somebody's own title cannot break the text, nor change what it says beyond its own words."""
    challenge = Challenge(
        domain="tickets.example",
        account=account,
        statement=statement(purpose, subject),
        uri="https://tickets.example/",
        nonce="12345678",
        issued_at=issued_at,
        expires_at=issued_at + timedelta(minutes=5),
        purpose=purpose,
        event_id=event_id,
    )
    assert parse(write(challenge), network=Network.MAIN) == challenge
    assert parse(write(replace(challenge, statement=subject)), network=Network.MAIN) != challenge or (
        subject == challenge.statement
    )


signatures = any_text | st.binary(max_size=200).map(bytes.hex) | st.binary(min_size=65, max_size=65).map(bytes.hex)


@given(st.sampled_from(ACCOUNTS), any_text | messages.map(siwe.write), signatures)
def test_any_message_and_signature_come_to_a_verdict(account, message, signature):
    """Never an exception, and never Valid: nobody guesses a signature."""
    verdict = asyncio.run(verify(account, message, signature, lookup=KEYS_ONLY, now=NOW))
    assert isinstance(verdict, Invalid | Inconclusive)


def signed(account, message, signature):
    verdict = asyncio.run(verify(account, message, signature.hex(), lookup=KEYS_ONLY, now=NOW))
    return isinstance(verdict, Valid)


@given(st.text(), st.integers(0, 64), st.integers(1, 255))
def test_a_signature_holds_for_one_text_and_breaks_with_any_bit(message, at, flip):
    """A key's signature of a text is Valid, and with any byte changed it is not, save for the two spellings of `v`."""
    account = ACCOUNTS[0]
    signature = ALICE.sign(personal_digest(message))
    assert signed(account, message, signature)
    bent = bytearray(signature)
    bent[at] ^= flip
    same = at == 64 and bent[64] % 27 == signature[64] % 27 and bent[64] < 29
    assert signed(account, message, bytes(bent)) == same


@given(st.binary(min_size=20, max_size=20), st.binary(max_size=300), st.binary(max_size=300))
def test_what_is_wrapped_can_be_opened(factory, deployment, signature):
    """Wrapping and opening are inverse."""
    wrapped = erc6492.Wrapped(factory=factory, deployment=deployment, signature=signature)
    assert erc6492.unwrap(erc6492.wrap(wrapped)) == wrapped


@given(st.binary(max_size=400))
def test_any_bytes_under_the_magic_suffix_are_opened_or_not(body):
    """No wrapping raises, and neither does the question that is made of it."""
    signature = body + erc6492.MAGIC
    assert isinstance(erc6492.unwrap(signature), erc6492.Wrapped | None)
    assert isinstance(validator.question(ACCOUNTS[0], bytes(32), signature), bytes | None)


@given(st.integers())
def test_any_number_can_be_judged_as_a_timestamp(milliseconds):
    """No integer raises."""
    assert judge_timestamp(milliseconds, now=NOW) is not None
