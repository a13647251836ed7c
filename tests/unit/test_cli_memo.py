"""`usher memo`: what a text says."""

import json

import pytest

from memo.grammar import Reason
from tests.support.command_line import typed
from usher.cli.memo import EXPLANATIONS

WALLET = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
MEMO = f"event:7:wallet:{WALLET}:tier:vip:qty:2"


def told(*words, stdin=None):
    result = typed(["memo", *words, "--json"], stdin)
    return result.exit_code, json.loads(result.stdout)


def test_an_event_memo_is_explained():
    assert told(MEMO) == (
        0,
        {
            "kind": "event",
            "event": "7",
            "wallet": WALLET,
            "family": "evm",
            "holder": f"evm:main:{WALLET[2:].lower()}",
            "tier": "vip",
            "qty": 2,
            "ref": None,
            "extras": {"tier": "vip", "qty": "2"},
        },
    )


def test_order_and_subscription_memos_are_explained():
    assert told("o:0000000000000") == (0, {"kind": "order", "code": "0000000000000"})
    assert told("subscription:pro:account:alice") == (0, {"kind": "subscription", "plan": "pro", "account": "alice"})


def test_what_is_not_ours_fails_with_the_reason():
    status, answer = told("hello")
    assert (status, answer["kind"], answer["reason"]) == (1, "not_ours", "unknown_kind")
    assert "event:" in answer["explanation"]


def test_the_text_may_come_from_standard_input_and_from_calldata():
    assert told("-", stdin=f"{MEMO}\n") == told(MEMO)
    assert told("--hex", f"0x{MEMO.encode().hex()}") == told(MEMO)
    assert told("--hex", "ff")[1]["reason"] == "empty"


def test_hex_that_is_none_is_a_usage_error():
    assert typed(["memo", "--hex", "0xzz"]).exit_code == 2


def test_the_network_decides_which_wallets_count():
    memo = "event:7:wallet:mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"
    assert told(memo)[0] == 1
    assert told(memo, "--network", "test")[0] == 0


def test_a_person_reads_lines():
    assert "wallet  " in typed(["memo", MEMO]).stdout


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_explained(reason):
    assert EXPLANATIONS[reason]
