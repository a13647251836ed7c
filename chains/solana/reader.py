"""Reads slots, signatures and transactions of a Solana node: in batches, every answer checked. It decides nothing."""

import base64
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chains.reading import believed, listed, served, together
from chains.rpc import Call, Endpoint, EndpointError, Refusal, Trouble
from chains.solana.fields import MALFORMED, text, whole
from chains.solana.listing import Listing, Pages
from chains.solana.ours import Ours, pairs, token_account
from chains.solana.parse import Header, check_header, clock_time, payments_in
from chains.solana.position import Account, Seen, Signature, Spot
from chains.solana.programs import CLOCK, TOKENS
from chains.solana.transaction import read

CONFIRMED, FINALIZED = "confirmed", "finalized"
MOST_PAGES = 2000
"""Of one account's signatures; see `listing`."""
NEWEST_VERSION = 1
"""Of transactions that are understood here (SIMD-0385)."""
TRANSACTIONS_PER_BATCH = 50
MOST_ACCOUNTS = 64
"""Token accounts of one wallet and mint beside the derived one: those that hold most."""
NO_BLOCK = frozenset({-32004, -32007, -32009, -32014})
"""Errors with which nodes say that they have no block in a slot: skipped, not there yet, or before their time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What an endpoint shows of its chain."""

    tip: Spot  # the newest confirmed block
    final: int  # the newest finalized slot


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """One endpoint, read for one watch."""

    endpoint: Endpoint
    ours: Ours

    async def view(self) -> View:
        """Return the newest block, and how far finality reaches."""
        tip, final, clock = await self._batch(
            Call(method="getLatestBlockhash", params=({"commitment": CONFIRMED},)),
            Call(method="getSlot", params=({"commitment": FINALIZED},)),
            Call(method="getAccountInfo", params=(CLOCK, {"commitment": CONFIRMED, "encoding": "base64"})),
        )
        try:
            slot, digest = whole(tip["context"]["slot"]), text(tip["value"]["blockhash"])
            time = believed(clock_time(base64.b64decode(clock["value"]["data"][0], validate=True)))
            return View(tip=Spot(slot=slot, hash=digest, time=int(time.timestamp())), final=min(whole(final), slot))
        except MALFORMED as error:
            raise EndpointError(Trouble.MALFORMED, f"no view of the chain ({type(error).__name__})") from None

    async def headers(self, slots: Iterable[int], *, with_txids: Container[int] = ()) -> dict[int, Header | None]:
        """Return the blocks in slots, some with their signatures; None where the node says that it has none there."""
        wanted = sorted(set(slots))
        answers = await self.endpoint.batch([_block_call(slot, with_txids=slot in with_txids) for slot in wanted])
        return {slot: _header(slot, answer) for slot, answer in zip(wanted, answers, strict=True)}

    async def was_skipped(self, slot: int) -> bool:
        """Whether the block after a slot stands on one before it: the only proof that the slot has none."""
        following = await self.blocks_after(slot, 1)
        if not following:
            return False
        header = (await self.headers(following))[following[0]]
        return header is not None and header.parent < slot

    async def blocks_after(self, slot: int, count: int) -> list[int]:
        """Return the slots of the next blocks above one, ascending, so many at most."""
        answer = await self.endpoint.call("getBlocksWithLimit", slot + 1, count, {"commitment": CONFIRMED})
        return self._slots(answer, slot + 1)

    async def newest_block(self, slot: int, below: int) -> int | None:
        """Return the slot of the newest block at or below a slot, and above another."""
        answer = await self.endpoint.call("getBlocks", max(0, below + 1), slot, {"commitment": CONFIRMED})
        return max(self._slots(answer, below + 1), default=None)

    def _slots(self, answer: Any, least: int) -> list[int]:
        try:
            slots = [whole(slot) for slot in listed(answer)]
        except MALFORMED:
            raise EndpointError(Trouble.MALFORMED, "slots that are no numbers") from None
        if slots != sorted(set(slots)) or any(slot < least for slot in slots):
            raise EndpointError(Trouble.INCONSISTENT, "slots out of their order")
        return slots

    # --- what names our accounts -----------------------------------------------------------------------------

    async def discover(self) -> dict[str, str]:
        """Return our wallets' token accounts for accepted mints, with their wallets: the derived ones and others."""
        wanted = list(pairs(self.ours))
        if not wanted:
            return {}
        mints = sorted(self.ours.tokens)
        options = {"commitment": CONFIRMED, "encoding": "base64", "dataSlice": {"offset": 64, "length": 8}}
        kept = await self.endpoint.call("getMultipleAccounts", mints, options)
        owners = {mint: _program(mint, account) for mint, account in zip(mints, _values(kept, len(mints)), strict=True)}
        held = await self._batch(
            *(
                Call(method="getTokenAccountsByOwner", params=(wallet, {"mint": mint}, options))
                for wallet, mint in wanted
            )
        )
        try:
            found = {token_account(wallet, mint, owners[mint]): wallet for wallet, mint in wanted}
            for (wallet, _), answer in zip(wanted, held, strict=True):
                richest = sorted((-_amount(one), text(one["pubkey"])) for one in answer["value"])
                others = [address for _, address in richest if address not in found]
                found.update((address, wallet) for address in others[:MOST_ACCOUNTS])
        except MALFORMED as error:
            raise EndpointError(Trouble.MALFORMED, f"no token accounts ({type(error).__name__})") from None
        return found

    async def listings(self, accounts: Sequence[Account], at_least: int) -> list[Listing]:
        """Return the signatures of accounts down to their floors, from a node that has seen slot `at_least`.

        What is known must be shown again, for a node that lost a part of its history, or never had it, lists what it
        has without a word. So does one that does not know the signature which ends a listing.
        """
        pages = [Pages(account=account, required=account.required) for account in accounts]
        for _ in range(MOST_PAGES):
            open_ones = [one for one in pages if not one.done]
            if not open_ones:
                break
            asked = [one.asks(at_least, CONFIRMED) for one in open_ones]
            answers = await self.endpoint.batch(
                [Call(method="getSignaturesForAddress", params=params) for params in asked]
            )
            for one, answer in zip(open_ones, answers, strict=True):
                try:
                    one.take(listed(served(answer)))
                except MALFORMED as error:
                    raise EndpointError(Trouble.MALFORMED, f"no signatures ({type(error).__name__})") from None
        else:
            raise EndpointError(Trouble.INCONSISTENT, f"lists signatures without end ({MOST_PAGES} pages)")
        await self._require(pages)
        return [one.listing for one in pages]

    async def _require(self, pages: Iterable[Pages]) -> None:
        missing = [(slot, txid, one.account.address) for one in pages for slot, txid in one.required - one.shown]
        if not missing:
            return
        first = await self.endpoint.call("getFirstAvailableBlock")
        lost = sorted(entry for entry in missing if not isinstance(first, int) or entry[0] >= first)
        if lost:
            slot, txid, address = lost[0]
            text_ = f"does not list {txid} of {address}, final in slot {slot}: its history has a hole"
            raise EndpointError(Trouble.INCONSISTENT, text_)

    # --- transactions ----------------------------------------------------------------------------------------

    async def transactions(
        self, wanted: Sequence[Signature], *, exact: Container[int], final: int | None = None
    ) -> list[Seen]:
        """Return transactions with their blocks and payments; those whose block is not there yet are left out.

        In the slots in `exact` the block's signatures are read, which say that it holds them, and in which order.
        Transactions above the slot `final` may not be there yet either: nodes list them a moment before they have them.
        """
        blocks = await self.headers({slot for slot, _ in wanted}, with_txids=exact)
        there = [(slot, txid, header) for slot, txid in wanted if (header := blocks[slot]) is not None]
        options = {
            "commitment": CONFIRMED,
            "encoding": "base64",
            "maxSupportedTransactionVersion": NEWEST_VERSION,
        }
        calls = [Call(method="getTransaction", params=(txid, options)) for _, txid, _ in there]
        parts = [
            calls[start : start + TRANSACTIONS_PER_BATCH] for start in range(0, len(calls), TRANSACTIONS_PER_BATCH)
        ]
        answers = [answer for part in await together(self.endpoint.batch(part) for part in parts) for answer in part]
        return [
            self._seen(slot, txid, header, told)
            for (slot, txid, header), answer in zip(there, answers, strict=True)
            if (told := served(answer)) is not None or final is None or slot <= final
        ]

    def _seen(self, slot: int, txid: str, header: Header, answer: Any) -> Seen:
        if not isinstance(answer, Mapping) or answer.get("slot") != slot:
            raise EndpointError(Trouble.INCONSISTENT, f"does not have {txid}, which it lists, in slot {slot}")
        checked = believed(read(answer))
        if checked is None:
            raise EndpointError(Trouble.INCONSISTENT, f"does not tell what came of {txid}")
        if checked.txid != txid or (header.txids is not None and txid not in header.txids):
            raise EndpointError(Trouble.INCONSISTENT, f"{txid} is not in block {slot}, or is another one's")
        return Seen(
            txid=txid,
            spot=Spot(slot=slot, hash=header.hash, time=header.time),
            place=0 if header.txids is None else header.txids.index(txid),
            payments=payments_in(checked, self.ours, header.block),
        )

    async def _batch(self, *calls: Call) -> list[Any]:
        return [served(answer) for answer in await self.endpoint.batch(calls)]


def _header(slot: int, answer: Any | Refusal) -> Header | None:
    if answer is None or (isinstance(answer, Refusal) and answer.code in NO_BLOCK):
        return None
    return believed(check_header(served(answer), slot))


def _block_call(slot: int, *, with_txids: bool) -> Call:
    options = {
        "commitment": CONFIRMED,
        "transactionDetails": "signatures" if with_txids else "none",
        "rewards": False,
        "maxSupportedTransactionVersion": NEWEST_VERSION,
    }
    return Call(method="getBlock", params=(slot, options))


def _values(answer: Any, count: int) -> list[Any]:
    match answer:
        case {"value": list(values)} if len(values) == count:
            return values
    raise EndpointError(Trouble.MALFORMED, f"no answer about {count} accounts")


def _program(mint: str, account: Any) -> str:
    """Return the token program that a mint is of."""
    match account:
        case {"owner": str(owner)} if owner in TOKENS:
            return owner
    raise EndpointError(Trouble.INCONSISTENT, f"{mint} is no mint there; is it of another cluster?")


def _amount(held: Any) -> int:
    """Return what a token account holds: eight bytes from the 65th on."""
    return int.from_bytes(base64.b64decode(held["account"]["data"][0], validate=True), "little")
