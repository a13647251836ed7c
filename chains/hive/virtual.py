"""What the chain does by itself (virtual operations), as its account history tells it: filled transfers to us. Pure.

They are in no transaction and no header commits to them. Every block has the reward of its producer among them: where
that is missing or another's, the history is not that of the block.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chains.distrust import Distrusted
from chains.hive import binary
from chains.hive.operations import Operation, opened
from chains.hive.ours import Ours
from chains.hive.parse import MALFORMED, CheckedBlock, received
from chains.port import Block, Payment, PaymentKey

REWARD = "producer_reward"
FILLS = {"fill_recurrent_transfer": "recurrent", "fill_transfer_from_savings": "savings"}
"""Virtual operations that bring liquid money, by their short name, with what their payments are numbered under."""
FILTER = 0x4000 | 0x200 | 0x2_0000_0000
"""`enum_vops_filter` of hived: producer_reward, fill_transfer_from_savings, fill_recurrent_transfer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    """A virtual operation that is of use here."""

    height: int
    place: tuple[int, int]  # transaction, and operation within; the chain's own stand behind all transactions
    time: int
    operation: Operation


def payments_of(
    told: Sequence[Any], blocks: Sequence[CheckedBlock], ours: Ours
) -> Mapping[str, tuple[Payment, ...]] | Distrusted:
    """Return the payments to us among the virtual operations of these blocks, by the block's hash."""
    try:
        by_height: defaultdict[int, list[_Told]] = defaultdict(list)
        for one in _told(told):
            by_height[one.height].append(one)
        payments: dict[str, tuple[Payment, ...]] = {}
        for block in blocks:
            height, found = block.link.height, by_height[block.link.height]
            if not _is_of(block, found):
                return Distrusted(reason=f"the account history does not reach block {height}, or is another block's")
            payments[block.link.hash] = filled([one.operation for one in found], height, ours, block.stands)
    except MALFORMED as error:
        return Distrusted(reason=f"a virtual operation has another shape ({error!r})")
    return payments


def reached(told: Sequence[Any]) -> int | Distrusted:
    """Return the height of the newest block that a history tells of, 0 for none."""
    try:
        return max((one.height for one in _told(told) if one.operation.name == REWARD), default=0)
    except MALFORMED as error:
        return Distrusted(reason=f"a virtual operation has another shape ({error!r})")


def in_order(told: Sequence[Any]) -> list[Operation]:
    """Return the virtual operations that are of use here. Raises one of MALFORMED."""
    return [one.operation for one in _told(told)]


def filled(operations: Sequence[Operation], height: int, ours: Ours, stands: Block | None) -> tuple[Payment, ...]:
    """Return the payments to us among the virtual operations of one block, in their order.

    They are numbered among their kind: v<height> takes the place of a transaction's id. Raises one of MALFORMED.
    """
    counts = dict.fromkeys(FILLS.values(), 0)
    payments: list[Payment] = []
    for operation in operations:
        kind = FILLS.get(operation.name)
        if kind is None:
            continue
        key = PaymentKey(chain=ours.chain, txid=f"v{height}", index=f"{kind}.{counts[kind]}")
        counts[kind] += 1
        payment = received(operation.value, key, ours=ours, stands=stands)
        if payment is not None:
            payments.append(payment)
    return tuple(payments)


def _told(told: Sequence[Any]) -> list[_Told]:
    found = [one for raw in told if (one := _of_use(raw)) is not None]
    return sorted(found, key=lambda one: one.place)


def _of_use(raw: Mapping[str, Any]) -> _Told | None:
    operation = opened(raw["op"])
    if operation is None:
        raise ValueError("no operation")
    if operation.name != REWARD and operation.name not in FILLS:
        return None
    return _Told(
        height=int(raw["block"]),
        place=(int(raw["trx_in_block"]), int(raw["op_in_trx"])),
        time=binary.seconds(raw["timestamp"]),
        operation=operation,
    )


def _is_of(block: CheckedBlock, found: Sequence[_Told]) -> bool:
    """Whether this is the history of the block: its producer was rewarded once, and all happened at its time."""
    producers = [one.operation.value["producer"] for one in found if one.operation.name == REWARD]
    return producers == [block.witness] and all(one.time == block.link.time for one in found)
