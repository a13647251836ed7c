"""Reads blocks of an EVM node in full: in batches, several in flight, every answer checked. It decides nothing.

Tokens: a block whose bloom admits no transfer to us holds none, which its hash proves. For the rest logs are asked
for, and where a bloom admits an address whose logs did not come, once more: elsewhere, if there is an elsewhere.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain as chained
from typing import Any, TypeVar

from chains.blocks import Link
from chains.evm.balances import EvmBlock
from chains.evm.ours import TRANSFER, Ours, topic_of
from chains.evm.parse import (
    CheckedBlock,
    Execution,
    check_block,
    check_execution,
    check_header,
    native_candidates,
    payments_in,
    spent_in,
    token_candidates,
)
from chains.reader import View
from chains.reading import believed, listed, served, together
from chains.rpc import Call, Endpoint, EndpointError, Refusal, Trouble

T = TypeVar("T")

BLOCKS_PER_BATCH = 10
ADDRESSES_PER_QUERY = 500
RECEIPTS_PER_BATCH = 50
UNKNOWN_TAG = frozenset({-32602, -32000, -39001})
"""Errors with which nodes say that they do not know a tag, or have no block for it yet. Others are failures."""

Elsewhere = Callable[[Callable[[Endpoint], Awaitable[Any]]], Awaitable[Any | None]]
"""Runs work on another endpoint than the reader's own; None where there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """One endpoint, read for one watch."""

    endpoint: Endpoint
    ours: Ours
    tag: str | None  # what the chain's nodes call their newest final block, if they do
    recompute: bool  # whether headers of this chain can be hashed
    read_again: bool  # all of it before it is final: logs are looked through for the active addresses alone
    elsewhere: Elsewhere

    async def look(self, our_height: int | None) -> View:
        """Return what the endpoint shows now, and at our newest block's height where one is given."""
        named: list[int | str] = ["latest"]
        named += [self.tag] if self.tag is not None else []
        named += [our_height] if our_height is not None else []
        headers = await self._headers(named)
        said = headers[1] if self.tag is not None else None
        ours = headers[-1] if our_height is not None else None
        return View(
            tip=_there(headers[0]),
            final=None if said is None else said.height,
            at_our_tip=None if ours is None else ours.hash,
        )

    async def link(self, height: int) -> Link:
        """Return the block at a height that the endpoint has seen."""
        [link] = await self._headers([height])
        return _there(link)

    async def hashes(self, heights: Sequence[int]) -> list[str | None]:
        """Return the hashes of the blocks at these heights; None where the endpoint has none."""
        return [None if link is None else link.hash for link in await self._headers(heights)]

    async def _headers(self, which: Sequence[int | str]) -> list[Link | None]:
        """Return the headers at heights, or at tags such as `finalized`; None where the node has no such block."""
        calls = [
            Call(method="eth_getBlockByNumber", params=(hex(name) if isinstance(name, int) else name, False))
            for name in which
        ]
        answers = await self.endpoint.batch(calls)
        return [self._header(name, answer) for name, answer in zip(which, answers, strict=True)]

    def _header(self, name: int | str, answer: Any | Refusal) -> Link | None:
        height = name if isinstance(name, int) else None
        if isinstance(answer, Refusal) and height is None and answer.code in UNKNOWN_TAG:
            return None
        raw = served(answer)
        return None if raw is None else believed(check_header(raw, height=height, recompute=self.recompute))

    async def read(self, first: int, last: int) -> list[EvmBlock]:
        """Return the blocks from `first` to `last` with their payments, and what left our addresses."""
        spans = [
            range(start, min(start + BLOCKS_PER_BATCH, last + 1)) for start in range(first, last + 1, BLOCKS_PER_BATCH)
        ]
        blocks = list(chained.from_iterable(await together(self._blocks(span) for span in spans)))
        touched = await self._touched(blocks, self.ours.active if self.read_again else self.ours.everyone)
        executions = await self._executions(blocks, touched)
        return [
            EvmBlock(
                link=block.link,
                payments=believed(payments_in(block, executions[block.link.hash], self.ours)),
                spent=believed(spent_in(block, executions[block.link.hash], self.ours)),
            )
            for block in blocks
        ]

    async def _blocks(self, heights: range) -> list[CheckedBlock]:
        calls = [Call(method="eth_getBlockByNumber", params=(hex(height), True)) for height in heights]
        answers = await self.endpoint.batch(calls)
        return [
            believed(check_block(served(answer), height=height, recompute=self.recompute))
            for height, answer in zip(heights, answers, strict=True)
        ]

    async def _touched(self, blocks: Sequence[CheckedBlock], addresses: frozenset[str]) -> Mapping[str, set[str]]:
        """Return which transactions of each block (by its hash) seem to pay us, or are ours."""
        touched = {block.link.hash: set(believed(native_candidates(block, self.ours))) for block in blocks}
        suspects = self._suspects(blocks, addresses)
        if not suspects:
            return touched
        logs = await self._logs(blocks[0].link.height, blocks[-1].link.height, frozenset().union(*suspects.values()))
        by_height: defaultdict[int, list[Any]] = defaultdict(list)
        for log in logs:
            by_height[_height_of(log)].append(log)
        silent: list[tuple[CheckedBlock, frozenset[str]]] = []
        for block in blocks:
            found = believed(token_candidates(block, by_height[block.link.height], self.ours))
            touched[block.link.hash].update(txid for txid, _ in found)
            missing = suspects.get(block.link.hash, frozenset()) - {destination for _, destination in found}
            if missing and self.recompute:
                silent.append((block, missing))
        for block, txids in await self._asked_again(silent):
            touched[block.link.hash].update(txids)
        return touched

    def _suspects(self, blocks: Iterable[CheckedBlock], addresses: frozenset[str]) -> dict[str, frozenset[str]]:
        """Return to which addresses each block may hold transfers. A bloom that was not hashed proves nothing."""
        if not self.ours.tokens or not addresses:
            return {}
        admitted = (
            (block.link.hash, self.ours.admitted(block.bloom, addresses) if self.recompute else addresses)
            for block in blocks
        )
        return {digest: maybe for digest, maybe in admitted if maybe}

    async def _logs(self, first: int, last: int, addresses: frozenset[str]) -> list[Any]:
        """Return the token logs to some addresses; a range that is too much for the node is halved until it is not."""
        wanted = sorted(addresses)
        parts = [wanted[start : start + ADDRESSES_PER_QUERY] for start in range(0, len(wanted), ADDRESSES_PER_QUERY)]
        answers = await together(self._range_logs(first, last, part) for part in parts)
        return list(chained.from_iterable(answers))

    async def _range_logs(self, first: int, last: int, addresses: Sequence[str]) -> list[Any]:
        query = self._query(addresses) | {"fromBlock": hex(first), "toBlock": hex(last)}
        try:
            return listed(await self.endpoint.call("eth_getLogs", query))
        except EndpointError as error:
            if error.trouble not in {Trouble.REFUSED, Trouble.TOO_LARGE} or first == last:
                raise
        middle = (first + last) // 2
        below = await self._range_logs(first, middle, addresses)
        return below + await self._range_logs(middle + 1, last, addresses)

    async def _asked_again(
        self, silent: Sequence[tuple[CheckedBlock, frozenset[str]]]
    ) -> Iterable[tuple[CheckedBlock, list[str]]]:
        """Ask for the logs that a bloom admits and that did not come, by block hash (EIP-234)."""
        if not silent:
            return ()
        calls = [
            Call(method="eth_getLogs", params=(self._query(sorted(missing)) | {"blockHash": block.link.hash},))
            for block, missing in silent
        ]

        async def ask(endpoint: Endpoint) -> list[list[str]]:
            answers = await endpoint.batch(calls)
            return [
                [txid for txid, _ in believed(token_candidates(block, listed(served(answer)), self.ours))]
                for (block, _), answer in zip(silent, answers, strict=True)
            ]

        found = await self.elsewhere(ask)
        if found is None:
            found = await ask(self.endpoint)
        return zip((block for block, _ in silent), found, strict=True)

    async def _executions(
        self, blocks: Sequence[CheckedBlock], touched: Mapping[str, set[str]]
    ) -> Mapping[str, list[Execution]]:
        wanted = [(block, txid) for block in blocks for txid in sorted(touched[block.link.hash])]
        calls = [Call(method="eth_getTransactionReceipt", params=(txid,)) for _, txid in wanted]
        parts = [calls[start : start + RECEIPTS_PER_BATCH] for start in range(0, len(calls), RECEIPTS_PER_BATCH)]
        answers = chained.from_iterable(await together(self.endpoint.batch(part) for part in parts))
        executions: defaultdict[str, list[Execution]] = defaultdict(list)
        for (block, txid), answer in zip(wanted, answers, strict=True):
            executions[block.link.hash].append(believed(check_execution(block, txid, served(answer), self.ours)))
        return executions

    def _query(self, addresses: Sequence[str]) -> dict[str, Any]:
        return {
            "address": sorted(self.ours.tokens),
            "topics": [TRANSFER, None, [topic_of(address) for address in addresses]],
        }


def _there(link: Link | None) -> Link:
    if link is None:
        raise EndpointError(Trouble.INCONSISTENT, "a block it has seen is not there")
    return link


def _height_of(log: Any) -> int:
    try:
        return int(log["blockNumber"], 16)
    except (KeyError, TypeError, ValueError):
        raise EndpointError(Trouble.MALFORMED, "a log without its block") from None
