"""Reads Solana blocks and transactions from files as the source reads transactions from a node. Pure.

A block is skimmed first: of the thousands in it, only transactions that name us are looked into.
"""

import base64
from collections.abc import Callable, Sequence
from typing import Any

from solders.pubkey import Pubkey

from chains.distrust import Distrusted
from chains.inspection import Given, Inspected
from chains.port import Payment, Watch
from chains.solana.fields import MALFORMED, text, whole
from chains.solana.ours import Ours, associated, pairs
from chains.solana.parse import payments_in
from chains.solana.transaction import read
from config.registry import Chain

NO_SLOT = "getBlock does not tell the slot; it is above {}"
NO_OUTCOME = "{} transactions came without their outcome (meta): what they paid cannot be seen"
NO_TRANSACTIONS = 'this block came without its transactions: ask with transactionDetails "full"'


def inspect(given: Given, chain: Chain, watch: Watch) -> Inspected | Distrusted:
    """Return the payments in the answer of getBlock or getTransaction, in any encoding."""
    ours = Ours.of(watch, chain)
    return _block(given.block, ours) if given.block is not None else _transaction(given.transaction, ours)


def _block(raw: Any, ours: Ours) -> Inspected | Distrusted:
    try:
        digest, parent = text(raw["blockhash"]), whole(raw["parentSlot"])
        if not isinstance(raw.get("transactions"), list):
            return Distrusted(reason=NO_TRANSACTIONS)
    except MALFORMED as error:
        return Distrusted(reason=f"this is no block as getBlock tells it ({type(error).__name__})")
    found = skim(raw["transactions"], ours)
    if isinstance(found, Distrusted):
        return found
    payments, untold = found
    notes = [NO_SLOT.format(parent), *([NO_OUTCOME.format(untold)] if untold else [])]
    return Inspected(payments=payments, hash=digest, note="; ".join(notes))


def skim(transactions: Sequence[Any], ours: Ours) -> tuple[list[Payment], int] | Distrusted:
    """Return the payments in a block's transactions, in order, and how many transactions came without an outcome."""
    names_us = _glance(ours)
    payments: list[Payment] = []
    untold = 0
    for raw in transactions:
        if not names_us(raw):
            continue
        executed = read(raw)
        if isinstance(executed, Distrusted):
            return executed
        if executed is None:
            untold += 1
        else:
            payments += payments_in(executed, ours, None)
    return payments, untold


def _transaction(raw: Any, ours: Ours) -> Inspected | Distrusted:
    executed = read(raw)
    if isinstance(executed, Distrusted):
        return executed
    if executed is None:
        return Inspected(payments=(), note=NO_OUTCOME.format(1))
    slot = raw.get("slot")
    return Inspected(payments=payments_in(executed, ours, None), height=slot if type(slot) is int else None)


def _glance(ours: Ours) -> Callable[[Any], bool]:
    """Return what says of a block's entry whether it may name a wallet or token account of ours; in doubt it does."""
    wallets = ours.wallets
    named = wallets | {account for wallet, mint in pairs(ours) for account in associated(wallet, mint)}
    raw_keys = [bytes(Pubkey.from_string(key)) for key in named]

    def in_plain(message: Any) -> bool:
        keys = message["accountKeys"]
        return not named.isdisjoint([key["pubkey"] for key in keys] if keys and isinstance(keys[0], dict) else keys)

    def in_bytes(written: Any, encoding: Any) -> bool:
        wire = base64.b64decode(written) if encoding == "base64" else None
        return wire is None or any(key in wire for key in raw_keys)

    def names_us(raw: Any) -> bool:
        try:
            transaction, meta = raw["transaction"], raw["meta"]
            loaded, held = meta.get("loadedAddresses"), meta.get("postTokenBalances")
            plain = isinstance(transaction, dict)
            return (
                (in_plain(transaction["message"]) if plain else in_bytes(*transaction))
                or (loaded and not named.isdisjoint([*loaded["writable"], *loaded["readonly"]]))
                or (held and not wallets.isdisjoint([entry.get("owner") for entry in held]))
            )
        except MALFORMED:
            return True

    return names_us
