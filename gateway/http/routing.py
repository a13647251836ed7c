"""The table of routes: one record is the router's entry, the body's check, the answer's form and the documentation."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from aiohttp import HttpVersion11, web
from multidict import CIMultiDictProxy
from pydantic import BaseModel, ValidationError

from gateway.deps import DEPS
from gateway.gate.audit import Action, Stranger
from gateway.gate.audit_log import AUDIT
from gateway.http.client import client_of
from gateway.http.codes import Code
from gateway.http.limits import LIMITS, Budget
from gateway.http.problems import Problem

JSON = "application/json"
SWITCHING = 101
BODY_SECONDS = 10
SHOWN_ERRORS = 10
SECRET_NAMES = frozenset({"signature", "token", "session_token", "sessiontoken", "resume", "authorization"})

Result = BaseModel | Problem | web.StreamResponse
Handler = Callable[[web.Request, Any], Awaitable[Result]]
"""Takes the request and what was given with it: the checked body or query, None where the route has neither."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One door of the API."""

    method: str
    path: str  # aiohttp's pattern, e.g. /api/orders/{order_id}
    handler: Handler
    summary: str
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    also: tuple[int, ...] = ()  # other statuses with which the same answer may come
    media: str = JSON  # of the answer, where it is no JSON
    problems: tuple[Code, ...] = ()  # beside those that any request may get
    budget: Budget | None = None  # what a request costs the client
    idempotent: bool = False  # takes an Idempotency-Key
    session: bool = False  # takes a session token (Authorization: Bearer)

    @property
    def name(self) -> str:
        """Return how metrics and idempotency name the route."""
        return f"{self.method} {self.path}"


ROUTES: web.AppKey[list[Route]] = web.AppKey("routes", list)


def register(app: web.Application, routes: Iterable[Route]) -> None:
    """Put routes into the application's router and its documentation."""
    table = app.setdefault(ROUTES, [])
    for route in routes:
        table.append(route)
        answering = endpoint(route)
        resource = app.router.add_resource(route.path)
        for method in methods_of(route):
            resource.add_route(method, answering, expect_handler=expected)


def methods_of(route: Route) -> tuple[str, ...]:
    """Return what a route answers: HEAD wherever GET is (RFC 9110 section 9.1), but a socket has no fields to show."""
    return ("GET", "HEAD") if route.method == "GET" and route.status != SWITCHING else (route.method,)


async def expected(request: web.Request) -> web.StreamResponse | None:
    """Answer Expect (RFC 9110 section 10.1.1): let the body come, or refuse in the form of all our refusals."""
    if request.version != HttpVersion11:
        return None
    if request.headers.get("Expect", "").lower() != "100-continue":
        return Problem(code=Code.EXPECTATION_FAILED).to_response()
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # the answer itself has not begun
    return None


def endpoint(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the aiohttp handler that spends the budget, checks what was given and writes the answer."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if route.budget is None:
            return written(await _answer(route, request), route.status)
        allowance = await request.app[LIMITS].spend(route.budget, client_of(request))
        if not allowance.granted:
            now = request.app[DEPS].clock()
            over = Stranger(at=now, action=Action.REQUEST, refusal=Code.RATE_LIMITED, client=client_of(request))
            request.app[AUDIT].count(over)
            return allowance.problem().to_response()
        response = written(await _answer(route, request), route.status)
        if not response.prepared:
            response.headers.update(allowance.headers())
        return response

    return handle


async def _answer(route: Route, request: web.Request) -> Result:
    if request.query_string and any(name.lower() in SECRET_NAMES for name in request.query):
        return Problem(code=Code.SECRET_IN_URL)
    if route.body is not None:
        given = await read_body(request, route.body)
    elif route.query is not None:
        asked = dict(request.query)
        given = _contradiction(route.query, asked) or checked(route.query, lambda model: model.model_validate(asked))
    else:
        return await route.handler(request, None)
    return given if isinstance(given, Problem) else await route.handler(request, given)


async def read_body(request: web.Request, model: type[BaseModel]) -> BaseModel | Problem:
    """Return the request's body as `model`, or why it is none."""
    if not is_plain_json(request.headers):
        return Problem(code=Code.NOT_JSON_TYPE)
    try:
        async with asyncio.timeout(None if request.content.is_eof() else BODY_SECONDS):
            raw = await request.read()
    except TimeoutError:
        return Problem(code=Code.BODY_TOO_SLOW)
    if b"\\u0000" in raw:  # PostgreSQL's text cannot hold it, and no field of ours needs it
        return Problem(code=Code.MALFORMED_REQUEST, detail="Remove the NUL characters.")
    return _contradiction(model, _loads(raw)) or checked(model, lambda model: model.model_validate_json(raw))


def is_plain_json(headers: CIMultiDictProxy[str]) -> bool:
    """Whether the body is declared as JSON and comes uncompressed."""
    media = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    plain = headers.get("Content-Encoding", "identity").lower() == "identity"
    return plain and (media == JSON or (media.startswith("application/") and media.endswith("+json")))


def checked(model: type[BaseModel], check: Callable[[type[BaseModel]], BaseModel]) -> BaseModel | Problem:
    """Return what the check makes of its input; a failure names the fields, never their values."""
    try:
        return check(model)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        if found[0]["type"] == "json_invalid":
            return Problem(code=Code.NOT_JSON)
        named = [{"field": ".".join(map(str, one["loc"])), "reason": one["msg"]} for one in found[:SHOWN_ERRORS]]
        return Problem(code=Code.INVALID_FIELDS, extra={"errors": named})


def _loads(raw: bytes) -> Any:
    """Return what a body says, None where it is no JSON: the model says so in its own words."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def _contradiction(model: type[BaseModel], given: Any) -> Problem | None:
    """Refuse what gives one field under both of its names and means two things: which one counted would be a guess."""
    if not isinstance(given, dict):
        return None
    torn = [
        name for name, alias in spellings(model) if name in given and alias in given and given[name] != given[alias]
    ]
    if not torn:
        return None
    errors = [{"field": name, "reason": "Given twice, in both spellings, with different values"} for name in torn]
    return Problem(code=Code.INVALID_FIELDS, extra={"errors": errors[:SHOWN_ERRORS]})


@cache
def spellings(model: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """Return the fields of a model that have a second name."""
    fields = ((name, field.alias) for name, field in model.model_fields.items())
    return tuple((name, alias) for name, alias in fields if alias is not None and alias != name)


def written(result: Result, status: int) -> web.StreamResponse:
    """Return a handler's result as a response."""
    if isinstance(result, BaseModel):
        return web.Response(body=json_bytes(result), status=status, content_type=JSON)
    return result.to_response() if isinstance(result, Problem) else result


def json_bytes(model: BaseModel) -> bytes:
    """Return a model as JSON, in one pass."""
    return model.__pydantic_serializer__.to_json(model, by_alias=True)
