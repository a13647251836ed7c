"""POST /api/events/{event}/resume: the session goes on after a reload, without another signature."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from aiohttp import web
from sqlalchemy import Connection

from config.registry import Network
from gateway.deps import DEPS
from gateway.gate import audit, openings, signers
from gateway.gate.admission import Admitted
from gateway.gate.audit import GRANTED, Action, Entry
from gateway.gate.desk import DESK, refuse, told
from gateway.gate.evenly import evenly
from gateway.gate.join import granted, new_resume
from gateway.gate.models import GrantAnswer, ResumeGiven
from gateway.gate.openings import resume_digest
from gateway.gate.sessions import Kept, Signers
from gateway.http.client import client_of
from gateway.http.codes import Code
from gateway.http.problems import Problem
from verifier.verdict import Invalid, Verdict


@evenly
async def resume(request: web.Request, given: ResumeGiven) -> GrantAnswer | Problem:
    """Exchange the resume secret for fresh credentials and the next secret; ticket and event are read again."""
    deps, desk = request.app[DEPS], request.app[DESK]
    now = deps.clock()
    if desk.door_list.blind(now):
        return told(Code.GATE_BLIND, now=now)
    event = await desk.book.find(request.match_info["event"])
    if event is None:
        return Problem(code=Code.UNKNOWN_EVENT)
    following = new_resume()
    reopening = _Reopening(
        event_id=event.id,
        secret_digest=resume_digest(given.resume),
        next_digest=resume_digest(following),
        client=client_of(request),
        network=deps.settings.network,
        now=now,
        entry_id=secrets.token_hex(16),
    )
    kept = await deps.store.transact(reopening)
    while isinstance(kept, Signers):  # once: no transaction stays open while a chain is asked
        heard = await signers.hear(kept, lookup=deps.lookup, registry=deps.registry)
        kept = await deps.store.transact(replace(reopening, heard=heard))
    if isinstance(kept, Code):
        return await refuse(request, kept, action=Action.RESUME, now=now, event_id=event.id)
    deps.metrics.answer(Action.RESUME, GRANTED)
    admitted = Admitted(session=kept.session, standing=kept.standing)
    return granted(admitted, event_ref=event.ref, resume=following, deps=deps, now=now)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reopening:
    """The work of one resumption. It may come to a question first, and is run again with what was heard."""

    event_id: int
    secret_digest: bytes
    next_digest: bytes
    client: str
    network: Network
    now: datetime
    entry_id: str
    heard: Verdict | None = None

    def __call__(self, conn: Connection) -> Kept | Code | Signers:
        found = openings.to_reopen(
            conn, event_id=self.event_id, secret_digest=self.secret_digest, network=self.network, now=self.now
        )
        if isinstance(found, Code):
            return found
        if found.signers is not None:
            if self.heard is None:
                return found.signers
            signers.note(conn, {found.session.id: self.heard}, asked_at=self.now, now=self.now)
            if code := signers.refusal(found.signers, self.heard, now=self.now):
                return Code.SESSION_CLOSED if isinstance(self.heard, Invalid) else code
        kept = openings.reopen(conn, found, next_digest=self.next_digest, now=self.now)
        if isinstance(kept, Kept):
            audit.record(conn, [self._entry(kept)])
        return kept

    def _entry(self, kept: Kept) -> Entry:
        return Entry(
            id=self.entry_id,
            at=self.now,
            action=Action.RESUME,
            refusal=None,
            event_id=self.event_id,
            ticket_id=kept.session.ticket_id,
            holder=kept.session.holder,
            client=self.client,
        )
