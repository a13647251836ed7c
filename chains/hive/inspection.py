"""Reads a Hive block, transaction or list of operations from files as the source reads them from a node. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chains.distrust import Distrusted
from chains.hive import digest, virtual
from chains.hive.operations import opened
from chains.hive.ours import Ours
from chains.hive.parse import MALFORMED, UPDATE, check_block, payments_in, received, transfers
from chains.inspection import Given, Inspected
from chains.port import Payment, PaymentKey, Watch
from config.registry import Chain

ONLY_TRANSACTIONS = "recurrent transfers are in no block: give the answer of account_history_api.get_ops_in_block"
ONLY_OPERATIONS = "no header commits to these operations: a node alone vouches for them"


def inspect(given: Given, chain: Chain, watch: Watch) -> Inspected | Distrusted:
    """Return the payments in the answer of get_block, get_transaction or get_ops_in_block, in either spelling."""
    ours = Ours.of(watch, chain)
    block = given.block
    if block is None:
        return _transaction(given.transaction, ours, chain)
    if isinstance(block, list):
        return _operations(block, ours)
    if isinstance(block, dict) and isinstance(block.get("ops"), list):
        return _operations(block["ops"], ours)
    return _block(block, ours, chain)


def _block(raw: Any, ours: Ours, chain: Chain) -> Inspected | Distrusted:
    block = check_block(_bare(raw), recompute=chain.checked_headers)
    if isinstance(block, Distrusted):
        return block
    payments = payments_in(block, ours, recompute=chain.checked_headers)
    if isinstance(payments, Distrusted):
        return payments
    return Inspected(payments=payments, height=block.link.height, hash=block.link.hash, note=ONLY_TRANSACTIONS)


def _bare(raw: Any) -> Any:
    """Return a block without what block_api wraps it in."""
    if isinstance(raw, dict) and isinstance(raw.get("blocks"), list) and len(raw["blocks"]) == 1:
        return raw["blocks"][0]
    return raw.get("block", raw) if isinstance(raw, dict) else raw


def _transaction(raw: Any, ours: Ours, chain: Chain) -> Inspected | Distrusted:
    try:
        txid = raw["transaction_id"]
        if chain.checked_headers and digest.hashed(raw, txid) is None:
            return Distrusted(reason=f"{txid} is not the id of this transaction, or holds what is not known: {UPDATE}")
        return Inspected(payments=tuple(transfers(raw, txid, ours, None)), height=int(raw["block_num"]))
    except MALFORMED as error:
        return Distrusted(reason=f"this is no transaction as get_transaction tells it ({error!r})")


def _operations(raw: Sequence[Any], ours: Ours) -> Inspected | Distrusted:
    try:
        heights = {int(one["block"]) for one in raw}
        if len(heights) != 1:
            return Distrusted(reason="these are not the operations of one block")
        [height] = heights
        payments = (*_sent(raw, ours), *virtual.filled(virtual.in_order(raw), height, ours, None))
    except MALFORMED as error:
        return Distrusted(reason=f"these are no operations as get_ops_in_block tells them ({error!r})")
    return Inspected(payments=payments, height=height, note=ONLY_OPERATIONS)


def _sent(raw: Sequence[Mapping[str, Any]], ours: Ours) -> Iterator[Payment]:
    """Yield the transfers in transactions."""
    for one in raw:
        operation = opened(one["op"])
        if operation is not None and operation.name == "transfer":
            key = PaymentKey(chain=ours.chain, txid=str(one["trx_id"]), index=str(int(one["op_in_trx"])))
            payment = received(operation.value, key, ours=ours, stands=None)
            if payment is not None:
                yield payment
