"""Monero's base58, and the three kinds of addresses that are written in it."""

import pytest

from chains.monero import base58
from chains.monero.address import canonical, display, integrated, split
from config.registry import Network
from tests.support.monero_values import PRIMARY, SUBADDRESSES
from tests.support.vectors import vectors

STAGENET = "56cXYWG13YKaT9z1aEy2hb9TZNnxrW3zE9S4nTQVDux5Qq7UYsmjuux3Zstxkorj9HAufyWLU3FwHW4uERQF6tkeUVogGN3"
PAYMENT_ID = "0123456789abcdef"


@pytest.mark.parametrize("raw", [b"", b"\0", b"\xff" * 8, b"\0" * 9, bytes(range(69)), b"\xff" * 3])
def test_bytes_of_any_length_are_written_in_blocks_and_read_back(raw):
    text = base58.encode(raw)
    assert base58.decode(text) == raw
    assert len(text) == len(raw) // 8 * 11 + [0, 2, 3, 5, 6, 7, 9, 10][len(raw) % 8]


@pytest.mark.parametrize(
    "text",
    ["1", "1111", "11111111", "zzzzzzzzzzz", "zz", "5R", "0O", "jpXCZedGfVR", "1111111111é", " 1"],
    ids=["one digit", "four", "eight", "a full block too large", "a byte too large", "256", "no digits", "2^64",
         "no letter", "a blank"],
)  # fmt: skip
def test_what_no_bytes_are_written_as_is_none(text):
    assert base58.decode(text) is None


def test_a_checksum_is_part_of_what_is_read():
    text = base58.encode_checked(b"us")
    assert base58.decode_checked(text) == b"us"
    assert base58.decode_checked(base58.encode(b"us" + bytes(4))) is None
    assert base58.decode_checked(base58.encode(b"us")) is None


def test_standard_addresses_and_subaddresses_are_keys_of_a_network():
    for address in (PRIMARY, *SUBADDRESSES):
        keys = canonical(address, Network.MAIN)
        assert len(keys) == 65
        assert display(keys) == address
    assert canonical(STAGENET, Network.MAIN) is None
    assert canonical(STAGENET, Network.TEST) is not None


def test_a_regtest_writes_its_addresses_like_the_main_network_so_that_a_test_deployment_takes_them():
    assert canonical(PRIMARY, Network.TEST) == canonical(PRIMARY, Network.MAIN)
    assert split(integrated(PRIMARY, PAYMENT_ID, Network.TEST), Network.TEST).address == PRIMARY


@pytest.mark.parametrize(("address", "network"), [(PRIMARY, Network.MAIN), (STAGENET, Network.TEST)])
def test_an_integrated_address_is_a_standard_one_and_a_payment_id_and_no_account(address, network):
    both = integrated(address, PAYMENT_ID, network)
    assert len(both) == 106
    assert (split(both, network).address, split(both, network).payment_id) == (address, PAYMENT_ID)
    assert canonical(both, network) is None
    assert split(address, network) is None


def test_the_published_integrated_address_holds_its_payment_id():
    [uri] = [case["uri"] for case in vectors("payment-uris/monero-uri-cases.json") if "integrated" in case["source"]]
    found = split(uri.removeprefix("monero:"), Network.TEST)
    assert found.payment_id == "f612cac0b6cb1cda"  # as monero's unit test says
    assert canonical(found.address, Network.TEST) is not None
    assert split(uri.removeprefix("monero:"), Network.MAIN) is None


@pytest.mark.parametrize("payment_id", ["", "00", "zz" * 8, "0123456789abcdef00", "01 2345678 9abcdef"])
def test_a_payment_id_has_eight_bytes(payment_id):
    assert integrated(PRIMARY, payment_id, Network.MAIN) is None


def test_a_subaddress_is_never_integrated():
    assert integrated(SUBADDRESSES[0], PAYMENT_ID, Network.MAIN) is None
