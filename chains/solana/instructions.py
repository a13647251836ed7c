"""Of all that programs can be asked to do, what payments are made of: transfers and memos, with their place. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chains.solana.fields import amount, text
from chains.solana.programs import MEMOS, SYSTEM, TOKENS


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """An instruction as it is signed: places among the transaction's accounts, and bytes."""

    program: int
    accounts: bytes
    data: bytes

    @staticmethod
    def matters(program: str) -> bool:
        """Whether a program's instructions are looked at here."""
        return program == SYSTEM or program in TOKENS or program in MEMOS


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """Value that an instruction moved, as it was asked for; a token with fees lets less arrive."""

    index: str  # `outer` or `outer.inner`: its place in the transaction
    token: bool  # else lamports
    source: str  # wallet, or token account
    destination: str
    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Memo:
    """The bytes of a memo."""

    data: bytes


def of_call(call: Call, index: str, keys: Sequence[str]) -> Transfer | Memo | None:
    """Return what an instruction does, if it is one of these. Raises MALFORMED where its parts are missing."""
    program, data = keys[call.program], call.data
    if program in MEMOS:
        return Memo(data=data)
    layout = _SYSTEM.get(data[:4]) if program == SYSTEM else _TOKEN.get(data[:1]) if program in TOKENS else None
    if program in TOKENS and data[:2] == _WITH_FEE:
        layout = _Layout(source=0, destination=2, amount=2)
    if layout is None or len(data) < layout.amount + 8 or len(call.accounts) <= layout.destination:
        return None  # of another kind, or one that cannot have succeeded
    return Transfer(
        index=index,
        token=program != SYSTEM,
        source=keys[call.accounts[layout.source]],
        destination=keys[call.accounts[layout.destination]],
        amount=int.from_bytes(data[layout.amount : layout.amount + 8], "little"),
    )


def of_parsed(raw: Mapping[str, Any], index: str) -> Transfer | Memo | None:
    """Return the same of an instruction that the node itself has parsed (`jsonParsed`)."""
    program, parsed = raw["programId"], raw["parsed"]
    if program in MEMOS:
        return Memo(data=parsed.encode()) if isinstance(parsed, str) else None
    if program != SYSTEM and program not in TOKENS:
        return None
    kind, info = parsed["type"], parsed["info"]
    if kind not in _PARSED:
        return None
    told = info.get("lamports", info.get("amount"))
    return Transfer(
        index=index,
        token=program != SYSTEM,
        source=text(info["source"]),
        destination=text(info["destination"]),
        amount=amount(info["tokenAmount"]["amount"] if told is None else told),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layout:
    """Where a kind of transfer keeps its parts: places among its accounts, and the first byte of the amount."""

    source: int
    destination: int
    amount: int


_SYSTEM = {
    (2).to_bytes(4, "little"): _Layout(source=0, destination=1, amount=4),  # Transfer
    (11).to_bytes(4, "little"): _Layout(source=0, destination=2, amount=4),  # TransferWithSeed
}
_TOKEN = {
    bytes([3]): _Layout(source=0, destination=1, amount=1),  # Transfer
    bytes([12]): _Layout(source=0, destination=2, amount=1),  # TransferChecked
}
_WITH_FEE = bytes([26, 1])  # TransferFeeExtension, TransferCheckedWithFee (Token-2022)
_PARSED = frozenset({"transfer", "transferWithSeed", "transferChecked", "transferCheckedWithFee"})
