"""What only tests and the demo may ask of a node: to produce, to fork, to make accounts. Served where it is steered."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chains.hive.amounts import parse
from tests.nodes.hive.wallet import ROLES

if TYPE_CHECKING:
    from tests.nodes.hive.server import Node


def _account(node: "Node", given: Mapping[str, Any]) -> dict[str, Any]:
    """Make an account that was always there, or give one more money. `password` makes its keys, as wallets do it."""
    amounts = {key: parse(given.get(key, f"0.000 {key.upper()}")) for key in ("hive", "hbd")}
    units = {key: 0 if amount is None else amount.units for key, amount in amounts.items()}
    keys = node.chain.account(given["name"], password=given.get("password"), **units)
    return {
        "name": keys.name,
        "private": {role: keys.wif(role) for role in ROLES},
        "public": {role: keys.public(role, node.chain.prefix) for role in ROLES},
    }


def _mine(node: "Node", given: Mapping[str, Any]) -> dict[str, Any]:
    node.chain.mine(int(given.get("blocks", 1)))
    return _state(node, given)


def _reorg(node: "Node", given: Mapping[str, Any]) -> dict[str, Any]:
    node.chain.reorg(int(given["depth"]), keep=bool(given.get("keep")))
    return _state(node, given)


def _lag(node: "Node", given: Mapping[str, Any]) -> dict[str, Any]:
    node.lag = int(given["blocks"])
    return _state(node, given)


def _drop(node: "Node", given: Mapping[str, Any]) -> dict[str, Any]:
    node.without = set(given["apis"])
    return _state(node, given)


def _clock(node: "Node", given: Mapping[str, Any]) -> dict[str, Any]:
    node.chain.set_clock(datetime.fromisoformat(given["time"]).replace(tzinfo=UTC))
    return _state(node, given)


def _irreversible(node: "Node", given: Mapping[str, Any]) -> dict[str, Any]:
    node.chain.irreversible_after = int(given["blocks"])
    return _state(node, given)


def _transfer(node: "Node", given: Mapping[str, Any]) -> dict[str, Any]:
    """Sign and broadcast a transfer for an account made here."""
    value = {name: given[name] for name in ("from", "to", "amount")} | {"memo": given.get("memo", "")}
    return {"id": node.chain.send(given["from"], ["transfer", value])}


def _state(node: "Node", _given: Mapping[str, Any]) -> dict[str, Any]:
    head = node.chain.head
    return {"head": head.number, "irreversible": head.irreversible, "id": head.identity, "pool": len(node.chain.pool)}


CONTROLS: dict[str, Callable[["Node", Mapping[str, Any]], dict[str, Any]]] = {
    "emulator_account": _account,  # {name, password?, hive?: "1.000 HIVE", hbd?: "1.000 HBD"}
    "emulator_mine": _mine,  # {blocks?}
    "emulator_reorg": _reorg,  # {depth, keep?}: `keep` lets the lost transactions wait again
    "emulator_lag": _lag,  # {blocks}
    "emulator_drop": _drop,  # {apis: [...]}: plugins that are missing from now on
    "emulator_clock": _clock,  # {time}: of the next block, UTC
    "emulator_irreversible": _irreversible,  # {blocks}: on top of one until it is irreversible
    "emulator_transfer": _transfer,  # {from, to, amount, memo?}
    "emulator_state": _state,
}
"""By method; parameters by name."""
