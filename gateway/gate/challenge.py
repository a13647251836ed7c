"""POST /api/events/{event}/challenge: a text to sign. Nothing is stored; a wallet without a ticket gets one too."""

import secrets

from aiohttp import web

from chains.account import NotAnAccount
from gateway.deps import DEPS
from gateway.gate import nonces
from gateway.gate.desk import DESK
from gateway.gate.home import account_given
from gateway.gate.models import MAX_MESSAGE, ChallengeAnswer, ChallengeGiven
from gateway.gate.nonces import NonceScope
from gateway.gate.pages import Pages, address_of
from gateway.http.codes import Code
from gateway.http.problems import Problem
from verifier.evm.eip712 import typed_data
from verifier.texts.challenge import LIFE, Challenge, parse, write
from verifier.texts.layout import Malformed
from verifier.texts.purpose import statement
from verifier.verify import supports

UNREADABLE = Problem(
    code=Code.INVALID_FIELDS,
    extra={"errors": [{"field": "uri", "reason": "a text with this address could not be read again (RFC 3986)"}]},
)


async def challenge(request: web.Request, given: ChallengeGiven) -> ChallengeAnswer | Problem:
    """Write the text for this wallet, event, purpose and page."""
    deps = request.app[DEPS]
    event = await request.app[DESK].book.find(request.match_info["event"])
    if event is None:
        return Problem(code=Code.UNKNOWN_EVENT)
    account = account_given(given.wallet_address, network=deps.settings.network, registry=deps.registry)
    if isinstance(account, NotAnAccount):
        return Problem(code=Code.INVALID_ACCOUNT, detail=account.reason)
    if not supports(account.holder.family, deps.registry.families):
        return Problem(code=Code.WALLET_NOT_SUPPORTED)
    uri = str(given.uri) if given.uri else None
    page = Pages(deps.settings, event.page_origins).choose(uri=uri, origin=request.headers.get("Origin"))
    if page is None:
        return Problem(code=Code.ORIGIN_NOT_ALLOWED)
    issued_at = deps.clock().replace(microsecond=0)
    expires_at = issued_at + LIFE
    scope = NonceScope(
        holder=account.holder,
        event_id=event.id,
        purpose=given.purpose,
        domain=page.domain,
        statement=statement(given.purpose, event.title),
        uri=address_of(page, uri or f"/events/{event.ref}"),
    )
    nonce = nonces.issue(deps.secret, scope, expires_at=expires_at, randomness=secrets.token_bytes(nonces.RANDOM_BYTES))
    text = write(
        Challenge(
            domain=page.domain,
            account=account,
            statement=scope.statement,
            uri=scope.uri,
            nonce=nonce,
            issued_at=issued_at,
            expires_at=expires_at,
            purpose=given.purpose,
            event_id=event.id,
        )
    )
    if len(text) > MAX_MESSAGE or isinstance(parse(text, network=deps.settings.network), Malformed):
        return UNREADABLE
    return ChallengeAnswer(
        message=text,
        typed_data=typed_data(text, deps.settings.network),
        nonce=nonce,
        domain=page.domain,
        issued_at=issued_at,
        expires_at=expires_at,
    )
