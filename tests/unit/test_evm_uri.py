"""ERC-681 links and the wallet transaction beside them."""

import pytest

from chains import qr
from chains.evm.transaction import follow, native_transaction, token_transaction
from chains.evm.uri import Malformed, PaymentRequest, native_uri, parse, token_uri
from tests.support.vectors import vectors

US = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TOKEN = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"


def test_the_published_cases_are_read_as_their_authors_expect():
    for case in vectors("payment-uris/eip681-cases.json"):
        request, expected = parse(case["uri"]), case["expect"]
        assert isinstance(request, PaymentRequest), case["uri"]
        assert request.target == expected["target_address"]
        assert request.chain_id == (int(expected["chain_id"]) if "chain_id" in expected else None)
        assert request.function == expected.get("function_name")
        assert {key: str(value) for key, value in request.parameters.items()} == expected.get("parameters", {})
        assert [[kind, str(value)] for kind, value in request.arguments] == expected.get("args", [])


def test_a_link_in_the_chains_own_coin_says_where_how_much_and_on_which_chain():
    link = native_uri(US, 137, 2014 * 10**15)
    assert link == f"ethereum:{US}@137?value=2014000000000000000"
    request = parse(link)
    assert (request.beneficiary, request.amount, request.chain_id) == (US, 2014 * 10**15, 137)


def test_a_link_in_a_token_calls_its_transfer():
    link = token_uri(TOKEN, 1, US, 25_000_000)
    assert link == f"ethereum:{TOKEN}@1/transfer?address={US}&uint256=25000000"
    request = parse(link)
    assert (request.target, request.beneficiary, request.amount) == (TOKEN, US, 25_000_000)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("0", 0),
        ("2.014e18", 2014 * 10**15),
        ("2.014E18", 2014 * 10**15),
        (".5e1", 5),
        ("+7", 7),
        ("1e", 1),
        ("1e000", 1),
        ("0.000000000000000001e18", 1),
        ("9007199254740993e0", 2**53 + 1),  # a float would lose the last digit
        (str(2**256 - 1), 2**256 - 1),
    ],
)
def test_numbers_are_exact_integers_in_any_notation(written, number):
    assert parse(f"ethereum:{US}?value={written}").parameters["value"] == number


@pytest.mark.parametrize(
    "written",
    ["", "-1", "1.5", "1.0", "1.25e1", ".", "e18", "0x10", "1_000", "1e-1", "1,5", "٣", " 1", "1e999", str(2**256),
     "1e1000000000", "9" * 1500],
)  # fmt: skip
def test_what_is_no_integer_of_256_bits_is_refused(written):
    assert isinstance(parse(f"ethereum:{US}?value={written}"), Malformed)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "ethereum:",
        US,
        f"bitcoin:{US}",
        f"ethereum:{US[:-1]}",
        f"ethereum:{US}0",
        f"ethereum:{US.replace('a', 'A', 1)}",  # fails its EIP-55 checksum
        f"ethereum:foo-{US}",  # another prefix is another specification
        "ethereum:alice",
        "ethereum:.eth",
        f"ethereum:{US}@",
        f"ethereum:{US}@0x1",
        f"ethereum:{US}@1@2",
        f"ethereum:{US}/",
        f"ethereum:{US}?",
        f"ethereum:{US}?value",
        f"ethereum:{US}?value=1&",
        f"ethereum:{US}?value=1&value=2",
        f"ethereum:{US}?amount=1",
        f"ethereum:{US}?uint256=x",
        f"ethereum:{US}?string=%",
        f"ethereum:{US}?string=a=b",
        f"ethereum:{US}?string=a b",
        f"ethereum:{US}?string=é",
        f"ethereum:{US}/a&b",
        f"ethereum:{US}?string=%ff",
        f"ethereum:{US}/%zz",
        f"ethereum:{US}?value=1\n",
        f"ethereum:{US}?{'string=x&' * 300}",
    ],
)
def test_what_the_grammar_does_not_allow_is_malformed(link):
    assert isinstance(parse(link), Malformed)


def test_text_in_a_link_is_percent_decoded():
    request = parse(f"ethereum:{US}/say%20it?string=50%25%20%C3%BC%26")
    assert request.function == "say it"
    assert request.arguments == (("string", "50% ü&"),)


def test_an_ens_name_is_read_and_left_to_the_payer_to_resolve():
    request = parse("ethereum:pay-me.example.eth@1?value=1e18")
    assert request.target == "me.example.eth"
    assert isinstance(follow(request, chain_id=1), Malformed)


def test_the_schemes_case_means_nothing():
    assert parse(f"ETHEREUM:{US}") == parse(f"ethereum:{US}")


def test_the_native_transaction_carries_the_memo_as_its_calldata():
    assert native_transaction(address=US.lower(), chain_id=137, wei=10**18, memo="o:0000000000000") == {
        "to": US,
        "value": "0xde0b6b3a7640000",
        "data": "0x6f3a30303030303030303030303030",
        "chainId": "0x89",
    }


def test_the_token_transaction_carries_the_memo_behind_the_arguments_of_transfer():
    sent = token_transaction(contract=TOKEN, chain_id=1, recipient=US, units=25_000_000, memo="o:0")
    data = bytes.fromhex(sent["data"][2:])
    assert (sent["to"], sent["value"], sent["chainId"]) == (TOKEN, "0x0", "0x1")
    assert data[:4].hex() == "a9059cbb"
    assert data[4:36] == bytes(12) + bytes.fromhex(US[2:])
    assert int.from_bytes(data[36:68], "big") == 25_000_000
    assert data[68:] == b"o:0"


@pytest.mark.parametrize("wei", [-1, 2**256])
def test_an_amount_no_chain_can_move_is_an_error(wei):
    with pytest.raises(ValueError, match="256 bits"):
        native_transaction(address=US, chain_id=1, wei=wei)


def test_an_address_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="not an EVM address"):
        token_transaction(contract=TOKEN, chain_id=1, recipient="alice", units=1)


def test_following_a_link_gives_the_transaction_it_describes():
    assert follow(parse(native_uri(US, 137, 5)), chain_id=137) == native_transaction(address=US, chain_id=137, wei=5)
    assert follow(parse(token_uri(TOKEN, 1, US, 5)), chain_id=1) == token_transaction(
        contract=TOKEN, chain_id=1, recipient=US, units=5
    )


@pytest.mark.parametrize(
    "link",
    [
        native_uri(US, 1, 5),  # another chain
        f"ethereum:{US}",  # no amount
        f"ethereum:{TOKEN}/approve?address={US}&uint256=5",
        f"ethereum:{TOKEN}/transfer?address={US}&uint256=-5",
        f"ethereum:{TOKEN}/transfer?address=0x12345&uint256=5",
        f"ethereum:{TOKEN}/transfer?uint256=5&address={US}",
    ],
)
def test_a_link_that_describes_no_payment_on_this_chain_is_not_followed(link):
    assert isinstance(follow(parse(link), chain_id=137), Malformed)


def test_a_qr_code_is_drawn_for_a_page_and_for_the_terminal():
    link = token_uri(TOKEN, 1, US, 25_000_000)
    assert qr.svg(link).startswith("<svg ")
    rows = qr.terminal(link).splitlines()
    assert len({len(row) for row in rows}) == 1
    assert set("".join(rows)) <= set(" ▀▄█")
