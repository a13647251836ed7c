"""Who a client is: the right-most hop that is not ours, as a network, as a keyed hash."""

from ipaddress import ip_address, ip_network

import pytest

from gateway.http.client import client_address, network_key, read_address

PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8:ff::/48"))
PEER = ip_address("10.0.0.1")


def seen(*, forwarded_for=(), forwarded=(), peer=PEER, trusted=PROXIES):
    return str(client_address(peer, forwarded_for, forwarded, trusted))


def test_a_strangers_word_about_others_is_ignored():
    assert (
        seen(peer=ip_address("203.0.113.9"), forwarded_for=["192.0.2.1"], forwarded=["for=192.0.2.1"]) == "203.0.113.9"
    )


def test_nobody_is_trusted_unless_the_operator_says_so():
    assert seen(forwarded_for=["192.0.2.1"], trusted=()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("fields", "client"),
    [
        ((), "10.0.0.1"),
        (["192.0.2.1"], "192.0.2.1"),
        (["198.51.100.1, 192.0.2.1"], "192.0.2.1"),
        (["198.51.100.1", "192.0.2.1, 10.3.3.3"], "192.0.2.1"),
        (["10.9.9.9, 10.3.3.3"], "10.9.9.9"),
        (["192.0.2.1, nonsense"], "10.0.0.1"),
        (["192.0.2.1, nonsense, 10.3.3.3"], "10.3.3.3"),
        (["192.0.2.1:4711"], "192.0.2.1"),
        (["[2001:db8::7]:4711"], "2001:db8::7"),
        (["2001:db8::7, 2001:db8:ff::1"], "2001:db8::7"),
        (["192.0.2.1, ::ffff:10.1.1.1"], "192.0.2.1"),
        ([", ,"], "10.0.0.1"),
    ],
)
def test_the_right_most_hop_that_is_not_ours_is_the_client(fields, client):
    assert seen(forwarded_for=fields) == client


@pytest.mark.parametrize(
    ("fields", "client"),
    [
        (["for=192.0.2.1"], "192.0.2.1"),
        (['For="[2001:db8:cafe::17]:4711"'], "2001:db8:cafe::17"),
        (["for=198.51.100.1, for=192.0.2.1;proto=https;by=10.0.0.1"], "192.0.2.1"),
        (["for=192.0.2.1, for=_hidden"], "10.0.0.1"),
        (["for=192.0.2.1, proto=https"], "10.0.0.1"),
    ],
)
def test_the_standard_field_is_read_alike(fields, client):
    assert seen(forwarded=fields) == client


def test_two_fields_that_disagree_hide_nobody():
    assert seen(forwarded_for=["192.0.2.1"], forwarded=["for=192.0.2.1"]) == "192.0.2.1"
    assert seen(forwarded_for=["192.0.2.1"], forwarded=["for=192.0.2.2"]) == "10.0.0.1"


def test_a_client_is_an_address_of_ipv4_and_a_64_of_ipv6():
    def key(text):
        return network_key(read_address(text), b"secret")

    assert key("192.0.2.1") == key("::ffff:192.0.2.1") != key("192.0.2.2")
    assert key("2001:db8::1") == key("2001:db8::ffff:1") != key("2001:db8:0:1::1")
    assert network_key(ip_address("192.0.2.1"), b"another secret") != key("192.0.2.1")


@pytest.mark.parametrize("text", ["", "unknown", "_x", "300.1.1.1", "1.2.3", "[::1", "fe80::1%eth0", "\0", "é"])
def test_no_text_raises(text):
    read_address(text)


def test_whoever_trusts_everybody_is_told_anything():
    everybody = (ip_network("0.0.0.0/0"),)
    assert seen(forwarded_for=["1.2.3.4"], peer=ip_address("203.0.113.9"), trusted=everybody) == "1.2.3.4"
