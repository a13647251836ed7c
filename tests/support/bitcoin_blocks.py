"""Blocks and transactions of the Bitcoin family written by hand, valid but for their signatures and their work."""

import hashlib
from collections.abc import Sequence

from tests.support.bitcoind import transaction, varint

MADE_AT = 1_700_000_000


def hashed(data: bytes) -> bytes:
    """Return SHA-256 of SHA-256."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def coinbase(*outputs: tuple[bytes, int], text: bytes = b"\x03abc") -> bytes:
    """Return a coinbase with these outputs of (script, satoshis)."""
    parts = [bytes((1, 0, 0, 0, 1)), bytes(32), b"\xff" * 4, varint(len(text)), text, b"\xff" * 4, varint(len(outputs))]
    parts += [amount.to_bytes(8, "little") + varint(len(script)) + script for script, amount in outputs]
    return b"".join((*parts, bytes(4)))


def payment(*outputs: tuple[bytes, int], spends: Sequence[tuple[str, int]] = (("ab" * 32, 0),)) -> bytes:
    """Return a transaction without a witness."""
    return bytes.fromhex(transaction(spends, outputs))


def witnessed(raw: bytes, *stacks: Sequence[bytes], flags: int = 1) -> bytes:
    """Return the transaction with a witness, one stack for each of its inputs (BIP-144)."""
    witness = b"".join(varint(len(stack)) + b"".join(varint(len(item)) + item for item in stack) for stack in stacks)
    return raw[:4] + bytes((0, flags)) + raw[4:-4] + (witness if flags & 1 else b"") + raw[-4:]


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the Merkle root as Satoshi's client makes it, repetitions and all."""
    level = list(leaves)
    while len(level) > 1:
        level += level[-1:] if len(level) % 2 else []
        level = [hashed(level[at] + level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


def block(*transactions: bytes, ids: Sequence[bytes] | None = None, parent: bytes = bytes(32)) -> bytes:
    """Return a block over these transactions; `ids` are their hashes where those are not of all their bytes."""
    root = root_of([hashed(raw) for raw in transactions] if ids is None else ids)
    header = bytes((2, 0, 0, 0)) + parent + root + MADE_AT.to_bytes(4, "little") + bytes.fromhex("ffff7f20") + bytes(4)
    return header + varint(len(transactions)) + b"".join(transactions)


def name_of(raw: bytes) -> str:
    """Return a block's hash as it is printed."""
    return hashed(raw[:80])[::-1].hex()
