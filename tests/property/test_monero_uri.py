"""Invariant: any text is a payment request or malformed, never an exception; a request that is written is read back."""

from hypothesis import given
from hypothesis import strategies as st

from chains.monero.uri import LONGEST, MOST, Malformed, PaymentRequest, decimal, parse, payment_uri, write
from tests.support.monero_values import PRIMARY, SUBADDRESSES

ADDRESSES = st.sampled_from((PRIMARY, *SUBADDRESSES))
AMOUNTS = st.integers(0, MOST)
WORDS = st.text(st.characters(codec="utf-8"), max_size=20)
REQUESTS = st.builds(
    PaymentRequest,
    address=ADDRESSES,
    amount=st.none() | AMOUNTS,
    recipient_name=st.none() | WORDS,
    description=st.none() | WORDS,
    payment_id=st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex),
    unknown=st.sampled_from([(), ("foo=bar",), ("a=", "b=%20")]),
)
PIECES = st.sampled_from(
    ["monero:", PRIMARY, SUBADDRESSES[0], "?", "&", "=", "tx_amount", "tx_description", "recipient_name", "1", ".", "-",
     "tx_payment_id", "00" * 32, "%", "%41", "%ff", "\0", "é", "e3", ";"]
)  # fmt: skip
TEXTS = st.text() | st.lists(PIECES, max_size=20).map("".join)


@given(text=TEXTS | TEXTS.map(lambda text: f"monero:{PRIMARY}?{text}"))
def test_any_text_is_a_request_or_malformed(text):
    request = parse(text)
    if isinstance(request, Malformed):
        assert request.reason
    else:
        assert parse(write(request)) == request


@given(request=REQUESTS)
def test_what_is_written_is_read_back(request):
    link = write(request)
    if len(link) <= LONGEST:
        assert parse(link) == request


@given(address=ADDRESSES, units=AMOUNTS, name=WORDS, description=WORDS)
def test_our_own_links_ask_for_what_they_were_made_for(address, units, name, description):
    request = parse(payment_uri(address, units, recipient_name=name, description=description))
    assert (request.address, request.amount) == (address, units)
    assert (request.recipient_name or "", request.description or "") == (name, description)


@given(units=AMOUNTS)
def test_an_amount_is_written_as_the_decimal_that_it_is(units):
    whole, _, fraction = decimal(units).partition(".")
    assert int(whole) * 10**12 + int(fraction.ljust(12, "0") or "0") == units
    assert not fraction.endswith("0")
