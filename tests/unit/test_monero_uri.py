"""`monero:` links."""

import pytest

from chains import qr
from chains.monero.address import integrated
from chains.monero.uri import MOST, Malformed, PaymentRequest, decimal, parse, payment_uri, write
from config.registry import Network
from tests.support.monero_values import PRIMARY, SUBADDRESSES
from tests.support.vectors import vectors

US = SUBADDRESSES[0]
INTEGRATED = integrated(PRIMARY, "0123456789abcdef", Network.MAIN)


def test_the_published_links_are_read_and_written_as_they_are_read():
    for case in vectors("payment-uris/monero-uri-cases.json"):
        request = parse(case["uri"])
        assert isinstance(request, PaymentRequest), case["source"]
        assert request.amount == case.get("amount", 10**12 if "tx_amount" in case["uri"] else None), case["source"]
        assert request.description == case.get("tx_description", request.description), case["source"]
        assert parse(write(request)) == request, case["source"]


def test_a_link_says_where_and_how_much_and_for_whom():
    link = payment_uri(US, 239_390_140_000_000, recipient_name="Usher", description="Night & Day = 1?")
    assert link == (
        f"monero:{US}?tx_amount=239.39014&recipient_name=Usher&tx_description=Night%20%26%20Day%20%3D%201%3F"
    )
    request = parse(link)
    assert (request.amount, request.recipient_name, request.description) == (
        239_390_140_000_000,
        "Usher",
        "Night & Day = 1?",
    )
    assert qr.svg(link).startswith("<svg")


def test_a_link_without_texts_is_short():
    assert payment_uri(US, 10**12) == f"monero:{US}?tx_amount=1"
    assert write(PaymentRequest(address=US)) == f"monero:{US}"


@pytest.mark.parametrize(
    ("units", "written"),
    [(0, "0"), (1, "0.000000000001"), (10**12, "1"), (10**13, "10"), (10**11, "0.1"), (MOST, "18446744.073709551615")],
)
def test_amounts_are_written_exactly_and_read_back(units, written):
    assert decimal(units) == written
    assert parse(f"monero:{US}?tx_amount={written}").amount == units


@pytest.mark.parametrize(
    ("written", "units"), [("1.", 10**12), (".5", 5 * 10**11), ("007", 7 * 10**12), ("1.0000000000000", 10**12)]
)
def test_amounts_are_read_as_wallets_read_them(written, units):
    assert parse(f"monero:{US}?tx_amount={written}").amount == units


@pytest.mark.parametrize(
    "written",
    ["", ".", "-1", "+1", "1e3", "0x1", "alphanumeric", " 1", "1,5", "1.2.3", "0.0000000000001",
     "18446744.073709551616", "٣", "1_000"],
)  # fmt: skip
def test_what_is_no_amount_is_refused(written):
    assert "tx_amount" in parse(f"monero:{US}?tx_amount={written}").reason


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "monero",
        "http://foo",
        f" monero:{US}",
        "monero:",
        "monero:?",
        "monero:44444",
        f"monero:{US}&amount=1",
        f"monero:{US}?amount",
        f"monero:{US}?tx_amount=1&tx_amount=1",
        f"monero:{US}?tx_amount=1&",
        f"monero:{US}?a=b=c",
        f"monero:{US};{US}",
        f"monero:{US[:-1]}4",
        f"monero://{US}",
        f"monero:{US}?tx_payment_id=",
        f"monero:{US}?tx_payment_id=1234567890",
        f"monero:{US}?tx_payment_id=1234567890123456",
        f"monero:{INTEGRATED}?tx_payment_id={'12' * 32}",
        f"monero:{US}?tx_description=%ff",
        f"monero:{US}?tx_description={'x' * 2048}",
    ],
)
def test_what_monero_refuses_is_malformed(uri):
    assert isinstance(parse(uri), Malformed)


def test_what_is_unknown_is_kept_and_means_nothing():
    request = parse(f"monero:{US}?foo=%20&tx_amount=1&bar=")
    assert (request.unknown, request.amount) == (("foo=%20", "bar="), 10**12)
    assert parse(write(request)) == request


def test_an_integrated_address_and_an_empty_query_are_read():
    assert parse(f"monero:{INTEGRATED}").address == INTEGRATED
    assert parse(f"monero:{US}?") == PaymentRequest(address=US)


def test_a_schemes_case_means_nothing():
    assert parse(f"MONERO:{US}") == PaymentRequest(address=US)
