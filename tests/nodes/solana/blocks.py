"""The methods that tell of slots, blocks and hashes."""

from typing import Any

from tests.nodes.solana.encoding import encoding_of, transaction_json
from tests.nodes.solana.ledger import LONGEST_AGE
from tests.nodes.solana.node import INVALID_PARAMS, Node, RpcError, context, options_of

LARGEST_RANGE = 500_000
EPOCH = 432_000


def slot(node: Node, config: Any = None) -> int:
    return node.tip(config).slot


def block_height(node: Node, config: Any = None) -> int:
    return node.tip(config).height


def epoch_info(node: Node, config: Any = None) -> Any:
    block = node.tip(config)
    return {
        "absoluteSlot": block.slot,
        "blockHeight": block.height,
        "epoch": block.slot // EPOCH,
        "slotIndex": block.slot % EPOCH,
        "slotsInEpoch": EPOCH,
        "transactionCount": sum(len(one.landed) for one in node.ledger.blocks if one.slot <= block.slot),
    }


def latest_blockhash(node: Node, config: Any = None) -> Any:
    block = node.tip(config)
    return context(block, {"blockhash": block.hash, "lastValidBlockHeight": block.height + LONGEST_AGE})


def is_blockhash_valid(node: Node, blockhash: str, config: Any = None) -> Any:
    return context(node.tip(config), node.ledger.is_recent(blockhash))


def first_available_block(node: Node) -> int:
    return node.first


def blocks(node: Node, start: int, end: Any = None, config: Any = None) -> list[int]:
    if isinstance(end, dict):
        end, config = None, end
    newest = node.tip(config, least="confirmed").slot
    last = min(newest, start + LARGEST_RANGE if end is None else end)
    if last - start > LARGEST_RANGE:
        raise RpcError(INVALID_PARAMS, f"Slot range too large; max {LARGEST_RANGE}")
    return [one.slot for one in node.ledger.blocks if max(start, node.first) <= one.slot <= last]


def blocks_with_limit(node: Node, start: int, limit: int, config: Any = None) -> list[int]:
    if limit > LARGEST_RANGE:
        raise RpcError(INVALID_PARAMS, f"Limit too large; max {LARGEST_RANGE}")
    return blocks(node, start, None, config)[:limit]


def block_time(node: Node, number: int) -> int:
    return node.block(number, "processed").time


def block(node: Node, number: int, config: Any = None) -> Any:
    options = options_of(config)
    node.tip(options, least="confirmed")
    found = node.block(number, options.get("commitment") or "finalized")
    told: dict[str, Any] = {
        "blockHeight": found.height,
        "blockTime": found.time,
        "blockhash": found.hash,
        "parentSlot": found.parent,
        "previousBlockhash": found.previous,
    }
    if options.get("rewards", True):
        told["rewards"] = []
    details = options.get("transactionDetails") or "full"
    if details == "signatures":
        told["signatures"] = [landed.signature for landed in found.landed]
    elif details == "full":
        encoding = encoding_of(options)
        told["transactions"] = [transaction_json(landed, encoding, options) for landed in found.landed]
    elif details != "none":
        raise RpcError(INVALID_PARAMS, f"Invalid params: unknown variant `{details}`.")
    return told
