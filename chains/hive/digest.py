"""What Hive hashes: a transaction's id and leaf, a block's id and the root over its transactions. Pure.

Everything here takes a node's JSON, in either spelling, and gives None where it holds what this release cannot write.
"""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chains.hashes import ripemd160
from chains.hive import binary
from chains.hive.binary import EXTENSIONS, Form, UnknownFormError
from chains.hive.kinds import OPERATIONS
from chains.hive.operations import opened

ID_BYTES = 20
NO_TRANSACTIONS = "00" * ID_BYTES
"""The root over no transactions."""
SHAPES = (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError, struct.error)
"""What writing an answer of another shape raises; UnknownFormError is a ValueError."""

_SIGNATURE = binary.several(binary.fixed(65))
_HEAD = binary.record({"ref_block_num": binary.u16, "ref_block_prefix": binary.u32, "expiration": binary.time})
_HEADER_EXTENSIONS = binary.several(
    binary.variant(
        (
            ("void_t", binary.nothing),
            ("version", binary.version),
            ("hardfork_version_vote", binary.record({"hf_version": binary.version, "hf_time": binary.time})),
        )
    )
)
_HEADER = binary.record(
    {
        "previous": binary.fixed(ID_BYTES),
        "timestamp": binary.time,
        "witness": binary.text,
        "transaction_merkle_root": binary.fixed(ID_BYTES),
        "extensions": _HEADER_EXTENSIONS,
    }
)
_WITNESS_SIGNATURE = binary.fixed(65)
_HEIGHT = struct.Struct(">I")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hashed:
    """What one transaction contributes."""

    txid: str
    leaf: bytes  # of the tree over a block's transactions


def unsigned(transaction: Mapping[str, Any], form: Form) -> bytes | None:
    """Return a transaction's bytes without its signatures: behind the chain's id, they are what is signed."""
    try:
        return _unsigned(transaction, form)
    except SHAPES:
        return None


def transaction_id(body: bytes) -> str:
    """Return the id of a transaction by its bytes without signatures."""
    return hashlib.sha256(body).digest()[:ID_BYTES].hex()


def hashed(transaction: Mapping[str, Any], txid: str) -> Hashed | None:
    """Return the hashes of a transaction if in one of the forms of amounts it has this id."""
    try:
        for form in Form:
            body = _unsigned(transaction, form)
            if transaction_id(body) == txid:
                leaf = hashlib.sha256(body + _SIGNATURE(transaction["signatures"], form)).digest()
                return Hashed(txid=txid, leaf=leaf)
    except SHAPES:
        return None
    return None


def merkle_root(leaves: Sequence[bytes]) -> str:
    """Return the root over the leaves of a block's transactions. An odd one goes up unpaired."""
    if not leaves:
        return NO_TRANSACTIONS
    level = list(leaves)
    while len(level) > 1:
        level = [_joined(level[place : place + 2]) for place in range(0, len(level), 2)]
    return ripemd160(level[0])[:ID_BYTES].hex()


def header(block: Mapping[str, Any]) -> bytes | None:
    """Return a header's bytes without its signature, whose SHA-256 the witness signs."""
    try:
        return _HEADER(block, Form.LEGACY)
    except SHAPES:
        return None


def block_id(block: Mapping[str, Any]) -> str | None:
    """Return the id that a block's header has: its height, and SHA-224 of all that is signed and the signature."""
    unsigned_header = header(block)
    if unsigned_header is None:
        return None
    try:
        signature = _WITNESS_SIGNATURE(block["witness_signature"], Form.LEGACY)
        height = _HEIGHT.pack(height_of(block["previous"]) + 1)
    except SHAPES:
        return None
    digest = hashlib.sha224(unsigned_header + signature).digest()
    return (height + digest[_HEIGHT.size : ID_BYTES]).hex()


def height_of(identity: str) -> int:
    """Return the height that a block's id begins with. Raises ValueError for what is none."""
    raw = bytes.fromhex(identity)
    if len(raw) != ID_BYTES or len(identity) != 2 * ID_BYTES:
        raise UnknownFormError("no block id")
    return int.from_bytes(raw[: _HEIGHT.size], "big")


def _unsigned(transaction: Mapping[str, Any], form: Form) -> bytes:
    raw = transaction["operations"]
    body = b"".join([_operation(one, form) for one in raw])
    return (
        _HEAD(transaction, form) + binary.varint(len(raw)) + body + EXTENSIONS(transaction.get("extensions", []), form)
    )


def _operation(raw: Any, form: Form) -> bytes:
    operation = opened(raw)
    if operation is None or operation.name not in OPERATIONS:
        raise UnknownFormError("of a kind not known here")
    place, write = OPERATIONS[operation.name]
    return binary.varint(place) + write(operation.value, form)


def _joined(pair: Sequence[bytes]) -> bytes:
    return pair[0] if len(pair) == 1 else hashlib.sha256(b"".join(pair)).digest()
