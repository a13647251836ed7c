"""What `usher inspect` hands to a family and gets back: a node's answers, and the payments in them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chains.port import Payment


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """Answers of a node, decoded from JSON, without their JSON-RPC envelope. One of the first two is there."""

    block: Any = None
    transaction: Any = None
    receipts: Any = None  # EVM


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspected:
    """What would be seen."""

    payments: Sequence[Payment]
    height: int | None = None  # None: the answer does not say
    hash: str | None = None  # of the block
    note: str | None = None  # what could not be seen in these answers
