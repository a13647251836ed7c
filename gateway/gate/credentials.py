"""Fresh TURN credentials for an open session, under the three addresses that existing pages know."""

from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from config.registry import Network
from gateway import grants, sessions
from gateway.deps import DEPS
from gateway.gate.desk import DESK, told
from gateway.gate.models import IceAnswer
from gateway.problems import Code, Problem
from gateway.sessions import Kept

BEARER = "bearer "


async def turn_credentials(request: web.Request, _: None) -> IceAnswer | Problem:
    """Read the session again, and hand it a credential if it still stands."""
    deps = request.app[DEPS]
    now = deps.clock()
    if request.app[DESK].door_list.blind(now):
        return told(Code.GATE_BLIND, now=now)
    token = bearer_of(request)
    if token is None:
        return Problem(code=Code.SESSION_REQUIRED, headers={"WWW-Authenticate": "Bearer"})
    claims = grants.read_session(token, keyring=deps.keyring, now=now)
    if isinstance(claims, Code):
        return told(claims, now=now)
    kept = await deps.store.read(partial(_read, claims.session_id, deps.settings.network))
    code = sessions.refusal(kept, generation=claims.generation, now=now)
    if code is not None or kept is None:
        return told(code or Code.SESSION_INVALID, now=now)
    credential = grants.turn_credential(claims.session_id, settings=deps.settings, now=now)
    if credential is None:
        return Problem(code=Code.NO_TURN)
    return IceAnswer.for_event(credential, kept.standing.event)


def bearer_of(request: web.Request) -> str | None:
    """Return the token of the Authorization field (RFC 6750 section 2.1)."""
    field = request.headers.get("Authorization", "")
    return field[len(BEARER) :].strip() or None if field.lower().startswith(BEARER) else None


def _read(session_id: str, network: Network, conn: Connection) -> Kept | None:
    return sessions.read(conn, [session_id], network=network).get(session_id)
