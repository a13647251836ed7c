"""Monero's programs themselves: which version is taken, and whether they read our links as we read theirs."""

import os

import pytest

from chains.monero.address import integrated, split
from chains.monero.uri import MOST, Malformed, decimal, parse, payment_uri
from config.registry import Network
from tests.support.monero_world import monero_world
from tests.support.monerod import NodeError, OldProgramError, monero_program, version_of

pytestmark = pytest.mark.xdist_group("chain monero")

TEXTS = ["", "foo", "foo bar", "a=b&c?d#e/f:g", "100 %", "%41", "é €", "a+b", "\"'<>"]


@pytest.fixture
def wallet():
    return monero_world().payer


@pytest.fixture
def us():
    return monero_world().keys.at(1)


def program_that_says(path, text):
    path.write_text(f'#!/bin/sh\necho "{text}"\n')
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    "said", ["Monero 'Fluorine Fermi' (v0.18.0.0-release)", "Monero 'Oxygen' (v0.17.3.2)", "hello", ""]
)
def test_an_old_monerod_is_refused_wherever_it_is_found(tmp_path, monkeypatch, said):
    monkeypatch.setenv("MONEROD", program_that_says(tmp_path / "monerod", said))
    with pytest.raises(OldProgramError, match="make nodes"):
        monero_program("monerod", variable="MONEROD")


def test_a_newer_one_is_taken(tmp_path, monkeypatch):
    path = program_that_says(tmp_path / "monerod", "Monero 'Fluorine Fermi' (v0.19.0.0-unknown)")
    monkeypatch.setenv("MONEROD", path)
    assert monero_program("monerod", variable="MONEROD") == path
    assert version_of(path) == (0, 19, 0)


def test_the_ones_that_run_here_are_new_enough():
    for name, variable in (("monerod", "MONEROD"), ("monero-wallet-rpc", "MONERO_WALLET_RPC")):
        assert version_of(monero_program(name, variable=variable)) >= (0, 18, 5)
        assert os.access(monero_program(name, variable=variable), os.X_OK)


@pytest.mark.parametrize("text", TEXTS)
def test_the_wallet_reads_our_links_as_they_were_meant(wallet, us, text):
    read = wallet.rpc("parse_uri", uri=payment_uri(us, 239_390_140_000_001, recipient_name=text, description=text))
    assert read["uri"]["address"] == us
    assert read["uri"]["amount"] == 239_390_140_000_001
    assert (read["uri"]["recipient_name"], read["uri"]["tx_description"]) == (text, text)
    assert read.get("unknown_parameters") is None


@pytest.mark.parametrize("text", [text for text in TEXTS if "=" not in text])
def test_we_read_the_wallets_links_as_they_were_meant(wallet, us, text):
    link = wallet.rpc("make_uri", address=us, amount=5 * 10**11, recipient_name=text, tx_description=text)["uri"]
    request = parse(link)
    assert (request.address, request.amount) == (us, 5 * 10**11)
    assert (request.recipient_name or "", request.description or "") == (text, text)


def test_a_link_in_which_the_wallet_forgot_to_escape_is_read_by_neither(wallet, us):
    link = wallet.rpc("make_uri", address=us, tx_description="a=b")["uri"]
    assert link.endswith("tx_description=a=b")
    assert isinstance(parse(link), Malformed)
    with pytest.raises(NodeError, match="wrong parameter"):
        wallet.rpc("parse_uri", uri=link)


@pytest.mark.parametrize("units", [1, 10**12, MOST])
def test_amounts_come_through_exactly(wallet, us, units):
    assert wallet.rpc("parse_uri", uri=f"monero:{us}?tx_amount={decimal(units)}")["uri"]["amount"] == units
    assert parse(wallet.rpc("make_uri", address=us, amount=units)["uri"]).amount == units


@pytest.mark.parametrize(
    "rest",
    ["", "?", "?tx_amount=", "?tx_amount=.5", "?tx_amount=1.", "?tx_amount=.", "?tx_amount=-1", "?tx_amount=1e3",
     "?tx_amount=0", "?tx_amount=1.0000000000000", "?tx_amount=0.0000000000001", "?tx_amount=18446744.073709551616",
     "?tx_amount=1&tx_amount=1", "?foo", "?foo=1", "?foo=", "?a=b=c", "?=", "?foo=1&", "?&foo=1", "&foo=1",
     "?tx_payment_id=00", "?tx_description=%ZZ", "?tx_description=%2", "?recipient_name=%20", "?tx_description=a+b",
     f"?tx_payment_id={'12' * 32}", f"?tx_payment_id={'12' * 8}", ";", "?tx_amount=1;2"],
)  # fmt: skip
def test_we_take_the_links_that_the_wallet_takes_and_read_the_same(wallet, us, rest):
    ours = parse(f"monero:{us}{rest}")
    try:
        theirs = wallet.rpc("parse_uri", uri=f"monero:{us}{rest}")
    except NodeError:
        assert isinstance(ours, Malformed)
        return
    assert not isinstance(ours, Malformed)
    read = theirs["uri"]
    assert (ours.amount or 0, ours.address) == (read["amount"], read["address"])
    assert (ours.recipient_name or "", ours.description or "") == (read["recipient_name"], read["tx_description"])
    assert (ours.payment_id or "", list(ours.unknown)) == (read["payment_id"], theirs.get("unknown_parameters", []))


def test_the_wallet_makes_the_integrated_addresses_that_we_make(wallet):
    payment_id = "0123456789abcdef"
    made = wallet.rpc("make_integrated_address", payment_id=payment_id)["integrated_address"]
    primary = monero_world().payer_address
    assert integrated(primary, payment_id, Network.TEST) == made
    assert (split(made, Network.TEST).address, split(made, Network.TEST).payment_id) == (primary, payment_id)
