"""Any text, however close to one of our tokens, is read as claims or refused, and never raises."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.keys import KeyKind, Keyring, Refused
from tickets.tokens import TicketClaims, read_ticket, sign_ticket

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CLAIMS = TicketClaims(
    account="eip155:1:0xabc", event_id=1, ticket_id="f" * 32, tier="general", issued_at=NOW,
    expires_at=NOW.replace(year=2027), payments=(),
)  # fmt: skip


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring.create(Path(tmp_path_factory.mktemp("ring")) / "keys", now=NOW)


segments = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=", max_size=60)


@given(text=st.one_of(st.text(), st.lists(segments, min_size=2, max_size=4).map(".".join)))
def test_any_text_is_refused_and_never_raises(keyring, text):
    assert isinstance(read_ticket(text, keyring, now=NOW), Refused)


@given(data=st.data())
def test_a_token_with_one_character_changed_is_refused(keyring, data):
    token = sign_ticket(keyring.signer(KeyKind.TICKET), CLAIMS)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters())
    changed = token[:place] + other + token[place + 1 :]
    read = read_ticket(changed, keyring, now=NOW)
    assert read == CLAIMS if changed == token else isinstance(read, Refused)


@given(
    claims=st.builds(
        TicketClaims,
        account=st.text(max_size=200),
        event_id=st.integers(1, 2**31),
        ticket_id=st.text(max_size=40),
        tier=st.text(max_size=50),
        issued_at=st.just(NOW),
        expires_at=st.datetimes(datetime(2027, 1, 1), datetime(3000, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
            lambda moment: moment.replace(microsecond=0)
        ),
        payments=st.lists(st.text(max_size=32), max_size=3).map(tuple),
    )
)
def test_any_claims_are_read_as_they_were_signed(keyring, claims):
    assert read_ticket(sign_ticket(keyring.signer(KeyKind.TICKET), claims), keyring, now=NOW) == claims
