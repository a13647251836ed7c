"""The wire to an EVM node: web3's AsyncHTTPProvider with its formatters and middleware left out of the way.

web3 opens a connection per request, decodes with the standard library, waits for answers of any size and logs whole
URLs, keys included. Here connections are kept, orjson decodes, answers are bounded, and its logger is silent.
"""

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from web3 import AsyncHTTPProvider
from web3._utils.http_session_manager import HTTPSessionManager
from web3.types import RPCEndpoint, RPCRequest, RPCResponse

from chains.rpc import Call, EndpointError, Refusal, Transport, Trouble

LARGEST_ANSWER = 64 * 2**20
SECONDS = aiohttp.ClientTimeout(total=30, connect=5)
CONNECTIONS = 8
RETRY_STATUS = {429, 503}
TOO_LARGE_STATUS = 413

_SILENT = logging.getLogger("usher.web3")
_SILENT.disabled = True


class _Sessions(HTTPSessionManager):
    """Keeps one session with its connections alive, and reads no more of an answer than is bearable."""

    def __init__(self, seconds: aiohttp.ClientTimeout) -> None:
        super().__init__()
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None

    async def async_make_post_request(self, endpoint_uri: str, data: Any, **kwargs: Any) -> bytes:
        """Post, and return the answer's bytes. Raises EndpointError."""
        session = self._open()
        try:
            async with session.post(endpoint_uri, data=data, allow_redirects=False, **kwargs) as response:
                _check_status(response)
                return await _read_bounded(response.content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EndpointError(Trouble.UNREACHABLE, type(error).__name__) from None  # its text may hold the URL

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            connector = aiohttp.TCPConnector(limit=CONNECTIONS)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._seconds)
        return self._session


class EvmTransport(AsyncHTTPProvider):
    """JSON-RPC over HTTP to one node."""

    logger = _SILENT

    def __init__(self, url: str, *, seconds: aiohttp.ClientTimeout = SECONDS) -> None:
        super().__init__(url, exception_retry_configuration=None)
        self._sessions = self._request_session_manager = _Sessions(seconds)
        parts = urlsplit(url)
        self._host = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    @property
    def host(self) -> str:
        """The node's host, and its port where it is not the usual one."""
        return self._host

    async def call(self, call: Call) -> Any | Refusal:
        """Return the result of one call."""
        return _outcome(await self.make_request(RPCEndpoint(call.method), list(call.params)))

    async def batch(self, calls: Sequence[Call]) -> Sequence[Any | Refusal]:
        """Return the results in the order of the calls."""
        answer: object = await self.make_batch_request(
            [(RPCEndpoint(call.method), list(call.params)) for call in calls]
        )
        if isinstance(answer, dict):  # one error for all: no batches here, or not as large
            raise EndpointError(Trouble.TOO_LARGE, str(_outcome(answer)))
        if not isinstance(answer, list) or len(answer) != len(calls):
            raise EndpointError(Trouble.MALFORMED, "a batch was answered in part")
        try:
            numbered = sorted((int(item["id"]), place) for place, item in enumerate(answer))
        except (TypeError, KeyError, ValueError):
            raise EndpointError(Trouble.MALFORMED, "a batch was answered without ids") from None
        first = numbered[0][0]
        if any(number != first + ordinal for ordinal, (number, _) in enumerate(numbered)):
            raise EndpointError(Trouble.MALFORMED, "a batch was answered with other ids")
        return [_outcome(answer[place]) for _, place in numbered]  # JSON-RPC 2.0 §6: they come in any order

    async def aclose(self) -> None:
        """Close the connections."""
        await self._sessions.aclose()

    async def make_batch_request(self, batch_requests: list[tuple[RPCEndpoint, Any]]) -> Any:
        """Post a batch; web3 would believe and sort the answer before it is checked."""
        data = self.encode_batch_rpc_request(batch_requests)
        answer = await self._sessions.async_make_post_request(str(self.endpoint_uri), data, **self.get_request_kwargs())
        return self.decode_rpc_response(answer)

    @staticmethod
    def encode_rpc_dict(rpc_dict: RPCRequest) -> bytes:
        """Encode a request of plain JSON values."""
        return orjson.dumps(rpc_dict)

    @staticmethod
    def decode_rpc_response(raw_response: bytes) -> RPCResponse:
        """Decode an answer. Raises EndpointError where it is no JSON."""
        try:
            answer: RPCResponse = orjson.loads(raw_response)
        except orjson.JSONDecodeError:
            raise EndpointError(Trouble.MALFORMED, "no JSON") from None
        return answer


async def identify(transport: Transport) -> str:
    """Return the CAIP-2 id of the chain that a node speaks for (EIP-695)."""
    said = await transport.call(Call(method="eth_chainId"))
    if isinstance(said, Refusal):
        raise said.error
    try:
        return f"eip155:{int(said, 16)}"
    except (TypeError, ValueError):
        raise EndpointError(Trouble.MALFORMED, "the chain id is no number") from None


def _outcome(answer: Any) -> Any | Refusal:
    """Return the result or refusal of a JSON-RPC 2.0 response object."""
    if not isinstance(answer, dict) or ("result" in answer) == ("error" in answer):
        raise EndpointError(Trouble.MALFORMED, "no JSON-RPC answer")
    if "result" in answer:
        return answer["result"]
    error = answer["error"]
    if not isinstance(error, dict):
        raise EndpointError(Trouble.MALFORMED, "no JSON-RPC error")
    code = error.get("code")
    return Refusal(code=code if isinstance(code, int) else 0, message=str(error.get("message"))[:200])


def _check_status(response: aiohttp.ClientResponse) -> None:
    if response.status in RETRY_STATUS:
        raise EndpointError(
            Trouble.THROTTLED,
            f"HTTP {response.status}",
            retry_after=_seconds(response.headers.get("Retry-After", "")),
        )
    if response.status == TOO_LARGE_STATUS:
        raise EndpointError(Trouble.TOO_LARGE, f"HTTP {response.status}")
    if not response.ok and response.content_type != "application/json":  # some nodes put the error's status here
        raise EndpointError(Trouble.UNREACHABLE, f"HTTP {response.status}")


def _seconds(retry_after: str) -> float | None:
    """Read Retry-After's delay form (RFC 9110 §10.2.3); its date form would need a clock that both sides share."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None


async def _read_bounded(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise EndpointError(Trouble.TOO_LARGE, f"more than {LARGEST_ANSWER} bytes")
    return bytes(body)
