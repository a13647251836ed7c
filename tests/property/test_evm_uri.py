"""Invariant: any text is a payment request or malformed, never an exception; a request that is written is read back."""

from hypothesis import given
from hypothesis import strategies as st

from chains.evm import address as evm
from chains.evm.transaction import follow
from chains.evm.uri import LONGEST, UINT256_MAX, Malformed, PaymentRequest, native_uri, parse, token_uri, write

ADDRESSES = st.binary(min_size=20, max_size=20).map(evm.display)
UINT256 = st.integers(0, UINT256_MAX)
INT256 = st.integers(-UINT256_MAX, UINT256_MAX)
WORDS = st.text(st.characters(codec="utf-8"), max_size=20)
ARGUMENTS = st.one_of(
    st.tuples(st.sampled_from(["uint256", "int8", "uint", "fixed128x18"]), INT256),
    st.tuples(st.sampled_from(["address", "string", "bytes32", "bool", "uint256[]", "bytes[2][]"]), WORDS),
)
REQUESTS = st.builds(
    PaymentRequest,
    target=ADDRESSES | st.sampled_from(["doge-to-the-moon.eth", "pay-me.eth"]),
    chain_id=st.none() | UINT256,
    function=st.none() | WORDS.filter(bool),
    parameters=st.dictionaries(st.sampled_from(["value", "gas", "gasLimit", "gasPrice"]), UINT256),
    arguments=st.lists(ARGUMENTS, max_size=4).map(tuple),
)
PIECES = st.sampled_from(
    ["ethereum:", "pay-", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "me.eth", "@", "1", "/", "transfer", "?", "&",
     "=", "value", "uint256", "address", "gas", "2.014e18", "e", ".", "-", "%", "%41", "\0", "é"]
)  # fmt: skip
TEXTS = st.text() | st.lists(PIECES, max_size=20).map("".join)


@given(text=TEXTS | TEXTS.map(lambda text: f"ethereum:{text}"))
def test_any_text_is_a_request_or_malformed(text):
    request = parse(text)
    if isinstance(request, Malformed):
        assert request.reason
    else:
        assert parse(write(request)) == request
        follow(request, chain_id=1)


@given(request=REQUESTS)
def test_what_is_written_is_read_back(request):
    link = write(request)
    if len(link) <= LONGEST:
        assert parse(link) == request


@given(address=ADDRESSES, recipient=ADDRESSES, chain_id=st.integers(1, 2**64), amount=UINT256)
def test_our_own_links_are_followed_to_the_very_payment(address, recipient, chain_id, amount):
    native = follow(parse(native_uri(address, chain_id, amount)), chain_id=chain_id)
    assert (native["to"], int(native["value"], 16), native["data"]) == (address, amount, "0x")
    token = follow(parse(token_uri(address, chain_id, recipient, amount)), chain_id=chain_id)
    assert (token["to"], token["value"]) == (address, "0x0")
    assert token["data"][-64:] == f"{amount:064x}"
    assert evm.display(bytes.fromhex(token["data"][34:74])) == recipient


@given(digits=st.integers(1, 10**30), decimals=st.integers(0, 30), more=st.integers(0, 20))
def test_scientific_notation_is_exact(digits, decimals, more):
    text = str(digits).rjust(decimals + 1, "0")
    mantissa = f"{text[: len(text) - decimals]}.{text[len(text) - decimals :]}" if decimals else text
    request = parse(f"ethereum:me.eth?value={mantissa}e{decimals + more}")
    assert request.parameters["value"] == digits * 10**more
