"""Hive's binary forms (`fc::raw`), as far as transactions and block headers are hashed from them. Pure.

An amount has had two forms since hardfork 26: the older one writes the symbols of the chain's youth (STEEM, SBD), the
newer one the NAI. A transaction's bytes are those that were signed, which its JSON does not tell: its id does.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from chains.hive import amounts, keys


class Form(Enum):
    """How amounts are written."""

    LEGACY = "legacy"
    NAI = "nai"
    TEST = "test"  # LEGACY, on networks that hived was built for as test networks


class UnknownFormError(ValueError):
    """A value that nothing here can write: of another shape, or of a kind that a later hardfork brought."""


Write = Callable[[Any, Form], bytes]

_KEY_BYTES = 33
_NULL_KEY = "1111111111111111111111111111111114T1Anm"
"""What is written for no key at all: 33 zero bytes and their checksum."""
_SYMBOL_BYTES = 7
_SYMBOLS = {
    Form.LEGACY: {amounts.HIVE: b"STEEM", amounts.HBD: b"SBD", amounts.VESTS: b"VESTS"},
    Form.TEST: {amounts.HIVE: b"TESTS", amounts.HBD: b"TBD", amounts.VESTS: b"VESTS"},
}
_NAI_BASE = 99_999_999
"""SMT_MAX_NAI of hived: the three assets that are older than NAIs were numbered behind it."""
_NAI_SHIFT = 5
_NAI_ORDINAL = {amounts.HBD: 1, amounts.HIVE: 2, amounts.VESTS: 3}
_VERSION_PARTS = (24, 16, 0)
_MORE = 0x80


def varint(number: int) -> bytes:
    """Return an unsigned number, seven bits to a byte, the lowest first."""
    out = bytearray()
    while number >= _MORE:
        out.append(number & (_MORE - 1) | _MORE)
        number >>= 7
    out.append(number)
    return bytes(out)


def sized(data: bytes) -> bytes:
    """Return bytes behind their length."""
    return varint(len(data)) + data


def number(layout: str) -> Write:
    """Return what writes a number of this layout (struct's letter), little-endian. JSON may hold it as text."""
    packer = struct.Struct(f"<{layout}")

    def write(value: Any, _form: Form) -> bytes:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise UnknownFormError("no number")
        return packer.pack(int(value))

    return write


u8, u16, u32, i16, i64 = map(number, "BHIhq")


def text(value: Any, _form: Form) -> bytes:
    """Write a string. hived takes bytes that are no UTF-8 in some of them, which stand as lone surrogates here."""
    if not isinstance(value, str):
        raise UnknownFormError("no text")
    return sized(value.encode(errors="surrogateescape"))


def boolean(value: Any, _form: Form) -> bytes:
    """Write a truth value."""
    if not isinstance(value, bool):
        raise UnknownFormError("no truth value")
    return bytes((value,))


def hexadecimal(value: Any, _form: Form) -> bytes:
    """Write bytes of any number, which JSON holds as hex."""
    return sized(bytes.fromhex(value))


def fixed(length: int) -> Write:
    """Return what writes so many bytes, which JSON holds as hex."""

    def write(value: Any, _form: Form) -> bytes:
        raw = bytes.fromhex(value)
        if len(raw) != length:
            raise UnknownFormError(f"not {length} bytes")
        return raw

    return write


def time(value: Any, form: Form) -> bytes:
    """Write a time of whole seconds in UTC, which JSON holds without its zone."""
    return u32(seconds(value), form)


def seconds(value: Any) -> int:
    """Return a time in seconds since 1970. Raises ValueError or TypeError for what is none."""
    moment = datetime.fromisoformat(value)
    if moment.microsecond or moment.tzinfo is not None:
        raise UnknownFormError("no time as hived writes it")
    return int(moment.replace(tzinfo=UTC).timestamp())


def key(value: Any, _form: Form) -> bytes:
    """Write a public key."""
    if isinstance(value, str) and value[len(keys.PREFIX) :] == _NULL_KEY:
        return bytes(_KEY_BYTES)
    raw = keys.public_key(value)
    if raw is None:
        raise UnknownFormError("no public key")
    return raw


def asset(value: Any, form: Form) -> bytes:
    """Write an amount."""
    amount = amounts.parse(value)
    if amount is None:
        raise UnknownFormError("no amount")
    if form is Form.NAI:
        return struct.pack("<qI", amount.units, _nai_number(amount.nai))
    return _legacy_asset(amount, form)


def legacy_asset(value: Any, form: Form) -> bytes:
    """Write an amount that kept the older form (`legacy_hive_asset` of hived)."""
    amount = amounts.parse(value)
    if amount is None:
        raise UnknownFormError("no amount")
    return _legacy_asset(amount, Form.TEST if form is Form.TEST else Form.LEGACY)


def several(write: Write) -> Write:
    """Return what writes a list, or a set in the order in which JSON holds it."""

    def writes(value: Any, form: Form) -> bytes:
        if not isinstance(value, list):
            raise UnknownFormError("no list")
        return varint(len(value)) + b"".join([write(one, form) for one in value])

    return writes


def pairs(first: Write, second: Write) -> Write:
    """Return what writes a map, which JSON holds as a list of pairs."""

    def write(value: Any, form: Form) -> bytes:
        one, other = value
        return first(one, form) + second(other, form)

    return several(write)


def optional(write: Write) -> Write:
    """Return what writes a value that may be missing."""

    def writes(value: Any, form: Form) -> bytes:
        return b"\0" if value is None else b"\1" + write(value, form)

    return writes


def record(fields: Mapping[str, Write]) -> Write:
    """Return what writes an object's fields in this order. One that is missing is None."""

    def write(value: Any, form: Form) -> bytes:
        if not isinstance(value, Mapping):
            raise UnknownFormError("no object")
        return b"".join([one(value.get(name), form) for name, one in fields.items()])

    return write


def variant(kinds: Sequence[tuple[str, Write]]) -> Write:
    """Return what writes one of several kinds: `{"type": kind, "value": …}`, or `[number of the kind, …]`."""
    places = {name: place for place, (name, _) in enumerate(kinds)}

    def write(value: Any, form: Form) -> bytes:
        kind, inner = (value["type"], value["value"]) if isinstance(value, dict) else value
        place = places.get(kind, -1) if isinstance(kind, str) else kind
        if not isinstance(place, int) or not 0 <= place < len(kinds):
            raise UnknownFormError(f"of a kind not known here: {kind!r}")
        return varint(place) + kinds[place][1](inner, form)

    return write


def nothing(_value: Any, _form: Form) -> bytes:
    """Write a value that has no bytes (`void_t`)."""
    return b""


def version(value: Any, form: Form) -> bytes:
    """Write `major.hardfork.revision`."""
    parts = [int(part) for part in value.split(".")]
    if len(parts) != len(_VERSION_PARTS):
        raise UnknownFormError("no version")
    return u32(sum(part << shift for part, shift in zip(parts, _VERSION_PARTS, strict=True)), form)


def _legacy_asset(amount: amounts.Amount, form: Form) -> bytes:
    symbol = _SYMBOLS[form][amount.nai].ljust(_SYMBOL_BYTES, b"\0")
    return struct.pack("<qB", amount.units, amounts.PRECISION[amount.nai]) + symbol


def _nai_number(nai: str) -> int:
    return _NAI_BASE + _NAI_ORDINAL[nai] << _NAI_SHIFT | amounts.PRECISION[nai]


EXTENSIONS = several(variant((("void_t", nothing),)))
"""`future_extensions`: nothing stands there yet but, in old transactions, emptiness itself."""
