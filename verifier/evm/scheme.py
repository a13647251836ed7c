"""How an EVM account shows itself: recover its key first, ask its contract (through the port) where that fails."""

from chains.account import Account
from verifier.evm import eip191, eip712, erc6492
from verifier.notation import from_hex
from verifier.port import Lookup
from verifier.verdict import Invalid, Valid, Verdict

LONGEST_SIGNATURE = 16_384
"""Bytes. A passkey wallet's wrapped signature has some 3,000; a call with more than 49,152 no node takes (EIP-3860)."""


async def verify(account: Account, message: str, signature: str, *, lookup: Lookup) -> Verdict:
    """Return whether this EVM account signed the message: with its key (EIP-191) or by its contract's word.

    A key may have signed a sign-in text of our own as typed data (EIP-712); a contract is asked about the text alone,
    or every signature that it refuses would cost a node two questions. An account that delegates to code (EIP-7702)
    still signs with its key, and its code is asked only where the key did not.
    """
    raw = from_hex(signature)
    if raw is None or len(raw) > LONGEST_SIGNATURE:
        return Invalid(reason=f"a signature is at most {LONGEST_SIGNATURE} bytes in hex")
    hashed = eip191.digest(message)
    if _signed(account, hashed, raw):
        return Valid(account=account, scheme="eip191")
    typed = eip712.digest(message, account.holder.network)
    if typed is not None and _signed(account, typed, raw):
        return Valid(account=account, scheme="eip712")
    return await lookup.contract_signature(account, hashed, raw)


def _signed(account: Account, digest: bytes, raw: bytes) -> bool:
    """Whether the account's key did. ERC-6492 has its suffix looked for before everything else."""
    return not erc6492.is_wrapped(raw) and eip191.recover(digest, raw) == account.holder.canonical
