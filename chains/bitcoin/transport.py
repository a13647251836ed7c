"""Plain JSON-RPC to Bitcoin Core and its kin, and which chain an endpoint serves."""

from collections.abc import Sequence
from typing import Any

from chains.bitcoin.encoding import unshown
from chains.reading import served
from chains.rpc import Call, EndpointError, Refusal, Transport, Trouble
from chains.wire import HttpWire, JsonRpcTransport

WARMING_UP = -28
OUT_OF_RANGE = -8
UNKNOWN = -5
NOT_HERE = -1
"""Bitcoin Core's rpc/protocol.h: starting; no such height; no such block or transaction; all else, pruned data too."""
_GENESIS = 32
"""Hex digits of the genesis block's hash that name a chain (CAIP-2's bip122 namespace)."""


class BitcoinTransport(JsonRpcTransport):
    """JSON-RPC, but a node that has only just been started is one that does not answer yet."""

    async def call(self, call: Call) -> Any | Refusal:
        """Return the result of one call."""
        return _awake(await super().call(call))

    async def batch(self, calls: Sequence[Call]) -> Sequence[Any | Refusal]:
        """Return the results in the order of the calls."""
        return [_awake(answer) for answer in await super().batch(calls)]


def transport_to(url: str) -> BitcoinTransport:
    """Return the transport to an endpoint; nothing is connected before its first call."""
    return BitcoinTransport(HttpWire(url))


async def identify(transport: Transport) -> str:
    """Return the CAIP-2 id of the chain that an endpoint serves."""
    genesis = served(await transport.call(Call(method="getblockhash", params=(0,))))
    try:
        unshown(genesis)
    except (TypeError, ValueError):
        raise EndpointError(Trouble.MALFORMED, "the genesis block's hash is none") from None
    return f"bip122:{genesis[:_GENESIS]}"


def bytes_of(answer: Any) -> bytes:
    """Return what an answer in hex writes. Raises EndpointError."""
    try:
        return bytes.fromhex(answer)
    except (TypeError, ValueError):
        raise EndpointError(Trouble.MALFORMED, "no hex") from None


def _awake(answer: Any | Refusal) -> Any | Refusal:
    if isinstance(answer, Refusal) and answer.code == WARMING_UP:
        raise EndpointError(Trouble.UNREACHABLE, f"is starting: {answer.message}")
    return answer
