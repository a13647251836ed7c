"""The methods of hived's interfaces that wallets and readers call, by `api.method`."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from chains.hive import digest
from chains.hive.keys import public_key
from chains.hive.operations import Operation
from tests.nodes.hive import authority
from tests.nodes.hive.state import Refused
from tests.nodes.hive.view import View, text_of

MOST_BLOCKS = 1000
MOST_VIRTUAL_BLOCKS = 2000
MOST_OPERATIONS = 150_000

Arguments = Mapping[str, Any]
Method = Callable[[View, Arguments], Any]

PARAMETERS: dict[str, tuple[str, ...]] = {
    "condenser_api.get_accounts": ("accounts",),
    "condenser_api.lookup_account_names": ("accounts",),
    "condenser_api.lookup_accounts": ("lower_bound", "limit"),
    "condenser_api.get_block": ("block_num",),
    "condenser_api.get_block_header": ("block_num",),
    "condenser_api.get_ops_in_block": ("block_num", "only_virtual"),
    "condenser_api.get_transaction": ("id",),
    "condenser_api.get_account_history": ("account", "start", "limit"),
    "condenser_api.get_key_references": ("keys",),
    "condenser_api.verify_authority": ("trx",),
    "condenser_api.get_transaction_hex": ("trx",),
    "condenser_api.get_required_signatures": ("trx", "available_keys"),
    "condenser_api.get_potential_signatures": ("trx",),
    "condenser_api.broadcast_transaction": ("trx",),
    "condenser_api.find_recurrent_transfers": ("from",),
    "condenser_api.get_savings_withdraw_from": ("account",),
    "condenser_api.get_savings_withdraw_to": ("account",),
    "condenser_api.get_reward_fund": ("name",),
}
"""Names of what the condenser's methods take by position."""


def find(method: str, without: Collection[str]) -> Method:
    """Return what answers a method. Raises Refused where there is no such API, or no such method in it."""
    api, _, name = method.partition(".")
    if api in without or not any(known.startswith(f"{api}.") for known in METHODS):
        raise Refused(f"Could not find API {api}")
    if method not in METHODS:
        raise Refused(f"Could not find method {name}")
    return METHODS[method]


def named(method: str, params: Any) -> Arguments:
    """Return a call's arguments by name."""
    if isinstance(params, Mapping):
        return params
    if not isinstance(params, list):
        return {}
    names = PARAMETERS.get(method, ())
    return dict(zip(names, params, strict=False))


def _broadcast(view: View, given: Arguments) -> Any:
    view.chain.push(given["trx"])
    return {}


def _dry(view: View, given: Arguments) -> Any:
    view.chain.accepted(given["trx"], view.head.state)
    return True


def _hex(view: View, given: Arguments) -> str:
    body = digest.unsigned(given["trx"], view.chain.forms[0])
    if body is None:
        raise Refused("the transaction cannot be serialised", "Bad Cast")
    return body.hex()


def _potential(view: View, given: Arguments) -> list[str]:
    roles = {"active": ("active", "owner"), "posting": ("posting", "active", "owner"), "owner": ("owner",)}
    found: set[str] = set()
    for raw in given["trx"]["operations"]:
        name, value = (raw["type"].removesuffix("_operation"), raw["value"]) if isinstance(raw, dict) else raw
        role, names = authority.required(Operation(name=name, value=value))
        for account in map(view.head.state.account, names):
            for part in roles[role]:
                found |= {key for key, _ in getattr(account, part).key_auths}
    return sorted(found)


def _block(view: View, given: Arguments) -> Any:
    return view.block(int(given["block_num"]))


def _header(block: Any) -> dict[str, Any]:
    return dict(block.header)


def _condenser_block(view: View, given: Arguments) -> Any:
    block = _block(view, given)
    return None if block is None else view.condenser_block(block)


def _condenser_header(view: View, given: Arguments) -> Any:
    block = _block(view, given)
    return None if block is None else _header(block)


def _modern_block(view: View, given: Arguments) -> Any:
    block = _block(view, given)
    return {} if block is None else {"block": block.modern}


def _modern_header(view: View, given: Arguments) -> Any:
    block = _block(view, given)
    return {} if block is None else {"header": _header(block)}


def _range(view: View, given: Arguments) -> Any:
    first, count = int(given["starting_block_num"]), int(given["count"])
    if count > MOST_BLOCKS:
        raise Refused(f"Cannot request more than {MOST_BLOCKS} blocks")
    return {"blocks": [block.modern for block in view.blocks[max(first, 1) : first + count]]}


def _in_block(view: View, given: Arguments, *, modern: bool) -> Any:
    block = _block(view, given)
    hidden = block is None or (
        block.number > view.head.irreversible and not given.get("include_reversible", not modern)
    )
    told = [] if hidden else view.operations(block, virtual=bool(given.get("only_virtual")), modern=modern)
    return {"ops": told} if modern else told


def _enumerated(view: View, given: Arguments) -> Any:
    first, end = int(given["block_range_begin"]), int(given["block_range_end"])
    if end <= first:
        raise Refused("Block range must be upward")
    if end - first > MOST_VIRTUAL_BLOCKS:
        raise Refused(f"Block range distance must be less than or equal to {MOST_VIRTUAL_BLOCKS}")
    mask = given.get("filter")
    return view.enumerate_virtual(
        first,
        end,
        mask=None if mask is None else int(mask),
        resume=int(given.get("operation_begin") or 0),
        limit=min(int(given.get("limit") or MOST_OPERATIONS), MOST_OPERATIONS),
        reversible=bool(given.get("include_reversible")),
    )


def _transaction(view: View, given: Arguments, *, modern: bool) -> Any:
    found = view.find(given["id"])
    hidden = modern and found is not None and found[0].number > view.head.irreversible
    if found is None or (hidden and not given.get("include_reversible")):
        raise Refused(f"Unknown Transaction {given['id']}")
    return view.transaction(*found, modern=modern)


def _history(view: View, given: Arguments, *, modern: bool) -> Any:
    start, limit = int(given.get("start", -1)), int(given.get("limit", 1000))
    if limit > MOST_BLOCKS:
        raise Refused(f"limit of {limit} is greater than maxmimum allowed")
    if 0 <= start < limit - 1:
        raise Refused("start must be greater than or equal to limit-1 (start is 0-based index)")
    entries = view.history(given["account"], modern=modern)
    upper = len(entries) - 1 if start < 0 else min(start, len(entries) - 1)
    part = [list(entry) for entry in entries[max(0, upper - limit + 1) : upper + 1]]
    return {"history": part} if modern else part


def _find_transaction(view: View, given: Arguments) -> Any:
    txid = given["transaction_id"]
    found = view.find(txid)
    if found is None:
        waits = any(one.txid == txid for one in view.chain.pool)
        return {"status": "within_mempool" if waits else "unknown"}
    irreversible = found[0].number <= view.head.irreversible
    status = "within_irreversible_block" if irreversible else "within_reversible_block"
    return {"status": status, "block_num": found[0].number}


def _accounts(view: View, given: Arguments, *, modern: bool) -> list[Any]:
    names = given["accounts"]
    if names and isinstance(names[0], list):  # beem wraps them once more
        names = names[0]
    return [view.account(name, modern=modern) for name in names]


def _key_references(view: View, given: Arguments) -> list[list[str]]:
    keys = given["keys"]
    if keys and isinstance(keys[0], list):
        keys = keys[0]
    if any(public_key(key) is None for key in keys):
        raise Refused("public key is malformed", "Bad Cast")
    return [view.accounts_of_key(key) for key in keys]


def _recurrent(view: View, given: Arguments, *, modern: bool) -> list[dict[str, Any]]:
    return [
        {
            "from": one.sender, "to": one.recipient, "pair_id": one.pair_id, "memo": one.memo,
            "amount": view.amount(one.amount, modern=modern), "trigger_date": text_of(one.trigger),
            "consecutive_failures": one.failures, "remaining_executions": one.left, "recurrence": one.hours,
        }
        for one in view.head.state.recurrent.values()
        if one.sender == given["from"]
    ]  # fmt: skip


def _withdrawals(view: View, name: str, side: str, *, modern: bool) -> list[dict[str, Any]]:
    return [
        {
            "from": one.sender, "to": one.recipient, "memo": one.memo, "request_id": one.request_id,
            "amount": view.amount(one.amount, modern=modern), "complete": text_of(one.complete),
        }
        for one in view.head.state.withdrawals.values()
        if getattr(one, side) == name
    ]  # fmt: skip


def _version(view: View, _given: Arguments) -> dict[str, str]:
    return {
        "blockchain_version": view.chain.hardfork,
        "hive_revision": "00" * 20,
        "fc_revision": "00" * 20,
        "chain_id": view.chain.chain_id,
    }


def _hardfork(view: View, _given: Arguments) -> dict[str, Any]:
    return {
        "id": 0,
        "processed_hardforks": [text_of(view.blocks[0].time)],
        "last_hardfork": 28,
        "current_hardfork_version": view.chain.hardfork,
        "next_hardfork": "0.0.0",
        "next_hardfork_time": text_of(0),
    }


def _price(_view: View, _given: Arguments) -> dict[str, str]:
    return {"base": "0.250 HBD", "quote": "1.000 HIVE"}


METHODS: dict[str, Method] = {
    "condenser_api.get_version": _version,
    "condenser_api.get_config": lambda view, _: view.configuration(),
    "condenser_api.get_dynamic_global_properties": lambda view, _: view.properties(modern=False),
    "condenser_api.get_hardfork_version": lambda view, _: view.chain.hardfork,
    "condenser_api.get_next_scheduled_hardfork": _hardfork,
    "condenser_api.get_accounts": lambda view, given: [one for one in _accounts(view, given, modern=False) if one],
    "condenser_api.lookup_account_names": lambda view, given: _accounts(view, given, modern=False),
    "condenser_api.lookup_accounts": lambda view, given: sorted(
        name for name in view.head.state.accounts if name >= given["lower_bound"]
    )[: int(given["limit"])],
    "condenser_api.get_account_count": lambda view, _: len(view.head.state.accounts),
    "condenser_api.get_block": _condenser_block,
    "condenser_api.get_block_header": _condenser_header,
    "condenser_api.get_ops_in_block": lambda view, given: _in_block(view, given, modern=False),
    "condenser_api.get_transaction": lambda view, given: _transaction(view, given, modern=False),
    "condenser_api.get_account_history": lambda view, given: _history(view, given, modern=False),
    "condenser_api.get_key_references": _key_references,
    "condenser_api.verify_authority": _dry,
    "condenser_api.get_transaction_hex": _hex,
    "condenser_api.get_required_signatures": lambda view, given: sorted(
        set(_potential(view, given)) & set(given["available_keys"])
    ),
    "condenser_api.get_potential_signatures": _potential,
    "condenser_api.find_recurrent_transfers": lambda view, given: _recurrent(view, given, modern=False),
    "condenser_api.get_savings_withdraw_from": lambda view, given: _withdrawals(
        view, given["account"], "sender", modern=False
    ),
    "condenser_api.get_savings_withdraw_to": lambda view, given: _withdrawals(
        view, given["account"], "recipient", modern=False
    ),
    "condenser_api.get_current_median_history_price": _price,
    "condenser_api.get_feed_history": lambda view, given: {
        "current_median_history": _price(view, given),
        "price_history": [],
    },
    "condenser_api.broadcast_transaction": _broadcast,
    "database_api.get_version": _version,
    "database_api.get_config": lambda view, _: view.configuration(),
    "database_api.get_dynamic_global_properties": lambda view, _: view.properties(modern=True),
    "database_api.get_hardfork_properties": _hardfork,
    "database_api.find_accounts": lambda view, given: {
        "accounts": [one for one in _accounts(view, given, modern=True) if one]
    },
    "database_api.verify_authority": lambda view, given: {"valid": _dry(view, given)},
    "database_api.get_transaction_hex": lambda view, given: {"hex": _hex(view, given)},
    "database_api.get_required_signatures": lambda view, given: {
        "keys": sorted(set(_potential(view, given)) & set(given["available_keys"]))
    },
    "database_api.get_potential_signatures": lambda view, given: {"keys": _potential(view, given)},
    "database_api.find_recurrent_transfers": lambda view, given: {
        "recurrent_transfers": _recurrent(view, given, modern=True)
    },
    "database_api.find_savings_withdrawals": lambda view, given: {
        "withdrawals": _withdrawals(view, given["account"], "sender", modern=True)
    },
    "block_api.get_block": _modern_block,
    "block_api.get_block_header": _modern_header,
    "block_api.get_block_range": _range,
    "account_history_api.get_ops_in_block": lambda view, given: _in_block(view, given, modern=True),
    "account_history_api.enum_virtual_ops": _enumerated,
    "account_history_api.get_transaction": lambda view, given: _transaction(view, given, modern=True),
    "account_history_api.get_account_history": lambda view, given: _history(view, given, modern=True),
    "account_by_key_api.get_key_references": lambda view, given: {"accounts": _key_references(view, given)},
    "network_broadcast_api.broadcast_transaction": _broadcast,
    "transaction_status_api.find_transaction": _find_transaction,
}
