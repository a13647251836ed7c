"""Stateless challenge nonces: randomness, an expiry and a MAC. Nothing is stored here; spent proofs live in `proofs`.

A nonce is `random ‖ expiry ‖ mac` in lower-case hex, hence inside EIP-4361's nonce alphabet (ALPHA / DIGIT).
"""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from chains.account import HolderKey
from verifier.texts.purpose import Purpose

RANDOM_BYTES = 8
EXPIRY_BYTES = 5  # seconds since 1970, good until the year 36812
MAC_BYTES = 16
LENGTH = 2 * (RANDOM_BYTES + EXPIRY_BYTES + MAC_BYTES)
CONTEXT = "usher challenge nonce 2"
"""Keeps this MAC apart from everything else that the gate's secret keys."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NonceScope:
    """What a nonce was issued for; worth nothing for anything else."""

    holder: HolderKey  # not the CAIP-10 account: one key is one holder on every chain of its family
    event_id: int | None  # row id; None for purposes that concern no event
    purpose: Purpose
    domain: str
    statement: str  # what the wallet shows is what was issued, to the letter
    uri: str


class NonceState(Enum):
    """What became of a nonce."""

    GOOD = auto()
    EXPIRED = auto()
    NOT_OURS = auto()  # forged, or issued for another scope


def issue(secret: bytes, scope: NonceScope, *, expires_at: datetime, randomness: bytes) -> str:
    """Return a nonce for the scope, good until `expires_at` (whole seconds); `randomness` is 8 fresh random bytes."""
    if len(randomness) != RANDOM_BYTES:
        raise ValueError(f"a nonce takes {RANDOM_BYTES} random bytes, not {len(randomness)}")
    head = randomness + int(expires_at.timestamp()).to_bytes(EXPIRY_BYTES, "big")
    return (head + _mac(secret, head, scope)).hex()


def expiry_of(nonce: str) -> datetime:
    """Return the moment a nonce of ours ends; only meaningful once `check` found it good."""
    head = bytes.fromhex(nonce)[RANDOM_BYTES : RANDOM_BYTES + EXPIRY_BYTES]
    return datetime.fromtimestamp(int.from_bytes(head, "big"), UTC)


def check(secret: bytes, nonce: str, scope: NonceScope, *, now: datetime) -> NonceState:
    """Tell whether we issued this nonce for this scope, and whether it still holds."""
    raw = _bytes_of(nonce)
    if raw is None:
        return NonceState.NOT_OURS
    head, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(secret, head, scope)):
        return NonceState.NOT_OURS
    return NonceState.GOOD if now.timestamp() < int.from_bytes(head[RANDOM_BYTES:], "big") else NonceState.EXPIRED


def _bytes_of(nonce: str) -> bytes | None:
    """Read the one spelling we write; a second spelling of the same bytes would be a second text to spend."""
    if len(nonce) != LENGTH or not set(nonce) <= set("0123456789abcdef"):
        return None
    return bytes.fromhex(nonce)


def _mac(secret: bytes, head: bytes, scope: NonceScope) -> bytes:
    event = "-" if scope.event_id is None else str(scope.event_id)
    about = (str(scope.holder), event, scope.purpose, scope.domain, scope.statement, scope.uri)
    scoped = "\n".join((CONTEXT, head.hex(), *about))
    return hmac.digest(secret, scoped.encode(), "sha256")[:MAC_BYTES]
