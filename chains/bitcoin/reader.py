"""Reads blocks of a Bitcoin node: whole, raw, in batches, several in flight, every answer checked. It decides nothing.

A link's time is its block's median time past (BIP-113): it never falls along a chain, and no block that comes later is
older. A payment's own block time is what its header says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain as chained
from itertools import pairwise
from typing import Any

from chains.bitcoin.block import CheckedBlock, Touching, check_block, check_header
from chains.bitcoin.encoding import unshown
from chains.bitcoin.ours import Ours
from chains.bitcoin.parse import payments_in
from chains.bitcoin.transaction import Transaction, shown_outpoint
from chains.bitcoin.transport import NOT_HERE, OUT_OF_RANGE, bytes_of
from chains.bitcoin.work import unproved
from chains.blocks import Link
from chains.position import ReadBlock
from chains.reader import View
from chains.reading import believed, served, together
from chains.rpc import TOLERANCE, Call, Endpoint, EndpointError, Refusal, Trouble

BLOCKS_PER_BATCH = 2
"""Raw blocks come as hex, up to 8 MB each."""
ORIGINS_PER_BATCH = 20
"""Each makes the node read a whole block: of more than so many, it is asked for all in the block at once."""
TIMES = 11
"""Blocks whose times the median is taken of (BIP-113)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Facts:
    """What following the blocks does not need to know of one."""

    parent: str
    coinbases: tuple[str, ...]  # ids, if they pay us
    spent: tuple[tuple[bytes, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Notes:
    """What the readers of one poll saw besides payments, by the hash of the block that proves it."""

    needed: frozenset[bytes] = frozenset()  # outputs of which it matters who spends them
    blocks: dict[str, _Facts] = field(default_factory=dict)

    def spent_below(self, tip: str) -> dict[bytes, str]:
        """Return who spends what was needed, in the blocks read: from a tip downwards as far as they link up."""
        spent: dict[bytes, str] = {}
        digest = tip
        while (facts := self.blocks.get(digest)) is not None:
            spent.update(facts.spent)
            digest = facts.parent
        return spent

    @property
    def coinbases(self) -> frozenset[str]:
        """Ids of coinbases that pay us, wherever they were seen: what a transaction is, no chain changes."""
        return frozenset(chained.from_iterable(facts.coinbases for facts in self.blocks.values()))

    def take(self, block: CheckedBlock) -> None:
        """Note what a block shows."""
        transactions = (placed.transaction for placed in block.transactions)
        self.blocks[block.link.hash] = _Facts(
            parent=block.link.parent,
            coinbases=tuple(transaction.txid for transaction in transactions if transaction.coinbase),
            spent=block.spent,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockReader:
    """One endpoint, read for one scope."""

    endpoint: Endpoint
    ours: Ours
    notes: Notes

    async def look(self, our_height: int | None) -> View:
        """Return what the endpoint shows now, and at our newest block's height where one is given."""
        asked = [Call(method="getblockchaininfo")]
        asked += [Call(method="getblockhash", params=(our_height,))] if our_height is not None else []
        answers = await self.endpoint.batch(asked)
        height, digest = _tip_of(served(answers[0]))
        [header] = await self._headers([digest])
        return View(
            tip=believed(check_header(header, height=height, digest=digest)),
            final=None,
            at_our_tip=None if our_height is None else _hash_of(answers[-1]),
        )

    async def link(self, height: int) -> Link:
        """Return the block at a height that the endpoint has seen."""
        return (await self._linked(height, height))[-1]

    async def hashes(self, heights: Sequence[int]) -> list[str | None]:
        """Return the hashes of the blocks at these heights; None where the endpoint has none."""
        answers = await self.endpoint.batch([Call(method="getblockhash", params=(height,)) for height in heights])
        return [_hash_of(answer) for answer in answers]

    async def read(self, first: int, last: int) -> list[ReadBlock]:
        """Return the blocks from `first` to `last` with their payments in order."""
        links = await self._linked(first, last)
        spans = [links[start : start + BLOCKS_PER_BATCH] for start in range(0, len(links), BLOCKS_PER_BATCH)]
        return list(chained.from_iterable(await together(self._blocks(span) for span in spans)))

    async def _blocks(self, links: Sequence[Link]) -> list[ReadBlock]:
        answers = await self.endpoint.batch([Call(method="getblock", params=(link.hash, 0)) for link in links])
        touching = Touching(scripts=self.ours.scripts.keys(), outpoints=self.notes.needed)
        blocks: list[ReadBlock] = []
        for link, answer in zip(links, answers, strict=True):
            raw = bytes_of(_kept(answer, link.height))
            block = believed(check_block(raw, touching, height=link.height, digest=link.hash))
            self.notes.take(block)
            origins = await self._origins(block)
            blocks.append(ReadBlock(link=link, payments=believed(payments_in(block, origins, self.ours))))
        return blocks

    async def _origins(self, block: CheckedBlock) -> dict[str, list[bytes]]:
        """Return what the transactions that pay us spend, where the node tells (Bitcoin Core 25 and later)."""
        paying = [placed.transaction for placed in block.transactions if not placed.transaction.coinbase]
        answers = await self._told_at_once(block.link) if len(paying) > ORIGINS_PER_BATCH else {}
        apart = [one for one in paying if one.txid not in answers]
        calls = [Call(method="getrawtransaction", params=(one.txid, 2, block.link.hash)) for one in apart]
        parts = [calls[start : start + ORIGINS_PER_BATCH] for start in range(0, len(calls), ORIGINS_PER_BATCH)]
        told = chained.from_iterable([await self.endpoint.batch(part) for part in parts])
        answers |= {one.txid: _kept(answer, block.link.height) for one, answer in zip(apart, told, strict=True)}
        return {one.txid: scripts for one in paying if (scripts := _spent_scripts(answers[one.txid], one)) is not None}

    async def _told_at_once(self, link: Link) -> dict[str, Any]:
        """Return a block's transactions as the node decodes them, by id; none where it will not, or it is too much."""
        try:
            [answer] = await self.endpoint.batch([Call(method="getblock", params=(link.hash, 3))])
        except EndpointError as error:
            if error.trouble is not Trouble.TOO_LARGE:
                raise
            return {}
        return {} if isinstance(answer, Refusal) else _by_id(answer)

    async def _linked(self, first: int, last: int) -> list[Link]:
        """Return the links from `first` to `last`, each with its median time past, out of headers that link up."""
        heights = range(max(0, first - TIMES + 1), last + 1)
        digests = await self.hashes(heights)
        if None in digests:
            raise EndpointError(Trouble.INCONSISTENT, "a block it has seen is not there")
        raw = await self._headers([digest for digest in digests if digest is not None])
        headers = [
            believed(check_header(header, height=height, digest=digest))
            for header, height, digest in zip(raw, heights, digests, strict=True)
        ]
        for below, above in pairwise(headers):
            if above.parent != below.hash:
                raise EndpointError(Trouble.INCONSISTENT, f"block {above.height} changed while it was read")
        for header, parent, height in zip(raw, (None, *raw), heights, strict=False):
            believed(unproved(header, parent, height, self.ours.chain))
        times = [header.time for header in headers]
        return [
            replace(header, time=_median(times[max(0, place - TIMES + 1) : place + 1]))
            for place, header in enumerate(headers)
            if header.height >= first
        ]

    async def _headers(self, digests: Sequence[str]) -> list[bytes]:
        calls = [Call(method="getblockheader", params=(digest, False)) for digest in digests]
        return [bytes_of(served(answer)) for answer in await self.endpoint.batch(calls)]


def _tip_of(info: Any) -> tuple[int, str]:
    """Return height and hash of the newest block, unless the node is far from where the chain is."""
    try:
        height, known, digest = int(info["blocks"]), int(info["headers"]), info["bestblockhash"]
        loading = bool(info["initialblockdownload"])
        unshown(digest)
    except (KeyError, TypeError, ValueError) as error:
        raise EndpointError(Trouble.MALFORMED, f"getblockchaininfo without its fields ({error!r})") from None
    if loading and known > height + TOLERANCE:
        raise EndpointError(Trouble.LAGGING, f"is still loading the chain: block {height} of {known}")
    return height, digest


def _hash_of(answer: Any | Refusal) -> str | None:
    if isinstance(answer, Refusal) and answer.code == OUT_OF_RANGE:
        return None
    try:
        digest: str = served(answer)
        unshown(digest)
    except (TypeError, ValueError):
        raise EndpointError(Trouble.MALFORMED, "a block's hash is none") from None
    return digest


def _kept(answer: Any | Refusal, height: int) -> Any:
    """Return what a node answers about a block's insides, which it may have thrown away."""
    if isinstance(answer, Refusal) and answer.code == NOT_HERE:
        raise EndpointError(Trouble.REFUSED, f"has block {height} no more, or not yet: {answer.message}")
    return served(answer)


def _by_id(answer: Any) -> dict[str, Any]:
    try:
        return {str(one["txid"]): one for one in answer["tx"]}
    except (KeyError, TypeError) as error:
        raise EndpointError(Trouble.MALFORMED, f"a block without its transactions ({error!r})") from None


def _spent_scripts(answer: Any, transaction: Transaction) -> list[bytes] | None:
    """Return the scripts of what a transaction's inputs spend, in their order; None where the node does not tell."""
    try:
        inputs = [(spent["txid"], spent["vout"]) for spent in answer["vin"]]
        if inputs != [shown_outpoint(output) for output in transaction.spends]:
            raise EndpointError(Trouble.INCONSISTENT, f"tells of other inputs of {transaction.txid} than it has")
        if not all("prevout" in spent for spent in answer["vin"]):
            return None
        return [bytes.fromhex(spent["prevout"]["scriptPubKey"]["hex"]) for spent in answer["vin"]]
    except (KeyError, TypeError, ValueError) as error:
        raise EndpointError(Trouble.MALFORMED, f"a transaction without its inputs ({error!r})") from None


def _median(times: Sequence[int]) -> int:
    return sorted(times)[len(times) // 2]
