"""Reads blocks of a Hive node: in ranges, several in flight, every answer checked. It decides nothing.

What the chain does by itself is asked of the node's account history. A node without it is of no use here: recurrent
transfers would not be seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain as chained
from typing import Any

from chains.blocks import Link
from chains.hive import binary, digest, virtual
from chains.hive.ours import Ours
from chains.hive.parse import MALFORMED, CheckedBlock, check_block, payments_in
from chains.port import Payment
from chains.position import ReadBlock
from chains.reader import View
from chains.reading import believed, listed, together
from chains.rpc import Call, Endpoint, EndpointError, Refusal, Transport, Trouble

BLOCKS_PER_CALL = 25
OPERATIONS_PER_CALL = 1000
MOST_PAGES = 100
"""Of virtual operations in one range: far more than there can be of the kinds that are asked for."""
HISTORY_BEHIND = 20
"""Blocks that a node's account history may be behind its newest block: where a database holds it, it comes later."""

_VERSION = "database_api.get_version"
_PROPERTIES = "database_api.get_dynamic_global_properties"
_HEADER = "block_api.get_block_header"
_RANGE = "block_api.get_block_range"
_VIRTUAL = "account_history_api.enum_virtual_ops"
_IN_BLOCK = "account_history_api.get_ops_in_block"
_METHOD_NOT_FOUND = -32601
_GENESIS = Link(height=0, hash=digest.NO_TRANSACTIONS, parent="", time=0)
"""What the first block stands on."""
_CAIP2_REFERENCE = 32


async def identify(transport: Transport) -> str:
    """Return the CAIP-2 id of the chain that a node speaks for: the first half of its chain id."""
    said = _served(await transport.call(Call(method=_VERSION, params={})), _VERSION)
    try:
        return f"hive:{bytes.fromhex(said['chain_id']).hex()[:_CAIP2_REFERENCE]}"
    except MALFORMED:
        raise EndpointError(Trouble.MALFORMED, "the chain id is no hash") from None


@dataclass(frozen=True, kw_only=True, slots=True)
class HiveReader:
    """One endpoint, read for one watch."""

    endpoint: Endpoint
    ours: Ours
    recompute: bool  # whether headers and transactions of this chain can be hashed

    async def look(self, our_height: int | None) -> View:
        """Return the newest block that can be read, what is irreversible, and what stands where our newest one does."""
        calls = [Call(method=_PROPERTIES, params={})]
        calls += [] if our_height is None else [_header_above(our_height)]
        properties, *headers = await self.endpoint.batch(calls)
        head, final = _properties(_served(properties, _PROPERTIES))
        at_ours = [_parent(_served(header, _HEADER), head, height=our_height or 0) for header in headers]
        tip = await self._readable(head)
        return View(tip=tip, final=min(final, tip.height), at_our_tip=at_ours[0] if at_ours else None)

    async def link(self, height: int) -> Link:
        """Return the block at a height that the node has seen."""
        if not height:
            return _GENESIS
        [block] = await self._blocks(range(height, height + 1))
        return block.link

    async def hashes(self, heights: Sequence[int]) -> list[str | None]:
        """Return the ids of the blocks at these heights: each stands in the header above it."""
        properties, *headers = await self.endpoint.batch(
            [Call(method=_PROPERTIES, params={}), *map(_header_above, heights)]
        )
        tip, _ = _properties(_served(properties, _PROPERTIES))
        return [
            _parent(_served(header, _HEADER), tip, height=height)
            for height, header in zip(heights, headers, strict=True)
        ]

    async def read(self, first: int, last: int) -> list[ReadBlock]:
        """Return the blocks from `first` to `last`, with transfers to us and what the chain itself filled."""
        spans = [
            range(start, min(start + BLOCKS_PER_CALL, last + 1)) for start in range(first, last + 1, BLOCKS_PER_CALL)
        ]
        blocks = list(chained.from_iterable(await together(self._blocks(span) for span in spans)))
        filled = believed(virtual.payments_of(await self._virtual(first, last), blocks, self.ours))
        return [ReadBlock(link=block.link, payments=self._payments(block, filled)) for block in blocks]

    async def _readable(self, head: Link) -> Link:
        """Return the newest block that the account history reaches: what stands above it is not there yet for us."""
        if not head.height:
            return head
        told = await self._virtual(max(1, head.height - HISTORY_BEHIND), head.height)
        reached = believed(virtual.reached(told))
        if reached == head.height:
            return head
        if not reached:
            raise EndpointError(Trouble.LAGGING, f"its account history is more than {HISTORY_BEHIND} blocks behind")
        [identity] = await self.hashes([reached])
        if identity is None:
            raise EndpointError(Trouble.INCONSISTENT, "a block it has seen is not there")
        return Link(height=reached, hash=identity, parent="", time=head.time)

    def _payments(self, block: CheckedBlock, filled: Mapping[str, tuple[Payment, ...]]) -> tuple[Payment, ...]:
        return believed(payments_in(block, self.ours, recompute=self.recompute)) + filled[block.link.hash]

    async def _blocks(self, heights: range) -> list[CheckedBlock]:
        """Return some blocks; a range that is too much for the node is halved until it is not."""
        try:
            answer = await self._asked(_RANGE, starting_block_num=heights.start, count=len(heights))
        except EndpointError as error:
            if error.trouble is not Trouble.TOO_LARGE or len(heights) == 1:
                raise
            middle = heights.start + len(heights) // 2
            below = await self._blocks(range(heights.start, middle))
            return below + await self._blocks(range(middle, heights.stop))
        blocks = listed(_field(answer, "blocks"))
        if len(blocks) != len(heights):
            raise EndpointError(Trouble.INCONSISTENT, "a block it has seen is not there")
        return [
            believed(check_block(raw, height=height, recompute=self.recompute))
            for height, raw in zip(heights, blocks, strict=True)
        ]

    async def _virtual(self, first: int, last: int) -> list[Any]:
        """Return what the chain did by itself in these blocks, as far as it is of use here."""
        found: list[Any] = []
        begin, resume = first, 0
        for _ in range(MOST_PAGES):
            try:
                answer = await self._asked(
                    _VIRTUAL,
                    block_range_begin=begin,
                    block_range_end=last + 1,
                    operation_begin=resume,
                    limit=OPERATIONS_PER_CALL,
                    filter=virtual.FILTER,
                    include_reversible=True,
                    group_by_block=False,
                )
            except EndpointError as error:
                if error.trouble is not Trouble.REFUSED:
                    raise
                return await self._virtual_by_block(first, last)
            found += listed(_field(answer, "ops"))
            begin = _number(_field(answer, "next_block_range_begin"))
            resume = _number(_field(answer, "next_operation_begin"))
            if not resume or not first <= begin <= last:
                return found
        raise EndpointError(Trouble.MALFORMED, "there is no end to the virtual operations")

    async def _virtual_by_block(self, first: int, last: int) -> list[Any]:
        """Return the same from a node that does not enumerate."""
        calls = [
            Call(method=_IN_BLOCK, params={"block_num": height, "only_virtual": True, "include_reversible": True})
            for height in range(first, last + 1)
        ]
        answers = await self.endpoint.batch(calls)
        return [raw for answer in answers for raw in listed(_field(_served(answer, _IN_BLOCK), "ops"))]

    async def _asked(self, method: str, **named: Any) -> Any:
        [answer] = await self.endpoint.batch([Call(method=method, params=named)])
        return _served(answer, method)


def _header_above(height: int) -> Call:
    return Call(method=_HEADER, params={"block_num": height + 1})


def _served(answer: Any | Refusal, method: str) -> Any:
    """Return an answer; where the node's operator left the method out, say so."""
    if not isinstance(answer, Refusal):
        return answer
    if answer.code == _METHOD_NOT_FOUND or "Could not find" in answer.message:
        plugin = method.partition(".")[0]
        raise EndpointError(Trouble.REFUSED, f"it does not offer {method}: a node with the plugin {plugin} is needed")
    raise answer.error


def _properties(said: Any) -> tuple[Link, int]:
    """Read the newest block, and the height of the last irreversible one."""
    try:
        tip = Link(
            height=_number(said["head_block_number"]),
            hash=said["head_block_id"],
            parent="",
            time=binary.seconds(said["time"]),
        )
        final = _number(said["last_irreversible_block_num"])
        if digest.height_of(tip.hash) != tip.height or not 0 <= final <= tip.height:
            raise EndpointError(Trouble.INCONSISTENT, "its newest block is at no height, or below what is final")
    except MALFORMED:
        raise EndpointError(Trouble.MALFORMED, "no properties of a chain") from None
    return tip, final


def _parent(answer: Any, tip: Link, *, height: int) -> str | None:
    """Return the id of the block at a height, by the header above it or as the newest one."""
    if height == tip.height:
        return tip.hash
    if not isinstance(answer, dict):
        raise EndpointError(Trouble.MALFORMED, "no header")
    header = answer.get("header")
    if header is None:
        return None
    try:
        if digest.height_of(header["previous"]) != height:
            raise EndpointError(Trouble.INCONSISTENT, f"another header for block {height + 1}")
        previous: str = header["previous"]
    except MALFORMED:
        raise EndpointError(Trouble.MALFORMED, "a block without a proper header") from None
    return previous


def _field(answer: Any, name: str) -> Any:
    if not isinstance(answer, dict) or name not in answer:
        raise EndpointError(Trouble.MALFORMED, f"an answer without {name}")
    return answer[name]


def _number(value: Any) -> int:
    """Read a number, which some nodes write as text. Raises EndpointError."""
    try:
        return int(value)
    except (TypeError, ValueError):
        raise EndpointError(Trouble.MALFORMED, "no number") from None
