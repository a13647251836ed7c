"""POST /api/events/{event}/verify-access: would this proof open the door now? The same checks; nothing is spent."""

import secrets
from datetime import datetime
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from config.registry import Network, Registry
from gateway.deps import DEPS
from gateway.gate import audit, checks, proofs, standing, vouching
from gateway.gate.audit import GRANTED, Action, Entry
from gateway.gate.desk import DESK, refuse
from gateway.gate.evenly import evenly
from gateway.gate.models import ProofGiven, VerifyAnswer
from gateway.gate.proving import Proven, prove
from gateway.http.client import client_of
from gateway.http.codes import Code
from gateway.http.problems import Problem

AS_PROBLEMS = frozenset({Code.INVALID_ACCOUNT, Code.WALLET_NOT_SUPPORTED, Code.SIGNATURE_INCONCLUSIVE})
"""Where nothing could be said of the wallet's access; every other refusal is an answer to the question."""


@evenly
async def verify_access(request: web.Request, given: ProofGiven) -> VerifyAnswer | Problem:
    """Answer whether `join` would let this proof in; without a signature every wallet is told `proof_required`."""
    deps, desk = request.app[DEPS], request.app[DESK]
    now = deps.clock()
    event_ref = request.match_info["event"]
    event = await desk.book.find(event_ref)
    if event is None:
        return Problem(code=Code.UNKNOWN_EVENT)
    proven = await prove(given, event=event, event_ref=event_ref, deps=deps, desk=desk, now=now)
    if isinstance(proven, Code):
        problem = await refuse(request, proven, action=Action.VERIFY, now=now, event_id=event.id)
        return problem if proven in AS_PROBLEMS else _answer(proven, now)
    decide = partial(
        _decide,
        entry_id=secrets.token_hex(16),
        event_id=event.id,
        proven=proven,
        client=client_of(request),
        network=deps.settings.network,
        registry=deps.registry,
        now=now,
    )
    code = await deps.store.transact(decide)
    if code is None and desk.door_list.blind(now):
        code = Code.GATE_BLIND
    deps.metrics.answer(Action.VERIFY, code or GRANTED)
    return _answer(code, now)


def _decide(
    conn: Connection,
    *,
    entry_id: str,
    event_id: int,
    proven: Proven,
    client: str,
    network: Network,
    registry: Registry,
    now: datetime,
) -> Code | None:
    who = (event_id, str(proven.proof.account.holder))
    stands = standing.read(conn, [who], network=network)[who]
    narrowed = vouching.narrowed(stands, proven.signed, registry=registry, network=network)
    code = Code.SIGNATURE_INVALID if narrowed is None else checks.refusal(narrowed, now=now)
    if proofs.already_spent(conn, [proven.proof.digest]):
        code = Code.PROOF_SPENT
    entry = Entry(
        id=entry_id,
        at=now,
        action=Action.VERIFY,
        refusal=code,
        event_id=event_id,
        ticket_id=narrowed.ticket.id if narrowed and narrowed.ticket else None,
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
