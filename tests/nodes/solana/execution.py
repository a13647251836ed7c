"""Runs one signed transaction in the virtual machine and writes down all that a node would tell of it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson
from solders.account import Account
from solders.address_lookup_table_account import AddressLookupTable
from solders.litesvm import LiteSVM
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, InnerInstruction

from tests.nodes.solana.tokens import mint, token_account, ui_amount

LOOKUP_PROGRAM = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")
SYSTEM = Pubkey.from_string("11111111111111111111111111111111")
ADVANCE_NONCE = (4).to_bytes(4, "little")
APART = ThreadPoolExecutor(1, "solana-vm")
"""Programs compiled by the virtual machine leave MMX registers in use (no EMMS), so that their thread, and every thread
that it starts, computes NaN with x87 floats: SQLite writes its seconds with those."""


class RejectedError(Exception):
    """The transaction cannot stand in a block: nobody would even take its fee."""

    def __init__(self, err: Any, logs: Sequence[str] = ()) -> None:
        self.err = err  # as JSON-RPC writes it
        self.logs = list(logs)
        super().__init__(str(err))


@dataclass(frozen=True, kw_only=True, slots=True)
class Landed:
    """A transaction in a block, with what came of it."""

    transaction: VersionedTransaction
    keys: tuple[Pubkey, ...]  # static ones, then loaded writable, then loaded read-only
    loaded_writable: int
    err: Any
    fee: int
    pre: tuple[int, ...]  # lamports, by key
    post: tuple[int, ...]
    pre_tokens: tuple[dict[str, Any], ...]
    post_tokens: tuple[dict[str, Any], ...]
    inner: tuple[tuple[int, tuple[InnerInstruction, ...]], ...]  # by outer instruction, where there are any
    logs: tuple[str, ...]
    units: int
    return_data: tuple[str, bytes] | None

    @property
    def signature(self) -> str:
        """What the transaction is known by: its first signature."""
        return str(self.transaction.signatures[0])


def verified(transaction: VersionedTransaction) -> bool:
    """Whether every signature that the message asks for is there and right."""
    message = transaction.message
    signers = message.account_keys[: message.header.num_required_signatures]
    signed = to_bytes_versioned(message)
    return len(transaction.signatures) == len(signers) and all(
        signature.verify(key, signed) for signature, key in zip(transaction.signatures, signers, strict=True)
    )


def uses_nonce(transaction: VersionedTransaction) -> Pubkey | None:
    """Return the nonce account whose value stands where a recent blockhash would, if the transaction advances one."""
    message = transaction.message
    if not message.instructions:
        return None
    first = message.instructions[0]
    advances = message.account_keys[first.program_id_index] == SYSTEM and bytes(first.data[:4]) == ADVANCE_NONCE
    return message.account_keys[first.accounts[0]] if advances and first.accounts else None


def resolve(svm: LiteSVM, transaction: VersionedTransaction) -> tuple[tuple[Pubkey, ...], int]:
    """Return all keys of a transaction, those from lookup tables last, and how many of them are writable."""
    message = transaction.message
    writable: list[Pubkey] = []
    readonly: list[Pubkey] = []
    for lookup in message.address_table_lookups if isinstance(message, MessageV0) else ():
        account = svm.get_account(lookup.account_key)
        if account is None:
            raise RejectedError("AddressLookupTableNotFound")
        if account.owner != LOOKUP_PROGRAM:
            raise RejectedError("InvalidAddressLookupTableOwner")
        addresses = AddressLookupTable.deserialize(bytes(account.data)).addresses
        if max([*lookup.writable_indexes, *lookup.readonly_indexes], default=0) >= len(addresses):
            raise RejectedError("InvalidAddressLookupTableIndex")
        writable += [addresses[index] for index in lookup.writable_indexes]
        readonly += [addresses[index] for index in lookup.readonly_indexes]
    return (*message.account_keys, *writable, *readonly), len(writable)


def execute(svm: LiteSVM, transaction: VersionedTransaction, before: Callable[[Sequence[Pubkey]], None]) -> Landed:
    """Run a transaction; `before` is told of the accounts it may change. Raises RejectedError."""
    keys, writable = resolve(svm, transaction)
    before(keys)
    accounts = [svm.get_account(key) for key in keys]
    result = APART.submit(svm.send_transaction, transaction).result()
    failed = isinstance(result, FailedTransactionMetadata)
    meta = result.meta() if isinstance(result, FailedTransactionMetadata) else result
    told = orjson.loads(result.to_json())
    err = told["err"] if failed else None
    after = [svm.get_account(key) for key in keys]
    if failed and lamports(after[0]) == lamports(accounts[0]):
        raise RejectedError(err, meta.logs())
    returned = meta.return_data()
    return Landed(
        transaction=transaction,
        keys=keys,
        loaded_writable=writable,
        err=err,
        fee=meta.fee(),
        pre=tuple(lamports(account) for account in accounts),
        post=tuple(lamports(account) for account in after),
        pre_tokens=_token_balances(svm, accounts),
        post_tokens=_token_balances(svm, after),
        inner=tuple((outer, tuple(calls)) for outer, calls in enumerate(meta.inner_instructions()) if calls),
        logs=tuple(meta.logs()),
        units=meta.compute_units_consumed(),
        return_data=(str(returned.program_id), bytes(returned.data)) if returned.data else None,
    )


def lamports(account: Account | None) -> int:
    """Return the balance of an account that may not be there."""
    return 0 if account is None else account.lamports


def _token_balances(svm: LiteSVM, accounts: Sequence[Account | None]) -> tuple[dict[str, Any], ...]:
    balances = []
    for index, account in enumerate(accounts):
        held = token_account(account)
        kept = None if held is None else mint(svm.get_account(held.mint))
        if held is None or kept is None:
            continue
        balances.append(
            {
                "accountIndex": index,
                "mint": str(held.mint),
                "owner": str(held.owner),
                "programId": str(held.program),
                "uiTokenAmount": ui_amount(held.amount, kept.decimals),
            }
        )
    return tuple(balances)
