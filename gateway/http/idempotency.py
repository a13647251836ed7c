"""A repeated POST is answered, not done again (draft-ietf-httpapi-idempotency-key-header-07).

The answer is stored by the very transaction that does the work. A process that dies leaves either both or neither, so
no claim ever has to be released; a twin that reaches another process waits at the primary key for that transaction.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection, bindparam, delete, select, update

from gateway.http.client import client_of
from gateway.http.codes import Code
from gateway.http.problems import Problem
from gateway.http.routing import JSON, Result, json_bytes
from gateway.schema import idempotency
from store.engine import Store
from store.upsert import insert_ignore

KEPT = timedelta(hours=24)
"""How long an answer is kept; afterwards the key is free."""
FIELD = "Idempotency-Key"

_KEY = re.compile(
    r'"(?P<string>[\x20-\x21\x23-\x5B\x5D-\x7E]{1,255})"|(?P<bare>[\x21\x23-\x2B\x2D-\x5B\x5D-\x7E]{1,255})'
)
"""The draft's sf-string (RFC 8941 section 3.3.3) without escapes, and the bare form that most clients send."""

_NAMED = (
    idempotency.c.scope == bindparam("of_scope"),
    idempotency.c.route == bindparam("of_route"),
    idempotency.c.key == bindparam("of_key"),
)
_FIND = select(idempotency.c.fingerprint, idempotency.c.status, idempotency.c.answer).where(*_NAMED)
_FINISH = update(idempotency).where(*_NAMED).values(status=bindparam("to_status"), answer=bindparam("to_answer"))
_RELEASE = delete(idempotency).where(*_NAMED)
_PRUNE = delete(idempotency).where(idempotency.c.created_at < bindparam("before"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A request that asks to be done once."""

    scope: str  # keyed hash of the client's network: nobody meets another's keys
    route: str
    key: str
    fingerprint: bytes  # SHA-256 of the body as it was understood

    @property
    def named(self) -> dict[str, str]:
        """Return what the statements above are bound to."""
        return {"of_scope": self.scope, "of_route": self.route, "of_key": self.key}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """An answer as it was given the first time."""

    status: int
    body: str

    def to_response(self) -> web.Response:
        """Return the same answer again."""
        return web.Response(text=self.body, status=self.status, content_type=JSON)


_REUSED = Problem(code=Code.IDEMPOTENCY_KEY_REUSED)
Answerer = Callable[["Claim | None"], Awaitable[Result]]
IN_FLIGHT: web.AppKey[dict[tuple[str, str, str], bytes]] = web.AppKey("idempotency_in_flight", dict)
"""What this process is working on: scope, route and key with the fingerprint."""


async def answer_once(request: web.Request, store: Store, body: BaseModel, answer: Answerer) -> Result:
    """Return the stored answer of an earlier twin of this request, else what `answer` makes of it."""
    claim = claim_of(request, body)
    if claim is None:
        return await answer(None)
    if isinstance(claim, Problem):
        return claim
    in_flight = request.app[IN_FLIGHT]
    name = (claim.scope, claim.route, claim.key)
    if name in in_flight:
        same = in_flight[name] == claim.fingerprint
        return Problem(code=Code.IDEMPOTENCY_KEY_IN_USE, retry_after=1) if same else _REUSED
    in_flight[name] = claim.fingerprint
    try:
        known = await store.read(partial(earlier, claim=claim))
        return known.to_response() if known else await answer(claim)
    finally:
        del in_flight[name]


def claim_of(request: web.Request, body: BaseModel) -> Claim | Problem | None:
    """Return what a request claims; None where it carries no key and may be done as often as it comes."""
    key = read_key(request.headers.getall(FIELD, []))
    if not isinstance(key, str):
        return key
    resource = request.match_info.route.resource
    return Claim(
        scope=client_of(request),
        route=f"{request.method} {resource.canonical if resource else request.path}",
        key=key,
        fingerprint=hashlib.sha256(json_bytes(body)).digest(),
    )


def read_key(fields: Sequence[str]) -> str | Problem | None:
    """Return the key out of a request's Idempotency-Key fields, None if there are none."""
    if not fields:
        return None
    match = _KEY.fullmatch(fields[0].strip()) if len(fields) == 1 else None
    return (match["string"] or match["bare"]) if match else Problem(code=Code.IDEMPOTENCY_KEY_MALFORMED)


def earlier(conn: Connection, claim: Claim) -> Stored | Problem | None:
    """Return the answer stored under this claim, None if there is none yet."""
    row = conn.execute(_FIND, claim.named).one_or_none()
    if row is None:
        return None
    return Stored(status=row.status, body=row.answer) if row.fingerprint == claim.fingerprint else _REUSED


def once(
    conn: Connection,
    claim: Claim | None,
    work: Callable[[Connection], BaseModel | Problem],
    *,
    status: int,
    now: datetime,
) -> BaseModel | Problem | Stored:
    """Do the work and store its answer in one transaction. A refusal changed nothing and is not kept."""
    if claim is None:
        return work(conn)
    if not _take(conn, claim, now):
        return earlier(conn, claim) or Problem(code=Code.IDEMPOTENCY_KEY_IN_USE, retry_after=1)
    result = work(conn)
    if isinstance(result, Problem):
        conn.execute(_RELEASE, claim.named)
    else:
        conn.execute(_FINISH, {**claim.named, "to_status": status, "to_answer": json_bytes(result).decode()})
    return result


def _take(conn: Connection, claim: Claim, now: datetime) -> bool:
    """Enter a claim; False where a twin did before, whose transaction has ended by now."""
    row = {"scope": claim.scope, "route": claim.route, "key": claim.key, "fingerprint": claim.fingerprint}
    return insert_ignore(conn, idempotency, [{**row, "created_at": now}]) == 1


def prune(conn: Connection, *, now: datetime) -> int:
    """Forget answers that are kept long enough; return how many."""
    return conn.execute(_PRUNE, {"before": now - KEPT}).rowcount
