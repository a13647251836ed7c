"""What a Solana wallet signs in place of a text: the off-chain message layouts, each with one key as its signer. Pure.

Four are in use. The command line's has a short header; the written specification's names an application and the signers
(Ledger and Trezor sign this), under header version 0 and, in a draft, 1; and version 1 as it was settled has neither
format nor length. A signature says nothing of the layout, so that each that the text conforms to is tried.
"""

import re
from collections.abc import Iterator
from enum import IntEnum
from itertools import islice

SIGNING_DOMAIN = b"\xffsolana offchain"
"""No transaction and no UTF-8 text begins like this: a signature of one is never a signature of the other."""
NO_APPLICATION = bytes(32)
"""A signature alone does not tell which application was named, and a door's text names its own domain."""
_SHORT_HEADER = 16 + 1 + 1 + 2
_LONG_HEADER = 16 + 1 + 32 + 1 + 1 + 32 + 2
_HARDWARE_LIMIT = 1232  # bytes of header and text: what fits a packet, and so what a device holds
_LIMIT = 65_535


class _Format(IntEnum):
    """How the text is encoded, as the header says it."""

    RESTRICTED_ASCII = 0
    LIMITED_UTF8 = 1
    EXTENDED_UTF8 = 2


_PRINTABLE = re.compile(rb"[\x20-\x7e]*+")
_PRINTABLE_LINES = re.compile(rb"[\x20-\x7e\n]*+")
"""What `isprint` takes; with the line feed, as the specification and the devices have it since header version 1."""


def layouts(text: bytes, key: bytes) -> Iterator[bytes]:
    """Return the byte strings that stand for this text (UTF-8), signed by this key alone, the likelier ones first.

    Only under the written specification does an application choose the format; elsewhere it is the first that fits.
    """
    if not text:  # MUST NOT be empty
        return
    size = len(text).to_bytes(2, "little") if len(text) <= _LIMIT else b""
    tail = b"".join((b"\x01", key, size, text))
    forms = [*_formats(text, _PRINTABLE_LINES, header=_LONG_HEADER)]
    for form in forms[:1]:
        yield b"".join((SIGNING_DOMAIN, b"\0", NO_APPLICATION, bytes([form]), tail))
    for form in islice(_formats(text, _PRINTABLE, header=_SHORT_HEADER), 1):
        yield b"".join((SIGNING_DOMAIN, b"\0", bytes([form]), size, text))
    yield b"".join((SIGNING_DOMAIN, b"\1", b"\1", key, text))
    for form in forms[1:]:
        yield b"".join((SIGNING_DOMAIN, b"\0", NO_APPLICATION, bytes([form]), tail))
    for form in forms[:1]:
        yield b"".join((SIGNING_DOMAIN, b"\1", NO_APPLICATION, bytes([form]), tail))


def _formats(text: bytes, restricted: re.Pattern[bytes], *, header: int) -> Iterator[_Format]:
    """Return the formats that the text conforms to: one that does not is invalid whoever signed it."""
    whole = header + len(text)
    if whole <= _HARDWARE_LIMIT:
        if restricted.fullmatch(text):
            yield _Format.RESTRICTED_ASCII
        yield _Format.LIMITED_UTF8
    if whole <= _LIMIT:
        yield _Format.EXTENDED_UTF8
