"""What a sign-in text rules out by itself, in every family's layout; and Sign In With Solana to the byte."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from config.registry import Family, Network
from tests.support.verifier_signers import account
from verifier.texts import signin
from verifier.texts.challenge import LIFE, Challenge, parse, write
from verifier.texts.layout import Malformed, SignIn
from verifier.texts.layouts import LAYOUTS, claimed
from verifier.texts.purpose import Purpose, statement

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SKEW = timedelta(seconds=30)
ACCOUNTS = {
    Family.EVM: (
        account("0x9D85ca56217D2bb651b00f15e694EB7E713637D4"),
        account("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"),
    ),
    Family.BITCOIN: (
        account("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        account("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
    ),
    Family.SOLANA: (
        account("7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv"),
        account("8DpKDisipx6f76cEmuGvCX9TrA3SjeR76HaTRePxHBDe"),
    ),
    Family.HIVE: (account("alice"), account("bob.shop")),
    Family.MONERO: (
        account("41eBLjYsK28CJD5z2b7FojMCDg6vERASShVZqAvnsC9LhS7saG8CmMo5Rm92wgnT8wa6nJVu57MHHjmnoyvTpCG7NQ7dErc"),
        account("888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H"),
    ),
}
"""Two of each family."""


def text_for(who, **changes):
    challenge = Challenge(
        domain="tickets.example",
        account=who,
        statement=statement(Purpose.JOIN, "Neon Night"),
        uri="https://tickets.example/event/17",
        nonce="a1b2c3d4e5f60718",
        issued_at=NOW,
        expires_at=NOW + LIFE,
        purpose=Purpose.JOIN,
        event_id=17,
    )
    return write(replace(challenge, **changes))


def objection(text, who, *, after=timedelta(0)):
    return signin.objection(text, who, now=NOW + after, skew=SKEW)


families = pytest.mark.parametrize("family", Family)


@families
def test_a_challenge_claims_to_be_a_sign_in_and_nothing_speaks_against_it(family):
    who, _ = ACCOUNTS[family]
    text = text_for(who)
    assert signin.claims(text)
    assert claimed(text) is LAYOUTS[family]
    assert objection(text, who) is None
    assert objection(text, who, after=LIFE + SKEW - timedelta(microseconds=1)) is None


@families
def test_another_wallet_another_time_and_another_spelling_speak_against_it(family):
    who, other = ACCOUNTS[family]
    text = text_for(who)
    assert objection(text, other) == "the text names another wallet"
    assert objection(text, who, after=LIFE + SKEW) == "the text has expired"
    begins = text.replace("Z\nResources", "Z\nNot Before: 2026-11-20T12:01:00Z\nResources")
    assert objection(begins, who) == "the text is not valid yet"
    assert objection(begins, who, after=timedelta(seconds=30)) is None
    for bent in (
        text + "\n",
        text.replace("\n", "\r\n"),
        text.replace("Version: 1", "Version: 2"),
        text.replace("Nonce: a1b2c3d4e5f60718", "Nonce: short"),
        text.replace("tickets.example wants", "tickets example wants"),
    ):
        assert objection(bent, who).startswith(f"not as {LAYOUTS[family].norm} says: "), bent


@pytest.mark.parametrize("signer", Family)
@pytest.mark.parametrize("asked", Family)
def test_a_text_of_one_family_is_no_sign_in_for_a_wallet_of_another(signer, asked):
    if signer is asked:
        return
    text = text_for(ACCOUNTS[asked][0])
    assert objection(text, ACCOUNTS[signer][0]) == "the text names another wallet"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Access event 42 at 1795176000000",
        "x wants you to sign in with your Dogecoin account:\nx",
        "x\ny wants you to sign in with your Solana account:\nz",
        "\udfff",
    ],
)
def test_a_text_that_claims_nothing_is_not_held_to_anything(text):
    assert not signin.claims(text)
    assert objection(text, ACCOUNTS[Family.SOLANA][0]) is None


def test_a_text_that_claims_two_families_is_malformed_by_the_first():
    solana, _ = ACCOUNTS[Family.SOLANA]
    evm, _ = ACCOUNTS[Family.EVM]
    claims = [layout.claim for layout in (LAYOUTS[Family.SOLANA], LAYOUTS[Family.EVM])]
    for one, other in (claims, claims[::-1]):
        text = text_for(solana).replace(claims[0], one + other, 1)
        for who in (solana, evm):
            assert objection(text, who).startswith("not as EIP-4361 says: first lines")


def test_a_claim_below_the_first_line_changes_nothing():
    who, _ = ACCOUNTS[Family.SOLANA]
    said = statement(Purpose.JOIN, "x wants you to sign in with your Ethereum account:")
    text = text_for(who, statement=said)
    assert objection(text, who) is None
    assert parse(text, network=Network.MAIN).account == who


@pytest.mark.parametrize(
    ("family", "spelling"),
    [(Family.BITCOIN, str.upper), (Family.HIVE, str.upper), (Family.HIVE, str.title)],
)
def test_another_spelling_of_the_same_wallet_is_the_same_wallet(family, spelling):
    who, _ = ACCOUNTS[family]
    text = text_for(who).replace(f"\n{who.address}\n", f"\n{spelling(who.address)}\n")
    assert objection(text, who) is None
    assert isinstance(parse(text, network=Network.MAIN), Malformed)  # a challenge has one spelling


def test_one_holder_is_the_same_on_another_chain_and_not_on_another_network():
    who, _ = ACCOUNTS[Family.EVM]
    text = text_for(who)
    assert objection(text, replace(who, chain="eip155:137")) is None
    taproot = account("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", Network.TEST)
    assert objection(text_for(ACCOUNTS[Family.BITCOIN][0]), taproot) == "the text names another wallet"


@families
def test_a_long_text_is_refused_as_fast_as_it_is_read(family):
    who, _ = ACCOUNTS[family]
    for filler in ("a", "/", ":", "a@", "%41", "\n- a:", " "):
        long = text_for(who) + filler * 200_000
        assert objection(long, who) is None or objection(long + "\0", who).startswith("not as")
        assert not signin.claims(filler * 200_000)


# --- Sign In With Solana ---------------------------------------------------------------------------------------------

SIWS = LAYOUTS[Family.SOLANA]
ADDRESS = ACCOUNTS[Family.SOLANA][0].address
BARE = SignIn(domain="example.com", address=ADDRESS, version=None)
EVERYTHING = SignIn(
    domain="example.com",
    address=ADDRESS,
    statement="Clicking Sign or Approve only means you have proved this wallet is owned by you.",
    uri="https://example.com/login",
    version="1",
    chain_id="solana:mainnet",
    nonce="oBbLoEldZs",
    issued_at="2026-11-20T12:00:00.000Z",
    expiration_time="2026-11-20T12:05:00.000Z",
    not_before="2026-11-20T11:59:00.000Z",
    request_id="some_id",
    resources=("https://example.com", "https://phantom.app/"),
)


def test_the_minimal_and_the_maximal_message_are_as_the_specification_shows_them():
    assert SIWS.write(BARE) == f"example.com wants you to sign in with your Solana account:\n{ADDRESS}"
    assert SIWS.write(EVERYTHING) == (
        f"example.com wants you to sign in with your Solana account:\n{ADDRESS}\n\n"
        "Clicking Sign or Approve only means you have proved this wallet is owned by you.\n\n"
        "URI: https://example.com/login\nVersion: 1\nChain ID: solana:mainnet\nNonce: oBbLoEldZs\n"
        "Issued At: 2026-11-20T12:00:00.000Z\nExpiration Time: 2026-11-20T12:05:00.000Z\n"
        "Not Before: 2026-11-20T11:59:00.000Z\nRequest ID: some_id\nResources:\n- https://example.com\n"
        "- https://phantom.app/"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        *({field: getattr(EVERYTHING, field)} for field in (
            "statement", "uri", "version", "chain_id", "nonce", "issued_at", "expiration_time", "not_before",
            "request_id", "resources",
        )),
        {"statement": "a", "resources": ()},
        {"statement": "a", "nonce": "12345678"},
        {"chain_id": "devnet", "request_id": ""},
        {"chain_id": "EtWTRABZaYq6iMfeYKouRu166VU2xqa1"},
    ],
    ids=str,
)  # fmt: skip
def test_every_field_may_be_missing(changes):
    message = replace(BARE, **changes)
    assert SIWS.parse(SIWS.write(message)) == message
    left_out = replace(EVERYTHING, **dict.fromkeys(changes))
    assert SIWS.parse(SIWS.write(left_out)) == left_out
    assert objection(SIWS.write(message), ACCOUNTS[Family.SOLANA][0]) is None


MINIMAL = SIWS.write(BARE)


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL + "\n",
        MINIMAL + "\n\n",
        MINIMAL + "\nURI: https://example.com",
        MINIMAL + "\n\n\nURI: https://example.com",
        MINIMAL + "\n\nURI: example.com",
        MINIMAL + "\n\nNonce: short",
        MINIMAL + "\n\nNonce: 12345678\nURI: https://example.com",
        MINIMAL + "\n\nNonce: 12345678\n\nVersion: 1",
        MINIMAL + "\n\nhello\nVersion: 1",
        MINIMAL + "\n\nhello\n\n\nVersion: 1",
        MINIMAL + "\n\nhello\nworld",
        MINIMAL + '\n\n"hello"',
        MINIMAL + "\n\nURI: not a field but a statement",
        MINIMAL + "\n\nVersion: 2",
        MINIMAL + "\n\nChain ID: bitcoin:mainnet",
        MINIMAL.replace(ADDRESS, ADDRESS + "0"),
        MINIMAL.replace(ADDRESS, "abc"),
        "https://" + MINIMAL,
    ],
)
def test_a_text_that_departs_from_it_is_malformed(text):
    assert isinstance(SIWS.parse(text), Malformed)


@pytest.mark.parametrize(
    ("chain", "name"),
    [
        ("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "mainnet"),
        ("solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "devnet"),
        ("solana:4uhcVJyU9pJkvQyS88uRDiswHXSgkY3z", "testnet"),
        ("solana:SomeOtherC1uster", "SomeOtherC1uster"),
    ],
)
def test_a_challenge_calls_solanas_clusters_what_wallets_call_them(chain, name):
    who = replace(ACCOUNTS[Family.SOLANA][0], chain=chain)
    text = text_for(who)
    assert f"\nChain ID: {name}\n" in text
    assert parse(text, network=Network.MAIN).account == who
    reference = chain.partition(":")[2]
    for other in (f"solana:{name}", reference):
        if other != name:
            respelt = text.replace(f"Chain ID: {name}", f"Chain ID: {other}")
            assert isinstance(parse(respelt, network=Network.MAIN), Malformed)
            assert objection(respelt, who) is None  # a sign-in all the same, and no challenge of ours


@pytest.mark.parametrize("field", ["uri", "version", "chain_id", "nonce", "issued_at", "expiration_time", "resources"])
def test_a_challenge_lacks_nothing_that_a_sign_in_may_lack(field):
    text = text_for(ACCOUNTS[Family.SOLANA][0])
    message = SIWS.parse(text)
    assert isinstance(parse(SIWS.write(replace(message, **{field: None})), network=Network.MAIN), Malformed)
    assert isinstance(parse(text, network=Network.MAIN), Challenge)
