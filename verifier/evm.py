"""How an EVM account shows itself: recover its key first, ask its contract (through the port) where that fails."""

import re
from datetime import datetime

from chains.account import Account
from verifier import eip191, erc6492, signin
from verifier.port import Lookup
from verifier.skew import SKEW
from verifier.verdict import Invalid, Valid, Verdict

LONGEST_SIGNATURE = 16_384
"""Bytes. A passkey wallet's wrapped signature has some 3,000; a call with more than 49,152 no node takes (EIP-3860)."""
_HEX = re.compile(r"(?:0[xX])?((?:[0-9a-fA-F]{2})*+)")


async def verify(account: Account, message: str, signature: str, *, lookup: Lookup, now: datetime) -> Verdict:
    """Return whether this EVM account signed the message: with its key (EIP-191) or by its contract's word.

    A message that presents itself as a sign-in must also be one (EIP-4361), for this wallet and for this moment.
    """
    match = _HEX.fullmatch(signature)
    if match is None or len(match[1]) > 2 * LONGEST_SIGNATURE:
        return Invalid(reason=f"a signature is at most {LONGEST_SIGNATURE} bytes in hex")
    raw = bytes.fromhex(match[1])
    hashed = eip191.digest(message)
    if hashed is None:
        return Invalid(reason="the message is no Unicode text")
    if reason := signin.objection(message, account, now=now, skew=SKEW):
        return Invalid(reason=reason)
    if not erc6492.is_wrapped(raw) and eip191.recover(hashed, raw) == account.holder.canonical:
        return Valid(account=account, scheme="eip191")
    return await lookup.contract_signature(account, hashed, raw)
