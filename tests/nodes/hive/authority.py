"""Whether a transaction's signatures reach the authorities that its operations take. As hived decides it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from chains.hive import digest
from chains.hive.binary import Form
from chains.hive.keys import public_key
from chains.hive.operations import Operation
from tests.nodes.hive import wallet
from tests.nodes.hive.execute import required
from tests.nodes.hive.state import Account, Refused, State

DEPTH = 2
"""How far authority is borrowed from account to account (HIVE_MAX_SIG_CHECK_DEPTH)."""
_ALSO = {"posting": ("posting", "active", "owner"), "active": ("active", "owner"), "owner": ("owner",)}


def signers(transaction: Mapping[str, Any], chain_id: bytes, form: Form) -> frozenset[bytes]:
    """Return the keys that signed a transaction in this form. Raises Refused where a signature is none."""
    body = digest.unsigned(transaction, form)
    if body is None:
        raise Refused("the transaction cannot be serialised", "Bad Cast")
    keys = [wallet.recover(chain_id + body, signature) for signature in transaction["signatures"]]
    known = frozenset(key for key in keys if key is not None)
    if None in keys:
        raise Refused("signature is not canonical")
    if len(known) < len(keys):
        raise Refused("Duplicate Signature detected", "duplicate signature included")
    return known


def check(state: State, operations: Sequence[Operation], keys: frozenset[bytes]) -> None:
    """Raise Refused unless these keys reach what is required, and none of them is too many."""
    used: set[bytes] = set()
    for operation in operations:
        role, names = required(operation)
        for name in sorted(names):
            found = next(
                (with_ for one in _ALSO[role] if (with_ := _reached(state, name, one, keys, 0)) is not None), None
            )
            if found is None:
                raise Refused(f"Missing {role.capitalize()} Authority {name}", f"missing required {role} authority")
            used |= found
    if used != keys:
        raise Refused("Unnecessary signature(s) detected", "irrelevant signature included")


def _reached(state: State, name: str, role: str, keys: Collection[bytes], depth: int) -> set[bytes] | None:
    """Return the keys that reach an account's authority; None where they do not."""
    account: Account | None = state.accounts.get(name)
    if account is None:
        raise Refused(f"Account {name} doesn't exist")
    authority = {"owner": account.owner, "active": account.active, "posting": account.posting}[role]
    weight, used = 0, set[bytes]()
    for text, share in authority.key_auths:
        key = public_key(text)
        if key in keys:
            assert key is not None
            weight, used = weight + share, used | {key}
    for other, share in authority.account_auths:
        if weight < authority.weight_threshold and depth < DEPTH and other in state.accounts:
            borrowed = _reached(state, other, "posting" if role == "posting" else "active", keys, depth + 1)
            if borrowed is not None:
                weight, used = weight + share, used | borrowed
    return used if weight >= authority.weight_threshold else None
