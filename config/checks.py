"""What a single setting may be. Each check returns the value or raises ValueError with the reason, never the value."""

import re
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

_AUTHORITY = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?", re.ASCII)
_WIF = re.compile(r"5[1-9A-HJ-NP-Za-km-z]{50}")
_KEY = re.compile(r"[0-9a-f]{64}")
_TURN_URI = re.compile(r"turns?:[^\s?/@]+(?::[0-9]{1,5})?(?:\?transport=(?:udp|tcp))?", re.ASCII)
"""RFC 7065 section 3.1."""


def database_url(url: str) -> str:
    """Accept an SQLAlchemy URL of one of our two databases."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("is not a URL such as sqlite:///usher.db or postgresql://usher@host/usher") from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise ValueError("is neither sqlite nor postgresql")
    if parsed.database in (None, "", ":memory:"):
        raise ValueError("names no database")
    return url


def authority(domain: str) -> str:
    """Accept `host[:port]` (RFC 3986 section 3.2), as wallets show it when they sign (EIP-4361)."""
    if _AUTHORITY.fullmatch(domain) is None:
        raise ValueError('is not a lower-case host[:port] such as "tickets.example" (no scheme, no path)')
    return domain


def origin(url: str) -> str:
    """Accept `https://host[:port]` (RFC 6454), without a path."""
    _bare(url, ("http", "https"))
    return url


def websocket_url(url: str) -> str:
    """Accept `wss://host[:port]`, without a path."""
    _bare(url, ("ws", "wss"))
    return url


def endpoint(url: SecretStr) -> SecretStr:
    """Accept an HTTP URL; it may hold an access key, so the reason never repeats it."""
    parts = _split(url.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not an http:// or https:// URL")
    return url


def view_key(key: SecretStr) -> SecretStr:
    """Accept a private key of Monero: 64 hex digits, as `viewkey` prints it."""
    if _KEY.fullmatch(key.get_secret_value()) is None:
        raise ValueError("is not a private view key (64 hex digits)")
    return key


def private_key(key: SecretStr) -> SecretStr:
    """Accept a private key as wallets export it: WIF, uncompressed, as Hive's are."""
    if _WIF.fullmatch(key.get_secret_value()) is None:
        raise ValueError("is not a private key (WIF: 5 and 50 letters and digits of base58)")
    return key


def redis_url(url: SecretStr) -> SecretStr:
    """Accept `redis://[user:password@]host[:port][/number]`, `rediss://…` (TLS) or `unix:///path`."""
    parts = _split(url.get_secret_value())
    if not (parts.hostname if parts.scheme in ("redis", "rediss") else parts.scheme == "unix" and parts.path):
        raise ValueError("is not a URL such as redis://host:6379/0, rediss://host or unix:///run/redis.sock")
    return url


def turn_uri(uri: str) -> str:
    """Accept `turn:host[:port][?transport=udp]` (RFC 7065)."""
    if _TURN_URI.fullmatch(uri) is None:
        raise ValueError("is not a URI such as turn:turn.example:3478?transport=udp")
    return uri


def _bare(url: str, schemes: tuple[str, ...]) -> None:
    parts = _split(url)
    if parts.scheme not in schemes or not parts.hostname or url != f"{parts.scheme}://{parts.netloc}":
        raise ValueError(f"is not {' or '.join(f'{scheme}://' for scheme in schemes)}host[:port], without a path")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError:
        raise ValueError("is not a URL") from None
    return parts
