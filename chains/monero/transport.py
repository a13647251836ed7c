"""The wire to monerod and monero-wallet-rpc: JSON-RPC, and the daemon's older doors, which have a path each.

Neither knows JSON-RPC batches, so that a batch is asked one by one. A refusal may come as a result with another status
than `OK`. Both ask for HTTP Digest authentication where they have a login.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import orjson

from chains.rpc import Call, EndpointError, Refusal, Transport, Trouble
from chains.wire import SECONDS, HttpWire, JsonRpcTransport, decoded

JSON_RPC = "/json_rpc"
REGTEST = "monero:regtest"
_REFERENCE = 32
"""Characters of a CAIP-2 reference."""


class MoneroTransport:
    """`chains.rpc.Transport` for Monero's programs. A method that begins with a slash is the path of a door."""

    def __init__(self, url: str, *, seconds: aiohttp.ClientTimeout = SECONDS) -> None:
        self._wire = HttpWire(url, seconds=seconds, digest=True)
        self._json_rpc = JsonRpcTransport(self._wire, path=JSON_RPC)

    @property
    def host(self) -> str:
        """Where it leads to, without anything secret."""
        return self._wire.host

    async def call(self, call: Call) -> Any | Refusal:
        """Return the result of one call."""
        if call.method.startswith("/"):
            return _served(decoded(await self._wire.post(orjson.dumps(dict(_named(call))), call.method)))
        return _served(await self._json_rpc.call(call))

    async def batch(self, calls: Sequence[Call]) -> Sequence[Any | Refusal]:
        """Return the results in the order of the calls."""
        return [await self.call(call) for call in calls]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()


async def identify(transport: Transport) -> str:
    """Return which chain a daemon speaks for: by its genesis block, but for a regtest, which has the main network's."""
    info = await _result(transport, Call(method="get_info"))
    if isinstance(info, Mapping) and info.get("nettype") == "fakechain":
        return REGTEST
    header = await _result(transport, Call(method="get_block_header_by_height", params={"height": 0}))
    match header:
        case {"block_header": {"hash": str() as digest}}:
            return f"monero:{digest[:_REFERENCE]}"
    raise EndpointError(Trouble.MALFORMED, "no genesis block")


def _served(result: Any | Refusal) -> Any | Refusal:
    """Take another status than OK for the refusal that it is."""
    status = result.get("status", "OK") if isinstance(result, Mapping) else "OK"
    if status != "OK":
        return Refusal(code=0, message=str(status)[:200])
    if isinstance(result, Mapping) and result.get("untrusted") is True:
        return Refusal(code=0, message="it lets another node answer while it is not synchronised itself")
    return result


async def _result(transport: Transport, call: Call) -> Any:
    answer = await transport.call(call)
    if isinstance(answer, Refusal):
        raise answer.error
    return answer


def _named(call: Call) -> Mapping[str, Any]:
    return call.params if isinstance(call.params, Mapping) else {}
