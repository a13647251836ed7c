"""Asks each configured node who it is and how late it is, and holds this machine's clock against theirs."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from chains.rpc import EndpointError
from config.registry import Chain, Network, Registry
from config.sections import WalletSettings
from config.settings import ChainSettings
from usher.doctor import probes
from usher.doctor.finding import Finding, failed, ok, warning
from usher.doctor.probes import Seen

LATE_BLOCKS, LATE_AT_LEAST = 10, timedelta(minutes=1)
"""A node is late when its newest block is older than this many block times, and than this."""
CLOCK_BEHIND = timedelta(seconds=15)
"""EVM nodes refuse a block from this far in the future (go-ethereum's allowedFutureBlockTime); so our clock is late."""

TELLS_SENDERS = 250_000
"""Bitcoin Core 25, whose `getrawtransaction` with verbosity 2 says where money came from."""


async def examine(registry: Registry, chains: Mapping[str, ChainSettings], now: datetime) -> list[Finding]:
    """Ask all nodes at once; a line for each, and one for the clock. Raises nothing a node does."""
    asked = [
        (registry.chains[chain_id], place, endpoint.url.get_secret_value())
        for chain_id, own in chains.items()
        for place, endpoint in enumerate(own.endpoints, 1)
    ]
    answers = await asyncio.gather(*(probes.ask(chain.family, url) for chain, _, url in asked))
    findings = [
        _judge(chain, f"{chain.name} node {place}", answer, now)
        for (chain, place, _), answer in zip(asked, answers, strict=True)
    ]
    for chain_id in chains:
        told = {place: answer for (chain, place, _), answer in zip(asked, answers, strict=True) if chain.id == chain_id}
        findings += _unlike(registry.chains[chain_id], told)
    findings += await asyncio.gather(
        *(_wallet(registry.chains[chain_id], own.wallet) for chain_id, own in chains.items() if own.wallet is not None)
    )
    return [*findings, clock([answer for answer in answers if isinstance(answer, Seen)], now)]


async def _wallet(chain: Chain, wallet: WalletSettings) -> Finding:
    subject, at = f"{chain.name} wallet", f'chains."{chain.id}".wallet.endpoint'
    error = await probes.ask_wallet(wallet.endpoint.url.get_secret_value())
    if error is not None:
        return failed(subject, f"no useful answer ({error}): is monero-wallet-rpc running? Look at {at}")
    return ok(subject, "monero-wallet-rpc answers")


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


def _unlike(chain: Chain, answers: Mapping[int, Seen | EndpointError]) -> list[Finding]:
    """Name the nodes, by their places, that do not tell senders beside others that do: they agree about no payment."""
    versions = {
        place: answer.version
        for place, answer in answers.items()
        if isinstance(answer, Seen) and answer.chain == chain.id and answer.version is not None
    }
    old = [place for place, version in versions.items() if version < TELLS_SENDERS]
    if not old or len(old) == len(versions):
        return []
    return [
        warning(
            f"{chain.name} nodes",
            f"node {' and '.join(map(str, old))} is older than version 25 and does not tell where money came from, as "
            "others do: they agree about no payment, and none becomes final. Update it, or take it out of "
            f'chains."{chain.id}".endpoints',
        )
    ]


def _seconds(age: timedelta) -> str:
    return f"{max(age.total_seconds(), 0):.0f} s"
