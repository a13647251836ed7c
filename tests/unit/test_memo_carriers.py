"""Bytes that travel with a payment, and the text in them; and which form of memo to ask for."""

import pytest

from config.registry import Network
from memo.carriers import MOST_TOGETHER, text_of, texts_of
from memo.forms import forms
from memo.grammar import parse

MEMO = parse("event:7:wallet:alice", network=Network.MAIN)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"event:7:wallet:alice", "event:7:wallet:alice"),
        (b"event:7:wallet:alice\0\0\0\0", "event:7:wallet:alice"),
        (b"\0\0o:123", "o:123"),
        (b"\xef\xbb\xbfhello \r\n", "hello"),
        ("grüß".encode(), "grüß"),
    ],
)
def test_text_is_found_without_the_padding_around_it(data, text):
    assert text_of(data) == text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0\0",
        b"\xff\xfe",
        b"\xc0\x80",  # an overlong NUL
        b"\xed\xa0\x80",  # a surrogate
        b"a\0b",
        b"a\x1b[31mb",
        b"a\x7fb",
        "a\x85b".encode(),
        bytes.fromhex("a9059cbb") + bytes(64),  # a contract call
        b"x" * 8193,
    ],
)
def test_bytes_that_write_no_text_are_none(data):
    assert text_of(data) is None


def test_the_texts_of_a_transaction_are_told_once_each_in_their_order():
    assert texts_of([b"o:1", b"\xff", b"o:2", b"o:1\0", b""]) == ("o:1", "o:2")


def test_however_much_a_transaction_carries_no_more_is_kept_than_one_memo_may_have():
    long, short = b"x" * (MOST_TOGETHER - 2), b"o:1"
    assert texts_of([long, short]) == (long.decode(),)
    assert texts_of([b"x" * MOST_TOGETHER + b"x", short]) == ("o:1",)
    many = texts_of(b"%06d" % number for number in range(10_000))
    assert (sum(map(len, many)) <= MOST_TOGETHER, many[0]) == (True, "000000")


def test_the_short_form_is_preferred_because_it_links_no_wallet_to_an_event_in_public():
    both = forms(code="0000000000000", memo=MEMO)
    assert (both.short, both.full) == ("o:0000000000000", "event:7:wallet:alice")
    assert both.choose(80) == both.short
    assert both.choose(80, public=False) == both.full


def test_a_carrier_that_is_too_small_for_the_full_form_gets_the_short_one_or_none():
    both = forms(code="0000000000000", memo=MEMO)
    assert both.choose(len(both.full) - 1, public=False) == both.short
    assert both.choose(len(both.short)) == both.short
    assert both.choose(len(both.short) - 1) is None
    assert both.choose(0, public=False) is None
