"""Signing keys on disk: one JWK set per kind, for its owner's eyes only. What they sign is told in `keys`."""

import os
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson
from joserfc.errors import JoseError

from tickets.errors import BoxOfficeError
from tickets.jws import ALGORITHM, Ed25519Key


class KeyKind(StrEnum):
    """What a key signs; no key signs two kinds."""

    TICKET = "ticket"
    REVOCATIONS = "revocations"
    SESSION = "session"

    @property
    def typ(self) -> str:
        """The token's `typ` header (RFC 8725 §3.11)."""
        return f"{self}+jwt"

    @property
    def audience(self) -> str:
        """The token's `aud` claim (RFC 8725 §3.9)."""
        return str(self)


class KeyFileError(BoxOfficeError):
    """The signing keys cannot be used."""


class KeysMissingError(KeyFileError):
    """There are no signing keys; make them with `usher init`, or put keys.directory right."""


class KeyPermissionsError(KeyFileError):
    """Signing keys can be read by others; take the permission away as shown, and rotate them if somebody may have."""


class KeyBrokenError(KeyFileError):
    """A file of signing keys is no JWK set of Ed25519 keys; restore it from a backup."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredKey:
    """A key with its times. The newest of a kind signs; a retired one verifies what it signed until that is over."""

    kind: KeyKind
    kid: str  # RFC 7638 thumbprint
    key: Ed25519Key
    created_at: datetime
    verify_until: datetime | None = None  # None: active

    @property
    def active(self) -> bool:
        """Whether new tokens are signed with it."""
        return self.verify_until is None


def new_key(kind: KeyKind, now: datetime) -> StoredKey:
    """Make a key from the system's randomness."""
    key = Ed25519Key.generate_key("Ed25519")
    return StoredKey(kind=kind, kid=key.thumbprint(), key=key, created_at=now)


def public_jwk(stored: StoredKey) -> dict[str, Any]:
    """Return the public half as a JWK; `iat` and `exp` as OpenID Federation 1.0 §8.7.2 gives them to keys."""
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": stored.key["x"],
        "kid": stored.kid,
        "use": "sig",
        "alg": ALGORITHM,
        "usher_kind": stored.kind.value,
        "iat": int(stored.created_at.timestamp()),
    }
    return jwk if stored.verify_until is None else {**jwk, "exp": int(stored.verify_until.timestamp())}


def make_directory(directory: Path) -> None:
    """Make the directory for keys, closed to everybody else; one that is there must be closed already."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _closed(directory, "700")


def exists(directory: Path, kind: KeyKind) -> bool:
    """Whether there are keys of this kind."""
    return _path(directory, kind).exists()


def read(directory: Path, kind: KeyKind) -> tuple[StoredKey, ...]:
    """Return the keys of a kind. Raises KeyFileError, which says what to do."""
    path = _path(directory, kind)
    if not path.exists():
        raise KeysMissingError(str(path))
    _closed(directory, "700")
    _closed(path, "600")
    try:
        return tuple(_stored(kind, jwk) for jwk in orjson.loads(path.read_bytes())["keys"])
    except (JoseError, KeyError, TypeError, ValueError) as error:
        raise KeyBrokenError(str(path)) from error


def write(directory: Path, kind: KeyKind, keys: Sequence[StoredKey]) -> None:
    """Replace the file of a kind in one step. A retired key is stored without its private half: it signs no more."""
    jwks = [public_jwk(stored) | (_private(stored) if stored.active else {}) for stored in keys]
    path = _path(directory, kind)
    draft = path.with_suffix(f".{secrets.token_hex(8)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123  a descriptor with a mode
        file.write(orjson.dumps({"keys": jwks}, option=orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _path(directory: Path, kind: KeyKind) -> Path:
    return directory / f"{kind}.jwks"


def _closed(path: Path, mode: str) -> None:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise KeyPermissionsError(f"chmod {mode} {path}")


def _private(stored: StoredKey) -> dict[str, Any]:
    jwk: dict[str, Any] = dict(stored.key.as_dict(private=True)) if stored.key.is_private else {}
    return {"d": jwk["d"]} if "d" in jwk else {}


def _stored(kind: KeyKind, jwk: dict[str, Any]) -> StoredKey:
    material: dict[str, Any] = {name: jwk[name] for name in ("kty", "crv", "x", "d") if name in jwk}
    if (material["kty"], material["crv"]) != ("OKP", "Ed25519") or jwk["usher_kind"] != kind:
        raise ValueError("no Ed25519 key of this kind")
    key = Ed25519Key.import_key(material)
    until = jwk.get("exp")
    return StoredKey(
        kind=kind,
        kid=key.thumbprint(),
        key=key,
        created_at=datetime.fromtimestamp(jwk["iat"], UTC),
        verify_until=None if until is None else datetime.fromtimestamp(until, UTC),
    )
