"""A transaction as its bytes say, with or without a witness (BIP-144). Pure; runs no script, proves no signature."""

from dataclasses import dataclass

from chains.bitcoin.encoding import read_compact_size, shown
from chains.distrust import Distrusted
from chains.hashes import sha256d

WITNESS, EXTENSION = 0x01, 0x08
"""Flags behind the marker: BIP-144's witness, and Litecoin's for a transaction of its extension block (LIP-3)."""
FLAGS = frozenset({WITNESS, EXTENSION, WITNESS | EXTENSION})
OUTPOINT = 36
"""Bytes of what an input spends: a transaction's hash and the output's number."""
NO_OUTPOINT = bytes(32) + b"\xff" * 4
"""What the only input of a coinbase spends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """Value under a lock."""

    amount: int  # satoshis
    script: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Transaction:
    """What a transaction spends and pays."""

    txid: str
    spends: tuple[bytes, ...]  # outpoints, as they are written
    outputs: tuple[Output, ...]

    @property
    def coinbase(self) -> bool:
        """Whether it makes new coins."""
        return self.spends == (NO_OUTPOINT,)


def read_transaction(raw: bytes) -> Transaction | Distrusted:
    """Read a transaction that fills these bytes exactly. No bytes raise."""
    try:
        return _read(raw)
    except IndexError:
        return Distrusted(reason="a transaction is cut off")


def outpoint(txid: bytes, vout: int) -> bytes:
    """Return what an input that spends this output has written into it; the id in the order of its bytes."""
    return txid + vout.to_bytes(4, "little")


def shown_outpoint(spent: bytes) -> tuple[str, int]:
    """Return the id as it is printed, and the output's number."""
    return shown(spent[:32]), int.from_bytes(spent[32:], "little")


def _read(raw: bytes) -> Transaction | Distrusted:
    at, flags = 4, 0
    if raw[at] == 0:  # no transaction is without inputs: this is the marker of BIP-144
        flags = raw[at + 1]
        at += 2
        if flags not in FLAGS:
            return Distrusted(reason=f"a transaction has unknown parts (flags {flags:#x})")
    body = at
    count, at = read_compact_size(raw, at)
    spends: list[bytes] = []
    for _ in range(count):
        spends.append(raw[at : at + OUTPOINT])
        size, at = read_compact_size(raw, at + OUTPOINT)
        at += size + 4
    count, at = read_compact_size(raw, at)
    outputs: list[Output] = []
    for _ in range(count):
        amount = int.from_bytes(raw[at : at + 8], "little")
        size, at = read_compact_size(raw, at + 8)
        outputs.append(Output(amount=amount, script=raw[at : at + size]))
        at += size
    end = at
    if flags & WITNESS:
        for _ in spends:
            count, at = read_compact_size(raw, at)
            for _ in range(count):
                size, at = read_compact_size(raw, at)
                at += size
    if flags & EXTENSION and raw[at] == 0:  # in blocks the extension is left out: a zero stands for it
        at += 1
    if at + 4 != len(raw):
        return Distrusted(reason="a transaction does not end where it says")
    txid = sha256d(raw[:4] + raw[body:end] + raw[at:])
    return Transaction(txid=shown(txid), spends=tuple(spends), outputs=tuple(outputs))
