"""JSON-RPC 2.0 over HTTP to one endpoint: bounded answers, kept connections, silence about secrets. No method is named.

Nodes that speak the older dialect, with `"error": null` beside every result, are understood as well.
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from itertools import count
from math import isinf
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import aiohttp
import orjson

from chains.rpc import Call, EndpointError, Refusal, Trouble

LARGEST_ANSWER = 64 * 2**20
"""Bytes. The largest blocks of any chain come to a quarter of it as JSON."""
SECONDS = aiohttp.ClientTimeout(total=30, connect=5)
CONNECTIONS = 8
RETRY_STATUS = {429, 503}
TOO_LARGE_STATUS = 413
_SECRETS_STATUS = {401, 403}


class HttpWire:
    """The connections to one endpoint."""

    def __init__(
        self,
        url: str,
        *,
        seconds: aiohttp.ClientTimeout = SECONDS,
        digest: bool = False,
        connections: int = CONNECTIONS,
        largest: int | None = None,
    ) -> None:
        """Take a URL; a user and password in it are sent as Basic or Digest authentication (RFC 7617, RFC 7616).

        `largest` is the size of an answer in bytes that is still read; None: LARGEST_ANSWER.
        """
        parts = urlsplit(url)
        at = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
        self.host = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
        self._url = urlunsplit(parts._replace(netloc=f"{at}:{parts.port}" if parts.port else at))
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._digest = digest
        self._seconds = seconds
        self._connections = connections
        self._largest = largest
        self._session: aiohttp.ClientSession | None = None

    async def post(self, data: bytes, path: str = "", *, largest: int | None = None) -> bytes:
        """Post JSON, and return the answer's bytes, at most `largest` of them. Raises EndpointError."""
        url = f"{self._url.rstrip('/')}{path}" if path else self._url
        try:
            async with self._open().post(url, data=data, allow_redirects=False) as response:
                check_status(response)
                return await read_bounded(response.content, self._largest if largest is None else largest)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EndpointError(Trouble.UNREACHABLE, type(error).__name__) from None  # its text may hold the URL

    async def aclose(self) -> None:
        """Close the connections. Safe to call twice."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            headers = {"Content-Type": "application/json"}
            digest: tuple[aiohttp.DigestAuthMiddleware, ...] = ()
            if self._digest and self._user:
                digest = (aiohttp.DigestAuthMiddleware(self._user, self._password),)
            elif self._user or self._password:  # some hosted nodes take a password alone
                headers["Authorization"] = f"Basic {b64encode(f'{self._user}:{self._password}'.encode()).decode()}"
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections),
                timeout=self._seconds,
                middlewares=digest,
                headers=headers,
            )
        return self._session


class JsonRpcTransport:
    """`chains.rpc.Transport` for nodes that speak plain JSON-RPC."""

    def __init__(self, wire: HttpWire, *, path: str = "") -> None:
        self._wire = wire
        self._path = path
        self._ids = count()

    @property
    def host(self) -> str:
        """Where it leads to, without anything secret."""
        return self._wire.host

    async def call(self, call: Call) -> Any | Refusal:
        """Return the result of one call."""
        data = orjson.dumps(self._request(call))
        return outcome(decoded(await self._wire.post(data, self._path, largest=call.largest)))

    async def batch(self, calls: Sequence[Call]) -> Sequence[Any | Refusal]:
        """Return the results in the order of the calls."""
        requests = [self._request(call) for call in calls]
        answer = decoded(await self._wire.post(orjson.dumps(requests), self._path))
        return in_order(answer, [request["id"] for request in requests])

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    def _request(self, call: Call) -> dict[str, Any]:
        params = dict(call.params) if isinstance(call.params, Mapping) else list(call.params)
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": call.method, "params": params}


def decoded(body: bytes) -> Any:
    """Return a JSON document. Raises EndpointError where it is none.

    Nodes copy what strangers put into a chain, and some do not look whether it is UTF-8, as RFC 8259 §8.1 asks: one
    such text must not keep anybody from reading the rest. Its bytes stand as lone surrogates (PEP 383).
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _of_strange_bytes(body)


def _of_strange_bytes(body: bytes) -> Any:
    try:
        body.decode()
    except UnicodeDecodeError:
        pass  # the one fault that is forgiven
    else:
        raise EndpointError(Trouble.MALFORMED, "no JSON")
    try:
        return json.loads(body.decode(errors="surrogateescape"), parse_constant=_refused, parse_float=_finite)
    except (ValueError, RecursionError):
        raise EndpointError(Trouble.MALFORMED, "no JSON") from None


def _refused(_constant: str) -> None:
    raise ValueError("NaN and infinities are not JSON")


def _finite(written: str) -> float:
    """Read a number, as orjson does: one beyond a double is none."""
    number = float(written)
    if isinf(number):
        raise ValueError("beyond a double")
    return number


def outcome(answer: Any) -> Any | Refusal:
    """Return the result or refusal of a response object (JSON-RPC 2.0 §5)."""
    if not isinstance(answer, dict):
        raise EndpointError(Trouble.MALFORMED, "no JSON-RPC answer")
    error = answer.get("error")
    if error is None:
        if "result" not in answer:
            raise EndpointError(Trouble.MALFORMED, "no JSON-RPC answer")
        return answer["result"]
    if not isinstance(error, dict) or answer.get("result") is not None:
        raise EndpointError(Trouble.MALFORMED, "no JSON-RPC error")
    code = error.get("code")
    return Refusal(code=code if isinstance(code, int) else 0, message=str(error.get("message"))[:200])


def in_order(answer: Any, ids: Sequence[int]) -> list[Any | Refusal]:
    """Return the outcomes of a batch in the order of its requests; they may come in any (JSON-RPC 2.0 §6)."""
    if isinstance(answer, dict):  # one error for all: no batches here, or not as large
        raise EndpointError(Trouble.TOO_LARGE, str(outcome(answer)))
    if not isinstance(answer, list) or len(answer) != len(ids):
        raise EndpointError(Trouble.MALFORMED, "a batch was answered in part")
    try:
        by_id = {int(item["id"]): item for item in answer}
    except (TypeError, KeyError, ValueError):
        raise EndpointError(Trouble.MALFORMED, "a batch was answered without ids") from None
    if by_id.keys() != set(ids):
        raise EndpointError(Trouble.MALFORMED, "a batch was answered with other ids")
    return [outcome(by_id[number]) for number in ids]


def check_status(response: aiohttp.ClientResponse) -> None:
    """Raise EndpointError for an HTTP status that comes with no JSON-RPC answer."""
    if response.status in RETRY_STATUS:
        raise EndpointError(
            Trouble.THROTTLED, f"HTTP {response.status}", retry_after=_delay(response.headers.get("Retry-After", ""))
        )
    if response.status == TOO_LARGE_STATUS:
        raise EndpointError(Trouble.TOO_LARGE, f"HTTP {response.status}")
    if response.status in _SECRETS_STATUS:
        raise EndpointError(Trouble.UNREACHABLE, f"HTTP {response.status}: check the user and password in its URL")
    if not response.ok and response.content_type != "application/json":  # some nodes put the error's status here
        raise EndpointError(Trouble.UNREACHABLE, f"HTTP {response.status}")


async def read_bounded(content: aiohttp.StreamReader, largest: int | None = None) -> bytes:
    """Return a body, no longer than is bearable."""
    most = LARGEST_ANSWER if largest is None else largest
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > most:
            raise EndpointError(Trouble.TOO_LARGE, f"more than {most} bytes")
    return bytes(body)


def _delay(retry_after: str) -> float | None:
    """Read Retry-After's delay form (RFC 9110 §10.2.3); its date form would need a clock that both sides share."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None
