"""Invariant: bytes that are written are read back, and any text is bytes or none, the same one or no other text's."""

from hypothesis import given
from hypothesis import strategies as st

from chains.base58 import ALPHABET
from chains.monero import address, base58
from config.registry import Network

TEXTS = st.text(max_size=300) | st.text(st.sampled_from(ALPHABET), max_size=300)
NETWORKS = st.sampled_from(Network)


@given(raw=st.binary(max_size=300))
def test_bytes_are_read_back(raw):
    assert base58.decode(base58.encode(raw)) == raw
    assert base58.decode_checked(base58.encode_checked(raw)) == raw


@given(text=TEXTS)
def test_any_text_is_bytes_that_it_alone_writes_or_none(text):
    raw = base58.decode(text)
    assert raw is None or base58.encode(raw) == text
    body = base58.decode_checked(text)
    assert body is None or base58.encode_checked(body) == text


@given(text=TEXTS | st.text(st.sampled_from(ALPHABET), min_size=95, max_size=95), network=NETWORKS)
def test_any_text_is_one_kind_of_address_at_most(text, network):
    kinds = [address.canonical(text, network), address.split(text, network)]
    assert None in kinds


@given(keys=st.binary(min_size=64, max_size=64), payment_id=st.binary(min_size=8, max_size=8), network=NETWORKS)
def test_an_integrated_address_is_taken_apart_into_what_it_was_made_of(keys, payment_id, network):
    standard = address.display(b"\x12" + keys)
    both = address.integrated(standard, payment_id.hex(), network)
    found = address.split(both, network)
    assert (found.address, found.payment_id) == (standard, payment_id.hex())


@given(payment_id=TEXTS, network=NETWORKS)
def test_any_text_is_a_payment_id_or_none(payment_id, network):
    standard = address.display(b"\x12" + bytes(64))
    both = address.integrated(standard, payment_id, network)
    assert both is None or address.split(both, network).payment_id == payment_id.lower()
