"""The verifier's front door: account, message and signature come to a verdict. The account decides the scheme."""

from collections.abc import Awaitable, Collection, Mapping
from datetime import datetime
from typing import Protocol

from chains.account import Account
from config.registry import Family
from verifier import hive, monero
from verifier.bitcoin import scheme as bitcoin
from verifier.evm import scheme as evm
from verifier.port import Lookup
from verifier.skew import SKEW
from verifier.solana import scheme as solana
from verifier.texts import signin
from verifier.verdict import Inconclusive, Invalid, Verdict


class _Scheme(Protocol):
    """How one family's accounts sign. The message is a text that UTF-8 can hold, and one that may be signed now."""

    def __call__(self, account: Account, message: str, signature: str, *, lookup: Lookup) -> Awaitable[Verdict]: ...


_SCHEMES: Mapping[Family, _Scheme] = {
    Family.EVM: evm.verify,
    Family.BITCOIN: bitcoin.verify,
    Family.SOLANA: solana.verify,
    Family.HIVE: hive.verify,
    Family.MONERO: monero.verify,
}


_ASK_THEIR_CHAIN = frozenset({Family.HIVE})
"""Families whose accounts are names: only a node knows which keys speak for them."""


def supports(family: Family, followed: Collection[Family]) -> bool:
    """Whether accounts of this family can prove themselves where chains of the families `followed` can be asked.

    Nothing may be sold to one that cannot.
    """
    return family in _SCHEMES and (family not in _ASK_THEIR_CHAIN or family in followed)


async def verify(account: Account, message: str, signature: str, *, lookup: Lookup, now: datetime) -> Verdict:
    """Return whether the account signed this very message. Message and signature may be any text; nothing raises.

    A message that presents itself as a sign-in must also be one, for this wallet and for this moment. Domain, purpose,
    event and nonce of a challenge are `judge`'s and the gate's to decide, before they come here.
    """
    scheme = _SCHEMES.get(account.holder.family)
    if scheme is None:
        return Inconclusive(
            reason=f"signatures of {account.holder.family} accounts cannot be checked yet", passing=False
        )
    if not _is_unicode(message):
        return Invalid(reason="the message is no Unicode text")
    if reason := signin.objection(message, account, now=now, skew=SKEW):
        return Invalid(reason=reason)
    return await scheme(account, message, signature, lookup=lookup)


def _is_unicode(text: str) -> bool:
    """Whether UTF-8 can hold the text, which has no place for lone surrogates (RFC 3629 §3)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
