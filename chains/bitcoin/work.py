"""Proof of work in headers: what makes a chain that somebody invents as dear to make as the real one. Pure.

A chain whose way to prove its work is not known here has links and a second endpoint instead.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from chains.bitcoin.encoding import shown
from chains.distrust import Distrusted
from chains.hashes import sha256d

PERIOD = 2_016
"""Blocks between two changes of the target."""
STEEPEST = 4
"""A target grows to at most so many times what it was."""
_REMEMBERED = 1_024
"""Headers whose scrypt is kept: it takes a millisecond, and headers above finality are read at each poll."""


@lru_cache(_REMEMBERED)
def scrypt(header: bytes) -> bytes:
    """Return the hash that proves Litecoin's work: scrypt (RFC 7914) of the header, salted with itself."""
    return hashlib.scrypt(header, salt=header, n=1024, r=1, p=1, dklen=32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What a chain asks of its headers."""

    hashed: Callable[[bytes], bytes] = sha256d  # the hash that must not be above the target
    steady: bool = True  # the target changes between periods only
    easiest: int = 0x1D00FFFF  # no target is above this one (nBits)


RULES = {
    "bip122:000000000019d6689c085ae165831e93": Rules(),
    "bip122:00000000da84f2bafbbc53dee25a72ae": Rules(steady=False),  # testnet4 lets a late block be easy (BIP-94)
    "bip122:0f9188f13cb7b2c71f2a335e3a4fc328": Rules(easiest=0x207FFFFF),
    "bip122:12a765e31ffd4059bada1e25190f6e98": Rules(hashed=scrypt, easiest=0x1E0FFFFF),
    "bip122:530827f38f93b43ed12af0b3ad25a288": Rules(hashed=scrypt, easiest=0x207FFFFF),
}
"""By CAIP-2 id, where a hash of the header alone proves its work."""


def unproved(raw: bytes, parent: bytes | None, height: int, chain: str) -> Distrusted | None:
    """Return what is wrong with the work that 80 bytes of header claim; nothing where a chain has no rules here.

    `parent`: the header below, where it is known.
    """
    rules = RULES.get(chain)
    if rules is None:
        return None
    target = target_of(_bits(raw))
    if not 0 < target <= target_of(rules.easiest) or int.from_bytes(rules.hashed(raw), "little") > target:
        return Distrusted(reason=f"block {height} ({shown(sha256d(raw))}) does not prove its work")
    if parent is None or not rules.steady:
        return None
    steady = _bits(raw) == _bits(parent)
    if steady or (height % PERIOD == 0 and target <= STEEPEST * target_of(_bits(parent))):
        return None
    return Distrusted(reason=f"block {height} is easier than its chain allows")


def target_of(bits: int) -> int:
    """Return the number that a block's hash may not be above, out of its short form (nBits)."""
    exponent, mantissa = bits >> 24, bits & 0x7FFFFF
    if bits & 0x800000:  # negative: no hash is below
        return 0
    return mantissa << 8 * (exponent - 3) if exponent > 3 else mantissa >> 8 * (3 - exponent)  # noqa: PLR2004  bytes


def _bits(raw: bytes) -> int:
    return int.from_bytes(raw[72:76], "little")
