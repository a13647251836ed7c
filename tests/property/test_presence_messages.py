"""Any text gives something a client can say, or Malformed; never an exception."""

import json
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from gateway.presence.messages import Malformed, Said, read

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
