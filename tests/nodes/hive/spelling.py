"""From one spelling of operations to the other: the newer one is kept, the condenser's is told on request."""

from collections.abc import Mapping
from typing import Any

from chains.hive import amounts
from chains.hive.operations import Operation, opened

_AMOUNTS = frozenset({
    "amount", "fee", "delegation", "vesting_shares", "reward_hive", "reward_hbd", "reward_vests", "hbd_amount",
    "hive_amount", "daily_pay", "amount_to_sell", "min_to_receive", "max_accepted_payout", "base", "quote",
    "account_creation_fee",
})  # fmt: skip
_VARIANTS = {
    "recurrent_transfer": ("void_t", "recurrent_transfer_pair_id"),
    "comment_options": ("comment_payout_beneficiaries",),
    "update_proposal": ("void_t", "update_proposal_end_date"),
}
_FUTURE = ("void_t",)


def modern(raw: Any) -> dict[str, Any] | None:
    """Return an operation in the newer spelling, whichever it came in."""
    operation = opened(raw)
    if operation is None:
        return None
    kinds = _VARIANTS.get(operation.name, _FUTURE)
    value = {name: _modern(name, inner, kinds) for name, inner in operation.value.items()}
    return {"type": f"{operation.name}_operation", "value": value}


def condenser(operation: Operation, *, test: bool) -> list[Any]:
    """Return an operation as the condenser's interface tells it."""
    kinds = _VARIANTS.get(operation.name, _FUTURE)
    return [operation.name, {name: _older(name, inner, kinds, test=test) for name, inner in operation.value.items()}]


def _modern(name: str, value: Any, kinds: tuple[str, ...]) -> Any:
    if name in _AMOUNTS and isinstance(value, str):
        amount = amounts.parse(value)
        return value if amount is None else amounts.as_object(amount)
    if name == "extensions" and isinstance(value, list):
        return [_named(one, kinds) for one in value]
    if isinstance(value, Mapping) and "nai" not in value:
        return {inner: _modern(inner, one, kinds) for inner, one in value.items()}
    return value


def _named(raw: Any, kinds: tuple[str, ...]) -> Any:
    if isinstance(raw, list) and len(raw) == 2 and isinstance(raw[0], int) and 0 <= raw[0] < len(kinds):
        return {"type": kinds[raw[0]], "value": raw[1]}
    return raw


def _older(name: str, value: Any, kinds: tuple[str, ...], *, test: bool) -> Any:
    if isinstance(value, Mapping):
        amount = amounts.parse(dict(value)) if "nai" in value else None
        if amount is not None:
            return amounts.spoken(amount, test=test)
        return {inner: _older(inner, one, kinds, test=test) for inner, one in value.items()}
    if name == "extensions" and isinstance(value, list):
        return [[kinds.index(one["type"]), one["value"]] if isinstance(one, dict) else one for one in value]
    return value
