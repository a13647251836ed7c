"""Any text has typed data and a digest, or neither, and nothing raises. The typed data is JSON that a page can hand on
unchanged, eth-account computes the same digest of it, and two texts that differ never share one.
"""

import json
import string
from datetime import UTC, datetime, timedelta

from eth_account.messages import encode_typed_data
from hypothesis import example, given
from hypothesis import strategies as st

from config.keccak import keccak256
from config.registry import Network
from tests.support.verifier_wallets import ALICE, MALLORY, evm_account
from verifier.evm import eip712
from verifier.texts.challenge import Challenge, write
from verifier.texts.purpose import Purpose, statement

ALPHANUMERIC = string.ascii_letters + string.digits
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))  # lone surrogates too
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis adds the zone


@st.composite
def challenges(draw):
    purpose, issued_at = draw(st.sampled_from(Purpose)), draw(MOMENTS)
    address, chain = draw(st.sampled_from([ALICE.address, MALLORY.address])), draw(st.integers(1, 10**31))
    return Challenge(
        domain=draw(st.sampled_from(["house.test", "[::1]:80", "127.0.0.1:8080"])),
        account=evm_account(address, chain),
        statement=statement(purpose, draw(ANY_TEXT)),
        uri=draw(st.sampled_from(["https://house.test/", "urn:a:b"])),
        nonce=draw(st.text(ALPHANUMERIC, min_size=8, max_size=30)),
        issued_at=issued_at,
        expires_at=issued_at + timedelta(minutes=5),
        purpose=purpose,
        event_id=draw(st.none() | st.integers(1, 10**18)),
    )


def reference(typed):
    message = encode_typed_data(full_message=typed)
    return keccak256(b"\x19" + message.version + message.header + message.body)


@given(challenges())
def test_every_challenge_has_typed_data_with_eth_accounts_digest(challenge):
    text = write(challenge)
    typed = eip712.typed_data(text, Network.MAIN)
    assert json.loads(json.dumps(typed)) == typed
    assert eip712.digest(text, Network.MAIN) == reference(typed)
    assert typed["message"]["statement"] == challenge.statement
    assert typed["message"]["nonce"] == challenge.nonce


@given(challenges(), st.data())
def test_a_text_bent_at_one_place_has_none_or_another_digest(challenge, data):
    text = write(challenge)
    at = data.draw(st.integers(0, len(text)))
    bent = text[:at] + data.draw(st.text(ALPHANUMERIC + " \n:-%", max_size=2)) + text[at + 1 :]
    told = eip712.digest(bent, Network.MAIN)
    assert (told is None) == (eip712.typed_data(bent, Network.MAIN) is None)
    assert bent == text or told != eip712.digest(text, Network.MAIN)


@given(ANY_TEXT, st.sampled_from(Network))
@example("\ud800 wants you to sign in with your Ethereum account:\n", Network.MAIN)
def test_any_other_text_has_neither(text, network):
    assert eip712.typed_data(text, network) is None
    assert eip712.digest(text, network) is None
