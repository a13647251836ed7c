"""The one transaction of a join: proof spent, ticket and event read again, session opened, all of it in the audit log.

It takes many applicants at once (see `gateway.gate.groups`), each with another holder, so that they share statements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from config.registry import Network, Registry
from gateway.gate import audit, checks, openings, proofs, standing, vouching
from gateway.gate.audit import Action, Entry
from gateway.gate.checks import Standing
from gateway.gate.openings import Opening
from gateway.gate.proofs import Proof
from gateway.gate.sessions import Session
from gateway.gate.standing import Who
from gateway.http.codes import Code
from verifier.verdict import Valid


@dataclass(frozen=True, kw_only=True, slots=True)
class Applicant:
    """Somebody whose signature is valid and who wants in."""

    who: Who
    proof: Proof
    signed: Valid
    client: str  # keyed hash
    session_id: str  # 128 random bits: the session's if one is opened, and the log entry's in any case
    resume_digest: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Admitted:
    """A session is open."""

    session: Session
    standing: Standing


def admit(
    conn: Connection, applicants: Sequence[Applicant], *, network: Network, registry: Registry, now: datetime
) -> list[Admitted | Code]:
    """Open a session for each applicant, or say why not; a refusal spends nothing. Holders must differ."""
    standings = dict(standing.read(conn, [one.who for one in applicants], network=network, lock=True))
    refusals: dict[Who, Code] = {}
    for one in applicants:
        narrowed = vouching.narrowed(standings[one.who], one.signed, registry=registry, network=network)
        standings[one.who] = narrowed or standings[one.who]
        code = Code.SIGNATURE_INVALID if narrowed is None else checks.refusal(narrowed, now=now)
        if code is not None:
            refusals[one.who] = code
    passing = [one for one in applicants if one.who not in refusals]
    fresh = proofs.spend(conn, [one.proof for one in passing])
    spent = proofs.already_spent(conn, [one.proof.digest for one in applicants if one.who in refusals])
    for one in applicants:  # a spent proof is the reason before any other: DESIGN section 7.3's order
        if one.proof.digest in spent or (one.who not in refusals and one.proof.digest not in fresh):
            refusals[one.who] = Code.PROOF_SPENT
    to_open = [_opening(one, standings[one.who]) for one in passing if one.who not in refusals]
    opened = {session.id: session for session in openings.open_all(conn, to_open, now=now)}
    audit.record(conn, [_entry(one, standings[one.who], refusals.get(one.who), now) for one in applicants])
    return [
        refusals.get(one.who) or Admitted(session=opened[one.session_id], standing=standings[one.who])
        for one in applicants
    ]


def _opening(one: Applicant, its: Standing) -> Opening:
    return Opening(
        id=one.session_id,
        holder=one.who[1],
        standing=its,
        resume_digest=one.resume_digest,
        signers=one.signed.signers,
    )


def _entry(one: Applicant, its: Standing, refusal: Code | None, now: datetime) -> Entry:
    return Entry(
        id=one.session_id,
        at=now,
        action=Action.JOIN,
        refusal=refusal,
        event_id=one.who[0],
        ticket_id=its.ticket.id if its.ticket else None,
        holder=one.who[1],
        client=one.client,
    )
