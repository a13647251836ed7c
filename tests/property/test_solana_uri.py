"""Invariant: any text is a payment request or malformed, never an exception; a request that is written is read back."""

from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from chains.solana.uri import LONGEST, Malformed, TransactionRequest, TransferRequest, parse, transfer_uri, write

ADDRESSES = st.binary(min_size=32, max_size=32).map(lambda raw: str(Pubkey(raw)))
WORDS = st.text(st.characters(codec="utf-8"), max_size=40)
AMOUNTS = st.from_regex(r"[0-9]{1,20}(\.[0-9]{1,20})?", fullmatch=True).filter(str.isascii)
REQUESTS = st.builds(
    TransferRequest,
    recipient=ADDRESSES,
    amount=st.none() | AMOUNTS,
    token=st.none() | ADDRESSES,
    references=st.lists(ADDRESSES, max_size=4).map(tuple),
    label=st.none() | WORDS,
    message=st.none() | WORDS,
    memo=st.none() | WORDS,
)
PIECES = st.sampled_from(
    ["solana:", "mvines9iiHiQTysrwkJjGf2gb9Ex9jXJX8ns3qwf2kN", "?", "&", "=", "amount", "1", ".", "5", "spl-token",
     "reference", "memo", "label", "https://", "example.com", "/", ":", "%", "%41", "%ff", "+", " ", "#", "\0", "é"]
)  # fmt: skip
TEXTS = st.text() | st.lists(PIECES, max_size=20).map("".join)


@given(text=TEXTS | TEXTS.map(lambda text: f"solana:{text}"))
def test_any_text_is_a_request_or_malformed(text):
    request = parse(text)
    if isinstance(request, Malformed):
        assert request.reason
        return
    again = write(request)
    assert len(again) > LONGEST or parse(again) == request


@given(request=REQUESTS)
def test_what_is_written_is_read_back(request):
    link = write(request)
    assert link.isascii()
    if len(link) <= LONGEST:
        assert parse(link) == request


@given(
    host=st.from_regex(r"[a-z]{1,20}\.[a-z]{2,5}", fullmatch=True), path=st.from_regex(r"/[!-~]{0,40}", fullmatch=True)
)
def test_a_link_to_a_server_is_read_back(host, path):
    request = TransactionRequest(link=f"https://{host}{path.replace('#', '')}")
    assert parse(write(request)) == request


@given(recipient=ADDRESSES, units=st.integers(0, 2**64 - 1), decimals=st.integers(0, 18))
def test_our_own_links_ask_for_the_very_amount(recipient, units, decimals):
    request = parse(transfer_uri(recipient, units, decimals))
    assert (request.recipient, request.units(decimals)) == (recipient, units)
