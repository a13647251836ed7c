"""The text a wallet signs, read back to the byte, and judged for one door at one moment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chains.account import Account
from chains.accounts import account_of
from config.registry import Network
from tests.support.verifier_wallets import ALICE, MALLORY, evm_account
from verifier.texts.challenge import LIFE, Challenge, parse, timestamp_text, write
from verifier.texts.judge import Accepted, Refusal, Refused, judge, judge_timestamp
from verifier.texts.layout import Malformed
from verifier.texts.purpose import Purpose, speaks_of, statement

ISSUED = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ACCOUNT = evm_account("0x9D85ca56217D2bb651b00f15e694EB7E713637D4")
CHALLENGE = Challenge(
    domain="tickets.example",
    account=ACCOUNT,
    statement=statement(Purpose.JOIN, "Neon Night"),
    uri="https://tickets.example/event/17",
    nonce="a1b2c3d4e5f60718",
    issued_at=ISSUED,
    expires_at=ISSUED + LIFE,
    purpose=Purpose.JOIN,
    event_id=17,
)
TEXT = """\
tickets.example wants you to sign in with your Ethereum account:
0x9D85ca56217D2bb651b00f15e694EB7E713637D4

Enter the event Neon Night. This signature opens the door once and moves no money.

URI: https://tickets.example/event/17
Version: 1
Chain ID: 1
Nonce: a1b2c3d4e5f60718
Issued At: 2026-11-20T12:00:00Z
Expiration Time: 2026-11-20T12:05:00Z
Resources:
- urn:usher:purpose:join
- urn:usher:event:17"""


def read(text):
    return parse(text, network=Network.MAIN)


def test_a_challenge_is_the_text_a_person_can_read():
    assert write(CHALLENGE) == TEXT
    assert read(TEXT) == CHALLENGE


def test_every_purpose_has_its_own_words_and_they_survive_the_way_there_and_back():
    said = set()
    for purpose in Purpose:
        challenge = replace(CHALLENGE, purpose=purpose, statement=statement(purpose, "17"), event_id=None)
        assert read(write(challenge)) == challenge
        said.add(challenge.statement)
        assert [other for other in Purpose if speaks_of(challenge.statement, other)] == [purpose]
    assert len(said) == len(Purpose)


@pytest.mark.parametrize(
    ("title", "spoken"),
    [
        ("Neon Night", "Neon Night"),
        ("Fête à Genève", "Fete a Geneve"),
        ('The "Best"\nShow\t100%', "The Best Show 100"),
        ("世界", "(unnamed)"),
        ("", "(unnamed)"),
        ("x" * 500, "x" * 80),
        ("½ price", "1 2 price"),
    ],
)
def test_a_title_is_spoken_in_the_characters_a_statement_has(title, spoken):
    said = statement(Purpose.JOIN, title)
    assert said == f"Enter the event {spoken}. This signature opens the door once and moves no money."
    assert read(write(replace(CHALLENGE, statement=said))) == replace(CHALLENGE, statement=said)


@pytest.mark.parametrize(
    ("address", "ecosystem"),
    [
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "Bitcoin"),
        ("7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv", "Solana"),
        ("alice", "Hive"),
        ("888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H", "Monero"),
    ],
)
def test_other_chains_have_the_same_layout_with_their_own_name(address, ecosystem):
    account = account_of(address, network=Network.MAIN)
    assert isinstance(account, Account), account
    text = write(replace(CHALLENGE, account=account))
    first, second, *_ = text.splitlines()
    assert first == f"tickets.example wants you to sign in with your {ecosystem} account:"
    assert second == account.address
    assert read(text) == replace(CHALLENGE, account=account)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Access event 17 at 1795176000000",
        TEXT + "\n",
        TEXT.replace("tickets.example wants", "https://tickets.example wants"),
        TEXT.replace("12:00:00Z", "12:00:00.0Z"),
        TEXT.replace("12:00:00Z", "12:00:00+00:00"),
        TEXT.replace("12:05:00Z", "13:05:00+01:00"),
        TEXT.replace("Z\nResources", "Z\nNot Before: 2026-11-20T12:00:00Z\nResources"),
        TEXT.replace("Z\nResources", "Z\nRequest ID: 1\nResources"),
        TEXT.replace("\nExpiration Time: 2026-11-20T12:05:00Z", ""),
        TEXT.replace("Resources:\n- urn:usher:purpose:join\n", "Resources:\n"),
        TEXT.replace("purpose:join", "purpose:Join"),
        TEXT.replace("purpose:join", "purpose:everything"),
        TEXT.replace("event:17", "event:017"),
        TEXT.replace("event:17", "event:0"),
        TEXT.replace("event:17", "event:-1"),
        TEXT.replace("event:17", "event:" + "9" * 5000),
        TEXT.replace("event:17", "event:neon-night"),
        TEXT + "\n- urn:usher:event:18",
        TEXT + "\n- https://tickets.example",
        TEXT.replace(
            "- urn:usher:purpose:join\n- urn:usher:event:17", "- urn:usher:event:17\n- urn:usher:purpose:join"
        ),
        TEXT.replace("Enter the event Neon Night. This", "This"),
        TEXT.replace("Enter the event Neon Night.", "Enter the event ."),
        TEXT.replace("moves no money", "moves money"),
        TEXT.replace("\nEnter the event Neon Night. This signature opens the door once and moves no money.\n", ""),
        TEXT.replace("Ethereum", "Bitcoin"),
        TEXT.replace("Ethereum", "Dogecoin"),
        TEXT.replace("Chain ID: 1", "Chain ID: " + "1" * 40),
        TEXT.replace("0x9D85", "0x9d85"),
    ],
)
def test_a_text_we_could_not_have_written_is_malformed(text):
    assert isinstance(read(text), Malformed)


def test_words_of_one_purpose_over_another_are_malformed():
    """Otherwise a page could have "enter the event" read and "let the payout go" signed."""
    lie = write(replace(CHALLENGE, purpose=Purpose.APPROVE))
    assert read(lie) == Malformed(reason="statement: these are not the words of the purpose")


def judged(challenge=CHALLENGE, **changes):
    door = {
        "now": ISSUED,
        "account": ACCOUNT,
        "domains": frozenset({"tickets.example"}),
        "purpose": Purpose.JOIN,
        "event_id": 17,
    }
    verdict = judge(challenge, **{**door, **changes})
    return verdict.reason if isinstance(verdict, Refused) else verdict


def test_a_challenge_opens_the_door_it_was_written_for():
    assert judged() == Accepted(until=ISSUED + LIFE + timedelta(seconds=30))


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"challenge": Malformed(reason="")}, Refusal.MALFORMED),
        ({"challenge": replace(CHALLENGE, expires_at=ISSUED + LIFE + timedelta(seconds=1))}, Refusal.MALFORMED),
        ({"domains": frozenset({"evil.example"})}, Refusal.WRONG_DOMAIN),
        ({"domains": frozenset({"TICKETS.example"})}, Refusal.WRONG_DOMAIN),
        ({"domains": frozenset()}, Refusal.WRONG_DOMAIN),
        ({"purpose": Purpose.APPROVE}, Refusal.WRONG_PURPOSE),
        ({"event_id": 18}, Refusal.WRONG_EVENT),
        ({"event_id": None}, Refusal.WRONG_EVENT),
        ({"account": evm_account(MALLORY.address)}, Refusal.WRONG_ACCOUNT),
        ({"account": evm_account(ACCOUNT.address, 137)}, Refusal.WRONG_CHAIN),
        ({"now": ISSUED + LIFE + timedelta(seconds=30)}, Refusal.EXPIRED),
        ({"now": ISSUED - timedelta(seconds=30, microseconds=1)}, Refusal.NOT_YET_VALID),
    ],
    ids=str,
)
def test_a_challenge_opens_no_other_door(changes, refusal):
    assert judged(**changes) == refusal


def test_a_challenge_is_good_from_its_first_moment_to_its_last():
    for now in (ISSUED - timedelta(seconds=30), ISSUED + LIFE + timedelta(seconds=30) - timedelta(microseconds=1)):
        assert isinstance(judged(now=now), Accepted)


class Everywhere:
    def __contains__(self, _anything):
        return True


def test_without_the_domain_check_a_text_signed_for_a_foreign_site_would_open_the_door():
    phished = replace(CHALLENGE, domain="tickets.example.evil")
    assert judged(phished) == Refusal.WRONG_DOMAIN
    assert isinstance(judged(phished, domains=Everywhere()), Accepted)


def test_the_form_that_existing_pages_sign_is_as_documented():
    assert timestamp_text("42", 1795176000000) == "Access event 42 at 1795176000000"
    assert timestamp_text("neon-night", 0) == "Access event neon-night at 0"


MILLISECONDS = 1795176000000  # ISSUED


@pytest.mark.parametrize(
    ("offset", "outcome"),
    [
        (0, Accepted),
        (-299_999, Accepted),
        (-300_000, Refusal.EXPIRED),
        (30_000, Accepted),
        (30_001, Refusal.NOT_YET_VALID),
        (10**40, Refusal.NOT_YET_VALID),
        (-(10**40), Refusal.EXPIRED),
        (-MILLISECONDS, Refusal.EXPIRED),
        (-MILLISECONDS + MILLISECONDS // 1000, Refusal.EXPIRED),  # seconds where milliseconds belong
    ],
)
def test_a_timestamp_is_good_for_five_minutes_back_and_thirty_seconds_ahead(offset, outcome):
    verdict = judge_timestamp(MILLISECONDS + offset, now=ISSUED)
    if outcome is Accepted:
        assert verdict == Accepted(until=ISSUED + timedelta(milliseconds=offset) + timedelta(minutes=5))
    else:
        assert isinstance(verdict, Refused)
        assert verdict.reason == outcome


def test_an_account_of_the_key_that_signs_is_what_a_challenge_names():
    account = evm_account(ALICE.address)
    assert read(write(replace(CHALLENGE, account=account))).account == account
