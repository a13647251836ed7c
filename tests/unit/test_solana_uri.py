"""Solana Pay links: what the reference implementation writes, what we write, and what neither should."""

import pytest

from chains.solana.reference import references
from chains.solana.uri import (
    LONGEST,
    Malformed,
    TransactionRequest,
    TransferRequest,
    parse,
    transfer_uri,
    write,
)
from config.registry import Network
from memo.grammar import EventMemo
from memo.grammar import parse as parse_memo
from tests.support.vectors import vectors

US = "mvines9iiHiQTysrwkJjGf2gb9Ex9jXJX8ns3qwf2kN"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
REFERENCE = "82ZJ7nbGpixjeDCmEhUcmwXYfvurzAgGdtSMuHnUgyny"
OTHER = "BHho3ps9DQvDbrVMx6S1jUxWUbcDWEEeMHzTzZam8jbX"

# Written by the npm package @solana/pay 1.0.16.
WRITTEN = {
    f"solana:{US}": TransferRequest(recipient=US),
    (
        f"solana:{US}?amount=0.000000001&reference={REFERENCE}&label=Michael+%26+Sons"
        "&message=Thanks+for+all+the+fish+%2B+chips&memo=event%3A7%3Awallet%3Aalice+%C3%A4%C3%B6%C3%BC%E7%88%B1"
    ): TransferRequest(
        recipient=US,
        amount="0.000000001",
        references=(REFERENCE,),
        label="Michael & Sons",
        message="Thanks for all the fish + chips",
        memo="event:7:wallet:alice äöü爱",
    ),
    (
        f"solana:{US}?amount=1.01&spl-token={USDC}&reference={REFERENCE}&reference={OTHER}&memo=o%3A8ZK2T0QJM4RVX"
    ): TransferRequest(recipient=US, amount="1.01", token=USDC, references=(REFERENCE, OTHER), memo="o:8ZK2T0QJM4RVX"),
    "solana:https%3A%2F%2Fexample.com%2Fsolana-pay%3Forder%3D12345?label=x&message=y": TransactionRequest(
        link="https://example.com/solana-pay?order=12345"
    ),
    "solana:https://example.com/solana-pay": TransactionRequest(link="https://example.com/solana-pay"),
}


@pytest.mark.parametrize("link", WRITTEN)
def test_links_of_the_reference_implementation_are_read(link):
    assert parse(link) == WRITTEN[link]
    assert parse(write(WRITTEN[link])) == WRITTEN[link]


@pytest.mark.parametrize("case", vectors("solana-pay/cases.json"), ids=lambda case: case["uri"][:60])
def test_the_published_cases_are_read_or_refused_as_they_say(case):
    read = parse(case["uri"])
    assert isinstance(read, Malformed) is not case["valid"], read
    assert isinstance(read, Malformed) or parse(write(read)) == read


def test_an_order_is_paid_by_one_link_with_memo_and_reference():
    [reference] = references(b"secret", "solana:x", 41, 1)
    link = transfer_uri(
        US, 25_500_000, 6, token=USDC, references=[reference], memo=f"event:7:wallet:{US}", label="Usher"
    )
    assert link == (
        f"solana:{US}?amount=25.5&spl-token={USDC}&reference={reference}&label=Usher&memo=event%3A7%3Awallet%3A{US}"
    )
    read = parse(link)
    assert read.units(6) == 25_500_000
    assert isinstance(parse_memo(read.memo, network=Network.MAIN), EventMemo)


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [(1, 9, "0.000000001"), (10**9, 9, "1"), (0, 9, "0"), (2**64 - 1, 9, "18446744073.709551615"), (5, 0, "5")],
)
def test_amounts_are_whole_coins_without_loss(units, decimals, text):
    link = transfer_uri(US, units, decimals)
    assert link == f"solana:{US}?amount={text}"
    assert parse(link).units(decimals) == units


def test_an_amount_finer_than_the_asset_is_refused_by_whoever_knows_its_decimals():
    with pytest.raises(ValueError, match="more than the asset's 6 decimals"):
        parse(f"solana:{US}?amount=0.0000001").units(6)
    assert parse(f"solana:{US}").units(6) is None


def test_a_scheme_is_read_in_any_case_and_an_unknown_parameter_is_passed_over():
    assert parse(f"SOLANA:{US}?colour=red&amount=1") == TransferRequest(recipient=US, amount="1")


@pytest.mark.parametrize(
    "query",
    [
        "amount=", "amount=.5", "amount=5.", "amount=1e9", "amount=+1", "amount=-1", "amount=1,5", "amount=0x10",
        "amount=\u0661", "amount=1&amount=1", "amount", "amount=NaN", "amount=Infinity", "amount=" + "9" * 41,
        "spl-token=", "spl-token=SOL", f"spl-token={USDC}&spl-token={USDC}", "reference=", "reference=0xffff",
        f"reference={REFERENCE}&reference=x", "memo=%", "memo=%zz", "memo=%ff", "memo=a&memo=b", "memo=a b", "memo=\0",
        "label=%C3", "&", "=", "memo=é", "&".join([f"reference={REFERENCE}"] * 33),
    ],
)  # fmt: skip
def test_a_request_that_could_be_read_in_two_ways_is_malformed(query):
    assert isinstance(parse(f"solana:{US}?{query}"), Malformed)


@pytest.mark.parametrize(
    "uri",
    [
        "", "solana", "solana:", "solana:?amount=1", f"ethereum:{US}", f"solana://{US}", f"solana:{US}/pay", US,
        f"solana:{US[:-1]}", f"solana:{US}1", f"solana:{US}#x", "solana:http://example.com/pay",
        "solana:https://", "solana:https:///pay", "solana:javascript:alert(1)", "solana:https%3A%2F%2Fexa mple.com",
        "solana:https://user@example.com/", "solana:%", f" solana:{US}", f"solana:{US}\n", "solana:0xffff",
        f"solana:{US}?memo=" + "a" * LONGEST,
    ],
)  # fmt: skip
def test_what_is_no_link_is_malformed(uri):
    read = parse(uri)
    assert isinstance(read, Malformed)
    assert read.reason
