"""What the verifier asks of the world: whether a contract vouches for a signature. No other door leads out of it."""

from typing import Protocol

from chains.account import Account
from verifier import erc6492
from verifier.verdict import Inconclusive, Invalid, Verdict


class Lookup(Protocol):
    """Asks the chain of an account whether the contract there accepts a signature (ERC-1271, ERC-6492).

    An implementer must:

    1. ask on `account.chain` alone. The same address on another chain may be anybody's: whoever deploys a contract
       there first decides what it accepts;
    2. call `isValidSignature` without any lasting effect, with bounded gas, time and number of calls under way, and
       fetch nothing that a contract points to (no CCIP-Read, ERC-3668);
    3. answer Valid only where the contract returned ERC-1271's magic value, Invalid only where the chain itself gave an
       answer against it (another value, a plain revert, no contract), and Inconclusive for everything else: an endpoint
       that fails, lies about its chain or takes too long, a call that runs out of gas;
    4. never raise on any signature or answer, and put no signature and no endpoint's address into a reason.

    The caller has already tried to recover a key from the signature, and bounds how often strangers get here.
    """

    async def contract_signature(self, account: Account, digest: bytes, signature: bytes) -> Verdict:
        """Return the verdict of the contract at this account, or of the one an ERC-6492 wrapping would deploy there.

        `digest` is EIP-191's 32 bytes, `signature` at most `evm.LONGEST_SIGNATURE` bytes as the wallet made them.
        """


class NoLookup:
    """Looks nothing up: for callers that may not ask a node. A contract may have signed, so nothing is ever Invalid."""

    async def contract_signature(self, account: Account, digest: bytes, signature: bytes) -> Verdict:  # noqa: ARG002  the port's shape
        """Answer that it was not asked."""
        return Inconclusive(reason="no key signed this for the account, and its contract was not asked")


class KeysOnly:
    """Takes every account for a key's, as whoever has no node must; only ERC-6492 itself speaks of a contract."""

    async def contract_signature(self, account: Account, digest: bytes, signature: bytes) -> Verdict:  # noqa: ARG002  the port's shape
        """Answer by the signature alone."""
        if erc6492.is_wrapped(signature):
            return Inconclusive(reason="only a node can tell whether a contract accepts this signature")
        return Invalid(reason="no key signed this for the account; whether a contract did was not asked")


NO_LOOKUP: Lookup = NoLookup()
KEYS_ONLY: Lookup = KeysOnly()
