"""Invariants: any text is a link or malformed, a memo or left alone, an amount or none, and nothing raises.

What is written is read back: links, amounts, encrypted memos.
"""

import hashlib

from coincurve import PrivateKey, PublicKey
from Crypto.Cipher import AES
from hypothesis import example, given
from hypothesis import strategies as st

from chains import base58
from chains.hive import amounts, keys, uri
from chains.hive.amounts import HBD, HIVE, LARGEST, Amount
from chains.hive.binary import sized
from chains.hive.memo import MemoKey, read
from chains.hive.operations import Operation
from chains.hive.uri import Malformed, PaymentRequest
from memo.carriers import text_of
from tests.nodes.hive.wallet import Keys, write_private, write_public

ALICE, BOB = MemoKey.of(Keys("alice", "a").wif("memo")), MemoKey.of(Keys("bob", "b").wif("memo"))
WORDS = st.text(st.characters(codec="utf-8"), max_size=40)
UNITS = st.builds(Amount, nai=st.sampled_from([HIVE, HBD]), units=st.integers(0, LARGEST))
PIECES = st.sampled_from(
    ["hive://", "sign/", "op/", "ops/", "tx/", "transfer/", "alice/", "1.000%20HIVE/", "e30.", "W10.",
     "WyJ0cmFuc2ZlciIse31d", "?", "&", "s=alice", "a=active", "nb=", "cb=", "aHR0cHM6Ly9h", ".", "#", "%", "é", "\0"]
)  # fmt: skip
NAMES = st.from_regex(r"[a-z][a-z0-9]{2,14}", fullmatch=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
OPERATIONS = st.builds(
    Operation, name=st.sampled_from(["transfer", "vote", "custom_json"]), value=st.dictionaries(WORDS, JSON, max_size=4)
)
REQUESTS = st.builds(
    PaymentRequest,
    operations=st.lists(OPERATIONS, min_size=1, max_size=3).map(tuple),
    head=st.none() | st.fixed_dictionaries({"ref_block_num": st.integers(0, 65535), "expiration": WORDS}),
    signer=st.none() | NAMES,
    authority=st.none() | st.sampled_from(["posting", "active", "owner", "memo"]),
    no_broadcast=st.booleans(),
    callback=st.none() | WORDS,
)


TEXTS = st.text() | st.lists(PIECES, max_size=12).map("".join)


@given(text=TEXTS | TEXTS.map(lambda text: f"hive://sign/{text}"))
@example(text="hive://sign/op/" + "W" * 8000)
@example(text="hive://sign/op/" + "W1tb" * 1900)
def test_any_text_is_a_request_or_malformed(text):
    request = uri.parse(text)
    if isinstance(request, Malformed):
        assert request.reason
    else:
        assert uri.parse(uri.write(request)) == request
        assert request.transfer is None or request.transfer.amount.units >= 0


@given(request=REQUESTS)
def test_a_request_that_is_written_is_read_back(request):
    link = uri.write(request)
    assert len(link) > uri.LONGEST or uri.parse(link) == request


@given(units=st.integers(0, LARGEST), contract=st.none() | st.sampled_from([HIVE, HBD]), memo=WORDS)
def test_a_transfer_that_is_asked_for_is_what_the_link_says(units, contract, memo):
    transfer = uri.parse(uri.transfer_uri("usher-tickets", contract, units, memo)).transfer
    assert (transfer.recipient, transfer.amount) == ("usher-tickets", Amount(nai=contract or HIVE, units=units))
    assert transfer.memo in {memo, memo.replace("__", "_%5F")}


@given(amount=UNITS)
def test_an_amount_in_either_spelling_is_read_back(amount):
    for test in (False, True):
        assert amounts.parse(amounts.spoken(amount, test=test)) == amount
    assert amounts.parse(amounts.as_object(amount)) == amount


@given(text=st.text(max_size=40) | st.from_regex(r"[0-9]{1,30}\.[0-9]{1,8} [A-Z]{1,6}"))
def test_a_text_that_is_read_as_an_amount_is_how_it_is_written(text):
    amount = amounts.parse(text)
    if amount is not None:
        whole, _, rest = text.partition(".")
        assert f"{int(whole)}.{rest}" in {amounts.spoken(amount, test=test) for test in (False, True)}


@given(text=st.text(max_size=60) | st.text(base58.ALPHABET, max_size=60).map(lambda text: "STM" + text))
def test_a_text_that_is_read_as_a_key_is_how_it_is_written(text):
    public, private = keys.public_key(text), keys.private_key(text)
    assert public is None or write_public(public, text[:3]) == text
    assert private is None or write_private(private) == text


def encrypted(text, nonce, *, length):
    """A memo from Alice to Bob, with the text's length before it or without."""
    plain = text.encode()
    plain = sized(plain) if length else plain
    shared = hashlib.sha512(PublicKey(BOB.public).multiply(PrivateKey(ALICE.secret).secret).format()[1:]).digest()
    secret = hashlib.sha512(nonce.to_bytes(8, "little") + shared).digest()
    padding = 16 - len(plain) % 16
    cipher = AES.new(secret[:32], AES.MODE_CBC, secret[32:48]).encrypt(plain + bytes((padding,)) * padding)
    head = ALICE.public + BOB.public + nonce.to_bytes(8, "little") + hashlib.sha256(secret).digest()[:4]
    return "#" + base58.encode(head + sized(cipher))


@given(text=WORDS, nonce=st.integers(0, 2**64 - 1), length=st.booleans())
def test_an_encrypted_memo_is_read_by_both_sides_in_both_layouts(text, nonce, length):
    memo, expected = encrypted(text, nonce, length=length), text_of(text.encode())
    for key in (ALICE, BOB):
        found = read(memo, key)
        assert expected is None or expected in found
        assert found is None or len(found) <= 2


@given(text=st.text(max_size=100) | st.text(base58.ALPHABET, max_size=300).map(lambda text: "#" + text))
def test_any_other_text_is_left_alone(text):
    assert read(text, BOB) is None
