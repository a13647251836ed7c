"""EIP-4361 to the byte: the published vectors, and texts that depart from the grammar at one place."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.vectors import vectors
from tests.support.verifier_wallets import evm_account
from verifier.port import NO_LOOKUP
from verifier.texts import rfc3339, siwe
from verifier.texts.layout import Malformed, SignIn
from verifier.verdict import Inconclusive, Invalid, Valid
from verifier.verify import verify

FIELDS = {
    "scheme": "scheme", "domain": "domain", "address": "address", "statement": "statement", "uri": "uri",
    "version": "version", "chainId": "chain_id", "nonce": "nonce", "issuedAt": "issued_at",
    "expirationTime": "expiration_time", "notBefore": "not_before", "requestId": "request_id",
    "resources": "resources",
}  # fmt: skip

MESSAGE = SignIn(
    scheme="https",
    domain="example.com:8443",
    address="0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",
    statement="I accept the ExampleOrg Terms of Service: https://example.com/tos",
    uri="https://example.com/login",
    chain_id="1",
    nonce="32891756",
    issued_at="2026-11-20T12:00:00Z",
    expiration_time="2026-11-20T12:05:00Z",
    not_before="2026-11-20T11:59:00Z",
    request_id="some_id",
    resources=("ipfs://Qme7ss3ARVgxv6rXqVPiikMJ8u2NLgmgszg13pYrDKEoiu", "urn:usher:event:1"),
)
TEXT = siwe.write(MESSAGE)


def message_of(fields):
    known = {FIELDS[name]: value for name, value in fields.items() if name in FIELDS and value is not None}
    return SignIn(**{name: tuple(value) if name == "resources" else str(value) for name, value in known.items()})


def test_every_published_text_parses_into_its_fields_and_back_into_its_bytes():
    for name, vector in vectors("siwe/test.parsing_positive.json").items():
        message = siwe.parse(vector["message"])
        assert message == message_of(vector["fields"]), name
        assert siwe.write(message) == vector["message"], name


def test_every_published_object_makes_a_text_exactly_if_it_is_valid():
    for name, vector in vectors("siwe/test.message_objects.json").items():
        message = message_of(vector["msg"])
        parsed = siwe.parse(siwe.write(message))
        assert parsed == message if vector["error"] == "none" else isinstance(parsed, Malformed), name


async def test_every_published_signature_is_valid_at_its_time(now):
    for name, vector in vectors("siwe/test.verification_positive.json").items():
        account = evm_account(vector["address"])
        text = siwe.write(message_of(vector))
        at = rfc3339.moment(vector["time"]) if "time" in vector else now
        verdict = await verify(account, text, vector["signature"], lookup=NO_LOOKUP, now=at)
        assert verdict == Valid(account=account, scheme="eip191"), name
        bent = await verify(account, text.replace("Nonce: ", "Nonce: x"), vector["signature"], lookup=NO_LOOKUP, now=at)
        assert isinstance(bent, Inconclusive), name  # no key's signature, and no contract was asked


async def test_outside_of_its_time_a_published_signature_is_invalid(now):
    at_other_times = {"expired message": "the text has expired", "not yet valid": "the text is not valid yet"}
    found = vectors("siwe/test.verification_positive.json")
    for name, reason in at_other_times.items():
        vector = found[name]
        text = siwe.write(message_of(vector))
        verdict = await verify(evm_account(vector["address"]), text, vector["signature"], lookup=NO_LOOKUP, now=now)
        assert verdict == Invalid(reason=reason)


def test_a_text_with_every_field_is_read_back():
    assert siwe.parse(TEXT) == MESSAGE


@pytest.mark.parametrize(
    "changes",
    [
        {"scheme": None},
        {"scheme": "wc+x-1.0"},
        {"domain": "[2001:db8::7]:443"},
        {"domain": "user:pass@127.0.0.1"},
        {"domain": "xn--bcher-kva.example"},
        {"domain": "a%C3%BC.example"},
        {"domain": "[v1.fe80::a+en1]"},
        {"domain": "example.com:"},  # RFC 3986: port = *DIGIT
        {"statement": None},
        {"statement": " "},
        {"statement": "URI: https://example.com"},
        {"uri": "urn:isbn:0451450523"},
        {"uri": "a:"},
        {"uri": "file:///etc/hosts"},
        {"uri": "https://example.com/%20?a=/?#b"},
        {"uri": "http://[::ffff:192.0.2.1]/"},
        {"chain_id": "31337"},
        {"issued_at": "2026-11-20t12:00:00z"},
        {"issued_at": "2024-02-29T23:59:59.123456789+14:00"},
        {"issued_at": "2016-12-31T23:59:60Z"},
        {"issued_at": "1990-12-31T15:59:60-08:00"},
        {"expiration_time": None},
        {"not_before": None},
        {"request_id": None},
        {"request_id": ""},
        {"request_id": "a:b@c%20!$&'()*+,;="},
        {"resources": None},
        {"resources": ()},
        {"expiration_time": None, "not_before": None, "request_id": None, "resources": None},
    ],
    ids=str,
)
def test_what_the_grammar_allows_is_read_and_written_back_unchanged(changes):
    message = replace(MESSAGE, **changes)
    text = siwe.write(message)
    assert siwe.parse(text) == message
    assert siwe.write(siwe.parse(text)) == text


@pytest.mark.parametrize(
    "changes",
    [
        {"scheme": "1http"},
        {"scheme": "ht tp"},
        {"domain": ""},
        {"domain": ":8080"},
        {"domain": "example.com/path"},
        {"domain": "exa mple.com"},
        {"domain": "bücher.example"},
        {"domain": "[::1"},
        {"domain": "[1:2:3:4:5:6:7]"},
        {"domain": "[::12345]"},
        {"domain": "[fe80::1%25en0]"},
        {"domain": "a@b@c"},
        {"domain": "example.com:80a"},
        {"address": "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"},  # EIP-55 is required, not tolerated
        {"address": "0xC02AAA39B223FE8D0A0E5C4F27EAD9083C756CC2"},
        {"address": "0xc02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"},
        {"address": "C02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"},
        {"address": "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc"},
        {"statement": ""},
        {"statement": "two\nlines"},
        {"statement": "tab\tbed"},
        {"statement": 'a "quote"'},
        {"statement": "50% off"},
        {"statement": "é"},
        {"statement": "a\r"},
        {"uri": ""},
        {"uri": "example.com"},
        {"uri": "//example.com"},
        {"uri": "https://example.com/ü"},
        {"uri": "https://example.com/%2"},
        {"uri": "https://example.com/#a#b"},
        {"uri": "https://[example.com"},
        {"version": "2"},
        {"version": "1.0"},
        {"version": ""},
        {"chain_id": ""},
        {"chain_id": "0"},
        {"chain_id": "01"},
        {"chain_id": "-1"},
        {"chain_id": "1.0"},
        {"chain_id": "eip155:1"},
        {"chain_id": "\N{ARABIC-INDIC DIGIT ONE}"},  # a digit to Python's int(), none to RFC 5234
        {"nonce": "1234567"},
        {"nonce": ""},
        {"nonce": "12345678-"},
        {"nonce": "\N{FULLWIDTH LATIN SMALL LETTER A}" * 8},
        {"issued_at": "2026-11-20"},
        {"issued_at": "2026-11-20T12:00:00"},
        {"issued_at": "2026-11-20 12:00:00Z"},
        {"issued_at": "2026-11-20T12:00Z"},
        {"issued_at": "2026-11-20T12:00:00,5Z"},
        {"issued_at": "2026-11-20T12:00:00.Z"},
        {"issued_at": "2026-11-20T12:00:00+0000"},
        {"issued_at": "2026-11-20T12:00:00+24:00"},
        {"issued_at": "2026-11-20T12:00:00+00:60"},
        {"issued_at": "2026-11-20T24:00:00Z"},
        {"issued_at": "2026-11-20T12:60:00Z"},
        {"issued_at": "2026-11-20T12:00:60Z"},  # a leap second ends a month
        {"issued_at": "2026-11-20T12:00:61Z"},
        {"issued_at": "2026-12-31T23:59:60+01:00"},
        {"issued_at": "9999-12-31T23:59:60Z"},  # what follows it is past the end of `datetime`
        {"issued_at": "2026-13-20T12:00:00Z"},
        {"issued_at": "2026-02-29T12:00:00Z"},
        {"issued_at": "2026-11-00T12:00:00Z"},
        {"issued_at": "0000-01-01T00:00:00Z"},
        {"issued_at": "0001-01-01T00:00:00+01:00"},
        {"issued_at": "\N{FULLWIDTH DIGIT TWO}026-11-20T12:00:00Z"},
        {"expiration_time": ""},
        {"expiration_time": "never"},
        {"not_before": "2026-11-31T00:00:00Z"},
        {"request_id": "a/b"},
        {"request_id": "a b"},
        {"request_id": "%zz"},
        {"resources": ("example.com",)},
        {"resources": ("https://example.com", "")},
        {"resources": ("https://example.com\nRequest ID: 1",)},
    ],
    ids=str,
)
def test_a_field_the_grammar_does_not_allow_is_malformed(changes):
    assert isinstance(siwe.parse(siwe.write(replace(MESSAGE, **changes))), Malformed)


LINES = TEXT.split("\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "hello",
        TEXT + "\n",
        "\n" + TEXT,
        " " + TEXT,
        TEXT + " ",
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("Ethereum", "ethereum"),
        TEXT.replace("account:", "account"),
        TEXT.replace("URI: ", "URI:"),
        TEXT.replace("URI: ", "Uri: "),
        TEXT.replace("Nonce: ", "Nonce:  "),
        TEXT.replace("\n\nI accept", "\nI accept"),
        TEXT.replace("/tos\n\n", "/tos\n"),
        TEXT.replace("/tos\n\n", "/tos\n\n\n"),
        TEXT.replace("- ipfs", "-ipfs"),
        TEXT.replace("- ipfs", "* ipfs"),
        TEXT.replace("Resources:", "Resources: "),
        TEXT.replace("://example.com:8443 wants", ":example.com:8443 wants"),
        *("\n".join(LINES[:n] + LINES[n + 1 :]) for n in range(10) if n != 3),  # the statement may be missing
        *("\n".join([*LINES[:n], LINES[n + 1], LINES[n], *LINES[n + 2 :]]) for n in range(5, 12)),
        *("\n".join([*LINES[: n + 1], LINES[n], *LINES[n + 1 :]]) for n in range(13) if n != 2),
    ],
)
def test_a_text_that_departs_by_one_line_is_malformed(text):
    assert isinstance(siwe.parse(text), Malformed)


@pytest.mark.parametrize(
    "changes",
    [
        {"statement": "x\n\nURI: https://evil.example"},
        {"domain": "evil.example wants you to sign in with your Ethereum account:\n0x"},
        {"nonce": "12345678\nIssued At: 2026-11-20T12:00:00Z"},
        {"uri": "https://example.com\nVersion: 1"},
    ],
)
def test_a_field_cannot_smuggle_in_another_line(changes):
    message = replace(MESSAGE, **changes)
    assert siwe.parse(siwe.write(message)) != message


def test_a_malformed_text_says_where_it_departs():
    assert siwe.parse(TEXT.replace("Version: 1", "Version: 2")).reason.startswith("Version:")
    assert siwe.parse(TEXT + "\nP.S.").reason.startswith("line 17:")


def test_a_long_text_is_refused_as_fast_as_it_is_read():
    for filler in ("a", "%41", "/", ":", "a@", "- "):
        many = filler * 200_000
        assert isinstance(siwe.parse(TEXT.replace("example.com/login", many + "\0")), Malformed)
        assert isinstance(siwe.parse(f"{many}{TEXT}"), Malformed) or filler in {"a", "%41"}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T12:00:00Z", "2026-11-20T12:00:00+00:00"),
        ("2026-11-20T12:00:00.5-02:30", "2026-11-20T14:30:00.500000+00:00"),
        ("2026-11-20T12:00:00.1234567Z", "2026-11-20T12:00:00.123456+00:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
    ],
)
def test_a_date_time_is_a_moment_in_utc(text, moment):
    assert rfc3339.moment(text).isoformat() == moment


def test_the_text_of_a_moment_is_the_shortest(now):
    assert rfc3339.write(now) == "2026-11-20T12:00:00Z"
    assert rfc3339.write(now + timedelta(milliseconds=1)) == "2026-11-20T12:00:00.001000Z"
