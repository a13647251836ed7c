"""hive:// links: what the reference implementation writes, what we write, and what neither should."""

import base64

import pytest

from chains.hive import uri
from chains.hive.amounts import HBD, HIVE, Amount
from chains.hive.uri import Malformed, PaymentRequest, Transfer
from config.registry import Network
from memo.grammar import EventMemo, parse

# Written by the npm package hive-uri 0.2.8.
OP = (
    "hive://sign/op/WyJ0cmFuc2ZlciIseyJmcm9tIjoiX19zaWduZXIiLCJ0byI6InVzaGVyLXRpY2tldHMiLCJhbW91bnQiOiIxLjAwMCBISVZFIiwi"
    "bWVtbyI6ImV2ZW50Ojc6d2FsbGV0OmFsaWNlIMOkw7bDvOeIsSJ9XQ.."
)
PARAMETERS = "?nb=&s=foo&cb=aHR0cHM6Ly9leGFtcGxlLmNvbS93YWxsZXQ_dHg9e3tpZH19&a=active"
OPS = (
    "hive://sign/ops/W1sidHJhbnNmZXIiLHsiZnJvbSI6Il9fc2lnbmVyIiwidG8iOiJ1c2hlci10aWNrZXRzIiwiYW1vdW50IjoiMS4wMDAgSElWRSIs"
    "Im1lbW8iOiJldmVudDo3OndhbGxldDphbGljZSDDpMO2w7zniLEifV0sWyJ2b3RlIix7InZvdGVyIjoiZm9vIiwiYXV0aG9yIjoiYmFyIiwicGVybWxp"
    "bmsiOiJiYXoiLCJ3ZWlnaHQiOjEwMDAwfV1d"
)
TX = (
    "hive://sign/tx/eyJyZWZfYmxvY2tfbnVtIjoxMjM0LCJyZWZfYmxvY2tfcHJlZml4Ijo1Njc4OTAwLCJleHBpcmF0aW9uIjoiMjAyMC0wMS0wMVQwMD"
    "owMDowMCIsImV4dGVuc2lvbnMiOltdLCJvcGVyYXRpb25zIjpbWyJ0cmFuc2ZlciIseyJmcm9tIjoiX19zaWduZXIiLCJ0byI6InVzaGVyLXRpY2tldHMi"
    "LCJhbW91bnQiOiIxLjAwMCBISVZFIiwibWVtbyI6ImV2ZW50Ojc6d2FsbGV0OmFsaWNlIMOkw7bDvOeIsSJ9XV19?s=foo"
)
# From the examples of hive-uri's specification.
WITNESS_VOTE = (
    "hive://sign/op/WyJhY2NvdW50X3dpdG5lc3Nfdm90ZSIseyJhY2NvdW50IjoiX19zaWduZXIiLCJ3aXRuZXNzIjoiamVzdGEiLCJhcHByb3ZlIjp0cn"
    "VlfV0."
)
MULTISIG = (
    "hive://sign/op/WyJ0cmFuc2ZlciIseyJmcm9tIjoiZm9vIiwidG8iOiJib2IiLCJhbW91bnQiOiIxNTAuMDAwIFNURUVNIiwibWVtbyI6IkJvYidzIG"
    "JvYXQgbmVlZHMgcGxhc3RpYyBwYWRkaW5nIn1d?nb=&cb=aHR0cHM6Ly9zaWduLnN0ZWVtLnZjL2NvbGxlY3Q_aWQ9MTIzJnNpZz17e3NpZ319"
)
MEMO = "event:7:wallet:alice äöü爱"
PAYS = Transfer(sender=None, recipient="usher-tickets", amount=Amount(nai=HIVE, units=1000), memo=MEMO)


def b64u(text):
    return base64.b64encode(text.encode()).decode().translate(str.maketrans("+/=", "-_."))


def test_a_transfer_is_written_as_the_reference_implementation_writes_it():
    assert uri.transfer_uri("usher-tickets", None, 1000, MEMO) == OP


def test_a_token_is_named_by_its_symbol():
    read = uri.parse(uri.transfer_uri("usher-tickets", HBD, 2500, "o:8ZK2T0QJM4RVX"))
    assert read.transfer == Transfer(
        sender=None, recipient="usher-tickets", amount=Amount(nai=HBD, units=2500), memo="o:8ZK2T0QJM4RVX"
    )


@pytest.mark.parametrize("link", [OP, OP + PARAMETERS, OPS, TX, WITNESS_VOTE, MULTISIG])
def test_links_of_others_are_read_and_written_again_to_the_byte(link):
    assert uri.write(uri.parse(link)) == link


@pytest.mark.parametrize("link", [OP, OP + PARAMETERS, TX])
def test_what_a_link_pays_is_told(link):
    assert uri.parse(link).transfer == PAYS


@pytest.mark.parametrize("link", [OPS, WITNESS_VOTE])
def test_a_link_that_is_not_one_transfer_pays_nothing(link):
    assert uri.parse(link).transfer is None


def test_an_amount_of_another_chains_coin_is_no_payment_of_ours():
    assert uri.parse(MULTISIG).operations[0].value["amount"] == "150.000 STEEM"
    assert uri.parse(MULTISIG).transfer is None


def test_parameters_are_read():
    read = uri.parse(OP + PARAMETERS)
    assert (read.signer, read.authority, read.no_broadcast) == ("foo", "active", True)
    assert read.callback == "https://example.com/wallet?tx={{id}}"


def test_the_head_of_a_transaction_is_kept():
    assert dict(uri.parse(TX).head) == {
        "ref_block_num": 1234, "ref_block_prefix": 5678900, "expiration": "2020-01-01T00:00:00", "extensions": [],
    }  # fmt: skip


def test_the_short_form_of_a_transfer_is_read():
    link = f"hive://sign/transfer/usher-tickets/1.000%20HIVE/{b64u(MEMO)}"
    assert uri.parse(link).transfer == PAYS
    assert uri.parse("hive://sign/transfer/usher-tickets/1.000%20HIVE").transfer.memo == ""


def test_scheme_and_host_may_be_in_any_case_and_unknown_parameters_are_for_wallets_to_come():
    assert uri.parse("HIVE://SIGN" + OP[len("hive://sign") :] + "?x=1&s=foo") == PaymentRequest(
        operations=uri.parse(OP).operations, signer="foo"
    )


def test_a_memo_that_looks_like_a_placeholder_is_hidden_from_wallets_and_means_the_same():
    memo = "event:__signer-night:wallet:alice"
    hidden = uri.parse(uri.transfer_uri("usher-tickets", None, 1, memo)).transfer.memo
    assert "__signer" not in hidden
    assert parse(hidden, network=Network.MAIN) == parse(memo, network=Network.MAIN)
    assert isinstance(parse(hidden, network=Network.MAIN), EventMemo)


WRONG = {
    "empty": "",
    "another scheme": OP.replace("hive:", "steem:"),
    "another action": OP.replace("/op/", "/pay/"),
    "a message": "hive://sign/msg/ImhlbGxvIg..",
    "nothing to sign": "hive://sign/op/",
    "no base64": "hive://sign/op/%7B%7D",
    "plain base64": OP.replace("..", "=="),
    "padding left out": OP.replace("..", ""),
    "cut short": OP[:-7],
    "no JSON": f"hive://sign/op/{b64u('transfer')}",
    "no operation": f"hive://sign/op/{b64u('[1,2]')}",
    "an operation's name with a space": "hive://sign/op/" + b64u('["tra nsfer",{}]'),
    "no operations": f"hive://sign/ops/{b64u('[]')}",
    "one operation as several": OP.replace("/op/", "/ops/"),
    "several as one": OPS.replace("/ops/", "/op/"),
    "a transaction without operations": f"hive://sign/tx/{b64u('{}')}",
    "a transaction that is a list": f"hive://sign/tx/{b64u('[]')}",
    "a fragment": OP + "#top",
    "a parameter twice": OP + "?s=foo&s=bar",
    "a signer that cannot be": OP + "?s=F",
    "an authority that is none": OP + "?a=root",
    "a callback that is none": OP + "?cb=https://example.com",
    "too long": OP + "?x=" + "a" * uri.LONGEST,
    "a short form without an amount": "hive://sign/transfer/alice",
    "a short form with another amount": "hive://sign/transfer/alice/1%20HIVE",
    "a short form to nobody": "hive://sign/transfer/a/1.000%20HIVE",
    "a short form with a plain memo": "hive://sign/transfer/alice/1.000%20HIVE/o:123",
    "a short form with a memo of other bytes": "hive://sign/transfer/alice/1.000%20HIVE/_w..",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_anything_else_is_malformed_and_says_why(wrong):
    read = uri.parse(WRONG[wrong])
    assert isinstance(read, Malformed), read
    assert read.reason
