"""One way of signing all tokens: compact JWS (RFC 7515), Ed25519 (RFC 8037), joserfc around PyNaCl. No claim is known.

joserfc reads the format; to write it takes three pieces of base64url and one signature. Its own EdDSA back end takes
2.5 times as long to verify, and warns on every use that RFC 9864 gave `EdDSA` a second name.
"""

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import OKPKey
from joserfc.jws import CompactSignature, JWSRegistry
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

ALGORITHM = "EdDSA"
HEADER = frozenset({"alg", "typ", "kid"})
"""What our headers have, and nothing more: no `crit`, no `b64`, no key brought along."""
TOKEN_LIMIT = 16_384
"""Characters of a token that is looked at: far more than a ticket has."""


class Ed25519Key(OKPKey):
    """A JWK on Ed25519 whose key objects are made once."""

    @cached_property
    def signing(self) -> SigningKey:
        """The private half; KeyError where only the public one is here."""
        return SigningKey(urlsafe_b64decode(str(self.as_dict(private=True)["d"]).encode()))

    @cached_property
    def verifying(self) -> VerifyKey:
        """The public half."""
        return VerifyKey(urlsafe_b64decode(str(self["x"]).encode()))


class _EdDSA(JWSAlgModel):
    name = ALGORITHM
    description = "Ed25519 by libsodium"
    key_type = "OKP"

    def sign(self, msg: bytes, key: Ed25519Key) -> bytes:
        return key.signing.sign(msg).signature

    def verify(self, msg: bytes, sig: bytes, key: Ed25519Key) -> bool:
        try:
            key.verifying.verify(msg, sig)
        except (BadSignatureError, ValueError):  # ValueError: not 64 bytes
            return False
        return True


_REGISTRY = JWSRegistry(algorithms=[ALGORITHM])
_REGISTRY.algorithms = {ALGORITHM: _EdDSA()}  # this one's alone; the library's own list stays as it is


def sign(key: Ed25519Key, *, typ: str, kid: str, claims: Mapping[str, Any]) -> str:
    """Return the claims as a compact JWS (RFC 7515 section 7.1)."""
    signed = b"%b.%b" % (_header(typ, kid), urlsafe_b64encode(orjson.dumps(claims)))
    return (b"%b.%b" % (signed, urlsafe_b64encode(key.signing.sign(signed).signature))).decode()


@lru_cache(64)
def _header(typ: str, kid: str) -> bytes:
    return urlsafe_b64encode(orjson.dumps({"alg": ALGORITHM, "typ": typ, "kid": kid}))


def split(token: str) -> CompactSignature | None:
    """Return the parts of a token, unchecked, to find its key by; None if it has not the form of one."""
    if len(token) > TOKEN_LIMIT or not token.isascii():
        return None
    try:
        return jws.extract_compact(token.encode(), registry=_REGISTRY)
    except (JoseError, ValueError):
        return None


def signed_by(parts: CompactSignature, key: Ed25519Key) -> bool:
    """Whether this key signed the token with the one algorithm of the house."""
    try:
        return jws.validate_compact(parts, key, registry=_REGISTRY)
    except (JoseError, ValueError):
        return False
