"""Invariant: any JSON is read as what a daemon or a wallet tells or is distrusted with a reason, and nothing raises."""

import json

from hypothesis import given
from hypothesis import strategies as st

from chains.distrust import Distrusted
from chains.inspection import Given
from chains.monero.block import check_block, check_header, check_headers
from chains.monero.burnt import owners_of
from chains.monero.inspection import inspect
from chains.monero.parse import by_kind, check_transfers, payments_in, payments_waiting
from chains.monero.pool import check_spent, check_transactions
from chains.monero.rings import images_of, keys_of, outputs_of, rings_of
from chains.position import moment
from tests.support.monero_values import PRIMARY, SUBADDRESSES, blocks, entry, ours, regtest, transactions

BLOCKS = blocks()
LEAVES = st.none() | st.booleans() | st.integers(-(2**64), 2**65) | st.floats() | st.text(max_size=5)
ANY_JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
WORDS = st.sampled_from(
    [PRIMARY, *SUBADDRESSES, "ab" * 32, "0" * 16, "in", "out", "pool", "block", "", "0123456789abcdef"]
)
VALUES = ANY_JSON | WORDS | st.integers(0, 3)


@st.composite
def bent(draw, true, depth=3):
    """A true answer with some of its values replaced by anything."""
    if depth and isinstance(true, dict):
        told = {key: draw(bent(value, depth - 1)) for key, value in true.items()}
        if told and draw(st.integers(0, 9)) == 0:
            del told[draw(st.sampled_from(sorted(told)))]
        return told
    if depth and isinstance(true, list):
        return [draw(bent(value, depth - 1)) for value in true[: draw(st.integers(0, len(true)))]]
    return draw(VALUES) if draw(st.integers(0, 9)) == 0 else true


TRANSFERS = st.fixed_dictionaries(
    {
        "in": st.lists(bent(entry()), max_size=3),
        "pool": st.lists(bent(entry(type="pool", height=0)), max_size=2),
        "out": st.lists(bent(entry(type="out", txid="cd" * 32)), max_size=2),
    }
)


def believed_or_not(answer):
    return isinstance(answer, Distrusted) and bool(answer.reason)


@given(raw=ANY_JSON | TRANSFERS)
def test_any_transfers_are_told_or_distrusted(raw):
    told = check_transfers(raw)
    if believed_or_not(told):
        return
    link = check_header(BLOCKS[1]["block_header"])
    found = (*payments_in(link, told.arrived, ours()), *payments_waiting(told.waiting, ours()))
    for payment in found:
        assert payment.amount > 0
        assert (payment.sender, payment.memos) == (None, ())
    assert len({payment.key for payment in payments_in(link, told.arrived, ours())}) == len(
        payments_in(link, told.arrived, ours())
    )


@given(raw=ANY_JSON | st.builds(lambda one: {"transfers": [one]}, bent(entry())))
def test_any_files_are_inspected_or_distrusted(raw):
    watch = ours().watch
    for given_ in (Given(block=raw), Given(transaction=raw)):
        found = inspect(given_, regtest(), watch)
        assert believed_or_not(found) or found.note
    by_kind(raw)


@given(raw=ANY_JSON | st.sampled_from(BLOCKS).flatmap(lambda block: bent(block["block_header"])))
def test_any_header_is_a_link_or_distrusted(raw):
    link = check_header(raw)
    if not believed_or_not(link):
        assert moment(link.time).tzinfo is not None
    assert isinstance(check_headers(raw, 1, 2), Distrusted)


@given(blob=st.binary(max_size=300), block=st.sampled_from(BLOCKS), cut=st.integers(0, 300))
def test_any_bytes_are_the_block_or_distrusted(blob, block, cut):
    link = check_header(block["block_header"])
    true = bytes.fromhex(block["blob"])
    for bytes_ in (blob, true[:cut] + blob, true[:cut]):
        checked = check_block({"blob": bytes_.hex()}, link)
        assert believed_or_not(checked) or bytes_ == true


@given(raw=ANY_JSON | bent(transactions(), 4), images=st.lists(st.binary(max_size=3), max_size=3))
def test_any_transactions_outputs_and_images_are_told_or_distrusted(raw, images):
    for told in (check_transactions(raw), outputs_of(raw), owners_of(raw), check_spent(raw, images)):
        assert believed_or_not(told) or isinstance(told, dict | frozenset)


@given(inputs=ANY_JSON | bent(json.loads(transactions()["txs"][0]["as_json"]), 5), text=st.text(max_size=9))
def test_any_inputs_are_rings_or_distrusted(inputs, text):
    for as_json in (inputs, text, json.dumps(inputs, allow_nan=False, default=str) if _finite(inputs) else text):
        told = rings_of(as_json)
        assert believed_or_not(told) or all(isinstance(ring, frozenset) for ring in told)
        images = images_of(as_json)
        assert believed_or_not(images) or {len(image) for image in images} <= {32}
        assert all(isinstance(key, str) for key in keys_of(as_json))


def _finite(value):
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True
