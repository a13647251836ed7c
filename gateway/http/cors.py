"""Whose pages may use the API from a browser: the operator's list and the page origins of events still to come."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from aiohttp import web
from multidict import CIMultiDict
from sqlalchemy import Connection, bindparam, select

from config.clock import Clock
from gateway.http.codes import Code
from gateway.http.problems import Problem
from store.engine import Store
from store.errors import StoreUnavailableError
from tickets.schema import events

FRESH = timedelta(seconds=15)
"""How long a new event's page may have to wait."""
METHODS = "GET, POST, PATCH, DELETE"
REQUEST_FIELDS = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID"
ANSWER_FIELDS = "Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
MAX_AGE = "600"

_PAGE_ORIGINS = select(events.c.page_origins).where(events.c.status == "active", events.c.ends_at > bindparam("now"))


class Origins:
    """The origins that may read our answers, kept fresh by whoever asks for one not seen yet."""

    def __init__(self, *, listed: Iterable[str], store: Store, clock: Clock) -> None:
        self._listed = frozenset(listed)
        self._store = store
        self._clock = clock
        self._pages: frozenset[str] = frozenset()
        self._read_at: datetime | None = None
        self._reading = asyncio.Lock()

    async def allow(self, origin: str) -> bool:
        """Whether a page of this origin may use the API."""
        if origin in self._listed or (origin in self._pages and not self._stale()):
            return True
        async with self._reading:  # one look-up at a time, and nobody is judged by the one before
            if self._stale():
                await self._refresh(self._clock())
        return origin in self._pages

    async def _refresh(self, now: datetime) -> None:
        self._read_at = now
        with suppress(StoreUnavailableError):  # whoever was let in still is; an answer must not fail on its way out
            self._pages = await self._store.read(lambda conn: page_origins(conn, now=now))

    def _stale(self) -> bool:
        return self._read_at is None or self._clock() - self._read_at > FRESH


ORIGINS: web.AppKey[Origins] = web.AppKey("origins", Origins)


def page_origins(conn: Connection, *, now: datetime) -> frozenset[str]:
    """Return the page origins of all events that are not over."""
    return frozenset(origin for listed in conn.scalars(_PAGE_ORIGINS, {"now": now}) for origin in listed)


async def allow_origin(request: web.Request, headers: CIMultiDict[str]) -> None:
    """Let the page that asks read the answer, if it may (Fetch, section 3.3.3)."""
    origin = request.headers.get("Origin")
    if origin is None or "Access-Control-Allow-Origin" in headers:
        return
    headers.add("Vary", "Origin")
    if await request.app[ORIGINS].allow(origin):
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = ANSWER_FIELDS


async def preflight(request: web.Request) -> web.StreamResponse:
    """Answer a browser that asks before it asks (Fetch, section 3.3.5)."""
    if not await request.app[ORIGINS].allow(request.headers.get("Origin", "")):
        return Problem(code=Code.ORIGIN_NOT_ALLOWED).to_response()
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": REQUEST_FIELDS,
            "Access-Control-Max-Age": MAX_AGE,
        },
    )
