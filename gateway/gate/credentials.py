"""Fresh TURN credentials for an open session, under the three addresses that existing pages know."""

import secrets
from dataclasses import replace
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from config.registry import Network
from gateway.deps import DEPS
from gateway.gate import grants, sessions
from gateway.gate.audit import Action
from gateway.gate.audit_log import AUDIT
from gateway.gate.desk import DESK, refuse, told
from gateway.gate.models import IceAnswer
from gateway.gate.sessions import Kept
from gateway.http.client import client_of
from gateway.http.codes import Code
from gateway.http.problems import Problem

BEARER = "bearer "


async def turn_credentials(request: web.Request, _: None) -> IceAnswer | Problem:
    """Read the session again, and hand it a credential if it still stands."""
    deps = request.app[DEPS]
    now = deps.clock()
    if request.app[DESK].door_list.blind(now):
        return told(Code.GATE_BLIND, now=now)
    token = bearer_of(request)
    claims = grants.read_session(token, keyring=deps.keyring, now=now) if token else Code.SESSION_REQUIRED
    if isinstance(claims, Code):
        refused = await refuse(request, claims, action=Action.TURN, now=now)
        return replace(refused, headers={"WWW-Authenticate": "Bearer"}) if token is None else refused
    kept = await deps.store.read(partial(_read, claims.session_id, deps.settings.network))
    if kept is None:
        return await refuse(request, Code.SESSION_INVALID, action=Action.TURN, now=now, event_id=claims.event_id)
    credential = grants.turn_credential(claims.session_id, settings=deps.settings, now=now)
    code = sessions.refusal(kept, generation=claims.generation, now=now)
    code = code or (Code.NO_TURN if credential is None else None)
    entry_id, client = secrets.token_hex(16), client_of(request)
    request.app[AUDIT].note(
        sessions.audited(kept, entry_id=entry_id, action=Action.TURN, refusal=code, client=client, now=now)
    )
    if code is not None or credential is None:
        return told(code or Code.NO_TURN, now=now)
    return IceAnswer.for_event(credential, kept.standing.event)


def bearer_of(request: web.Request) -> str | None:
    """Return the token of the Authorization field (RFC 6750 section 2.1)."""
    field = request.headers.get("Authorization", "")
    return field[len(BEARER) :].strip() or None if field.lower().startswith(BEARER) else None


def _read(session_id: str, network: Network, conn: Connection) -> Kept | None:
    return sessions.read(conn, [session_id], network=network).get(session_id)
