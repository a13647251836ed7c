"""What one endpoint shows above our finality in one poll: how much is read, and what of the held still stands."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from chains.port import Payment
from chains.rpc import EndpointError, Trouble
from chains.solana.listing import Listing
from chains.solana.ours import associated, pairs
from chains.solana.parse import Header
from chains.solana.position import OVERLAP, Account, Position, Seen, Signature, Spot, ordered
from chains.solana.reader import Reader, View

DISCOVERY = 100
"""Slots after which the wallets' token accounts are asked for again. Less than the overlap: nothing is lost between."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """How much is read in one poll at most: its transaction stays small."""

    slots: int
    transactions: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What was seen."""

    view: View
    ceiling: int  # slot up to which everything that is listed was read
    reached: Spot  # the newest block up to there
    accounts: Mapping[str, Account]
    discovered: int
    listings: Sequence[Listing]
    headers: Mapping[int, Header | None]
    fresh: tuple[Seen, ...]  # read in this poll
    standing: tuple[Seen, ...]  # held before, and still in the same block
    replaced: tuple[Seen, ...]  # held before, in a block that does not stand any more
    missing: frozenset[int]  # slots with signatures of ours that were not to be had yet

    @property
    def seen(self) -> tuple[Seen, ...]:
        """Everything above the old finality as it stands now, and what comes late from below."""
        return ordered((*self.standing, *self.fresh))

    async def header(self, reader: Reader, slot: int) -> Header:
        """Return the block in a slot that has one."""
        header = self.headers.get(slot) or (await reader.headers([slot]))[slot]
        if header is None:
            raise EndpointError(Trouble.LAGGING, f"does not have the final block {slot} yet")
        return header


async def look(
    reader: Reader, position: Position, view: View, headers: Mapping[int, Header | None], bounds: Bounds
) -> Sight:
    """Read what is new above the final slot. `headers` are those of the slots that hold what was seen before."""
    standing, replaced = await _stand(reader, position.seen, headers)
    accounts, discovered = await _accounts(reader, position, view.tip.slot)
    listings = await reader.listings([*accounts.values()], view.tip.slot)
    held = {(seen.spot.slot, seen.txid) for seen in standing}
    ceiling = await _ceiling(reader, position.tip, view.tip, bounds.slots)
    wanted, ceiling = _wanted(listings, held, bounds.transactions, ceiling)
    exact = crowded([*wanted, *held]) | {slot for slot, _ in wanted if slot > view.final}
    fresh = await reader.transactions(wanted, exact=exact, final=view.final)
    moved = {seen.txid for seen in fresh}
    return Sight(
        view=view,
        ceiling=ceiling,
        reached=await _reached(reader, position.final, view.tip, ceiling),
        accounts=accounts,
        discovered=discovered,
        listings=listings,
        headers=headers,
        fresh=tuple(fresh),
        standing=tuple(seen for seen in standing if seen.txid not in moved),
        replaced=replaced,
        missing=frozenset(slot for slot, txid in wanted if txid not in moved),
    )


def unread(listings: Iterable[Listing]) -> set[Signature]:
    """Return the signatures that may be payments and are not in the book yet."""
    return {entry for one in listings for entry in one.entries if entry[0] > one.account.floor}


def crowded(places: Iterable[Signature]) -> set[int]:
    """Return the slots that hold several transactions of ours, so that their order within the block matters."""
    return {slot for slot, count in Counter(slot for slot, _ in places).items() if count > 1}


def payments(seen: Iterable[Seen]) -> tuple[Payment, ...]:
    """Return the payments in transactions, in their order."""
    return tuple(payment for one in seen for payment in one.payments)


async def stands(reader: Reader, spot: Spot, header: Header | None) -> bool:
    """Whether a block is still the one in its slot. Raises EndpointError where the endpoint cannot tell."""
    if header is not None:
        return header.hash == spot.hash
    if await reader.was_skipped(spot.slot):
        return False
    raise EndpointError(Trouble.LAGGING, f"shows neither block {spot.slot} nor what stands in its place")


async def _stand(
    reader: Reader, held: Iterable[Seen], headers: Mapping[int, Header | None]
) -> tuple[list[Seen], tuple[Seen, ...]]:
    """Return which of the held transactions are where they were, and which are proved not to be."""
    verdicts: dict[Spot, bool] = {}
    standing: list[Seen] = []
    replaced: list[Seen] = []
    for seen in held:
        if seen.spot not in verdicts:
            verdicts[seen.spot] = await stands(reader, seen.spot, headers[seen.spot.slot])
        (standing if verdicts[seen.spot] else replaced).append(seen)
    return standing, tuple(replaced)


async def _accounts(reader: Reader, position: Position, tip: int) -> tuple[Mapping[str, Account], int]:
    """Return the accounts to list: our wallets, and from time to time their token accounts anew.

    The time is the chain's own: after an outage they are asked for before finality moves on over what happened in it.
    """
    final, ours = position.final.slot, reader.ours
    accounts = {key: account for key, account in position.accounts.items() if account.wallet in ours.wallets}
    fresh = {wallet for wallet in sorted(ours.wallets) if wallet not in accounts}
    accounts |= {wallet: Account(address=wallet, wallet=wallet, floor=final) for wallet in sorted(fresh)}
    due = tip - position.discovered >= DISCOVERY or position.discovered < 0
    if not due and all(_derived(wallet, mint, accounts) for wallet, mint in pairs(ours)):
        return accounts, position.discovered
    late = max(position.began, final - OVERLAP)  # it may have been opened and paid since it was last asked for
    found = await reader.discover()
    kept = {key: account for key, account in accounts.items() if key == account.wallet or key in found}
    opened = {
        address: Account(address=address, wallet=wallet, floor=final if wallet in fresh else late)
        for address, wallet in found.items()
        if address not in kept
    }
    return kept | opened, final


def _derived(wallet: str, mint: str, accounts: Collection[str]) -> bool:
    return any(address in accounts for address in associated(wallet, mint))


def _wanted(listings: Sequence[Listing], held: set[Signature], most: int, ceiling: int) -> tuple[list[Signature], int]:
    """Return what is read this time, and up to which slot: slots are read in full, and one at least."""
    complete = [one.complete_below - 1 for one in listings if one.complete_below is not None]
    ceiling = min([ceiling, *complete])
    wanted = sorted(entry for entry in unread(listings) - held if entry[0] <= ceiling)
    if len(wanted) > most:
        left = wanted[most][0]  # the slot of the first one that is too many
        ceiling = max((slot for slot, _ in wanted if slot < left), default=left)
    return [entry for entry in wanted if entry[0] <= ceiling], ceiling


async def _reached(reader: Reader, final: Spot, theirs: Spot, ceiling: int) -> Spot:
    """Return the newest block up to which everything was read."""
    if ceiling >= theirs.slot:
        return theirs
    slot = await reader.newest_block(ceiling, final.slot) if ceiling > final.slot else None
    header = None if slot is None else (await reader.headers([slot]))[slot]
    return final if header is None else spot_of(header)


async def _ceiling(reader: Reader, ours: Spot, theirs: Spot, most: int) -> int:
    """Return the slot up to which a poll goes: so many blocks on from where we were at most."""
    if theirs.slot - ours.slot <= most:
        return theirs.slot
    ahead = await reader.blocks_after(ours.slot, most)
    return ahead[-1] if len(ahead) == most else theirs.slot


def spot_of(header: Header) -> Spot:
    """Return a block as the checkpoint holds it."""
    return Spot(slot=header.slot, hash=header.hash, time=header.time)
