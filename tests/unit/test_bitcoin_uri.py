"""BIP-21 links."""

import pytest

from chains import qr
from chains.bitcoin import bolt11
from chains.bitcoin.uri import MOST, Malformed, PaymentRequest, parse, payment_uri, write
from config.loader import load_registry
from tests.support.vectors import vectors

US = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
LITECOIN = load_registry().chain("bip122:12a765e31ffd4059bada1e25190f6e98").prefixes
INVOICE = (  # BOLT 11's example with a fallback P2WPKH address: 20 mBTC
    "lnbc20m1pvjluezhp58yjmdan79s6qqdhdzgynm4zwqd5d7xmw5fk98klysy043l2ahrqspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcy"
    "q5rqwzqfqypqfppqw508d6qejxtdg4y5r3zarvary0c5xw7kepvrhrm9s57hejg0p662ur5j5cr03890fa7k2pypgttmh4897d3raaq85a293e9jpu"
    "qwl0rnfuwzam7yr8e690nd2ypcq9hlkdwdvycqa0qza8"
)


def told(request):
    """Return a request as the vectors write it; Electrum calls a message a memo as well."""
    known = {"address": request.address, "amount": request.amount, "label": request.label, "message": request.message}
    return {key: value for key, value in {**known, **request.others}.items() if value is not None}


def test_the_published_cases_are_read_as_their_authors_expect_and_written_as_they_are_read():
    for case in vectors("payment-uris/bip21-cases.json"):
        request, expected = parse(case["uri"]), case["expect"]
        if case["uri"].startswith("bitcoin://"):  # what a library tolerates, and BIP-21 does not know
            expected = None
        assert isinstance(request, Malformed) is (expected is None), case["uri"]
        if expected is not None:
            assert told(request) == {key: value for key, value in expected.items() if key != "memo"}, case["uri"]
            assert parse(write(request)) == request


def test_a_link_says_where_and_how_much_and_for_whom():
    link = payment_uri(US, 30_000, label="Usher: Night & Day")
    assert link == f"bitcoin:{US}?amount=0.0003&label=Usher%3A%20Night%20%26%20Day"
    assert parse(link) == PaymentRequest(address=US, amount=30_000, label="Usher: Night & Day")
    assert qr.svg(link).startswith("<svg")


@pytest.mark.parametrize(
    ("satoshis", "written"),
    [(0, "0"), (1, "0.00000001"), (100_000_000, "1"), (2_030_000_000, "20.3"), (MOST, "21000000"), (10, "0.0000001")],
)
def test_amounts_are_written_out_in_bitcoins_and_read_back_exactly(satoshis, written):
    assert write(PaymentRequest(address=US, amount=satoshis)) == f"bitcoin:{US}?amount={written}"
    assert parse(f"bitcoin:{US}?amount={written}").amount == satoshis


@pytest.mark.parametrize(
    ("written", "satoshis"), [("1.", 10**8), (".5", 5 * 10**7), ("00001", 10**8), ("0.123456780000", 12_345_678)]
)
def test_amounts_are_read_as_the_grammar_lets_them_be_written(written, satoshis):
    assert parse(f"bitcoin:{US}?amount={written}").amount == satoshis


@pytest.mark.parametrize(
    "written",
    ["", ".", "-1", "+1", "1e3", "0x1", "1,5", "1_0", "٣", "0.000000001", "1.2.3", " 1", "1 ", "21000000.00000001",
     "9" * 4_000, "NaN"],
)  # fmt: skip
def test_what_is_no_sum_of_whole_satoshis_is_refused(written):
    assert isinstance(parse(f"bitcoin:{US}?amount={written}"), Malformed)


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("", "nothing to pay to"),
        ("bitcoin:", "nothing to pay to"),
        ("bitcoin:?amount=1", "nothing to pay to"),
        (f"ethereum:{US}", "this is not bitcoin:"),
        (f"litecoin:{US}", "this is not bitcoin:"),
        (f"bitcoin:{US}#x", "this is not bitcoin:"),
        (f"bitcoin:{US}/x", "this is not bitcoin:"),
        (f" bitcoin:{US}", "this is not bitcoin:"),
        (f"bitcoin:{US[:-1]}q", "another network, mistyped, or none"),
        (f"bitcoin:{US.replace('bc', 'Bc')}", "another network, mistyped, or none"),
        ("bitcoin:bc1pw5dgrnzv", "another network, mistyped, or none"),  # a witness program without a meaning
        (f"bitcoin:{US}?req-x=1", "required by the link"),
        (f"bitcoin:{US}?REQ-x", "required by the link"),
        (f"bitcoin:{US}?amount=1&amount=1", "was there before"),
        (f"bitcoin:{US}?amount=1&AMOUNT=2", "was there before"),
        (f"bitcoin:{US}?x=1&x=2", "was there before"),
        (f"bitcoin:{US}?label=%zz", "properly percent-encoded"),
        (f"bitcoin:{US}?label=%ff", "properly percent-encoded"),
        (f"bitcoin:{US}?label=a b", "properly percent-encoded"),
        (f"bitcoin:{US}?label=é", "properly percent-encoded"),
        (f"bitcoin:{US}?=1", "properly percent-encoded"),
        (f"bitcoin:{US}?label=a=b", "properly percent-encoded"),
        (f"bitcoin:{US}?x=" + "y" * 10_000, "this is not bitcoin:"),
        (f"bitcoin:{US}?lightning=lnbc1", "invoice is none"),
        (f"bitcoin:{US}?lightning={INVOICE}&amount=0.03", "another amount"),
        (f"bitcoin:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2?lightning={INVOICE}", "another address"),
    ],
)
def test_what_is_no_link_is_refused_with_the_reason(link, reason):
    request = parse(link)
    assert isinstance(request, Malformed)
    assert reason in request.reason


@pytest.mark.parametrize(
    ("link", "request_"),
    [
        (US, PaymentRequest(address=US)),
        (f"BITCOIN:{US.upper()}", PaymentRequest(address=US.upper())),
        (f"bitcoin:{US}?", PaymentRequest(address=US)),
        (f"bitcoin:{US}?&amount=1&", PaymentRequest(address=US, amount=10**8)),
        (f"bitcoin:{US}?AMOUNT=1", PaymentRequest(address=US, amount=10**8)),
        (f"bitcoin:{US}?label=a%2Bb+c", PaymentRequest(address=US, label="a+b+c")),
        (
            f"bitcoin:{US}?pj=https://x.example/y?z%3D1",
            PaymentRequest(address=US, others={"pj": "https://x.example/y?z=1"}),
        ),
        (f"bitcoin:{US}?x", PaymentRequest(address=US, others={"x": ""})),
        (f"bitcoin:?bc={US}", PaymentRequest(address=None, others={"bc": US})),
        (
            f"bitcoin:{US.upper()}?amount=0.02&lightning={INVOICE.upper()}",
            PaymentRequest(address=US.upper(), amount=2_000_000, others={"lightning": INVOICE.upper()}),
        ),
    ],
)
def test_links_are_read_as_wallets_and_qr_codes_write_them(link, request_):
    assert parse(link) == request_


def test_another_chain_of_the_family_has_its_own_scheme_and_addresses():
    theirs = "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"
    link = payment_uri(theirs, 1, scheme="litecoin")
    assert parse(link, LITECOIN, scheme="litecoin") == PaymentRequest(address=theirs, amount=1)
    assert isinstance(parse(link), Malformed)
    assert isinstance(parse(f"litecoin:{US}", LITECOIN, scheme="litecoin"), Malformed)


def test_an_invoice_tells_its_amount_and_where_it_may_be_paid_on_the_chain():
    read = bolt11.read(INVOICE)
    assert read.millisatoshis == 2_000_000_000
    assert [script.hex() for script in read.fallbacks] == ["0014751e76e8199196d454941c45d1b3a323f1433bd6"]


@pytest.mark.parametrize(
    "text", ["", "lnbc", "ln1", US, INVOICE[:-1], INVOICE[:-1] + "q", "x" * 100_000, "lnbc1" + "q" * 200]
)
def test_what_is_no_invoice_is_none(text):
    assert bolt11.read(text) is None
