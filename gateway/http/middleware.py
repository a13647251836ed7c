"""What every request passes: its id, its time, and the translation of whatever was raised into a problem."""

import itertools
import os
import traceback
from collections.abc import Mapping
from time import perf_counter
from types import MappingProxyType

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from gateway.deps import DEPS
from gateway.http.codes import Code
from gateway.http.cors import allow_origin, preflight
from gateway.http.problems import Problem, ProblemResponse
from store.errors import StoreUnavailableError

log = structlog.get_logger(__name__)

REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
STORE_RETRY_SECONDS = 5
_PROCESS = os.urandom(4).hex()
_COUNT = itertools.count()
UNMATCHED = "unmatched"
SECURITY: Mapping[str, str] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
    }
)
"""Set where the handler has not said otherwise."""

OF_STATUS: Mapping[int, Code] = MappingProxyType(
    {
        400: Code.MALFORMED_REQUEST,
        404: Code.NOT_FOUND,
        405: Code.METHOD_NOT_ALLOWED,
        408: Code.BODY_TOO_SLOW,
        413: Code.BODY_TOO_LARGE,
        415: Code.NOT_JSON_TYPE,
    }
)
"""What aiohttp itself refuses, in our words."""


@web.middleware
async def frame(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer the request in any case, count it, and let nothing of ours leak out of a failure."""
    hub, began = request.app[DEPS].metrics, perf_counter()
    request_id = request[REQUEST_ID] = f"{_PROCESS}{next(_COUNT):08x}"
    structlog.contextvars.bind_contextvars(request_id=request_id)
    response = await _answered(request, handler)
    if isinstance(response, ProblemResponse):
        hub.problem(response.code)
    if isinstance(response, web.Response):  # a stream's or a socket's life is no answer time
        resource = request.match_info.route.resource
        hub.request(resource.canonical if resource else UNMATCHED, response.status, perf_counter() - began)
    return response


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    if "%00" in request.raw_path:  # no name of ours has one, and PostgreSQL's text cannot hold it
        return Problem(code=Code.MALFORMED_REQUEST).to_response()
    try:
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return await preflight(request)
        return await handler(request)
    except Exception as error:  # noqa: BLE001  the outermost door: answered and, where it is ours, logged
        return of_error(error, request)


def of_error(error: Exception, request: web.Request) -> web.StreamResponse:
    """Return the answer to whatever was raised. Only what nobody foresaw is reported, and closes what had begun."""
    match error:
        case web.HTTPException():
            return of_http_exception(error)
        case HttpProcessingError() | web.RequestPayloadError():  # the body's framing or compression was broken
            problem = Problem(code=Code.MALFORMED_REQUEST)
        case StoreUnavailableError():
            log.warning("store_unavailable", reason=error.detail)
            problem = Problem(code=Code.STORE_UNAVAILABLE, retry_after=STORE_RETRY_SECONDS)
        case _:
            report(error)
            problem = Problem(code=Code.SERVER_ERROR, extra={"request_id": request[REQUEST_ID]})
    if request.writer.output_size:  # an answer has begun: nothing can be added to it
        request.protocol.force_close()
    return problem.to_response()


def of_http_exception(refused: web.HTTPException) -> web.StreamResponse:
    """Return aiohttp's refusal as a problem; a redirect passes as it is."""
    if refused.status < 400:  # noqa: PLR2004  where HTTP's errors begin
        return refused
    code = OF_STATUS.get(refused.status, Code.MALFORMED_REQUEST)
    allow = refused.headers.get("Allow")
    return Problem(code=code, headers={"Allow": allow} if allow else {}).to_response()


def report(error: Exception) -> None:
    """Log where something failed. The error's own text stays out: it may quote what a client sent."""
    at = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    log.error("request_failed", error=type(error).__qualname__, at=at)


async def finish_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Complete the header fields of anything that is sent, streams and sockets too (an on_response_prepare signal)."""
    headers = response.headers
    headers.pop("Server", None)
    headers["X-Request-Id"] = request.get(REQUEST_ID, "")
    for name, value in SECURITY.items():
        headers.setdefault(name, value)
    await allow_origin(request, headers)
