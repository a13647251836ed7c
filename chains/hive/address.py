"""Hive accounts have names instead of addresses. Pure."""

import re

from config.registry import Network

_SEGMENT = r"[a-z][a-z0-9-]+[a-z0-9]"
_NAME = re.compile(rf"{_SEGMENT}(?:\.{_SEGMENT})*")
LONGEST = 16


def canonical(address: str, network: Network) -> bytes | None:  # noqa: ARG001  one grammar for every Hive network
    """Return the name in lower case, without `@`; None where the chain could not have such an account.

    The grammar is consensus (`is_valid_account_name` in hived): 3 to 16 characters, every dotted segment of at least
    three, from a letter to a letter or digit.
    """
    name = address.removeprefix("@")
    if not name.isascii() or len(name) > LONGEST:  # non-ASCII first: KELVIN SIGN becomes "k" in lower case
        return None
    name = name.lower()
    return name.encode() if _NAME.fullmatch(name) else None


def display(raw: bytes) -> str:
    """Return the account's name."""
    return raw.decode()
