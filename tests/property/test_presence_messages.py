"""Any text gives something a client can say, or Malformed; never an exception. Whatever is read can be passed on in a
welcome, a letter to neighbours and a roster, and read again there."""

import json
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from gateway.neighbours.letters import (
    ROSTER_VERSION,
    Letter,
    can_be_written,
    read_letter,
    read_roster,
    write_introduction,
    write_letter,
)
from gateway.presence.messages import MAX_DEPTH, Malformed, Said, Signal, State, read, shallow, write

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["type", "token", "to", "data", "text"])
TYPES = st.sampled_from(["auth", "signal", "state", "chat", "heartbeat", "kicked"])
NEARLY = st.dictionaries(NAMES, VALUES).flatmap(lambda said: st.builds(lambda kind: {**said, "type": kind}, TYPES))


@given(st.text() | (VALUES | NEARLY).map(json.dumps))
def test_any_text_is_read_or_malformed(text):
    assert isinstance(read(text), (*get_args(Said), Malformed))


NESTED = st.builds(
    lambda pairs, inner: "".join(opening for opening, _ in pairs) + inner + "".join(end for _, end in reversed(pairs)),
    st.lists(st.sampled_from([("[", "]"), ('{"a":', "}")]), max_size=1100),
    st.sampled_from(["1", "[]", '"x"', "1e400", "12345678901234567890123", '"\\ud800"', '"\\u0000"']),
)
DATA = NESTED | VALUES.map(json.dumps)


@given(st.sampled_from(["state", "signal"]), DATA)
def test_whatever_is_read_can_be_passed_on(kind, data):
    match read(f'{{"type": "{kind}", "to": "p", "data": {data}}}'):
        case State(data=heard):
            message = {"type": "state", "peer": "p", "data": heard}
        case Signal(data=heard):
            message = {"type": "signal", "from": "p", "data": heard}
        case Malformed():
            return
    introduction = {"peer": "p", "role": "attendee", "media": "m", "state": heard}
    write({"type": "welcome", "peer": "q", "peers": [introduction]})
    assert can_be_written(message)
    letter = read_letter(write_letter(Letter(gate="g", event_id=1, version=1, message=message, to="q")))
    assert letter is not None
    assert letter.message.keys() == message.keys()
    roster = read_roster({ROSTER_VERSION: b"1", b"p": write_introduction(introduction)})
    assert roster is not None
    assert shallow(roster.peers["p"]["state"])


def test_nesting_is_bounded_where_orjson_reads_more_than_it_writes():
    for depth, kind in ((MAX_DEPTH - 1, State), (MAX_DEPTH, Malformed), (300, Malformed), (2000, Malformed)):
        assert isinstance(read('{"type":"state","data":' + "[" * depth + "]" * depth + "}"), kind)
    deep = json.loads("[" * 300 + "]" * 300)
    assert not can_be_written({"type": "state", "peer": "p", "data": deep})


def test_what_an_older_gate_let_pass_is_left_out_here():
    deep = b"[" * 200 + b"]" * 200
    assert (
        read_letter(b'{"gate":"g","event":1,"version":1,"message":{"type":"state","data":%b},"to":null}' % deep) is None
    )
    roster = read_roster({ROSTER_VERSION: b"1", b"p": b'{"peer":"p","state":%b}' % deep})
    assert roster is not None
    assert roster.peers["p"] == {"peer": "p", "state": None}
