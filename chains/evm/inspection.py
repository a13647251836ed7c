"""Reads an EVM block, or one transaction, from files as the source reads them from a node. Pure."""

from collections.abc import Sequence
from typing import Any

from chains.distrust import Distrusted
from chains.evm.ours import Ours
from chains.evm.parse import (
    CheckedBlock,
    Execution,
    check_block,
    check_execution,
    payments_alone,
    payments_in,
    presume_success,
)
from chains.inspection import Given, Inspected
from chains.port import Watch
from config.registry import Chain

WITHOUT_RECEIPTS = "without receipts only native value is seen, and failed transactions cannot be told from others"
"""What came inside contract calls stands in no block: only balances tell of it (`chains.evm.balances`)."""

ALONE = "a transaction without its block: nothing shows that it stands on the chain"


def inspect(given: Given, chain: Chain, watch: Watch) -> Inspected | Distrusted:
    """Return the payments in a block, joined with the answer of eth_getBlockReceipts, or in one transaction alone."""
    ours = Ours.of(watch, chain)
    if given.block is None:
        return _transaction(given.transaction, given.receipts, ours)
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


def _transaction(transaction: Any, receipt: Any, ours: Ours) -> Inspected | Distrusted:
    payments = payments_alone(transaction, receipt, ours)
    if isinstance(payments, Distrusted):
        return payments
    return Inspected(payments=payments, note=ALONE if receipt is not None else f"{ALONE}; {WITHOUT_RECEIPTS}")


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
