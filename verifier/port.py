"""What the verifier asks of the world: what a contract says, which keys an account has. No other door leads out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from chains.account import Account
from verifier.evm import erc6492
from verifier.verdict import Inconclusive, Invalid, Verdict


class ContractLookup(Protocol):
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Authority:
    """A Hive authority's own keys. The accounts it may name beside them never appear here: none of them counts."""

    threshold: int  # what the weights of different keys must add up to; 0 or less is reached by nothing
    keys: Mapping[bytes, int]  # compressed public key (33 bytes) -> weight


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyAuthorities:
    """The keys that speak for a Hive account at a door. `owner` is for recovery, and `memo` only reads."""

    posting: Authority
    active: Authority
    doubt: Inconclusive | None = None  # what is said of keys that do not suffice, where they are not to be refused


class AuthorityLookup(Protocol):
    """Asks the chain of a Hive account which keys speak for it now.

    An implementer must:

    1. ask nodes of `account.chain` alone, within two seconds, with a bounded answer and bounded calls under way;
    2. answer Invalid where the chain says that there is no such account, Inconclusive where it could not be found out
       (with `passing=False` if no node of that chain is configured, for then trying again helps nobody), and never
       raise on any account or answer;
    3. leave out account authorities: any front end that the user once trusted stands among them, and could enter;
    4. keep no answer for longer than some seconds, so that a key that was changed loses access at the next renewal;
    5. put no endpoint's address into a reason.
    """

    async def key_authorities(self, account: Account) -> KeyAuthorities | Invalid | Inconclusive:
        """Return the account's posting and active keys as they are now."""


class Lookup(ContractLookup, AuthorityLookup, Protocol):
    """Every question that a verdict may need answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookups:
    """A Lookup that is made of one for each question."""

    contracts: ContractLookup
    authorities: AuthorityLookup

    async def contract_signature(self, account: Account, digest: bytes, signature: bytes) -> Verdict:
        """Pass the question on."""
        return await self.contracts.contract_signature(account, digest, signature)

    async def key_authorities(self, account: Account) -> KeyAuthorities | Invalid | Inconclusive:
        """Pass the question on."""
        return await self.authorities.key_authorities(account)


class NoLookup:
    """Looks nothing up: for callers that may not ask a node. A contract may have signed, so nothing is ever Invalid."""

    async def contract_signature(self, account: Account, digest: bytes, signature: bytes) -> Verdict:  # noqa: ARG002  the port's shape
        """Answer that it was not asked."""
        return Inconclusive(reason="no key signed this for the account, and its contract was not asked")

    async def key_authorities(self, account: Account) -> KeyAuthorities | Invalid | Inconclusive:  # noqa: ARG002  the port's shape
        """Answer that nobody was asked."""
        return Inconclusive(reason="which keys speak for the account was not asked", passing=False)


class KeysOnly:
    """Takes every account for a key's, as whoever has no node must; only ERC-6492 itself speaks of a contract."""

    async def contract_signature(self, account: Account, digest: bytes, signature: bytes) -> Verdict:  # noqa: ARG002  the port's shape
        """Answer by the signature alone."""
        if erc6492.is_wrapped(signature):
            return Inconclusive(reason="only a node can tell whether a contract accepts this signature")
        return Invalid(reason="no key signed this for the account; whether a contract did was not asked")

    async def key_authorities(self, account: Account) -> KeyAuthorities | Invalid | Inconclusive:  # noqa: ARG002  the port's shape
        """Answer that a name alone holds no key."""
        return Inconclusive(reason="only a node can tell which keys speak for the account", passing=False)


NO_LOOKUP: Lookup = NoLookup()
KEYS_ONLY: Lookup = KeysOnly()
