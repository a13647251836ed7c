"""Asks each configured node who it is and how late it is, and holds this machine's clock against theirs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chains.rpc import Call, EndpointError, Refusal, Transport, Trouble
from config.registry import Chain, Family, Network, Registry
from config.settings import ChainSettings
from usher.doctor.finding import Finding, failed, ok, warning

LATE_BLOCKS, LATE_AT_LEAST = 10, timedelta(minutes=1)
"""A node is late when its newest block is older than this many block times, and than this."""
CLOCK_BEHIND = timedelta(seconds=15)
"""EVM nodes refuse a block from this far in the future (go-ethereum's allowedFutureBlockTime); so our clock is late."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a node said about itself."""

    chain: str  # CAIP-2
    height: int
    newest: datetime  # its newest block's time


Probe = Callable[[Transport], Awaitable[Seen]]


async def examine(registry: Registry, chains: Mapping[str, ChainSettings], now: datetime) -> list[Finding]:
    """Ask all nodes at once; a line for each, and one for the clock. Raises nothing a node does."""
    asked = [
        (registry.chains[chain_id], place, endpoint.url.get_secret_value())
        for chain_id, own in chains.items()
        for place, endpoint in enumerate(own.endpoints, 1)
    ]
    answers = await asyncio.gather(*(_ask(chain.family, url) for chain, _, url in asked))
    findings = [
        _judge(chain, f"{chain.name} node {place}", answer, now)
        for (chain, place, _), answer in zip(asked, answers, strict=True)
    ]
    return [*findings, clock([answer for answer in answers if isinstance(answer, Seen)], now)]


def clock(answers: list[Seen], now: datetime) -> Finding:
    """Hold our clock against the newest block: it cannot be from the future."""
    if not answers:
        return warning("clock", "no node answered, so there is nothing to hold it against")
    ahead = max(answer.newest for answer in answers) - now
    if ahead > CLOCK_BEHIND:
        return failed(
            "clock",
            f"it is at least {ahead.total_seconds():.0f} s behind the chains: let NTP set it. Proofs and holds "
            "are judged by it",
        )
    return ok("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC, not behind any chain")


def _judge(chain: Chain, subject: str, answer: Seen | EndpointError, now: datetime) -> Finding:
    if isinstance(answer, EndpointError):
        return failed(subject, f'no useful answer ({answer}): look at its URL and key in chains."{chain.id}".endpoints')
    if answer.chain != chain.id:
        return failed(subject, f"speaks for {answer.chain}, not for {chain.id}: its payments would be another chain's")
    age = now - answer.newest
    if age > max(LATE_AT_LEAST, LATE_BLOCKS * chain.block_time) and chain.network is Network.MAIN:
        return warning(
            subject, f"is late: its newest block {answer.height} is {_seconds(age)} old; wait for it, or add another"
        )
    return ok(subject, f"{answer.chain} at {answer.height}, {_seconds(age)} old")


def _seconds(age: timedelta) -> str:
    return f"{max(age.total_seconds(), 0):.0f} s"


async def _ask(family: Family, url: str) -> Seen | EndpointError:
    if family is not Family.EVM:
        return EndpointError(Trouble.MALFORMED, f"nodes of family {family} cannot be asked yet")
    from chains.evm.transport import EvmTransport  # noqa: PLC0415  web3, only where a node is asked

    transport = EvmTransport(url)
    try:
        return await _evm(transport)
    except EndpointError as error:
        return error
    finally:
        await transport.aclose()


async def _result(transport: Transport, call: Call) -> Any:
    answer = await transport.call(call)
    if isinstance(answer, Refusal):
        raise answer.error
    return answer


async def _evm(transport: Transport) -> Seen:
    """Ask an Ethereum node (execution-apis: eth_chainId, eth_getBlockByNumber)."""
    number = await _result(transport, Call(method="eth_chainId"))
    block = await _result(transport, Call(method="eth_getBlockByNumber", params=["latest", False]))
    try:
        return Seen(
            chain=f"eip155:{int(number, 16)}",
            height=int(block["number"], 16),
            newest=datetime.fromtimestamp(int(block["timestamp"], 16), UTC),
        )
    except (TypeError, ValueError, KeyError, OverflowError):
        raise EndpointError(Trouble.MALFORMED, "not an Ethereum node's answer") from None
