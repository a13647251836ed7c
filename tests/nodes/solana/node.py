"""One endpoint before the ledger: what it has seen of the chain, and how it refuses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from solders.signature import Signature

from tests.nodes.solana.ledger import Block, Ledger

VERSION = "2.3.0"
LEVELS = ("processed", "confirmed", "finalized")

INVALID_PARAMS, METHOD_NOT_FOUND = -32602, -32601
CLEANED_UP, PREFLIGHT, BAD_SIGNATURE, NOT_AVAILABLE = -32001, -32002, -32003, -32004
SKIPPED, UNSUPPORTED_VERSION, NOT_REACHED = -32007, -32015, -32016


Twist = Callable[[str, Sequence[Any], Any], Any]
"""Makes of (method, parameters, true result) the result that is told; it may raise RpcError."""


def truth(_method: str, _params: Sequence[Any], result: Any) -> Any:
    """Lie about nothing."""
    return result


class RpcError(Exception):
    """A JSON-RPC error as the answer."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        self.error = {"code": code, "message": message} | ({} if data is None else {"data": data})
        super().__init__(message)


@dataclass(slots=True, eq=False)
class Node:
    """One endpoint of the cluster; several may stand before one ledger, each with what it has not seen yet."""

    ledger: Ledger
    lag: int = 0  # so many of the newest blocks are unknown here
    first: int = 0  # slots below were cleaned up here
    twist: Twist = truth  # what is told instead of the truth
    dead: bool = False  # breaks every connection
    garbage: bytes | None = None  # this instead of any answer
    status: int = 200  # of every HTTP answer
    most_calls: int | None = None  # larger batches are refused
    asked: list[str] = field(default_factory=list)  # methods, in order
    requests: int = 0  # HTTP requests
    airdrops: int = 0

    def newest(self, commitment: str) -> Block:
        """Return the newest block at a commitment level, as far as this endpoint has seen."""
        return self.ledger.newest(commitment, self.lag)

    def tip(self, config: Any, *, least: str = "processed") -> Block:
        """Return the newest block at the commitment that a call's options ask for."""
        options = config if isinstance(config, Mapping) else {}
        commitment = options.get("commitment") or "finalized"
        if commitment not in LEVELS:
            raise RpcError(INVALID_PARAMS, f"Invalid params: unknown variant `{commitment}`.")
        if LEVELS.index(commitment) < LEVELS.index(least):
            raise RpcError(INVALID_PARAMS, f"Method does not support commitment below `{least}`")
        block = self.newest(commitment)
        if block.slot < (options.get("minContextSlot") or 0):
            raise RpcError(NOT_REACHED, "Minimum context slot has not been reached", {"contextSlot": block.slot})
        return block

    def block(self, slot: int, commitment: str) -> Block:
        """Return the block in a slot, or refuse as a real node does."""
        if not isinstance(slot, int) or slot < 0:
            raise RpcError(INVALID_PARAMS, "Invalid params: invalid type, expected u64.")
        if slot < self.first:
            text = f"Block {slot} cleaned up, does not exist on node. First available block: {self.first}"
            raise RpcError(CLEANED_UP, text)
        block = self.ledger.at(slot)
        final = self.newest("finalized").slot
        if slot > self.newest(commitment).slot or (block is None and slot > final):
            raise RpcError(NOT_AVAILABLE, f"Block not available for slot {slot}")
        if block is None:
            raise RpcError(SKIPPED, f"Slot {slot} was skipped, or missing due to ledger jump to recent snapshot")
        return block

    def place(self, signature: str, newest: Block) -> tuple[Block, int] | None:
        """Return where a transaction stands, if this endpoint has it at or below a block."""
        Signature.from_string(signature)
        found = self.ledger.find(signature)
        return found if found is not None and self.first <= found[0].slot <= newest.slot else None

    def level(self, block: Block) -> str:
        """Return a block's commitment level."""
        return next((level for level in reversed(LEVELS) if block.slot <= self.newest(level).slot), LEVELS[0])


def options_of(config: Any) -> dict[str, Any]:
    """Return a call's options; the older form of some calls is the encoding alone."""
    return {"encoding": config} if isinstance(config, str) else dict(config or {})


def context(block: Block, value: Any) -> dict[str, Any]:
    """Return an answer with the slot it holds for."""
    return {"context": {"apiVersion": VERSION, "slot": block.slot}, "value": value}
