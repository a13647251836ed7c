"""Public ids of orders and tickets: 128 bits in lower-case hex, so that nobody finds one by trying."""

import re
from collections.abc import Callable

Randomness = Callable[[int], bytes]
"""Gives that many random bytes; `secrets.token_bytes` outside of tests."""

_ID = re.compile(r"[0-9a-f]{32}")


def new_id(randomness: Randomness) -> str:
    """Return an id that never was."""
    return randomness(16).hex()


def is_id(text: str) -> bool:
    """Whether a text from outside can be an id at all: what cannot is not looked up."""
    return _ID.fullmatch(text) is not None
