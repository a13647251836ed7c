"""What a memo may look like, and what each other text is refused for."""

from urllib.parse import quote

import pytest

from chains.accounts import holder_of
from config.registry import Network
from memo.code import new_code
from memo.grammar import EventMemo, NotOurs, OrderMemo, Reason, SubscriptionMemo, is_slug, parse, write

WALLET = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
CODE = new_code(bytes(range(8)))


def read(text):
    return parse(text, network=Network.MAIN)


def ticket(event="7", wallet=WALLET, **extras):
    return EventMemo(event=event, wallet=wallet, holder=holder_of(wallet, Network.MAIN), extras=extras)


def test_an_event_memo_names_the_event_and_the_holder():
    assert read(f"event:7:wallet:{WALLET}") == ticket()


@pytest.mark.parametrize(
    "wallet",
    [
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "4fYNw3dojWmQ4dXtSGE9epjRGy9pFSx62YypT7avPYvA",
        "alice",
        "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A",
    ],
)
def test_the_address_alone_decides_the_holders_family(wallet):
    assert read(f"event:summer-2027:wallet:{wallet}") == ticket("summer-2027", wallet)


def test_the_wallet_is_given_in_its_familys_own_spelling():
    assert read(f"event:7:wallet:{WALLET.lower()}").wallet == WALLET
    assert read("event:7:wallet:@Alice").wallet == "alice"


def test_a_slug_means_the_same_in_any_case():
    assert read(f"event:Summer-2027:wallet:{WALLET}") == ticket("summer-2027")


def test_pairs_follow_and_unknown_ones_are_kept():
    memo = read(f"event:7:wallet:{WALLET}:tier:VIP:qty:2:ref:A 17:colour:blue")
    assert (memo.tier, memo.qty, memo.ref) == ("VIP", 2, "A 17")
    assert memo.extras == {"tier": "VIP", "qty": "2", "ref": "A 17", "colour": "blue"}


def test_without_pairs_one_ticket_of_the_first_tier_is_meant():
    memo = read(f"event:7:wallet:{WALLET}")
    assert (memo.tier, memo.qty, memo.ref) == (None, 1, None)


def test_an_order_memo_is_read_as_crockford_asks():
    hyphenated = f"{CODE[:4]}-{CODE[4:8]}-{CODE[8:]}"
    for spelling in (CODE, CODE.lower(), hyphenated, CODE.replace("0", "O").replace("1", "l")):
        assert read(f"o:{spelling}") == OrderMemo(code=CODE)


def test_a_subscription_memo_names_plan_and_account():
    assert read("subscription:pro:account:@alice") == SubscriptionMemo(plan="pro", account="alice")


@pytest.mark.parametrize(
    "dress",
    [
        "  {}\r\n",
        '"{}"',
        "'{}'",
        "\u201c{}\u201d",
        "\u2018{}\u2019",
        "«{}»",
        "` \"'{}'\" `",
        "\ufeff{}",
        "{}\u200b",
        "{}\0\0\0",
        "%20{}%20",
        "%22{}%22",
    ],
)
def test_white_space_and_quotes_around_a_memo_mean_nothing(dress):
    assert read(dress.format(f"event:7:wallet:{WALLET}")) == ticket()
    assert read(dress.format(f"o:{CODE}")) == OrderMemo(code=CODE)


def test_percent_encoding_is_undone_once():
    assert read(quote(f"event:7:wallet:{WALLET}:ref:ü 1", safe="")) == ticket(ref="ü 1")
    assert read(f"event%3a7:wallet%3A{WALLET}") == ticket()
    assert read(quote(quote(f"event:7:wallet:{WALLET}", safe=""), safe="")) == NotOurs(reason=Reason.UNKNOWN_KIND)


def test_keywords_may_be_in_upper_case():
    assert read(f"EVENT:7:Wallet:{WALLET}:TIER:VIP") == ticket(tier="VIP")
    assert read(f"O:{CODE}") == OrderMemo(code=CODE)
    assert read("SUBSCRIPTION:pro:ACCOUNT:alice") == SubscriptionMemo(plan="pro", account="alice")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.EMPTY),
        (" \t\u200b\n", Reason.EMPTY),
        ('""', Reason.EMPTY),
        ("x" * 2049, Reason.TOO_LONG),
        (f"event:7:wallet:{WALLET}:ref:{'x' * 2048}", Reason.TOO_LONG),
        ("event:7\n:wallet:alice", Reason.UNPRINTABLE),
        ("event:7:wallet:alice:ref:\u202eevil", Reason.UNPRINTABLE),
        ("event:7:wallet:alice:ref:\ud800", Reason.UNPRINTABLE),
        ("event:7:wallet:alice:ref:%00x", Reason.UNPRINTABLE),
        ("event:7:wallet:alice:ref:%ff", Reason.UNPRINTABLE),
        ("thanks for the show", Reason.UNKNOWN_KIND),
        ("tip:7:wallet:alice", Reason.UNKNOWN_KIND),
        ("\u212aevent:7:wallet:alice", Reason.UNKNOWN_KIND),
        ("event", Reason.MALFORMED),
        ("event:7", Reason.MALFORMED),
        ("event:7:wallet", Reason.MALFORMED),
        ("event:7:purse:alice", Reason.MALFORMED),
        ("event :7:wallet:alice", Reason.UNKNOWN_KIND),
        (f"o:{CODE}:x", Reason.MALFORMED),
        ("o", Reason.MALFORMED),
        ("subscription:pro:account:alice:x", Reason.MALFORMED),
        ("subscription:pro:account:", Reason.MALFORMED),
        ("subscription:1:account:alice", Reason.MALFORMED),
        ("event::wallet:alice", Reason.BAD_EVENT),
        ("event:0:wallet:alice", Reason.BAD_EVENT),
        ("event:007:wallet:alice", Reason.BAD_EVENT),
        ("event:-1:wallet:alice", Reason.BAD_EVENT),
        ("event:2147483648:wallet:alice", Reason.BAD_EVENT),
        ("event:٣:wallet:alice", Reason.BAD_EVENT),
        ("event:a b:wallet:alice", Reason.BAD_EVENT),
        (f"event:{'a' * 101}:wallet:alice", Reason.BAD_EVENT),
        ("event:7:wallet:", Reason.BAD_WALLET),
        ("event:7:wallet:al", Reason.BAD_WALLET),
        (f"event:7:wallet:{WALLET[:-1]}", Reason.BAD_WALLET),
        (f"event:7:wallet:{WALLET.replace('a', 'A', 1)}x", Reason.BAD_WALLET),
        ("event:7:wallet:alice:", Reason.BAD_PAIR),
        ("event:7:wallet:alice:tier", Reason.BAD_PAIR),
        ("event:7:wallet:alice:tier:", Reason.BAD_PAIR),
        ("event:7:wallet:alice::x", Reason.BAD_PAIR),
        ("event:7:wallet:alice:tier:a:TIER:b", Reason.BAD_PAIR),
        (f"event:7:wallet:eip155:1:{WALLET}", Reason.BAD_PAIR),
        ("event:7:wallet:alice:qty:0", Reason.BAD_QUANTITY),
        ("event:7:wallet:alice:qty:-1", Reason.BAD_QUANTITY),
        ("event:7:wallet:alice:qty:1.5", Reason.BAD_QUANTITY),
        ("event:7:wallet:alice:qty:10000", Reason.BAD_QUANTITY),
        (f"o:{CODE[:-1]}", Reason.BAD_CODE),
        ("o:", Reason.BAD_CODE),
    ],
)
def test_anything_else_is_not_ours_for_a_reason(text, reason):
    assert read(text) == NotOurs(reason=reason)


def test_a_wallet_of_the_other_network_is_no_wallet_here():
    memo = "event:7:wallet:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
    assert isinstance(parse(memo, network=Network.MAIN), EventMemo)
    assert parse(memo, network=Network.TEST) == NotOurs(reason=Reason.BAD_WALLET)


@pytest.mark.parametrize("text", ["a", "summer-2027", "Summer", "2027a", "1e5", "a.b_c~d"])
def test_a_slug_has_a_letter(text):
    assert is_slug(text)


@pytest.mark.parametrize("text", ["", "2027", "1-2", "a:b", "a b", "a/b", "a%b", "é", "a\n"])
def test_what_has_no_letter_or_would_not_stand_in_a_url_is_no_slug(text):
    assert not is_slug(text)


@pytest.mark.parametrize(
    "extras",
    [{"ref": "a:b"}, {"ref": ""}, {"ref": "a "}, {"ref": "a\nb"}, {"TIER": "a"}, {"1": "a"}, {"qty": "0"}],
)
def test_a_value_that_a_memo_cannot_carry_is_not_written(extras):
    with pytest.raises(ValueError, match="could not carry"):
        write(ticket(**extras))


def test_memos_are_values():
    assert len({ticket(), ticket(), ticket(tier="VIP"), OrderMemo(code=CODE)}) == 3
