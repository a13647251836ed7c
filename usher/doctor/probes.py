"""What a node of each family says of itself: its chain, its height and how late it is. A question or three, no more."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chains.rpc import Call, EndpointError, Refusal, Transport, Trouble
from chains.wire import HttpWire, JsonRpcTransport
from config.registry import Family


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a node said about itself."""

    chain: str  # CAIP-2
    height: int
    newest: datetime  # its newest block's time
    version: int | None = None  # of Bitcoin Core and its kin, 250100 for 25.1; None: another program, or it keeps it


Probe = Callable[[Transport], Awaitable[Seen]]

_CAIP2_REFERENCE = 32
_MONERO_PATH = "/json_rpc"


async def ask(family: Family, url: str) -> Seen | EndpointError:
    """Ask a node who it is. Whatever goes wrong is a value."""
    path = _MONERO_PATH if family is Family.MONERO else ""
    async with aclosing(JsonRpcTransport(HttpWire(url), path=path)) as transport:
        try:
            return await PROBES[family](transport)
        except EndpointError as error:
            return error
        except (TypeError, ValueError, KeyError, OverflowError, OSError):  # OSError: a time beyond the calendar
            return EndpointError(Trouble.MALFORMED, f"not the answer of a node of family {family}")


async def ask_wallet(url: str) -> EndpointError | None:
    """Ask a monero-wallet-rpc whether it is there."""
    async with aclosing(JsonRpcTransport(HttpWire(url, digest=True), path=_MONERO_PATH)) as transport:
        try:
            await _result(transport, "get_version")
        except EndpointError as error:
            return error
    return None


async def _result(transport: Transport, method: str, *params: Any, **named: Any) -> Any:
    answer = await transport.call(Call(method=method, params=named or params))
    if isinstance(answer, Refusal):
        raise answer.error
    return answer


async def _evm(transport: Transport) -> Seen:
    number = await _result(transport, "eth_chainId")
    block = await _result(transport, "eth_getBlockByNumber", "latest", False)
    return Seen(
        chain=f"eip155:{int(number, 16)}",
        height=int(block["number"], 16),
        newest=datetime.fromtimestamp(int(block["timestamp"], 16), UTC),
    )


async def _bitcoin(transport: Transport) -> Seen:
    genesis = await _result(transport, "getblockhash", 0)
    info = await _result(transport, "getblockchaininfo")
    return Seen(
        chain=f"bip122:{str(genesis)[:_CAIP2_REFERENCE]}",
        height=int(info["blocks"]),
        newest=datetime.fromtimestamp(int(info["time"]), UTC),
        version=await _version(transport),
    )


async def _version(transport: Transport) -> int | None:
    """Return a node's version; None where it does not tell, for `rpcwhitelist` may lack the question."""
    try:
        return int((await _result(transport, "getnetworkinfo"))["version"])
    except EndpointError:
        return None


async def _solana(transport: Transport) -> Seen:
    genesis = await _result(transport, "getGenesisHash")
    slot = await _result(transport, "getSlot", {"commitment": "finalized"})
    time = await _result(transport, "getBlockTime", slot)
    return Seen(
        chain=f"solana:{str(genesis)[:_CAIP2_REFERENCE]}",
        height=int(slot),
        newest=datetime.fromtimestamp(int(time), UTC),
    )


async def _hive(transport: Transport) -> Seen:
    version = await _result(transport, "database_api.get_version")
    now = await _result(transport, "database_api.get_dynamic_global_properties")
    return Seen(
        chain=f"hive:{str(version['chain_id'])[:_CAIP2_REFERENCE]}",
        height=int(now["head_block_number"]),
        newest=datetime.fromisoformat(now["time"]).replace(tzinfo=UTC),
    )


async def _monero(transport: Transport) -> Seen:
    info = await _result(transport, "get_info")
    newest = await _result(transport, "get_last_block_header")
    genesis = await _result(transport, "get_block_header_by_height", height=0)
    regtest = info["nettype"] == "fakechain"  # its genesis block is the main network's
    return Seen(
        chain="monero:regtest" if regtest else f"monero:{genesis['block_header']['hash'][:_CAIP2_REFERENCE]}",
        height=int(newest["block_header"]["height"]),
        newest=datetime.fromtimestamp(int(newest["block_header"]["timestamp"]), UTC),
    )


PROBES: Mapping[Family, Probe] = {
    Family.EVM: _evm,
    Family.BITCOIN: _bitcoin,
    Family.SOLANA: _solana,
    Family.HIVE: _hive,
    Family.MONERO: _monero,
}
"""By family."""
