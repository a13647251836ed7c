"""Asks nodes for the balances behind `balances`: all of them where a range ends, few of them within it.

Of what they brought to light a trace is asked for, which is noted and believed in nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain as chained
from types import MappingProxyType
from typing import Any

from chains.distrust import Distrusted
from chains.evm.balances import INTERNAL_INDEX, Balances, Range, first_seen, looked_at, spans, strangers, unnamed
from chains.evm.holdings import MOST, Holding, Holdings, answered, question, told_singly
from chains.evm.ours import Ours
from chains.evm.parse import check_header
from chains.evm.proof import balance_in
from chains.evm.reader import Reader
from chains.evm.search import Rise, Wanted, rises
from chains.evm.trace import notes_in
from chains.port import Block, Note, Payment
from chains.reading import believed, served, together
from chains.rpc import Call, Endpoint, EndpointError, Refusal, Trouble

CALLS_PER_BATCH = 10
TRACE_SECONDS = 3.0
"""So long finality waits for all traces of one poll together, and no longer: what is not told by then is not noted."""
LARGEST_TRACE = 16 * 2**20
"""Bytes of a block's trace that are still read: many times what a full block of Ethereum comes to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What an endpoint's balances say about a range."""

    range: Range
    now: Holdings | None  # at its end; None: the endpoint does not have the state of that block
    bases: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))  # what the strangers held
    rises: tuple[Rise, ...] = ()


async def find(endpoint: Endpoint, balances: Balances, span: Range, ours: Ours) -> Finding:
    """Return what an endpoint's balances say about a range, beyond what is known to have moved in it."""
    now = await _at(endpoint, span.last, looked_at(balances, ours))
    if now is None:
        return Finding(range=span, now=None)
    bases = await _bases(endpoint, balances, now, span, ours)
    search = rises(spans(balances, now, bases, span, ours))
    try:
        wanted = next(search)
        while True:
            wanted = search.send(_beyond(await holdings(endpoint, wanted), span))
    except StopIteration as done:
        return Finding(range=span, now=now, bases=bases, rises=done.value)


async def confirms(endpoint: Endpoint, finding: Finding) -> bool | None:
    """Whether another endpoint's balances say the same; None where it does not have the state to tell."""
    span, now = finding.range, finding.now
    if now is None:
        return None
    wanted: dict[int, set[str]] = {span.last: set(now)}
    certain = [rise for rise in finding.rises if rise.exact]
    for height, address in chained.from_iterable(((r.height, r.address), (r.height - 1, r.address)) for r in certain):
        wanted.setdefault(height, set()).add(address)
    told = await holdings(endpoint, wanted)
    last = told[span.last]
    if last is None:
        return None
    if any(last[address] != holding for address, holding in now.items()):
        return False
    beyond = _beyond(told, span)
    return all(_rose(beyond[rise.height - 1], beyond[rise.height], rise) for rise in certain)


async def disproved(reader: Reader, finding: Finding) -> frozenset[str]:
    """Return the addresses of rises that the endpoint's own proofs deny, below the state roots of checked headers.

    Where it proves nothing, its word stands alone: many nodes do not offer `eth_getProof`, or for recent blocks only.
    """
    certain = [rise for rise in finding.rises if rise.exact]
    if not certain or not reader.recompute:
        return frozenset()
    wanted = sorted({(height, rise.address) for rise in certain for height in (rise.height - 1, rise.height)})
    roots = await _state_roots(reader.endpoint, finding.range, sorted({height for height, _ in wanted}))
    calls = [Call(method="eth_getProof", params=(address, (), hex(height))) for height, address in wanted]
    answers = await reader.endpoint.batch(calls)
    proved = {
        (height, address): balance_in(answer, address, roots[height])
        for (height, address), answer in zip(wanted, answers, strict=True)
        if isinstance(answer, dict) and answer.get("accountProof")  # else none is offered
    }
    return frozenset(rise.address for rise in certain if _denied(proved, finding.range, rise))


def _denied(proved: Mapping[tuple[int, str], int | Distrusted], span: Range, rise: Rise) -> bool:
    """Whether the proofs at hand show another rise, or none, or are no proofs."""
    below, above = proved.get((rise.height - 1, rise.address)), proved.get((rise.height, rise.address))
    if below is None or above is None:
        return False
    if isinstance(below, Distrusted) or isinstance(above, Distrusted):
        return True
    moved = span.until(rise.height)[rise.address] - span.until(rise.height - 1)[rise.address]
    return above - below - moved != rise.amount


async def _state_roots(endpoint: Endpoint, span: Range, heights: Sequence[int]) -> dict[int, str]:
    """Return the state roots of blocks of the range, and of the one below, from headers with the hashes we know."""
    calls = [Call(method="eth_getBlockByNumber", params=(hex(height), False)) for height in heights]
    roots: dict[int, str] = {}
    for height, answer in zip(heights, await endpoint.batch(calls), strict=True):
        raw = served(answer)
        if believed(check_header(raw, height=height)).hash != span.hash_at(height):
            raise EndpointError(Trouble.INCONSISTENT, f"block {height} changed while its balances were read")
        roots[height] = raw["stateRoot"]
    return roots


async def noted(endpoint: Endpoint, final: tuple[Payment, ...], late: Collection[Payment] = ()) -> tuple[Payment, ...]:
    """Return payments, those that came inside calls with what the endpoint's traces say of them, if they do in time.

    Nothing else of a payment is touched, and no failure is the endpoint's: few nodes offer traces. Those that are
    `late` are left out, for they may have come in another block than theirs.
    """
    wanted: defaultdict[Block, set[str]] = defaultdict(set)
    elsewhere = {one.key for one in late}
    for one in final:
        if one.key.index == INTERNAL_INDEX and one.block is not None and one.key not in elsewhere:
            wanted[one.block].add(one.destination.lower())
    told: dict[str, tuple[Note, ...]] = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(TRACE_SECONDS):
            for block, addresses in wanted.items():
                notes = notes_in(await _trace(endpoint, block), block.hash, addresses)
                told |= {unnamed(block.hash, address): of for address, of in notes.items()}
    return tuple(replace(one, noted=told[one.key.txid]) if one.key.txid in told else one for one in final)


async def _trace(endpoint: Endpoint, block: Block) -> Any:
    """Return the trace of a block as Geth tells it, or as others do; None where the endpoint offers neither."""
    asked = (
        Call(method="debug_traceBlockByHash", params=(block.hash, {"tracer": "callTracer"}), largest=LARGEST_TRACE),
        Call(method="trace_block", params=(hex(block.height),), largest=LARGEST_TRACE),
    )
    for call in asked:
        with suppress(EndpointError):
            [answer] = await endpoint.batch([call])
            if isinstance(answer, list):
                return answer
    return None


async def holdings(endpoint: Endpoint, wanted: Wanted) -> dict[int, Holdings | None]:
    """Return what addresses hold at heights; None for a height whose state the endpoint does not give.

    A refusal decides nothing about money, what cannot be read now is found later: it is never the endpoint's failure.
    """
    asked = [(height, part) for height, addresses in sorted(wanted.items()) for part in _parts(sorted(addresses))]
    calls = [Call(method="eth_call", params=(question(part), hex(height))) for height, part in asked]
    batches = [calls[start : start + CALLS_PER_BATCH] for start in range(0, len(calls), CALLS_PER_BATCH)]
    answers = chained.from_iterable(await together(_bearable(endpoint, batch) for batch in batches))
    told: dict[int, dict[str, Holding] | None] = {height: {} for height in wanted}
    for (height, part), answer in zip(asked, answers, strict=True):
        held = told[height]
        if held is None:
            continue
        read = None if isinstance(answer, Refusal) else answered(answer, part, height)
        if read is None or isinstance(read, Distrusted):
            read = await _singly(endpoint, height, part)
        if read is None:
            told[height] = None
        else:
            held.update(read)
    return dict(told)


async def _bearable(endpoint: Endpoint, calls: Sequence[Call]) -> Sequence[Any]:
    """Return the answers; nothing for each where the question is more than the endpoint takes."""
    try:
        return await endpoint.batch(calls)
    except EndpointError as error:
        if error.trouble is not Trouble.TOO_LARGE:
            raise
        return [None] * len(calls)


async def _singly(endpoint: Endpoint, height: int, addresses: Sequence[str]) -> Holdings | None:
    """Ask about one address after the other: for nodes that run no creation, or run it elsewhere."""
    at = hex(height)
    [probe] = await endpoint.batch([Call(method="eth_getBalance", params=(addresses[0], at))])
    if isinstance(probe, Refusal):
        return None
    calls = [
        Call(method=method, params=(address, at))
        for address in addresses
        for method in ("eth_getBalance", "eth_getCode")
    ]
    answers = await endpoint.batch(calls)
    if any(isinstance(answer, Refusal) for answer in answers):
        return None
    pairs = zip(answers[::2], answers[1::2], strict=True)
    return {address: believed(told_singly(*pair)) for address, pair in zip(addresses, pairs, strict=True)}


async def _at(endpoint: Endpoint, height: int, addresses: Collection[str]) -> Holdings | None:
    return (await holdings(endpoint, {height: set(addresses)}))[height]


async def _bases(endpoint: Endpoint, balances: Balances, now: Holdings, span: Range, ours: Ours) -> Mapping[str, int]:
    """Return what the strangers held when they were last looked at, so that nothing old counts as new."""
    unknown = strangers(balances, now, span, ours)
    if not unknown:
        return {}
    held = await _at(endpoint, span.below if balances.read is None else balances.read, unknown)
    if held is not None:
        return {address: holding.wei for address, holding in held.items()}
    return first_seen(now, unknown, span) if balances.read is None else {}


def _beyond(told: Mapping[int, Holdings | None], span: Range) -> dict[int, dict[str, int] | None]:
    """Return balances less what is known to have moved within the range up to there."""
    beyond: dict[int, dict[str, int] | None] = {}
    for height, held in told.items():
        moved = span.until(height)
        beyond[height] = (
            None if held is None else {address: holding.wei - moved[address] for address, holding in held.items()}
        )
    return beyond


def _rose(below: Mapping[str, int] | None, above: Mapping[str, int] | None, rise: Rise) -> bool:
    """Whether these values show a rise, as far as they can be read."""
    return below is None or above is None or above[rise.address] - below[rise.address] == rise.amount


def _parts(addresses: Sequence[str]) -> list[Sequence[str]]:
    return [addresses[start : start + MOST] for start in range(0, len(addresses), MOST)]
