"""What operations do to the state, and what the chain does by itself at the end of a block. Refusals are hived's."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from chains.hive import address
from chains.hive.amounts import HBD, HIVE, LARGEST, Amount, as_object, parse
from chains.hive.operations import Operation
from config.registry import Network
from tests.nodes.hive.state import Account, Authority, Recurrent, Refused, State, Withdrawal

LONGEST_MEMO = 2048
SAVINGS_DELAY = 3 * 24 * 3600
SHORTEST_RECURRENCE = 24  # hours
MOST_FAILURES = 10
HOUR = 3600

Value = Mapping[str, Any]
Effects = list[Operation]


def required(operation: Operation) -> tuple[str, frozenset[str]]:
    """Return which authority an operation takes, and of whom."""
    value, name = operation.value, operation.name
    if name == "custom_json":
        role = "active" if value["required_auths"] else "posting"
        return role, frozenset(value["required_auths"] or value["required_posting_auths"])
    if name in {"account_update", "account_update2"}:
        secret = value.get("owner") is not None
        harmless = name == "account_update2" and not any(
            value.get(part) for part in ("active", "posting", "memo_key", "json_metadata")
        )
        return "owner" if secret else "posting" if harmless else "active", frozenset({value["account"]})
    if name not in _SIGNED_BY:
        raise Refused(f"operation {name} is not emulated")
    role, field = _SIGNED_BY[name]
    return role, frozenset({value[field]})


def perform(state: State, operation: Operation, now: int) -> Effects:
    """Change the state. Raises Refused, whereupon the state must not be used any more."""
    try:
        return _PERFORM[operation.name](state, operation.value, now)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"Unable to read {operation.name}: {error!r}", "Bad Cast") from None


def end_of_block(state: State, now: int, witness: str) -> Effects:
    """Do what the chain does without being asked: rewards, savings that are due, transfers that repeat."""
    effects = [Operation(name="producer_reward", value={"producer": witness, "vesting_shares": _VESTED})]
    for key, due in sorted(state.withdrawals.items(), key=lambda item: item[1].complete):
        if due.complete <= now:
            del state.withdrawals[key]
            state.put(state.account(due.recipient).credited(due.amount))
            told = {"from": due.sender, "to": due.recipient, "amount": as_object(due.amount)}
            told |= {"request_id": due.request_id, "memo": due.memo}
            effects.append(Operation(name="fill_transfer_from_savings", value=told))
    for key, again in sorted(state.recurrent.items(), key=lambda item: item[1].trigger):
        if again.trigger <= now:
            effects.append(_repeat(state, key, again))
    return effects


def _repeat(state: State, key: tuple[str, str, int], again: Recurrent) -> Operation:
    told = {"from": again.sender, "to": again.recipient, "amount": as_object(again.amount), "memo": again.memo}
    left = again.left - 1
    trigger = again.trigger + again.hours * HOUR
    try:
        state.put(state.account(again.sender).debited(again.amount, "transfer"))
        state.put(state.account(again.recipient).credited(again.amount))
    except Refused:
        failures = again.failures + 1
        deleted = failures == MOST_FAILURES or not left
        state.recurrent[key] = replace(again, left=left, trigger=trigger, failures=failures)
        told |= {"consecutive_failures": failures, "remaining_executions": left, "deleted": deleted}
        done = Operation(name="failed_recurrent_transfer", value=told)
    else:
        deleted = not left
        state.recurrent[key] = replace(again, left=left, trigger=trigger, failures=0)
        done = Operation(name="fill_recurrent_transfer", value={**told, "remaining_executions": left})
    if deleted:
        del state.recurrent[key]
    return done


def _transfer(state: State, value: Value, _now: int) -> Effects:
    amount = _amount(value["amount"])
    _memo(value["memo"])
    state.account(value["to"])
    state.put(state.account(value["from"]).debited(amount, "transfer"))
    state.put(state.account(value["to"]).credited(amount))
    return []


def _to_savings(state: State, value: Value, _now: int) -> Effects:
    amount = _amount(value["amount"])
    _memo(value["memo"])
    state.account(value["to"])
    state.put(state.account(value["from"]).debited(amount, "transfer to savings"))
    state.put(state.account(value["to"]).saved(amount, 1))
    return []


def _from_savings(state: State, value: Value, now: int) -> Effects:
    amount = _amount(value["amount"])
    _memo(value["memo"])
    state.account(value["to"])
    key = value["from"], int(value["request_id"])
    if key in state.withdrawals:
        raise Refused("Account already has a savings withdrawal with this request id")
    state.put(state.account(value["from"]).saved(amount, -1))
    state.withdrawals[key] = Withdrawal(
        sender=key[0],
        request_id=key[1],
        recipient=value["to"],
        amount=amount,
        memo=value["memo"],
        complete=now + SAVINGS_DELAY,
    )
    return []


def _cancel_from_savings(state: State, value: Value, _now: int) -> Effects:
    due = state.withdrawals.pop((value["from"], int(value["request_id"])), None)
    if due is None:
        raise Refused("unknown key")
    state.put(state.account(due.sender).saved(due.amount, 1))
    return []


def _recurrent(state: State, value: Value, now: int) -> Effects:
    amount = _amount(value["amount"], least=0)
    _memo(value["memo"])
    hours, executions = int(value["recurrence"]), int(value["executions"])
    if hours < SHORTEST_RECURRENCE:
        raise Refused(f"Cannot set a transfer recurrence that is less than {SHORTEST_RECURRENCE} hours")
    if executions < 2:
        raise Refused("Executions must be at least 2, if you set executions to 1 the recurrent transfer will execute"
                      " immediately and delete itself. You should use a normal transfer operation")  # fmt: skip
    if value["from"] == value["to"]:
        raise Refused("Cannot set a transfer to yourself")
    pair = next((one["value"]["pair_id"] for one in value["extensions"] if one["type"].endswith("pair_id")), 0)
    state.account(value["to"])
    key = value["from"], value["to"], int(pair)
    held = state.recurrent.get(key)
    if not amount.units:
        if held is None:
            raise Refused("Cannot create a recurrent transfer with 0 amount")
        del state.recurrent[key]
        return []
    state.account(value["from"]).debited(amount, "the first transfer, you need")
    state.recurrent[key] = Recurrent(
        sender=key[0],
        recipient=key[1],
        pair_id=key[2],
        amount=amount,
        memo=value["memo"],
        hours=hours,
        left=executions,
        trigger=now if held is None else held.trigger,
    )
    return []


def _create_account(state: State, value: Value, now: int) -> Effects:
    fee = _amount(value["fee"], least=0)
    name = value["new_account_name"]
    creator = state.account(value["creator"]).debited(fee, "account creation")
    if address.canonical(name, Network.TEST) != name.encode():
        raise Refused(f"Account name {name} is invalid")
    if name in state.accounts:
        raise Refused(f"Duplicate account name message authority {name}")
    state.put(creator)
    state.put(
        Account(
            name=name,
            owner=Authority.of(value["owner"]),
            active=Authority.of(value["active"]),
            posting=Authority.of(value["posting"]),
            memo_key=value["memo_key"],
            created=now,
            json_metadata=value["json_metadata"],
            recovery=creator.name,
        )
    )
    return [Operation(name="account_created", value={"new_account_name": name, "creator": creator.name})]


def _claim_account(state: State, value: Value, _now: int) -> Effects:
    creator = state.account(value["creator"]).debited(_amount(value["fee"], least=0), "account claiming")
    state.put(replace(creator, claimed=creator.claimed + 1))
    return []


def _create_claimed(state: State, value: Value, now: int) -> Effects:
    creator = state.account(value["creator"])
    if not creator.claimed:
        raise Refused(f"{creator.name} has no claimed accounts to create")
    state.put(replace(creator, claimed=creator.claimed - 1))
    return _create_account(state, {**value, "fee": as_object(Amount(nai=HIVE, units=0))}, now)


def _update_account(state: State, value: Value, now: int) -> Effects:
    account = state.account(value["account"])
    for role in ("owner", "active", "posting"):
        if value.get(role) is not None:
            authority = Authority.of(value[role])
            for name, _ in authority.account_auths:
                state.account(name)
            account = replace(account, **{role: authority})
            if role == "owner":
                account = replace(account, last_owner_update=now)
    changed = {name: value[name] for name in ("memo_key", "json_metadata", "posting_json_metadata") if value.get(name)}
    state.put(replace(account, **changed))
    return []


def _nothing(_state: State, _value: Value, _now: int) -> Effects:
    return []


def _amount(raw: Any, *, least: int = 1) -> Amount:
    amount = parse(raw)
    if amount is None or amount.nai not in {HIVE, HBD}:
        raise Refused("Transferring of this asset is not allowed.")
    if not least <= amount.units <= LARGEST:
        raise Refused("Cannot transfer a negative amount (aka: stealing)")
    return amount


def _memo(memo: str) -> None:
    if len(memo.encode()) >= LONGEST_MEMO:
        raise Refused("Memo is too large")


_VESTED = {"amount": "3003850165", "precision": 6, "nai": "@@000000037"}
_PERFORM: Mapping[str, Callable[[State, Value, int], Effects]] = {
    "transfer": _transfer,
    "transfer_to_savings": _to_savings,
    "transfer_from_savings": _from_savings,
    "cancel_transfer_from_savings": _cancel_from_savings,
    "recurrent_transfer": _recurrent,
    "account_create": _create_account,
    "claim_account": _claim_account,
    "create_claimed_account": _create_claimed,
    "account_update": _update_account,
    "account_update2": _update_account,
    "custom_json": _nothing,
    "vote": _nothing,
    "comment": _nothing,
}
_SIGNED_BY = {
    "transfer": ("active", "from"),
    "transfer_to_savings": ("active", "from"),
    "transfer_from_savings": ("active", "from"),
    "cancel_transfer_from_savings": ("active", "from"),
    "recurrent_transfer": ("active", "from"),
    "account_create": ("active", "creator"),
    "claim_account": ("active", "creator"),
    "create_claimed_account": ("active", "creator"),
    "vote": ("posting", "voter"),
    "comment": ("posting", "author"),
}
"""By name: the authority, and the field with the account whose it is."""
