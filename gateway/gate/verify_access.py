"""POST /api/events/{event}/verify-access: would this proof open the door now? The same checks; nothing is spent."""

import secrets
from datetime import datetime
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from config.registry import Network
from gateway import audit, proofs
from gateway.audit import GRANTED, Action, Entry
from gateway.client import client_of
from gateway.deps import DEPS
from gateway.gate import checks, standing
from gateway.gate.desk import DESK, refuse
from gateway.gate.evenly import evenly
from gateway.gate.models import ProofGiven, VerifyAnswer
from gateway.gate.proving import prove
from gateway.problems import Code, Problem
from gateway.proofs import Proof


@evenly
async def verify_access(request: web.Request, given: ProofGiven) -> VerifyAnswer | Problem:
    """Answer whether `join` would let this proof in; without a signature every wallet is told `proof_required`."""
    deps, desk = request.app[DEPS], request.app[DESK]
    now = deps.clock()
    event_ref = request.match_info["event"]
    event = await desk.book.find(event_ref)
    if event is None:
        return Problem(code=Code.UNKNOWN_EVENT)
    proof = await prove(given, event=event, event_ref=event_ref, deps=deps, now=now)
    if isinstance(proof, Code):
        problem = await refuse(request, proof, action=Action.VERIFY, now=now)
        return problem if proof in (Code.INVALID_ACCOUNT, Code.SIGNATURE_INCONCLUSIVE) else _answer(proof, now)
    decide = partial(
        _decide,
        entry_id=secrets.token_hex(16),
        event_id=event.id,
        proof=proof,
        client=client_of(request),
        network=deps.settings.network,
        now=now,
    )
    code = await deps.store.transact(decide)
    if code is None and desk.door_list.blind(now):
        code = Code.GATE_BLIND
    deps.metrics.answer(Action.VERIFY, code or GRANTED)
    return _answer(code, now)


def _decide(
    conn: Connection, *, entry_id: str, event_id: int, proof: Proof, client: str, network: Network, now: datetime
) -> Code | None:
    who = (event_id, str(proof.account.holder))
    stands = standing.read(conn, [who], network=network)[who]
    spent = proofs.already_spent(conn, [proof.digest])
    code = Code.PROOF_SPENT if spent else checks.refusal(stands, now=now)
    entry = Entry(
        id=entry_id,
        at=now,
        action=Action.VERIFY,
        refusal=code,
        event_id=event_id,
        ticket_id=stands.ticket.id if stands.ticket else None,
        holder=who[1],
        client=client,
    )
    audit.record(conn, [entry])
    return code


def _answer(code: Code | None, now: datetime) -> VerifyAnswer:
    return VerifyAnswer(
        access=code is None,
        has_access=code is None,
        code=code.value if code else None,
        error=f"{code.title}. {code.advice}" if code else None,
        server_time=now,
    )
