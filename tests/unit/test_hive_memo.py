"""Encrypted memos: what other libraries write is read, and nothing else is taken for one."""

import pytest
from beembase import memo as beem
from beemgraphenebase.account import PrivateKey, PublicKey

from chains import base58
from chains.hive.keys import private_key
from chains.hive.memo import MemoKey, read
from tests.nodes.hive.wallet import Keys, write_public
from tests.support.hive_node import MEMO_BY_BEEM, MEMO_BY_JS, MEMO_RECIPIENT, MEMO_SENDER, MEMO_TEXT

ALICE, BOB = MemoKey.of(Keys("alice", "a").wif("memo")), MemoKey.of(Keys("bob", "b").wif("memo"))
STRANGER = MemoKey.of(Keys("carol", "c").wif("memo"))
SENDER, RECIPIENT = MemoKey.of(MEMO_SENDER), MemoKey.of(MEMO_RECIPIENT)
LONG_FROM_JS = (
    "#5MowLpJkbhy8pxzecr3ia2nG7coxn8ciwXr6gsEK9Yr2ZX61Xch8u4AN8f3LdMRZV7579GkDaJNgDHHQXtEK9cwXMQfo3EHFr2mpijZ9E1ncHCjMm"
    "eaXyEeNe56PP8cbrX1rd4n55tutk8gxm9aSYFHqhDFtwXoatrBXY2irMSJPBpDvTorszsbM7r7RD69CYTZduekB9fYeHiYowYV9q1qQkbW3fRKKb61"
    "sbUzdQV3mrhpKkEnNBN1qvTAtqJsa3jUXcBufRqJKV1UjSt8aN977KP4CHNdecNZxsvt3FXJgE7KoGUfoDq43FzLsoHc8NDo53Kenju2HTQRS5QiFw"
    "596qGLC2cVEF5djN5uyatmmCaa7CqznjwZXtEBK7zZD4NS3hCychQNf2RTgEWiLKWpyZwRmiK1hxGDWLn9PFC6DDY69er6hgXcT1wdTVLvUqFKHAcm"
    "9sUeFnvfAhwe6eBXp6aFE5c3mBzNfYvTFXkukXXMh2WP8dkViqPsMQxiLkwWYZDZwhb2k"
)


def by_beem(text, nonce=5462976530069648):
    wif = Keys("alice", "a").wif("memo")
    return beem.encode_memo(PrivateKey(wif), PublicKey(write_public(BOB.public)), nonce, text)


@pytest.mark.parametrize("key", [SENDER, RECIPIENT], ids=["the sender", "the recipient"])
def test_what_javascript_wallets_write_is_read_by_either_side(key):
    assert read(MEMO_BY_JS, key) == (MEMO_TEXT,)
    assert read(LONG_FROM_JS, key) == ("x" * 300,)


def test_what_is_kept_here_of_beem_is_what_it_writes():
    wif, public = PrivateKey(MEMO_SENDER), PublicKey(write_public(RECIPIENT.public))
    assert beem.encode_memo(wif, public, 1462976530069648, MEMO_TEXT) == MEMO_BY_BEEM
    assert read(MEMO_BY_BEEM, RECIPIENT) == (MEMO_TEXT,)


@pytest.mark.parametrize("key", [ALICE, BOB], ids=["the sender", "the recipient"])
@pytest.mark.parametrize("text", [MEMO_TEXT, "x", "o:8ZK2T0QJM4RVX", "x" * 300, "0123456789abcde", "0123456789abcdef"])
def test_what_beem_writes_without_the_length_is_read_by_either_side(key, text):
    assert read(by_beem(text), key) == (text,)


def test_where_a_text_could_be_its_own_length_both_readings_are_told():
    """101 bytes behind an `e`, whose code is 101: only the memo's grammar can tell."""
    memo = "e" + "vent:7:wallet:alice".ljust(101, "x")
    assert read(by_beem(memo), BOB) == (memo[1:], memo)


def test_nobody_else_reads_it():
    assert read(MEMO_BY_JS, STRANGER) is None
    assert read(by_beem(MEMO_TEXT), STRANGER) is None


def changed(memo, place, byte):
    """The memo with one byte of its content changed."""
    raw = bytearray(base58.to_int(memo[1:]).to_bytes(4096, "big").lstrip(b"\0"))
    raw[place] ^= byte
    return "#" + base58.from_int(int.from_bytes(raw, "big"))


@pytest.mark.parametrize("place", [5, 40, 66, 72, 74, 77, 78, -1, -17])
def test_a_memo_with_one_byte_changed_says_nothing_that_was_not_written(place):
    assert read(changed(MEMO_BY_JS, place, 0x40), RECIPIENT) is None


@pytest.mark.parametrize(
    "memo",
    ["", "#", "# hello", "#hello", "#" + "1" * 200, "event:7:wallet:a", MEMO_BY_JS[1:], MEMO_BY_JS[:-1],
     MEMO_BY_JS + "0", "#" + "z" * 4000, "##" + MEMO_BY_JS[1:], MEMO_BY_JS.lower()],
)  # fmt: skip
def test_text_that_is_no_encrypted_memo_is_left_alone(memo):
    assert read(memo, RECIPIENT) is None


def test_the_key_shows_itself_nowhere():
    secret = private_key(Keys("bob", "b").wif("memo"))
    assert repr(secret)[2:-1] not in repr(BOB)
    assert secret.hex() not in repr(BOB)


@pytest.mark.parametrize("wif", ["", "5J9bWm2ThenDm3tjvmUgHtWCVMUdjRR1pxnRtnJjvKA4b2ut5W", write_public(BOB.public)])
def test_what_is_no_private_key_makes_no_memo_key(wif):
    assert MemoKey.of(wif) is None
