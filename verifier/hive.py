"""How a Hive account shows itself: keys of its own posting or active authority sign the text, as Keychain does. Pure.

What is signed is SHA-256 of the message's bytes. Keychain takes a message that is the JSON of a `Buffer` for those
bytes; here it is not, or one signature would be good for two texts.
"""

import hashlib
import re
from collections.abc import Collection

from coincurve import PublicKey

from chains.account import Account
from verifier.port import Authority, KeyAuthorities, Lookup
from verifier.verdict import Inconclusive, Invalid, Valid, Verdict

MOST_SIGNATURES = 16
_FIRST_HEADER, _LAST_HEADER = 31, 34
"""27, plus 4 for a compressed key, plus the recovery id. The chain reads 27 to 30 too, but no wallet writes them."""
_ONE = r"(?:0[xX])?[0-9a-fA-F]{130}"
_SIGNATURES = re.compile(rf"{_ONE}(?:(?:,\s*+|\s++){_ONE}){{0,{MOST_SIGNATURES - 1}}}")
_APART = re.compile(r"[,\s]+")


async def verify(account: Account, message: str, signature: str, *, lookup: Lookup) -> Verdict:
    """Return whether keys that reach a threshold of this Hive account now signed the message.

    The signature is 65 bytes in hex, or several with a comma or white space between, whose keys' weights add up.
    """
    if _SIGNATURES.fullmatch(signature) is None:
        return Invalid(reason=f"a signature is 65 bytes in hex, and there are at most {MOST_SIGNATURES}")
    hashed = hashlib.sha256(message.encode()).digest()
    keys = {recover(hashed, bytes.fromhex(one[-130:])) for one in _APART.split(signature)}
    signers = frozenset(key for key in keys if key is not None)
    if len(signers) < len(keys):
        return Invalid(reason="no key can have made this signature")
    return judged(account, signers, await lookup.key_authorities(account))


def recover(hashed: bytes, signature: bytes) -> bytes | None:
    """Return the compressed key that made this 65-byte signature of a digest; None if no key can have.

    Signers retry until r and s are short enough for the chain's canonical form, which keeps a transaction from having
    two ids. A proof is spent by its text and not by its signature, so that any form is taken here.
    """
    if not _FIRST_HEADER <= signature[0] <= _LAST_HEADER:
        return None
    recoverable = signature[1:] + bytes([signature[0] - _FIRST_HEADER])
    try:
        return PublicKey.from_signature_and_message(recoverable, hashed, hasher=None).format()
    except ValueError:  # r or s is zero or beyond the group's order, or r is no point's coordinate
        return None


def judged(
    account: Account, signers: Collection[bytes], authorities: KeyAuthorities | Invalid | Inconclusive
) -> Verdict:
    """Return what the signers' keys are worth by the authorities that an account has now, at a proof or a renewal."""
    if not isinstance(authorities, KeyAuthorities):
        return authorities
    if any(_reached(authority, signers) for authority in (authorities.posting, authorities.active)):
        return Valid(account=account, scheme="hive", signers=frozenset(signers))
    return authorities.doubt or Invalid(reason="these keys do not reach the account's posting or active threshold")


def _reached(authority: Authority, signers: Collection[bytes]) -> bool:
    """Whether the keys do, each counted once. A threshold of nothing is one that anybody would reach."""
    weight = sum(authority.keys.get(key, 0) for key in signers)
    return 0 < authority.threshold <= weight
