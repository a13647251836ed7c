"""Reads an EVM block from files as the source reads it from a node. Pure."""

from collections.abc import Sequence
from typing import Any

from chains.distrust import Distrusted
from chains.evm.ours import Ours
from chains.evm.parse import CheckedBlock, Execution, check_block, check_execution, payments_in, presume_success
from chains.inspection import Given, Inspected
from chains.port import Watch
from config.registry import Chain

WITHOUT_RECEIPTS = "without receipts only native value is seen, and failed transactions cannot be told from others"
"""What came inside contract calls stands in no block: only balances tell of it (`chains.evm.balances`)."""


def inspect(given: Given, chain: Chain, watch: Watch) -> Inspected | Distrusted:
    """Return the payments in the answer of eth_getBlockByNumber, joined with that of eth_getBlockReceipts."""
    if given.block is None:
        return Distrusted(reason="a transaction of an EVM chain proves nothing without its block: give --block")
    ours = Ours.of(watch, chain)
    block = check_block(given.block, recompute=chain.checked_headers)
    if isinstance(block, Distrusted):
        return block
    executions = presume_success(block) if given.receipts is None else _executions(block, given.receipts, ours)
    payments = executions if isinstance(executions, Distrusted) else payments_in(block, executions, ours)
    if isinstance(payments, Distrusted):
        return payments
    return Inspected(
        payments=payments,
        height=block.link.height,
        hash=block.link.hash,
        note=WITHOUT_RECEIPTS if given.receipts is None else None,
    )


def _executions(block: CheckedBlock, receipts: Any, ours: Ours) -> Sequence[Execution] | Distrusted:
    """Join every transaction of the block with its receipt; one without would leave open what came of it."""
    try:
        by_txid = {receipt["transactionHash"]: receipt for receipt in receipts}
        joined = [(transaction["hash"], by_txid.get(transaction["hash"])) for transaction in block.transactions]
    except (KeyError, TypeError) as error:
        return Distrusted(reason=f"these are no receipts of this block ({error!r})")
    executions: list[Execution] = []
    for txid, receipt in joined:
        execution = check_execution(block, txid, receipt, ours)
        if isinstance(execution, Distrusted):
            return execution
        executions.append(execution)
    return executions
