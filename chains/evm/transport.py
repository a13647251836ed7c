"""The wire to an EVM node: web3's AsyncHTTPProvider with its formatters and middleware left out of the way.

web3 opens a connection per request, decodes with the standard library, waits for answers of any size and logs whole
URLs, keys included. Here connections are kept, orjson decodes, answers are bounded, and its logger is silent.
"""

import logging
from collections.abc import Sequence
from typing import Any

import aiohttp
import orjson
from web3 import AsyncHTTPProvider
from web3._utils.http_session_manager import HTTPSessionManager
from web3.types import RPCEndpoint, RPCRequest, RPCResponse

from chains.rpc import Call, EndpointError, Refusal, Transport, Trouble
from chains.wire import SECONDS, HttpWire, decoded, in_order, outcome

_SILENT = logging.getLogger("usher.web3")
_SILENT.disabled = True


class _Wire(HTTPSessionManager):
    """Puts our own wire where web3 opens its sessions."""

    def __init__(self, wire: HttpWire) -> None:
        super().__init__()
        self._wire = wire

    async def async_make_post_request(self, endpoint_uri: str, data: Any, **kwargs: Any) -> bytes:  # noqa: ARG002  web3's
        """Post, and return the answer's bytes. Raises EndpointError."""
        return await self._wire.post(data)


class EvmTransport(AsyncHTTPProvider):
    """JSON-RPC over HTTP to one node."""

    logger = _SILENT

    def __init__(self, url: str, *, seconds: aiohttp.ClientTimeout = SECONDS) -> None:
        super().__init__(url, exception_retry_configuration=None)
        self._wire = HttpWire(url, seconds=seconds)
        self._request_session_manager = _Wire(self._wire)

    @property
    def host(self) -> str:
        """The node's host, and its port where it is not the usual one."""
        return self._wire.host

    async def call(self, call: Call) -> Any | Refusal:
        """Return the result of one call."""
        method, params = RPCEndpoint(call.method), list(call.params)
        if call.largest is None:
            return outcome(await self.make_request(method, params))
        data = self.encode_rpc_request(method, params)
        return outcome(decoded(await self._wire.post(data, largest=call.largest)))

    async def batch(self, calls: Sequence[Call]) -> Sequence[Any | Refusal]:
        """Return the results in the order of the calls."""
        requests = [(RPCEndpoint(call.method), list(call.params)) for call in calls]
        data = self.encode_batch_rpc_request(requests)
        first = orjson.loads(data)[0]["id"]  # web3 counts on from there
        return in_order(decoded(await self._wire.post(data)), range(first, first + len(calls)))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    @staticmethod
    def encode_rpc_dict(rpc_dict: RPCRequest) -> bytes:
        """Encode a request of plain JSON values."""
        return orjson.dumps(rpc_dict)

    @staticmethod
    def decode_rpc_response(raw_response: bytes) -> RPCResponse:
        """Decode an answer. Raises EndpointError where it is no JSON."""
        answer: RPCResponse = decoded(raw_response)
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
