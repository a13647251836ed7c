"""The text a wallet is shown: which pages may ask for it, that it can be read again, that it comes back unchanged."""

from typing import Any

import pytest

from gateway.gate import nonces
from gateway.gate.pages import Pages
from tests.support import gateway_app
from tests.support.gate_house import House, Wallet, opened, refused

BUYER = Wallet(1)
OURS = "https://house.test"


@pytest.fixture
async def house(store, now, tmp_path):
    async with opened(store, now, tmp_path) as house:
        await house.ticket(BUYER)
        yield house


def uri_of(text: str) -> str:
    return text.partition("\nURI: ")[2].partition("\n")[0]


async def asked(house: House, *, origin: str | None = None, **wanted: Any):
    headers = {} if origin is None else {"Origin": origin}
    return await house.post("challenge", {"wallet_address": BUYER.address, **wanted}, headers=headers)


@pytest.mark.parametrize("origin", [OURS, "https://HOUSE.test", "https://house.test:443"])
async def test_a_page_on_the_list_gets_a_text(house, origin):
    answer = await asked(house, origin=origin)
    assert answer.status == 200
    assert (await answer.json())["domain"] == "house.test"


@pytest.mark.parametrize(
    "origin",
    [
        "http://[",
        "http://[::1",
        "https://a\u2100b.test",
        "https://house.test:port",
        "https://house.test:99999",
        "null",
        "x",
        "",
        "https://evil.test",
        "https://house.test.evil.test",
        "https://house.test:8443",
        "http://house.test",
        "ftp://house.test",
    ],
)
async def test_any_other_origin_is_refused_and_never_an_error_of_ours(house, origin):
    assert await refused(await asked(house, origin=origin)) == (403, "origin_not_allowed")


@pytest.mark.parametrize(
    ("domain", "origin", "allowed"),
    [
        ("localhost:8080", "http://localhost:8080", True),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", True),
        ("127.0.0.1:8080", "http://127.0.0.1:8081", False),
        ("app.localhost", "http://app.localhost", True),
        ("10.0.0.1", "http://10.0.0.1", False),
        ("10.0.0.1", "https://10.0.0.1", True),
    ],
)
def test_plain_http_is_for_the_developers_own_machine(tmp_path, domain, origin, allowed):
    settings = gateway_app.settings(tmp_path)
    platform = settings.platform.model_copy(update={"domains": (domain,)})
    pages = Pages(settings.model_copy(update={"platform": platform}), ())
    assert (pages.choose(uri=None, origin=origin) is not None) is allowed
    assert pages.domains == {domain}


async def test_an_event_page_is_its_whole_origin(store, now, tmp_path):
    async with opened(store, now, tmp_path, event={"page_origins": ("https://page.test:8443",)}) as house:
        assert (await asked(house, origin="https://page.test:8443")).status == 200
        for origin in ("http://page.test:8443", "https://page.test"):
            assert await refused(await asked(house, origin=origin)) == (403, "origin_not_allowed")


@pytest.mark.parametrize(
    ("uri", "spoken"),
    [
        ("https://house.test/a?b=c#d", "https://house.test/a"),
        ("https://house.test:443/x", "https://house.test/x"),
        ("https://me:secret@house.test/x", "https://house.test/x"),
        ("https://evil.test@house.test/x", "https://house.test/x"),
        ("https://HOUSE.test", "https://house.test/"),
        ("https://house.test/\u00fc x", "https://house.test/%C3%BC%20x"),
        ("https://house.test/a%0ab", "https://house.test/a%0ab"),
    ],
)
async def test_of_a_pages_address_its_text_keeps_origin_and_path(house, uri, spoken):
    text = await house.challenge(BUYER, uri=uri)
    assert uri_of(text) == spoken
    body = {"wallet_address": BUYER.address, "message": text, "signature": BUYER.sign(text)}
    assert (await house.post("join", body)).status == 200


@pytest.mark.parametrize("path", ["a|b", "a^b", 'a"b', "a[b]", "%zz", "a`{}\\b", "x" * 4000], ids=lambda path: path[:8])
async def test_a_text_that_the_door_could_not_read_is_not_issued(house, path):
    answer = await asked(house, uri=f"{OURS}/{path}")
    body = await answer.json()
    if answer.status == 200:  # what the reader of URLs has written in another way
        text = body["message"]
        signed = {"wallet_address": BUYER.address, "message": text, "signature": BUYER.sign(text)}
        assert (await house.post("join", signed)).status == 200
    else:
        assert (answer.status, body["code"], body["errors"][0]["field"]) == (422, "invalid_fields", "uri")


async def test_some_addresses_are_refused_for_what_their_text_would_be(house):
    for path in ("a|b", "%zz", "x" * 4000):
        assert await refused(await asked(house, uri=f"{OURS}/{path}")) == (422, "invalid_fields")


CHANGES = [
    ("URI: https://house.test/events/opening-night", "URI: https://evil.test/"),
    ("URI: https://house.test/events/opening-night", "URI: https://house.test/events/another"),
    ("Enter the event Opening night.", "Enter the event Free money."),
]


@pytest.mark.parametrize(("was", "becomes"), CHANGES)
async def test_a_changed_text_is_none_of_ours(house, was, becomes):
    assert await with_changed_text(house, was, becomes) == (401, "unknown_challenge")


async def test_without_the_nonces_word_a_page_could_show_something_else(house, monkeypatch):
    whole = nonces._mac
    monkeypatch.setattr(nonces, "_mac", lambda secret, head, scope: whole(secret, head, of_old(scope)))
    for was, becomes in CHANGES:
        assert await with_changed_text(house, was, becomes) == (200, None)


def of_old(scope: nonces.NonceScope) -> nonces.NonceScope:
    """The same without statement and address."""
    kept = {name: getattr(scope, name) for name in ("holder", "event_id", "purpose", "domain")}
    return nonces.NonceScope(**kept, statement="", uri="")


async def with_changed_text(house: House, was: str, becomes: str) -> tuple[int, str | None]:
    text = await house.challenge(BUYER)
    assert was in text
    text = text.replace(was, becomes)
    body = {"wallet_address": BUYER.address, "message": text, "signature": BUYER.sign(text)}
    answer = await house.post("join", body)
    return answer.status, (await answer.json()).get("code")
