"""Operations in both spellings of the interfaces: `["transfer", {…}]`, `{"type": "transfer_operation", …}`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SUFFIX = "_operation"


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """An operation under its short name, e.g. `transfer`; what it holds is as the node answered."""

    name: str
    value: Mapping[str, Any]


def opened(raw: Any) -> Operation | None:
    """Return an operation in either spelling; None for anything else."""
    if isinstance(raw, dict):
        name, value = raw.get("type"), raw.get("value")
    elif isinstance(raw, list) and len(raw) == len(("name", "value")):
        name, value = raw
    else:
        return None
    if not isinstance(name, str) or not isinstance(value, dict):
        return None
    return Operation(name=name.removesuffix(_SUFFIX), value=value)
