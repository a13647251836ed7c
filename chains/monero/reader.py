"""Reads blocks of a daemon for what the wallet told beforehand; every transaction must be in its block by its hash.

The wallet says what is ours, the daemon says what the chain is. Where they differ, one of them is behind: nothing is
decided, and both are asked again. It decides nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from chains.blocks import Link
from chains.monero.block import check_block, check_header, check_headers
from chains.monero.parse import Ours, Transfer, payments_in
from chains.position import ReadBlock
from chains.reader import View
from chains.reading import believed, served, together
from chains.rpc import Call, Endpoint, EndpointError, Refusal, Trouble

HEADERS_AT_ONCE = 250
_BEYOND_THE_TIP = -2


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """What the wallet told at the beginning of a poll."""

    scanned: int  # height of the newest block it has scanned
    ours: Ours
    arrived: Mapping[int, tuple[Transfer, ...]] = field(default_factory=dict)  # by height
    waiting: tuple[Transfer, ...] = ()

    def at(self, height: int) -> tuple[Transfer, ...]:
        """Return the transfers in a block."""
        return self.arrived.get(height, ())


def by_height(transfers: Iterable[Transfer]) -> dict[int, tuple[Transfer, ...]]:
    """Sort transfers by their block."""
    blocks: defaultdict[int, list[Transfer]] = defaultdict(list)
    for transfer in transfers:
        if transfer.height is not None:
            blocks[transfer.height].append(transfer)
    return {height: tuple(block) for height, block in blocks.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class MoneroReader:
    """One daemon, read for one ledger; without one, for its chain alone."""

    endpoint: Endpoint
    ledger: Ledger | None = None

    async def look(self, our_height: int | None) -> View:
        """Return the newest block that both the daemon and the wallet have seen, and what stands where ours does."""
        tip = believed(check_header(_header(await self.endpoint.call("get_last_block_header"))))
        if self.ledger is not None and self.ledger.scanned < tip.height:
            tip = await self.link(self.ledger.scanned)
        [ours] = await self.hashes([our_height]) if our_height is not None else [None]
        return View(tip=tip, final=None, at_our_tip=ours)

    async def link(self, height: int) -> Link:
        """Return the block at a height that the daemon has seen."""
        answer = await self.endpoint.call("get_block_header_by_height", height=height)
        return believed(check_header(_header(answer), height=height))

    async def hashes(self, heights: Sequence[int]) -> list[str | None]:
        """Return the hashes of the blocks at these heights; None where the daemon has none."""
        found: dict[int, str] = {}
        for _, run in groupby(enumerate(sorted(set(heights))), key=lambda pair: pair[1] - pair[0]):
            following = [height for _, height in run]
            links = await self._links(following[0], following[-1])
            if links is None:  # some of them are beyond its tip
                asked = await together(self._link_or_none(height) for height in following)
                links = [link for link in asked if link is not None]
            found |= {link.height: link.hash for link in links}
        return [found.get(height) for height in heights]

    async def read(self, first: int, last: int) -> list[ReadBlock]:
        """Return the blocks from `first` to `last` with the payments in them."""
        links = await self._links(first, last)
        if links is None:
            raise EndpointError(Trouble.INCONSISTENT, f"has no block {last} any more")
        return await together(self._block(link) for link in links)

    async def _block(self, link: Link) -> ReadBlock:
        """Return a block with what the wallet told of it, if it is in there."""
        transfers = self.ledger.at(link.height) if self.ledger is not None else ()
        if self.ledger is None or not any(self.ledger.ours.reported(one) for one in transfers):
            return ReadBlock(link=link)
        block = believed(check_block(await self.endpoint.call("get_block", height=link.height), link))
        for transfer in transfers:
            if transfer.txid not in block.txids:
                raise EndpointError(
                    Trouble.INCONSISTENT, f"has no {transfer.txid} in block {link.height}, where the wallet saw it"
                )
        return ReadBlock(link=link, payments=payments_in(link, transfers, self.ledger.ours))

    async def _links(self, first: int, last: int) -> list[Link] | None:
        """Return the headers of a range, each standing on the one before; None where it ends beyond the tip."""
        links: list[Link] = []
        for start in range(first, last + 1, HEADERS_AT_ONCE):
            end = min(start + HEADERS_AT_ONCE - 1, last)
            params = {"start_height": start, "end_height": end}
            [answer] = await self.endpoint.batch([Call(method="get_block_headers_range", params=params)])
            if isinstance(answer, Refusal) and answer.code == _BEYOND_THE_TIP:
                return None
            part = believed(check_headers(served(answer), start, end))
            if links and part[0].parent != links[-1].hash:
                raise EndpointError(Trouble.INCONSISTENT, f"block {start} changed while it was read")
            links += part
        return links

    async def _link_or_none(self, height: int) -> Link | None:
        [answer] = await self.endpoint.batch([Call(method="get_block_header_by_height", params={"height": height})])
        if isinstance(answer, Refusal) and answer.code == _BEYOND_THE_TIP:
            return None
        return believed(check_header(_header(served(answer)), height=height))


def _header(answer: Any) -> Any:
    return answer.get("block_header") if isinstance(answer, Mapping) else None
