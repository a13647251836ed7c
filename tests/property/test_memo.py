"""Invariant: any text is a Memo or NotOurs, any bytes a text or None, never an exception; what is written is read."""

import string

from hypothesis import example, given
from hypothesis import strategies as st

from chains.accounts import account_of
from chains.evm import address as evm
from config.registry import Network
from memo.carriers import text_of
from memo.code import new_code, normalise
from memo.grammar import EventMemo, NotOurs, OrderMemo, Reason, SubscriptionMemo, is_event_number, is_slug, parse, write

NETWORKS = st.sampled_from(Network)
WALLETS = st.one_of(st.binary(min_size=20, max_size=20).map(evm.display), st.sampled_from(["alice", "hive.fund"]))
CODES = st.binary(min_size=8, max_size=8).map(new_code)
NUMBERS = st.integers(1, 2**31 - 1).map(str)
SLUGS = st.text(string.ascii_lowercase + string.digits + "-._~", min_size=1, max_size=100).filter(is_slug)
KEYS = st.from_regex(r"\A[a-z][a-z0-9_-]{0,31}\Z").filter(lambda key: key != "qty")
VALUES = st.text(min_size=1, max_size=60).filter(
    lambda text: text.isprintable() and ":" not in text and text.isascii() and text.strip(" '\"`") == text
)


@st.composite
def event_memos(draw):
    network = draw(NETWORKS)
    account = account_of(draw(WALLETS), network=network)
    extras = draw(st.dictionaries(KEYS, VALUES, max_size=4))
    if draw(st.booleans()):
        extras["qty"] = str(draw(st.integers(1, 9999)))
    event = draw(NUMBERS | SLUGS)
    return EventMemo(event=event, wallet=account.address, holder=account.holder, extras=extras)


MEMOS = st.one_of(
    event_memos(),
    st.builds(OrderMemo, code=CODES),
    st.builds(SubscriptionMemo, plan=SLUGS, account=st.from_regex(r"\A[A-Za-z0-9._-]{1,128}\Z")),
)
PIECES = st.one_of(
    st.sampled_from(
        [
            "event",
            "EVENT",
            "wallet",
            "o",
            "subscription",
            "account",
            "tier",
            "qty",
            ":",
            "%3A",
            "%",
            '"',
            " ",
            "7",
            "\0",
        ]
    ),
    WALLETS,
    CODES,
    SLUGS,
    st.text(max_size=5),
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join), st.lists(PIECES, max_size=9).map(":".join))


@given(text=TEXTS, network=NETWORKS)
@example(text="%" * 2048, network=Network.MAIN)
@example(text='"' * 2048, network=Network.MAIN)
@example(text="event:7:wallet:alice" + ":a" * 1000, network=Network.MAIN)
def test_any_text_is_a_memo_or_not_ours_and_a_memo_is_worth_the_name(text, network):
    memo = parse(text, network=network)
    if isinstance(memo, NotOurs):
        assert memo.reason in Reason
        return
    assert parse(write(memo), network=network) == memo
    if isinstance(memo, EventMemo):
        assert is_event_number(memo.event) or is_slug(memo.event)
        assert memo.holder.network is network
        assert 1 <= memo.qty <= 9999


@given(memo=MEMOS)
def test_what_is_written_is_read_back(memo):
    network = memo.holder.network if isinstance(memo, EventMemo) else Network.MAIN
    assert parse(write(memo), network=network) == memo


@given(memo=MEMOS, before=st.text(" \t\n\"'", max_size=3), quote=st.sampled_from(['"', "'", ""]))
def test_dressing_a_memo_up_does_not_change_what_it_says(memo, before, quote):
    network = memo.holder.network if isinstance(memo, EventMemo) else Network.MAIN
    space = before.strip("\"'")
    assert parse(f"{space}{quote}{space}{write(memo)}{space}{quote}{space}", network=network) == memo


@given(data=st.one_of(st.binary(), TEXTS.map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_are_a_text_or_none_and_a_text_can_be_stored(data):
    text = text_of(data)
    if text is not None:
        assert "\0" not in text
        assert text_of(text.encode("utf-8", "strict")) == text


@given(random_bytes=st.binary(min_size=8, max_size=16))
def test_a_code_is_read_back_in_any_case(random_bytes):
    code = new_code(random_bytes)
    assert normalise(code.lower()) == normalise(code) == code


@given(text=st.text(max_size=30))
def test_any_text_is_a_code_or_none(text):
    code = normalise(text)
    assert code is None or normalise(code) == code
