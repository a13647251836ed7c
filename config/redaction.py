"""Takes out of a log entry what must not be in one: by type, by the key it stands under, and by its look."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from pydantic import SecretBytes, SecretStr

HIDDEN = "[redacted]"
EXACT = 2**53
"""Integers below this stay exact in every JSON reader (RFC 8259 section 6); larger ones are written as text."""
_SECRET_KEY = re.compile(
    r"secret|passw|token(?!s?_count)|signature|credential|authori[sz]ation|cookie|api_?key|view_?key|private|xprv"
    r"|seed|mnemonic|memo|proof|nonce|resume|calldata",
    re.IGNORECASE,
)
_LOOKS = (
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]*\.[\w-]*"), HIDDEN),  # a compact JWS (RFC 7515 section 7.1)
    (re.compile(r"\b(?:0x)?[0-9a-fA-F]{128,}\b"), HIDDEN),  # a signature, or calldata
    (re.compile(r"\b([xyztuvYZUV]prv)[1-9A-HJ-NP-Za-km-z]{20,}"), HIDDEN),  # an extended private key (SLIP-132)
    (re.compile(r"\b(?:5[HJK][1-9A-HJ-NP-Za-km-z]{49}|[KLc9][1-9A-HJ-NP-Za-km-z]{50,51})\b"), HIDDEN),  # a key in WIF
    (re.compile(r"(event:[^\s:]{1,100}:wallet:)\S+", re.IGNORECASE), rf"\1{HIDDEN}"),  # a memo links wallet and event
    # a URL says whom we asked; its user, path and query may hold the key to ask with
    (re.compile(r"\b([a-z][a-z0-9+.-]*://)(?:[^\s/@'\"]*@)?([^\s/?#'\"]+)[/?#][^\s'\"]+"), r"\1\2/…"),
    (re.compile(r"\b([a-z][a-z0-9+.-]*://)[^\s/@'\"]*@"), r"\1"),
)


def redact(key: str, value: Any) -> Any:
    """Return what may be logged of a value that stands under `key`."""
    match value:
        case None | bool() | float():
            told: Any = value
        case SecretStr() | SecretBytes():
            told = HIDDEN
        case _ if _SECRET_KEY.search(key):
            told = HIDDEN
        case int():
            told = value if abs(value) < EXACT else str(value)
        case bytes() | bytearray() | memoryview():
            told = f"[{len(value)} bytes]"
        case Mapping():
            told = {str(inner): redact(str(inner), held) for inner, held in value.items()}
        case list() | tuple() | AbstractSet():
            told = [redact(key, held) for held in value]
        case _:
            told = redact_text(str(value))
    return told


def redact_text(text: str) -> str:
    """Return a text without what looks like a secret."""
    for look, replacement in _LOOKS:
        text = look.sub(replacement, text)
    return text
