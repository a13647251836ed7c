"""How a Solana account shows itself: its key signs the text, an off-chain message, or a transaction never sent. Pure.

The text as it stands is what `signMessage` signs, and `signIn` for a text that it wrote (Sign In With Solana).
"""

from solders.signature import Signature

from chains.account import Account
from verifier.notation import from_base64, from_hex
from verifier.port import Lookup
from verifier.solana import ed25519
from verifier.solana import memo as solana_memo
from verifier.solana import offchain as solana_offchain
from verifier.verdict import Invalid, Valid, Verdict

_LONGEST_BASE58 = 88  # digits of 64 bytes
_LONGEST = 2 + 2 * solana_memo.LARGEST


async def verify(
    account: Account,
    message: str,
    signature: str,
    *,
    lookup: Lookup,  # noqa: ARG001  every family's shape; a key needs no chain
) -> Verdict:
    """Return whether this Solana account signed the message.

    The signature is 64 bytes in base58, base64 or hex, or a whole transaction in base64 or hex that holds the message
    as a memo.
    """
    raw = _bytes_of(signature)
    if raw is None:
        return Invalid(reason="a signature is 64 bytes in base58, base64 or hex, or a transaction in base64")
    text = message.encode()
    return _judged(account, text, raw)


def _judged(account: Account, text: bytes, raw: bytes) -> Verdict:
    key = account.holder.canonical
    if len(raw) != ed25519.SIGNATURE_BYTES:
        reason = solana_memo.objection(raw, text, key)
        return Invalid(reason=reason) if reason else Valid(account=account, scheme="solana-transaction")
    if ed25519.holds(key, text, raw):
        return Valid(account=account, scheme="ed25519")
    if any(ed25519.holds(key, layout, raw) for layout in solana_offchain.layouts(text, key)):
        return Valid(account=account, scheme="solana-offchain")
    return Invalid(reason="the account's key did not make this signature")


def _bytes_of(text: str) -> bytes | None:
    """Read what a wallet handed out. No text has two readings that both are 64 bytes: base64's ends in `==`."""
    if len(text) <= _LONGEST_BASE58:
        try:
            return bytes(Signature.from_string(text))
        except ValueError:
            pass  # not base58, or of another length
    if len(text) > _LONGEST:
        return None
    return from_hex(text) or from_base64(text) or None
