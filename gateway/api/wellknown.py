"""What anyone may fetch to check a ticket offline: our public keys and the signed list of revoked tickets."""

from typing import Any

import orjson
from aiohttp import web

from gateway.deps import DEPS
from gateway.http.limits import Budget
from gateway.http.routing import Route
from tickets.tokens import revocation_list

JWK_SET = "application/jwk-set+json"
JWS = "application/jose"
ANY_PAGE = {"Access-Control-Allow-Origin": "*"}
"""A scanner's page may come from anywhere; nothing here belongs to anybody."""


async def jwks(request: web.Request, _: None) -> web.Response:
    """Publish every public key that a token of ours may be signed with (RFC 7517 section 5)."""
    keys: Any = request.app[DEPS].keyring.jwks(request.app[DEPS].clock())
    return web.Response(
        body=orjson.dumps(keys), content_type=JWK_SET, headers={**ANY_PAGE, "Cache-Control": "public, max-age=300"}
    )


async def revocations(request: web.Request, _: None) -> web.Response:
    """Publish the revoked tickets as one compact JWS, which says itself until when it is fresh."""
    deps = request.app[DEPS]
    now = deps.clock()
    token = await deps.store.read(lambda conn: revocation_list(conn, deps.keyring, now=now))
    return web.Response(text=token, content_type=JWS, headers={**ANY_PAGE, "Cache-Control": "public, max-age=30"})


ROUTES = (
    Route(
        method="GET",
        path="/.well-known/jwks.json",
        handler=jwks,
        summary="Public keys of tickets, sessions and revocations",
        media=JWK_SET,
        budget=Budget.READS,
    ),
    Route(
        method="GET",
        path="/.well-known/revocations",
        handler=revocations,
        summary="Signed list of revoked tickets",
        media=JWS,
        budget=Budget.READS,
    ),
)
