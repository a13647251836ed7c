"""Reads what monero-wallet-rpc told from files, as the source reads it from the wallet. Pure."""

from chains.distrust import Distrusted
from chains.inspection import Given, Inspected
from chains.monero.parse import Ours, Transfer, by_kind, check_transfers, payments_waiting
from chains.port import Watch
from config.registry import Chain

WITHOUT_BLOCKS = (
    "a wallet's transfers do not hold their blocks: that they stand there, and which spends are our own, is not checked"
)
LOCKED = "; some have an unlock time and are no payments until it is over"


def inspect(given: Given, chain: Chain, watch: Watch) -> Inspected | Distrusted:
    """Return the payments in the answer of `get_transfers` (a block) or of `get_transfer_by_txid` (a transaction).

    Addresses are taken from the answer as they stand; the source makes them itself from the view key. Integrated
    addresses are found where their own standard address was paid.
    """
    told = check_transfers(given.block if given.transaction is None else by_kind(given.transaction))
    if isinstance(told, Distrusted):
        return told
    transfers = (*told.arrived, *told.waiting)
    ours = Ours(chain=chain, watch=watch, addresses=_addresses(transfers), spends=frozenset(told.sent))
    if strange := ours.strange(transfers):
        return Distrusted(reason=f"the wallet writes its address {strange.index} in two ways")
    heights = {one.height for one in transfers if ours.reported(one)}
    locked = any(one.unlock_time for one in transfers if ours.reported(one))
    return Inspected(
        payments=payments_waiting(transfers, ours),
        height=heights.pop() if len(heights) == 1 else None,
        note=WITHOUT_BLOCKS + (LOCKED if locked else ""),
    )


def _addresses(transfers: tuple[Transfer, ...]) -> dict[int, str]:
    """Return which address each index has, by the wallet's word."""
    return {one.minor: one.address for one in transfers}
