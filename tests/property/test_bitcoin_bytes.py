"""Invariants, whatever bytes or texts come:

a block, a transaction, a script, a link, a descriptor or an invoice is read or refused, and never an exception; a
payment is told exactly where a transaction under the root pays one of our scripts; what is written is read back.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chains.bitcoin import bolt11
from chains.bitcoin.block import CheckedBlock, Touching, check_block
from chains.bitcoin.derive import UnusableKeyError, deriving
from chains.bitcoin.descriptor import Descriptor, Unusable, checksum
from chains.bitcoin.descriptor import parse as parse_descriptor
from chains.bitcoin.inspection import inspect
from chains.bitcoin.ours import Ours
from chains.bitcoin.parse import payments_in
from chains.bitcoin.script import address_of, carried, script_of
from chains.bitcoin.transaction import Transaction, read_transaction
from chains.bitcoin.uri import LONGEST, MOST, Malformed, PaymentRequest, parse, write
from chains.distrust import Distrusted
from chains.inspection import Given, Inspected
from chains.port import Watch
from config.loader import load_registry
from tests.support.bitcoin_blocks import block, coinbase, hashed, name_of, payment, witnessed
from tests.support.bitcoind import op_return

CHAIN = load_registry().chain("bip122:0f9188f13cb7b2c71f2a335e3a4fc328")
PREFIXES = CHAIN.prefixes
OURS = [b"\x00\x14" + bytes([number]) * 20 for number in range(3)] + [b"\x51\x20" + b"\x07" * 32]
SCRIPTS = st.sampled_from(OURS) | st.binary(max_size=60) | st.binary(min_size=250, max_size=300)
OUTPUTS = st.lists(st.tuples(SCRIPTS, st.integers(0, 2**50)), min_size=1, max_size=6)
OUTPOINTS = st.tuples(st.binary(min_size=32, max_size=32).map(bytes.hex), st.integers(0, 2**32 - 1))
INPUTS = st.lists(OUTPOINTS, min_size=1, max_size=4)
STACKS = st.lists(st.binary(max_size=300), max_size=3)


@st.composite
def transactions(draw):
    """Make a transaction, with a witness or without, and what it is hashed to."""
    spends, outputs = draw(INPUTS), draw(OUTPUTS)
    bare = payment(*outputs, spends=spends)
    if draw(st.booleans()):
        return witnessed(bare, *(draw(STACKS) for _ in spends)), bare, outputs
    return bare, bare, outputs


@given(made=st.lists(transactions(), max_size=9), first=OUTPUTS)
def test_exactly_what_pays_us_under_the_root_is_told(made, first):
    opening = coinbase(*first)
    told = [(opening, opening, first), *made]
    if len({hashed(bare) for _, bare, _ in told}) < len(told):
        return  # no chain holds one transaction twice in a block
    raw = block(*(raw for raw, _, _ in told), ids=[hashed(bare) for _, bare, _ in told])
    ours = Ours.of([address_of(script, PREFIXES) for script in OURS], CHAIN)
    checked = check_block(raw, Touching(scripts=set(OURS)), height=1, digest=name_of(raw))
    assert isinstance(checked, CheckedBlock)
    found = [(one.key.txid, one.key.index, one.amount) for one in payments_in(checked, {}, ours)]
    assert found == [
        (hashed(bare)[::-1].hex(), str(vout), amount)
        for _, bare, outputs in told
        for vout, (script, amount) in enumerate(outputs)
        if script in OURS and amount
    ]


@given(made=transactions(), place=st.integers(0), flip=st.integers(1, 255))
def test_a_transaction_with_one_byte_changed_is_another_one_or_none(made, place, flip):
    raw, bare, _ = made
    was = read_transaction(raw)
    assert isinstance(was, Transaction)
    assert was.txid == hashed(bare)[::-1].hex()
    bent = bytearray(raw)
    bent[place % len(raw)] ^= flip
    now = read_transaction(bytes(bent))
    assert isinstance(now, Distrusted) or now.txid != was.txid or (raw != bare and now == was)


@given(raw=st.binary(max_size=400), count=st.integers(0, 300))
def test_any_bytes_are_a_block_or_refused(raw, count):
    for candidate in (raw, bytes(80) + raw, bytes(80) + bytes([count % 253]) + raw):
        assert isinstance(check_block(candidate, Touching(scripts=set(OURS)), height=1), CheckedBlock | Distrusted)


@given(raw=st.binary(max_size=200))
def test_any_bytes_are_a_transaction_or_refused(raw):
    for candidate in (raw, b"\2\0\0\0" + raw, b"\2\0\0\0\0\1" + raw, b"\2\0\0\0\1" + bytes(36) + raw):
        assert isinstance(read_transaction(candidate), Transaction | Distrusted)


@given(script=st.binary(max_size=100))
def test_any_script_has_one_address_or_none_and_carries_data_or_none(script):
    address = address_of(script, PREFIXES)
    assert address is None or script_of(address, PREFIXES) == script
    data = carried(b"\x6a" + script)
    assert data is None or len(data) <= len(script)


@given(pushes=st.lists(st.binary(max_size=300), max_size=5))
def test_what_was_pushed_is_carried(pushes):
    assert carried(op_return(*pushes)) == b"".join(pushes)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["hash", "height", "version", "previousblockhash", "merkleroot", "time", "bits", "nonce", "tx", "hex", "txid",
         "vin", "prevout", "scriptPubKey"]), inner, max_size=14),
    max_leaves=25,
)  # fmt: skip


@given(answer=JSON)
def test_any_answer_is_inspected_or_refused(answer):
    watch = Watch(active=frozenset({address_of(OURS[0], PREFIXES)}))
    assert isinstance(inspect(Given(transaction=answer), CHAIN, watch), Inspected | Distrusted)
    if answer is not None:
        assert isinstance(inspect(Given(block=answer), CHAIN, watch), Inspected | Distrusted)


US = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
WORDS = st.text(st.characters(codec="utf-8"), max_size=20)
KEYS = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True).filter(
    lambda key: key not in ("amount", "label", "message", "lightning") and not key.startswith("req-")
)
REQUESTS = st.builds(
    PaymentRequest,
    address=st.sampled_from([US, "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"]),
    amount=st.none() | st.integers(0, MOST),
    label=st.none() | WORDS,
    message=st.none() | WORDS,
    others=st.dictionaries(KEYS, WORDS, max_size=3),
)
PIECES = st.sampled_from(
    ["bitcoin:", US, US.upper(), "?", "&", "=", "amount", "label", "message", "lightning", "lnbc20m1", "req-", "0.5",
     "1", ".", "%", "%41", "%ff", "+", "\0", "é", "//", "xpub", "wpkh(", "tr(", ")", "/0/*", "/<0;1>/*",
     "[deadbeef/84h]", "#"]
)  # fmt: skip
TEXTS = st.text() | st.lists(PIECES, max_size=12).map("".join)


@given(text=TEXTS)
def test_any_text_is_a_link_or_malformed(text):
    request = parse(text)
    assert isinstance(request, PaymentRequest | Malformed)
    assert isinstance(request, Malformed) or parse(write(request)) == request


@given(request=REQUESTS)
def test_a_link_that_is_written_is_read_back(request):
    link = write(request)
    assert len(link) > LONGEST or parse(link) == request


@given(text=TEXTS)
def test_any_text_is_an_invoice_or_none(text):
    assert isinstance(bolt11.read(text), bolt11.Invoice | None)
    assert isinstance(bolt11.read(f"lnbc1{text}"), bolt11.Invoice | None)


@given(text=TEXTS)
def test_any_text_is_a_descriptor_or_unusable_and_an_unusable_one_is_not_repeated(text):
    read = parse_descriptor(text)
    assert isinstance(read, Descriptor | Unusable)
    if isinstance(read, Unusable):
        with pytest.raises(UnusableKeyError) as caught:
            deriving(text, CHAIN)
        assert len(text) < 9 or text not in str(caught.value)


@given(body=st.text(st.sampled_from("0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ"), min_size=1, max_size=60),
       place=st.integers(0), other=st.sampled_from("0123456789abcdef"))  # fmt: skip
@settings(max_examples=50)
def test_one_wrong_letter_in_a_descriptor_changes_its_checksum(body, place, other):
    at = place % len(body)
    bent = body[:at] + other + body[at + 1 :]
    assert (checksum(bent) == checksum(body)) is (bent == body)
