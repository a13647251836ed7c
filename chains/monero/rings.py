"""Which transactions are our own spends, as far as a wallet without the spend key can tell. Pure.

A spend names a ring of outputs for each of its inputs, one of which it really spends. Where every ring holds an output
of ours, and something comes back to the primary address, it is our change: a stranger's rings fall like that by rare
chance only, and then it is money that names no order either way. A stranger gains nothing by choosing them so.
"""

import re
from collections.abc import Collection, Mapping
from itertools import accumulate
from typing import Any

import orjson

from chains.distrust import Distrusted

_IMAGE = re.compile(r"[0-9a-f]{64}")
MOST_MEMBERS = 4096
"""Of one ring; the chain has sixteen."""


def outputs_of(raw: Any) -> frozenset[int] | Distrusted:
    """Return the places on the chain of all outputs in the wallet's answer to `incoming_transfers`."""
    entries = raw.get("transfers", []) if isinstance(raw, Mapping) else None
    if not isinstance(entries, list):
        return Distrusted(reason="the wallet's outputs are no list")
    places = [entry.get("global_index") if isinstance(entry, Mapping) else None for entry in entries]
    if not all(isinstance(place, int) for place in places):
        return Distrusted(reason="an output of the wallet has no place on the chain")
    return frozenset(place for place in places if place is not None)


def rings_of(as_json: Any) -> list[frozenset[int]] | Distrusted:
    """Return the rings of a transaction as the daemon decodes it (`as_json`), each the places of its outputs."""
    inputs = _inputs(as_json)
    if inputs is None:
        return Distrusted(reason="a transaction's inputs cannot be read")
    rings: list[frozenset[int]] = []
    for one in inputs:
        match one:
            case {"key": {"amount": 0, "key_offsets": list() as offsets}} if len(offsets) <= MOST_MEMBERS:
                pass
            case {"key": {"amount": int() as amount}} if amount > 0:  # before RingCT, counted per amount
                rings.append(frozenset())
                continue
            case {"gen": _}:
                continue
            case _:
                return Distrusted(reason="a transaction has an input of an unknown kind")
        if not all(isinstance(offset, int) for offset in offsets):
            return Distrusted(reason="a ring is no list of places")
        rings.append(frozenset(accumulate(offsets)))  # each is told as its distance from the one before
    return rings


def images_of(as_json: Any) -> tuple[bytes, ...] | Distrusted:
    """Return the key images that a transaction spends: no other one can ever use them again."""
    inputs = _inputs(as_json) or []
    keys = [one["key"] for one in inputs if isinstance(one, Mapping) and isinstance(one.get("key"), Mapping)]
    images = [key.get("k_image") for key in keys]
    if not all(isinstance(image, str) and _IMAGE.fullmatch(image) for image in images):
        return Distrusted(reason="a transaction has a key image that is none")
    return tuple(bytes.fromhex(str(image)) for image in images)


def keys_of(as_json: Any) -> frozenset[str]:
    """Return the one-time keys of a transaction's outputs; what cannot be read as one is left out."""
    decoded = _decoded(as_json)
    outputs = decoded.get("vout") if decoded is not None else None
    return frozenset(key for one in outputs if (key := _key_of(one))) if isinstance(outputs, list) else frozenset()


def is_own(rings: Collection[frozenset[int]], ours: frozenset[int]) -> bool:
    """Whether every ring holds an output of ours. A coinbase has no rings and spends nothing."""
    return bool(rings) and all(ring & ours for ring in rings)


def _inputs(as_json: Any) -> list[Any] | None:
    decoded = _decoded(as_json)
    inputs = decoded.get("vin") if decoded is not None else None
    return inputs if isinstance(inputs, list) else None


def _key_of(output: Any) -> str | None:
    match output:
        case {"target": {"tagged_key": {"key": str() as key}}} | {"target": {"key": str() as key}}:
            return key
    return None


def _decoded(as_json: Any) -> Mapping[str, Any] | None:
    try:
        decoded = orjson.loads(as_json) if isinstance(as_json, str) else None
    except orjson.JSONDecodeError:
        return None
    return decoded if isinstance(decoded, Mapping) else None
