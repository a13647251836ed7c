"""The wire to a Solana node: the solana library's AsyncClient over our own connections.

By itself that client takes answers of any size, follows the environment's proxies, logs what went wrong with the URL
in it and knows no batches; its typed answers fail as a whole where a node of another version adds a field. Here its
requests and error objects are used, answers are plain JSON that `parse` and `transaction` check.
"""

from collections.abc import Sequence
from itertools import count
from typing import Any

from pydantic import ValidationError
from solana.rpc.async_api import AsyncClient
from solana.rpc.async_http_provider import AsyncHTTPProvider
from solana.rpc.commitment import Confirmed
from solana.rpc.core import _ClientCore
from solana.rpc.jsonrpc import JsonRpcRequest, JsonRpcRequestSerializer, SolanaJsonRpcError

from chains.rpc import Call, EndpointError, Refusal, Transport, Trouble
from chains.wire import HttpWire, decoded, in_order

REFERENCE = 32
"""Characters of the genesis hash that name a cluster (CAIP-30)."""
_MOST_SAID = 200


class _Provider(AsyncHTTPProvider):
    """Puts our own wire where the library opens its session."""

    def __init__(self, wire: HttpWire) -> None:
        self._wire = wire

    async def make_request_unparsed(self, body: JsonRpcRequestSerializer) -> str:
        """Post, and return the answer. Raises EndpointError."""
        answer = await self._wire.post(body.to_json().encode())
        try:
            return answer.decode()
        except UnicodeDecodeError:
            raise EndpointError(Trouble.MALFORMED, "no JSON") from None

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.aclose()


class Client(AsyncClient):
    """solana's AsyncClient over our own wire; it opens nothing before its first call."""

    def __init__(self, wire: HttpWire) -> None:
        _ClientCore.__init__(self, Confirmed)
        self._provider = _Provider(wire)


class SolanaTransport:
    """`chains.rpc.Transport` to one node."""

    def __init__(self, url: str) -> None:
        self._wire = HttpWire(url)
        self._client = Client(self._wire)
        self._ids = count(1)

    @property
    def host(self) -> str:
        """Where it leads to, without anything secret."""
        return self._wire.host

    async def call(self, call: Call) -> Any | Refusal:
        """Return the result of one call."""
        try:
            return await self._client.send_rpc_request(self._request(call), Any)
        except SolanaJsonRpcError as error:
            return Refusal(code=error.code, message=error.message[:_MOST_SAID])
        except ValidationError:
            raise EndpointError(Trouble.MALFORMED, "no JSON-RPC answer") from None

    async def batch(self, calls: Sequence[Call]) -> Sequence[Any | Refusal]:
        """Return the results in the order of the calls."""
        requests = [self._request(call) for call in calls]
        body = "[" + ",".join(request.to_json() for request in requests) + "]"
        answer = decoded(await self._wire.post(body.encode()))
        return in_order(answer, [int(request.id) for request in requests])

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _request(self, call: Call) -> JsonRpcRequest:
        return JsonRpcRequest(id=next(self._ids), method=call.method, params=list(call.params))


async def identify(transport: Transport) -> str:
    """Return the CAIP-2 id of the cluster that a node speaks for (CAIP-30)."""
    said = await transport.call(Call(method="getGenesisHash"))
    if isinstance(said, Refusal):
        raise said.error
    if not isinstance(said, str):
        raise EndpointError(Trouble.MALFORMED, "the genesis hash is no text")
    return f"solana:{said[:REFERENCE]}"
