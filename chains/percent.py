"""Percent-encoding (RFC 3986 §2.1) of UTF-8 text, as links and pasted memos carry it. Pure; nothing raises on input."""

from urllib.parse import quote, unquote


def decode(text: str) -> str | None:
    """Return the text with its escapes undone once, broken ones left as they are; None where they write no UTF-8."""
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return None


def encode(text: str) -> str:
    """Return the text with everything escaped but unreserved characters."""
    return quote(text, safe="")
