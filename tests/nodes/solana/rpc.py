"""The node's methods by name; those called `emulator_…` are the test's own. What is missing is refused."""

from collections.abc import Callable, Sequence
from typing import Any

from solders.errors import SerdeJSONError

from tests.nodes.solana import accounts, blocks, transactions
from tests.nodes.solana.ledger import GENESIS
from tests.nodes.solana.node import INVALID_PARAMS, METHOD_NOT_FOUND, VERSION, Node, RpcError


def answer(node: Node, method: str, params: Sequence[Any]) -> Any:
    """Return a method's result. Raises RpcError."""
    node.asked.append(method)
    work = METHODS.get(method)
    if work is None:
        raise RpcError(METHOD_NOT_FOUND, "Method not found")
    try:
        return node.twist(method, params, work(node, *params))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, SerdeJSONError) as error:
        raise RpcError(INVALID_PARAMS, f"Invalid params: {error}") from error


def _mine(node: Node, count: int = 1) -> int:
    node.ledger.mine(count)
    return node.ledger.tip.slot


def _fork(node: Node, depth: int = 1, *keep: bool) -> int:
    node.ledger.fork(depth, keep=any(keep))
    return node.ledger.tip.slot


def _lag(node: Node, count: int = 0) -> None:
    node.lag = count


def _clean_up(node: Node, below: int = 0) -> None:
    node.first = below


METHODS: dict[str, Callable[..., Any]] = {
    "getSlot": blocks.slot,
    "getBlockHeight": blocks.block_height,
    "getEpochInfo": blocks.epoch_info,
    "getGenesisHash": lambda _node: GENESIS,
    "getVersion": lambda _node: {"feature-set": 3640012085, "solana-core": VERSION},
    "getHealth": lambda _node: "ok",
    "getIdentity": lambda node: {"identity": str(node.ledger.faucet.pubkey())},
    "getLatestBlockhash": blocks.latest_blockhash,
    "isBlockhashValid": blocks.is_blockhash_valid,
    "getFirstAvailableBlock": blocks.first_available_block,
    "minimumLedgerSlot": blocks.first_available_block,
    "getBlocks": blocks.blocks,
    "getBlocksWithLimit": blocks.blocks_with_limit,
    "getBlockTime": blocks.block_time,
    "getBlock": blocks.block,
    "getTransactionCount": lambda node, *config: blocks.epoch_info(node, *config)["transactionCount"],
    "getRecentPrioritizationFees": lambda _node, *_accounts: [],
    "getSignaturesForAddress": transactions.signatures_for_address,
    "getTransaction": transactions.transaction,
    "getSignatureStatuses": transactions.signature_statuses,
    "sendTransaction": transactions.send,
    "simulateTransaction": transactions.simulate,
    "getFeeForMessage": transactions.fee_for_message,
    "requestAirdrop": transactions.airdrop,
    "getBalance": accounts.balance,
    "getAccountInfo": accounts.account_info,
    "getMultipleAccounts": accounts.multiple_accounts,
    "getTokenAccountsByOwner": accounts.token_accounts_by_owner,
    "getTokenAccountBalance": accounts.token_account_balance,
    "getMinimumBalanceForRentExemption": accounts.rent,
    "emulator_mine": _mine,
    "emulator_skip": lambda node, slots=1: node.ledger.skip(slots),
    "emulator_fork": _fork,
    "emulator_lag": _lag,
    "emulator_cleanUp": _clean_up,
    "emulator_passTime": lambda node, seconds: node.ledger.pass_time(seconds),
}
