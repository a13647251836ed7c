"""Payments that bring nothing, for their one-time key was used before (the "burning bug"). Pure: answers in, facts out.

Of all outputs with one key only one can ever be spent, for they have one key image; so a wallet counts one of them.
What was sighted in the pool and lost that race is mined all the same, and no wallet ever tells of it in its block.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from chains.distrust import Distrusted
from chains.monero.pool import Seen
from chains.port import PaymentKey
from chains.waiting import Waiting

Owners = Mapping[str, tuple[str, int]]
"""By one-time key, the transaction and the subaddress of account 0 that the wallet has counted its output for."""


def owners_of(raw: Any) -> Owners | Distrusted:
    """Read the wallet's answer to `incoming_transfers`."""
    entries = raw.get("transfers", []) if isinstance(raw, Mapping) else None
    if not isinstance(entries, list):
        return Distrusted(reason="the wallet's outputs are no list")
    owners: dict[str, tuple[str, int]] = {}
    for entry in entries:
        match entry:
            case {"pubkey": str() as key, "tx_hash": str() as txid, "subaddr_index": {"minor": int() as minor}}:
                owners[key] = (txid, minor)
            case _:
                return Distrusted(reason="an output of the wallet has no key or transaction")
    return owners


def buried(waiting: Iterable[Waiting], seen: Mapping[str, Seen], final_height: int) -> tuple[Waiting, ...]:
    """Return what a daemon has in a final block, though the wallet told of no such payment there."""
    return tuple(
        one
        for one in waiting
        if (there := seen.get(one.txid)) is not None and there.height is not None and there.height <= final_height
    )


def burnt(those: Iterable[Waiting], seen: Mapping[str, Seen], owners: Owners) -> frozenset[PaymentKey]:
    """Return those of the buried payments that bring nothing.

    The wallet counts a key of their transaction for another one, and none for the address that they paid. That it tells
    nothing of them proves nothing by itself: it may have been restored from a later block.
    """
    return frozenset(
        payment.key
        for one in those
        if one.txid in seen and any(owners.get(key, (one.txid, 0))[0] != one.txid for key in seen[one.txid].keys)
        for payment in one.payments
        if payment.key.index not in {f"0,{minor}" for txid, minor in owners.values() if txid == one.txid}
    )
