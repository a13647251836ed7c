"""A wallet's proof for one purpose: what was signed, read and spent once. Signatures are checked in `verifier`."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import Connection, bindparam, delete, select

from chains.account import Account
from config.registry import Network
from gateway.gate import nonces
from gateway.gate.nonces import NonceScope, NonceState
from gateway.http.codes import Code
from gateway.schema import spent_proofs
from store.batch import Batch
from verifier.skew import SKEW
from verifier.texts.challenge import parse, timestamp_text
from verifier.texts.judge import Refusal, Refused, judge, judge_timestamp
from verifier.texts.layout import Malformed
from verifier.texts.purpose import Purpose

CODES: Mapping[Refusal, Code] = MappingProxyType(
    {
        Refusal.MALFORMED: Code.MALFORMED_MESSAGE,
        Refusal.NOT_YET_VALID: Code.PROOF_FROM_FUTURE,
        Refusal.EXPIRED: Code.PROOF_EXPIRED,
        Refusal.WRONG_DOMAIN: Code.WRONG_DOMAIN,
        Refusal.WRONG_PURPOSE: Code.WRONG_PURPOSE,
        Refusal.WRONG_EVENT: Code.WRONG_EVENT,
        Refusal.WRONG_ACCOUNT: Code.WRONG_WALLET,
        Refusal.WRONG_CHAIN: Code.WRONG_WALLET,
    }
)
"""What the verifier's word for a refusal is called at the door."""
PROOF_PROBLEMS = (
    Code.MALFORMED_MESSAGE,
    Code.PROOF_EXPIRED,
    Code.PROOF_FROM_FUTURE,
    Code.WRONG_DOMAIN,
    Code.WRONG_PURPOSE,
    Code.WRONG_EVENT,
    Code.WRONG_WALLET,
    Code.UNKNOWN_CHALLENGE,
    Code.PROOF_SPENT,
    Code.SIGNATURE_INVALID,
    Code.SIGNATURE_INCONCLUSIVE,
)
"""What may be wrong with a proof, whatever it is for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What a proof must be about."""

    account: Account
    purpose: Purpose
    event_id: int | None
    event_ref: str | None  # the event as the page names it: the id or the slug in the request's path
    domains: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """A text that says the right thing at the right time. Whether the wallet signed it is a verdict's business."""

    account: Account
    purpose: Purpose
    event_id: int | None
    text: str
    digest: bytes  # what is spent
    expires_at: datetime  # refused by its own time from then on: no need to remember it longer


def digest_of(account: Account, purpose: Purpose, text: str) -> bytes:
    """Return what is spent: SHA-256 of holder, purpose and text.

    Never the signature: (r, s) and (r, n - s) both verify, and a wallet may sign one text twice. Never the CAIP-10
    account either: one EVM key is the same holder on every EVM chain, and would open once per chain.
    """
    return hashlib.sha256(f"{account.holder}\n{purpose}\n{text}".encode()).digest()


def read_message(text: str, expected: Expected, *, network: Network, secret: bytes, now: datetime) -> Proof | Code:
    """Read a challenge's text: form, time, domain, purpose, event, wallet, nonce; the first that fails counts."""
    challenge = parse(text, network=network)
    if isinstance(challenge, Malformed):
        return Code.MALFORMED_MESSAGE
    same_holder = challenge.account.holder == expected.account.holder
    verdict = judge(
        challenge,
        now=now,
        # A bare address names no chain; which chain a contract wallet is asked on is not the text's to say.
        account=challenge.account if same_holder else expected.account,
        domains=expected.domains,
        purpose=expected.purpose,
        event_id=expected.event_id,
    )
    if isinstance(verdict, Refused):
        return CODES[verdict.reason]
    scope = NonceScope(
        holder=expected.account.holder,
        event_id=expected.event_id,
        purpose=expected.purpose,
        domain=challenge.domain,
        statement=challenge.statement,
        uri=challenge.uri,
    )
    match nonces.check(secret, challenge.nonce, scope, now=now - SKEW):
        case NonceState.NOT_OURS:
            return Code.UNKNOWN_CHALLENGE
        case NonceState.EXPIRED:  # the wallet wrote a later expiry into its text
            return Code.PROOF_EXPIRED
        case NonceState.GOOD:
            return _proof(expected, text, until=nonces.expiry_of(challenge.nonce) + SKEW)


def read_timestamp(milliseconds: int, expected: Expected, *, now: datetime) -> Proof | Code:
    """Read the form existing pages know, `Access event <id> at <milliseconds>`. It can open a room and nothing else."""
    if expected.event_ref is None or expected.purpose is not Purpose.JOIN:
        return Code.WRONG_PURPOSE
    verdict = judge_timestamp(milliseconds, now=now)
    if isinstance(verdict, Refused):
        return CODES[verdict.reason]
    return _proof(expected, timestamp_text(expected.event_ref, milliseconds), until=verdict.until)


_SPEND = Batch(table=spent_proofs, columns=("digest", "expires_at"), unless_there=True, returning="digest")


def spend(conn: Connection, proofs: Iterable[Proof]) -> frozenset[bytes]:
    """Spend the proofs, and return the digests of those that were unspent until now."""
    in_order = sorted(proofs, key=lambda proof: proof.digest)  # two gates that spend the same wait for each other once
    return frozenset(_SPEND.insert(conn, [(proof.digest, proof.expires_at) for proof in in_order]))


SPENT = select(spent_proofs.c.digest).where(spent_proofs.c.digest.in_(bindparam("digests", expanding=True)))


def already_spent(conn: Connection, digests: Sequence[bytes]) -> frozenset[bytes]:
    """Return those of the digests that were spent before."""
    if not digests:
        return frozenset()
    return frozenset(conn.execute(SPENT, {"digests": list(digests)}).scalars())


def prune(conn: Connection, *, now: datetime) -> int:
    """Forget proofs whose time is over: they are refused by their own text now. Returns how many went."""
    return conn.execute(delete(spent_proofs).where(spent_proofs.c.expires_at < now)).rowcount


def _proof(expected: Expected, text: str, *, until: datetime) -> Proof:
    digest = digest_of(expected.account, expected.purpose, text)
    return Proof(
        account=expected.account,
        purpose=expected.purpose,
        event_id=expected.event_id,
        text=text,
        digest=digest,
        expires_at=until,
    )
