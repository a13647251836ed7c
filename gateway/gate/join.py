"""POST /api/events/{event}/join: a proved wallet becomes an open session, once per proof."""

import secrets
from datetime import datetime

from aiohttp import web

from gateway.deps import DEPS, Deps
from gateway.gate import grants
from gateway.gate.admission import Admitted, Applicant
from gateway.gate.audit import GRANTED, Action, Entry
from gateway.gate.audit_log import AUDIT
from gateway.gate.desk import DESK, refuse, told
from gateway.gate.evenly import evenly
from gateway.gate.models import GrantAnswer, ProofGiven
from gateway.gate.openings import resume_digest
from gateway.gate.proving import prove
from gateway.http.client import client_of
from gateway.http.codes import Code
from gateway.http.limits import LIMITS, Budget
from gateway.http.problems import Problem

RESUME_BYTES = 32


@evenly
async def join(request: web.Request, given: ProofGiven) -> GrantAnswer | Problem:
    """Check the proof, then let one transaction decide; a refusal spends nothing."""
    deps, desk = request.app[DEPS], request.app[DESK]
    now = deps.clock()
    if desk.door_list.blind(now):
        return told(Code.GATE_BLIND, now=now)
    event_ref = request.match_info["event"]
    event = await desk.book.find(event_ref)
    if event is None:
        return Problem(code=Code.UNKNOWN_EVENT)
    proven = await prove(given, event=event, event_ref=event_ref, deps=deps, desk=desk, now=now)
    if isinstance(proven, Code):
        return await refuse(request, proven, action=Action.JOIN, now=now, event_id=event.id)
    proof = proven.proof
    holder = str(proof.account.holder)
    allowance = await request.app[LIMITS].spend(Budget.JOINS_PER_WALLET, holder)
    if not allowance.granted:
        request.app[AUDIT].note(_over_budget(event.id, holder, client=client_of(request), now=now))
        return allowance.problem()
    resume = new_resume()
    outcome = await desk.admissions.submit(
        Applicant(
            who=(event.id, holder),
            proof=proof,
            signed=proven.signed,
            client=client_of(request),
            session_id=secrets.token_hex(16),
            resume_digest=resume_digest(resume),
        )
    )
    if outcome is Code.PROOF_SPENT or isinstance(outcome, Admitted):
        desk.spent.note(proof.digest)
    if isinstance(outcome, Code):
        deps.metrics.answer(Action.JOIN, outcome)
        return told(outcome, now=now)
    deps.metrics.answer(Action.JOIN, GRANTED)
    return granted(outcome, event_ref=event.ref, resume=resume, deps=deps, now=now)


def _over_budget(event_id: int, holder: str, *, client: str, now: datetime) -> Entry:
    return Entry(
        id=secrets.token_hex(16),
        at=now,
        action=Action.JOIN,
        refusal=Code.RATE_LIMITED,
        event_id=event_id,
        ticket_id=None,
        holder=holder,
        client=client,
    )


def granted(admitted: Admitted, *, event_ref: str, resume: str, deps: Deps, now: datetime) -> GrantAnswer:
    """Return everything that an open session is handed."""
    grant = grants.issue(admitted.session, settings=deps.settings, keyring=deps.keyring, now=now)
    return GrantAnswer.of(
        grant,
        admitted.standing,
        websocket_url=f"{deps.settings.presence.public_url.rstrip('/')}/event/{event_ref}",
        resume=resume,
        now=now,
    )


def new_resume() -> str:
    """Return a fresh resume secret."""
    return secrets.token_urlsafe(RESUME_BYTES)
