"""The keyring: which key signs what, which keys still verify, and what the world may know of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from tickets import jws, key_files
from tickets.key_files import KeyFileError, KeyKind, KeysMissingError, StoredKey

__all__ = ["KeyFileError", "KeyKind", "Keyring", "Refused", "Signer", "StoredKey", "TokenFault"]


class TokenFault(StrEnum):
    """What is wrong with a token."""

    MALFORMED = "malformed"
    WRONG_KIND = "wrong_kind"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    WRONG_AUDIENCE = "wrong_audience"
    BAD_CLAIMS = "bad_claims"
    EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A token that proves nothing, and why."""

    fault: TokenFault


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """One active key, ready to sign tokens of its kind."""

    stored: StoredKey
    issuer: str

    @property
    def kind(self) -> KeyKind:
        """What it signs."""
        return self.stored.kind

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a token with these claims, the issuer and the kind's audience."""
        told = {"iss": self.issuer, "aud": self.kind.audience, **claims}
        return jws.sign(self.stored.key, typ=self.kind.typ, kid=self.stored.kid, claims=told)


class Keyring:
    """The keys of a deployment, as its directory holds them. A process that only verifies needs the public halves."""

    def __init__(self, directory: Path, keys: Mapping[KeyKind, tuple[StoredKey, ...]], *, issuer: str) -> None:
        self.directory = directory
        self.issuer = issuer
        self.keys = keys
        self._by_kid = {stored.kid: stored for kept in keys.values() for stored in kept}
        self._signers = {
            kind: Signer(stored=stored, issuer=issuer)
            for kind, kept in keys.items()
            for stored in sorted(kept, key=lambda stored: stored.created_at)  # the newest comes last and stays
            if stored.active and stored.key.is_private
        }

    @classmethod
    def load(cls, directory: Path, *, issuer: str = "usher") -> "Keyring":
        """Read the keys of every kind. Raises KeyFileError, which says what to do."""
        return cls(directory, {kind: key_files.read(directory, kind) for kind in KeyKind}, issuer=issuer)

    @classmethod
    def create(cls, directory: Path, *, now: datetime, issuer: str = "usher") -> "Keyring":
        """Make the directory and a key of each kind that has none yet, then load."""
        key_files.make_directory(directory)
        for kind in KeyKind:
            if not key_files.exists(directory, kind):
                key_files.write(directory, kind, [key_files.new_key(kind, now)])
        return cls.load(directory, issuer=issuer)

    def rotate(self, kind: KeyKind, *, now: datetime, until: datetime) -> "Keyring":
        """Let a new key sign from now on; the old ones verify `until` the last token they signed is over.

        Keys whose time is over are dropped. Other processes sign with the old key until they load again.
        """
        kept = [stored for stored in key_files.read(self.directory, kind) if not _over(stored, now)]
        retired = [replace(stored, verify_until=until) if stored.active else stored for stored in kept]
        key_files.write(self.directory, kind, [key_files.new_key(kind, now), *retired])
        return Keyring.load(self.directory, issuer=self.issuer)

    def signer(self, kind: KeyKind) -> Signer:
        """Return what signs tokens of this kind. Raises KeysMissingError where only public halves are here."""
        signer = self._signers.get(kind)
        if signer is None:
            raise KeysMissingError(f"no private key of kind {kind} in {self.directory}")
        return signer

    def jwks(self, now: datetime) -> dict[str, Any]:
        """Return every public key that still verifies something, as an RFC 7517 set."""
        return {
            "keys": [
                key_files.public_jwk(stored) for kept in self.keys.values() for stored in kept if not _over(stored, now)
            ]
        }

    def verify(self, kind: KeyKind, token: str, *, now: datetime) -> Mapping[str, Any] | Refused:
        """Return the claims of a token that a key of this kind signed for this use and that is not over.

        A claim `exp` is kept where there is one; what else a kind must claim is its reader's business.
        """
        parts = jws.split(token)
        if parts is None:
            return Refused(fault=TokenFault.MALFORMED)
        header = parts.protected
        if header.keys() != jws.HEADER or header["typ"] != kind.typ or header["alg"] != jws.ALGORITHM:
            return Refused(fault=TokenFault.WRONG_KIND)
        stored = self._by_kid.get(str(header["kid"]))
        if stored is None or stored.kind is not kind or _over(stored, now):
            return Refused(fault=TokenFault.UNKNOWN_KEY)
        if not jws.signed_by(parts, stored.key):
            return Refused(fault=TokenFault.BAD_SIGNATURE)
        return _claims(parts.payload, kind, now)


def _over(stored: StoredKey, now: datetime) -> bool:
    return stored.verify_until is not None and stored.verify_until < now


def _claims(payload: bytes, kind: KeyKind, now: datetime) -> Mapping[str, Any] | Refused:
    try:
        claims = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return Refused(fault=TokenFault.BAD_CLAIMS)
    if not isinstance(claims, dict):
        return Refused(fault=TokenFault.BAD_CLAIMS)
    if claims.get("aud") != kind.audience:
        return Refused(fault=TokenFault.WRONG_AUDIENCE)
    expires = claims.get("exp")
    if expires is not None and type(expires) is not int:
        return Refused(fault=TokenFault.BAD_CLAIMS)
    if expires is not None and expires <= now.timestamp():
        return Refused(fault=TokenFault.EXPIRED)
    return claims
