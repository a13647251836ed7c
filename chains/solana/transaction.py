"""A transaction and what came of it, out of any encoding in which nodes tell them. Pure; no payment is decided here.

`read` is total: whatever it is given, it returns what the answer says, or why no honest node says it. Signatures are
checked where the signed bytes are there (base64, base58): they bind accounts, transfers and memos of outer
instructions to the transaction's id. What came of it, balances and inner instructions, no signature covers.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from solders.message import to_bytes_versioned
from solders.transaction import VersionedTransaction

from chains.distrust import Distrusted
from chains.solana.fields import MALFORMED, amount, from_base58, text, whole
from chains.solana.instructions import Call, Memo, Transfer, of_call, of_parsed

LARGEST = 4096
"""Bytes of the largest transaction of any version (SIMD-0296)."""
MOST_KEYS = 256
"""Accounts of a transaction; their places are single bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """What a token account held."""

    mint: str
    owner: str | None  # older nodes do not tell
    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Executed:
    """A transaction with its outcome."""

    txid: str
    keys: tuple[str, ...]  # every account, those of lookup tables last: writable, then read-only
    signers: frozenset[str]
    failed: bool
    fee: int
    before: tuple[int, ...]  # lamports, by the account's place
    after: tuple[int, ...]
    tokens_before: Mapping[str, Holding] = field(default_factory=dict)  # by token account
    tokens_after: Mapping[str, Holding] = field(default_factory=dict)
    actions: tuple[Transfer | Memo, ...] = ()  # in the order they were done


class _LyingError(Exception):
    """An answer that contradicts itself; never leaves this file."""


def read(raw: Any) -> Executed | Distrusted | None:
    """Return what one entry of a block, or the answer of getTransaction, says; None where its outcome was not kept."""
    try:
        return None if raw["meta"] is None else _read(raw["transaction"], raw["meta"])
    except _LyingError as lie:
        return Distrusted(reason=str(lie))
    except MALFORMED as error:
        return Distrusted(reason=f"a transaction of another shape ({type(error).__name__}: {str(error)[:80]})")


def _read(transaction: Any, meta: Mapping[str, Any]) -> Executed:
    txid, keys, signers, outer = _plain(transaction) if isinstance(transaction, dict) else _signed(transaction)
    if len(keys) < len(meta["postBalances"]):  # jsonParsed names the loaded ones among the others
        keys = keys + _loaded(meta)
    before, after = _balances(meta["preBalances"], keys), _balances(meta["postBalances"], keys)
    return Executed(
        txid=txid,
        keys=tuple(keys),
        signers=frozenset(signers),
        failed=meta["err"] is not None,
        fee=whole(meta["fee"]),
        before=before,
        after=after,
        tokens_before=_holdings(meta.get("preTokenBalances"), keys),
        tokens_after=_holdings(meta.get("postTokenBalances"), keys),
        actions=tuple(_actions(outer, meta.get("innerInstructions"), keys)),
    )


def _plain(transaction: Mapping[str, Any]) -> tuple[str, list[str], list[str], Sequence[Any]]:
    """Read `json` and `jsonParsed`."""
    message = transaction["message"]
    named = message["accountKeys"]
    if named and isinstance(named[0], dict):
        keys = [text(key["pubkey"]) for key in named]
        signers = [text(key["pubkey"]) for key in named if key["signer"] is True]
    else:
        keys = [text(key) for key in named]
        signers = keys[: whole(message["header"]["numRequiredSignatures"])]
    return text(transaction["signatures"][0]), keys, signers, message["instructions"]


def _signed(transaction: Any) -> tuple[str, list[str], list[str], Sequence[Any]]:
    """Read the bytes that went over the wire, and check what was signed."""
    written, encoding = (transaction, "base58") if isinstance(transaction, str) else transaction
    raw = base64.b64decode(written, validate=True) if encoding == "base64" else from_base58(written)
    if len(raw) > LARGEST:
        raise _LyingError("a transaction that no node would take")
    signed = VersionedTransaction.from_bytes(raw)
    message, signatures = signed.message, signed.signatures
    keys = [str(key) for key in message.account_keys]
    count = message.header.num_required_signatures
    told = to_bytes_versioned(message)
    pairs = zip(signatures, message.account_keys[:count], strict=False)
    if not 0 < count == len(signatures) <= len(keys) or not all(one.verify(key, told) for one, key in pairs):
        raise _LyingError("a transaction that its payer did not sign")
    calls = [
        Call(program=call.program_id_index, accounts=bytes(call.accounts), data=bytes(call.data))
        for call in message.instructions
    ]
    return str(signatures[0]), keys, keys[:count], calls


def _actions(outer: Sequence[Any], inner: Any, keys: Sequence[str]) -> Iterator[Transfer | Memo]:
    """Yield transfers and memos as they were done: each instruction, then what it called."""
    called: dict[int, Sequence[Any]] = {whole(group["index"]): group["instructions"] for group in inner or ()}
    if any(index >= len(outer) for index in called):
        raise _LyingError("calls of an instruction that is not there")
    for place, instruction in enumerate(outer):
        yield from _action(instruction, f"{place}", keys)
        for within, call in enumerate(called.get(place, ())):
            yield from _action(call, f"{place}.{within}", keys)


def _action(raw: Any, index: str, keys: Sequence[str]) -> Iterator[Transfer | Memo]:
    if isinstance(raw, dict) and "parsed" in raw:
        found = of_parsed(raw, index)
    else:
        call = raw if isinstance(raw, Call) else _call(raw, keys)
        found = None if call is None else of_call(call, index, keys)
    if found is not None:
        yield found


def _call(raw: Mapping[str, Any], keys: Sequence[str]) -> Call | None:
    """Read an instruction that was not parsed by the node; None where its data is not worth decoding."""
    if "programId" in raw:  # jsonParsed, of a program that the node cannot read
        places = {key: place for place, key in enumerate(keys)}
        program, accounts = places[raw["programId"]], bytes(places[key] for key in raw["accounts"])
    else:
        program, accounts = whole(raw["programIdIndex"]), bytes(raw["accounts"])
    if not Call.matters(keys[program]):
        return None
    return Call(program=program, accounts=accounts, data=from_base58(raw["data"]))


def _loaded(meta: Mapping[str, Any]) -> list[str]:
    """Return the accounts that came out of lookup tables."""
    loaded = meta.get("loadedAddresses") or {"writable": (), "readonly": ()}
    return [text(key) for key in (*loaded["writable"], *loaded["readonly"])]


def _balances(told: Sequence[Any], keys: Sequence[str]) -> tuple[int, ...]:
    if not len(told) == len(keys) <= MOST_KEYS:
        raise _LyingError(f"{len(told)} balances of {len(keys)} accounts")
    return tuple(whole(lamports) for lamports in told)


def _holdings(told: Any, keys: Sequence[str]) -> dict[str, Holding]:
    return {
        keys[whole(entry["accountIndex"])]: Holding(
            mint=text(entry["mint"]),
            owner=None if entry.get("owner") is None else text(entry["owner"]),
            amount=amount(entry["uiTokenAmount"]["amount"]),
        )
        for entry in told or ()
    }
