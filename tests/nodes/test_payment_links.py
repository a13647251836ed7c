"""Payment links against each ecosystem's own reader: what we write means the same to it, and what it writes to us.

The invariant of every test here: whoever of the two writes a link and whoever reads it, recipient, asset, amount to the
last unit, reference, memo and texts are those that were put in.
"""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chains.bitcoin import uri as bitcoin
from chains.evm import uri as evm
from chains.hive import amounts
from chains.hive import uri as hive
from chains.hive.operations import Operation
from chains.monero import uri as monero
from chains.solana import uri as solana
from config.registry import Network
from memo import grammar
from tests.support.monerod import NodeError, monerod, wallet_rpc
from tests.support.npm_wallets import scripts

US = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
BITCOIN = ("15mKKb2eos1hWa6tisdPwwDC1a5J1y9nma", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
WALLET, MINT = "mvines9iiHiQTysrwkJjGf2gb9Ex9jXJX8ns3qwf2kN", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
REFERENCES = ("82ZJ7nbGpixjeDCmEhUcmwXYfvurzAgGdtSMuHnUgyny", "9B5XszUGdMaxCZ7uSQhPzdks5ZQSmWxrmzCSvtJ6Ns6g")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
NOTES = st.text(st.characters(exclude_categories=["Cs", "Cc"], max_codepoint=0xFFFF), min_size=1, max_size=60)
"""What monero-wallet-rpc can say: it escapes no control characters, and makes nonsense of a pair of JSON's escapes."""
IN_A_FLOAT = 10**15
"""Fifteen digits are what the libraries' floats keep."""
MEMO = "event:7:wallet:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed:ref:a&b=c d+e%20é"

often = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
seldom = settings(often, max_examples=20)  # each asks a program over HTTP


@pytest.fixture(scope="module")
def theirs():
    with scripts("links") as running:
        yield running


@pytest.fixture(scope="module")
def wallet():
    """monero-wallet-rpc, which reads and writes links."""
    with monerod() as node, wallet_rpc(node.url) as rpc:
        rpc.create("payer")
        rpc.rpc("create_address", account_index=0, count=1)
        yield rpc


def units(written, decimals):
    number = Decimal(written).scaleb(decimals)
    assert number == int(number)
    return int(number)


@often
@given(wei=st.integers(0, 2**256 - 1), chain=st.integers(1, 2**53))
@example(wei=10**18, chain=31337)
def test_eth_url_parser_reads_our_links_in_the_chains_own_coin(theirs, wei, chain):
    read = theirs.ask("eth-url-parser", "parse", given=(evm.native_uri(US, chain, wei),))
    assert (read["target_address"], read["chain_id"]) == (US, str(chain))
    assert int(Decimal(read["parameters"]["value"])) == wei
    assert "function_name" not in read


@often
@given(amount=st.integers(0, 2**256 - 1))
def test_eth_url_parser_reads_our_links_in_a_token(theirs, amount):
    read = theirs.ask("eth-url-parser", "parse", given=(evm.token_uri(USDC, 137, US, amount),))
    assert (read["target_address"], read["chain_id"], read["function_name"]) == (USDC, "137", "transfer")
    assert read["parameters"]["address"] == US
    assert int(Decimal(read["parameters"]["uint256"])) == amount


@often
@given(amount=st.integers(1, 2**256 - 1))
def test_we_read_the_links_of_eth_url_parser(theirs, amount):
    coin = {"target_address": US, "chain_id": "137", "parameters": {"value": str(amount)}}
    token = {
        "target_address": USDC,
        "chain_id": "137",
        "function_name": "transfer",
        "parameters": {"address": US, "uint256": str(amount)},
    }
    for request, target in ((coin, US), (token, USDC)):
        read = evm.parse(theirs.ask("eth-url-parser", "write", given=(request,)))
        assert (read.target, read.chain_id, read.beneficiary, read.amount) == (target, 137, US, amount)


@often
@given(address=st.sampled_from(BITCOIN), satoshis=st.integers(0, bitcoin.MOST), label=TEXTS)
def test_bip21_reads_our_links(theirs, address, satoshis, label):
    read = theirs.ask("bip21", "parse", given=(bitcoin.payment_uri(address, satoshis, label=label),))
    assert (read["address"], read["options"]["label"]) == (address, label)
    assert units(read["options"]["amount"], 8) == satoshis


@often
@given(address=st.sampled_from(BITCOIN), satoshis=st.integers(1, bitcoin.MOST), label=TEXTS, message=TEXTS)
def test_we_read_the_links_of_bip21(theirs, address, satoshis, label, message):
    written = f"{Decimal(satoshis).scaleb(-8):f}"
    options = {"amount": written, "label": label, "message": message}
    assert bitcoin.parse(theirs.ask("bip21", "write", given=(address, options))) == bitcoin.PaymentRequest(
        address=address, amount=satoshis, label=label, message=message
    )


@often
@given(lamports=st.integers(1, IN_A_FLOAT), references=st.permutations(REFERENCES), label=TEXTS, memo=TEXTS)
@example(lamports=1, references=REFERENCES, label="Usher", memo=MEMO)
def test_solana_pay_reads_our_links(theirs, lamports, references, label, memo):
    link = solana.transfer_uri(WALLET, lamports, 9, references=references, label=label, memo=memo)
    read = theirs.ask("solana-pay", "parse", given=(link,))
    assert (read["recipient"], read["reference"], read["label"], read["memo"]) == (WALLET, [*references], label, memo)
    assert units(read["amount"], 9) == lamports
    assert "splToken" not in read


@often
@given(amount=st.integers(1, IN_A_FLOAT), message=TEXTS)
def test_solana_pay_reads_our_links_in_a_token(theirs, amount, message):
    link = solana.transfer_uri(WALLET, amount, 6, token=MINT, message=message)
    read = theirs.ask("solana-pay", "parse", given=(link,))
    assert (read["recipient"], read["splToken"], read["message"]) == (WALLET, MINT, message)
    assert units(read["amount"], 6) == amount


@often
@given(amount=st.integers(1, 10**11), memo=TEXTS, message=TEXTS, label=TEXTS)
def test_we_read_the_links_of_solana_pay(theirs, amount, memo, message, label):
    # Beyond, it writes ten decimals of a float that are none of the token's.
    request = {"recipient": WALLET, "amount": amount / 10**6, "splToken": MINT}
    texts = {"memo": memo, "message": message, "label": label}
    link = theirs.ask("solana-pay", "write", given=({**request, **texts, "reference": REFERENCES},))
    read = solana.parse(link)
    assert (read.recipient, read.token, read.references) == (WALLET, MINT, REFERENCES)
    assert (read.memo, read.message, read.label, read.units(6)) == (memo, message, label, amount)


@pytest.mark.parametrize("link", ["https://pay.example/a", "https://pay.example/a?order=7&b=%20"])
def test_we_and_solana_pay_read_each_others_transaction_requests(theirs, link):
    asked = solana.TransactionRequest(link=link)
    assert solana.parse(theirs.ask("solana-pay", "write", given=({"link": link},))) == asked
    assert theirs.ask("solana-pay", "parse", given=(solana.write(asked),))["link"] == link


@often
@given(milli=st.integers(0, 2**63 - 1), hbd=st.booleans(), memo=TEXTS)
@example(milli=1000, hbd=True, memo="o:ABC-12")
def test_hive_uri_makes_of_our_links_the_transfer_that_whoever_signs_pays(theirs, milli, hbd, memo):
    link = hive.transfer_uri("usher.live", amounts.HBD if hbd else None, milli, memo)
    asked = theirs.ask("hive-uri", "parse", given=(link, "alice"))
    written = f"{milli // 1000}.{milli % 1000:03} {'HBD' if hbd else 'HIVE'}"
    transfer = {"from": "alice", "to": "usher.live", "amount": written, "memo": memo}
    assert (asked["params"], asked["signer"], asked["tx"]["operations"]) == ({}, "alice", [["transfer", transfer]])


@pytest.mark.parametrize("slug", ["the__signer", "a__expiration", "b__ref_block_num"])
def test_what_looks_like_a_placeholder_in_a_memo_of_ours_survives_the_wallet(theirs, slug):
    memo = f"event:{slug}:wallet:alice"
    asked = theirs.ask("hive-uri", "parse", given=(hive.transfer_uri("usher", None, 1, memo), "bob"))
    [[_, transfer]] = asked["tx"]["operations"]
    read = grammar.parse(memo, network=Network.MAIN)
    assert isinstance(read, grammar.EventMemo)
    assert grammar.parse(transfer["memo"], network=Network.MAIN) == read


@often
@given(memo=TEXTS, callback=st.sampled_from(["https://usher.example/paid?id={{id}}", "https://usher.example/ü"]))
def test_we_read_the_links_of_hive_uri(theirs, memo, callback):
    value = {"from": "__signer", "to": "usher", "amount": "1.000 HIVE", "memo": memo}
    transfer = hive.Transfer(sender=None, recipient="usher", amount=amounts.parse("1.000 HIVE"), memo=memo)
    parameters = {"signer": "alice", "callback": callback, "no_broadcast": True, "authority": "active"}
    op = hive.parse(theirs.ask("hive-uri", "write", "op", given=(["transfer", value], parameters)))
    assert (op.transfer, op.signer, op.callback, op.no_broadcast, op.authority) == (
        transfer, "alice", callback, True, "active",
    )  # fmt: skip
    ops = hive.parse(theirs.ask("hive-uri", "write", "ops", given=([["transfer", value]] * 2,)))
    assert ops.operations == (Operation(name="transfer", value=value),) * 2
    whole = {"ref_block_num": 1, "ref_block_prefix": 2, "expiration": "__expiration", "extensions": []}
    tx = hive.parse(theirs.ask("hive-uri", "write", "tx", given=({**whole, "operations": [["transfer", value]]},)))
    assert (tx.transfer, dict(tx.head)) == (transfer, whole)


@pytest.mark.parametrize("index", [0, 1])
@seldom
@given(piconero=st.integers(1, 2**63 - 1), name=NOTES, description=NOTES)
def test_monero_wallet_rpc_reads_our_links(wallet, index, piconero, name, description):
    address = _address(wallet, index)
    link = monero.payment_uri(address, piconero, recipient_name=name, description=description)
    read = wallet.rpc("parse_uri", uri=link)
    assert not read.get("unknown_parameters")
    assert read["uri"] == {
        "address": address,
        "amount": piconero,
        "payment_id": "",
        "recipient_name": name,
        "tx_description": description,
    }


@pytest.mark.parametrize("index", [0, 1])
@seldom
@given(piconero=st.integers(1, 2**63 - 1), name=NOTES, description=NOTES)
@example(piconero=1, name="Usher", description="a=b")  # which it does not escape, and cannot read
def test_we_read_of_the_links_of_monero_wallet_rpc_what_it_reads_itself(wallet, index, piconero, name, description):
    address = _address(wallet, index)
    asked = {"address": address, "amount": piconero, "recipient_name": name, "tx_description": description}
    link = wallet.rpc("make_uri", **asked)["uri"]
    ours = monero.parse(link)
    try:
        read = wallet.rpc("parse_uri", uri=link)["uri"]
    except NodeError:
        assert isinstance(ours, monero.Malformed)
    else:
        assert read == {**asked, "payment_id": ""}
        assert ours == monero.PaymentRequest(
            address=address, amount=piconero, recipient_name=name, description=description
        )


def _address(wallet, index):
    [found] = wallet.rpc("get_address", account_index=0, address_index=[index])["addresses"]
    return found["address"]
