"""Whatever bytes an endpoint sends are a JSON document of finite numbers or its own trouble, and whatever document it
is gives the outcomes in the order of the questions or the endpoint's trouble: nothing else is raised, nothing slow.
"""

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chains import wire
from chains.bitcoin.transport import bytes_of
from chains.evm import lookup
from chains.rpc import EndpointError, Refusal
from chains.wire import decoded, in_order, outcome

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(["1", 2**70])
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner))
ERRORS = st.none() | VALUES | st.fixed_dictionaries({"code": LEAVES, "message": VALUES})
OBJECTS = VALUES | st.fixed_dictionaries({}, optional={"id": LEAVES, "result": VALUES, "error": ERRORS, "x": LEAVES})
JSON = st.text(alphabet='{}[]",:0123456789.eE+-\\u tfnaslrueIN', max_size=40).map(str.encode)


def numbers(document):
    """Yield every float in a document."""
    if isinstance(document, float):
        yield document
    for one in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from numbers(one)


@given(body=st.binary(max_size=60) | JSON | st.builds(bytes.__add__, JSON, st.binary(max_size=3)))
@example(body=b'[1e999,"\xff"]')
@example(body=b'["\xff",NaN,-Infinity]')
@example(body=b'["\xff",' + b"9" * 5000 + b"]")
@example(body=b"[" * 100_000)
@example(body=b'["\xff",' + b"[" * 100_000)
def test_any_bytes_are_a_document_or_trouble(body):
    try:
        document = decoded(body)
    except EndpointError:
        return
    assert all(math.isfinite(number) for number in numbers(document))


def test_control_read_without_that_look_an_infinity_would_raise_what_nobody_expects(monkeypatch):
    monkeypatch.setattr(wire, "_finite", float)
    with pytest.raises(OverflowError):
        in_order(decoded(b'[{"id": 1e999, "result": "\xff"}]'), [1])


@given(answer=st.lists(OBJECTS, max_size=4) | OBJECTS, asked=st.integers(0, 4))
def test_any_document_is_outcomes_in_order_or_trouble(answer, asked):
    try:
        found = in_order(answer, range(1, asked + 1))
    except EndpointError:
        return
    assert len(found) == asked


@given(results=st.lists(VALUES, max_size=6), data=st.data())
def test_a_batch_that_is_answered_in_any_order_is_put_in_order(results, data):
    answer = [{"jsonrpc": "2.0", "id": number, "result": result} for number, result in enumerate(results)]
    assert in_order(data.draw(st.permutations(answer)), range(len(results))) == results


@given(answer=OBJECTS)
def test_any_object_is_a_result_or_a_refusal_or_trouble(answer):
    try:
        found = outcome(answer)
    except EndpointError:
        return
    assert not isinstance(found, Refusal) or (isinstance(found.code, int) and len(found.message) <= 200)


@given(answer=VALUES)
def test_any_answer_in_hex_is_bytes_or_trouble(answer):
    try:
        assert isinstance(bytes_of(answer), bytes)
    except EndpointError:
        assert not isinstance(answer, bytes)


@given(body=st.binary(max_size=40) | JSON | VALUES.map(lambda value: json.dumps({"result": value}).encode()))
def test_any_answer_about_a_contracts_signature_is_a_finding_or_trouble(body):
    try:
        found = lookup._finding(body)
    except EndpointError:
        return
    assert found in lookup.Finding


@pytest.mark.parametrize("finding", lookup.Finding)
def test_every_finding_has_a_verdict(finding):
    assert lookup.verdict_of(finding, None) is not None
