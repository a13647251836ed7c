"""From a node's raw answers to payments: nothing is believed unchecked, nothing foreign is looked into. Pure.

`check_block` and `check_execution` alone make the values that `payments_in` takes. Not payments: failed transactions,
contract creations, zero values, tokens that are not on the list, logs of another shape.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass
from operator import itemgetter
from typing import Any

from chains.blocks import Link
from chains.distrust import Distrusted
from chains.evm.erc20 import transfer_in
from chains.evm.fields import MALFORMED, digest, quantity, spelled
from chains.evm.header import NO_TRANSACTIONS, bloom_mask, bloom_of, hashes_to, unknown_fields
from chains.evm.ours import Ours
from chains.port import Block, Payment, PaymentKey
from chains.position import moment
from memo.carriers import text_of

TRANSFER_CALL = "0xa9059cbb"
"""The selector of `transfer(address,uint256)`; a memo follows its 4 + 32 + 32 bytes."""
MEMO_AT = 2 + 2 * 68
NATIVE_INDEX = "v"
NOBODY = "0x" + "00" * 20
"""The sender of what the chain itself does."""
NOTHING = "0x0"
LATEST = 2**34
"""Seconds since 1970 that no honest block carries: the year 2514."""
_SEAL = object()
_TO, _FROM = itemgetter("to"), itemgetter("from")


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedBlock:
    """A block whose header has the hash it claims. Only `check_block` makes one."""

    link: Link
    bloom: int
    transactions: Sequence[Mapping[str, Any]]
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        _require(seal)


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """A transaction of a checked block with what came of it. Only `check_execution` and `presume_success` make one."""

    transaction: Mapping[str, Any]
    place: int  # within the block
    succeeded: bool
    logs: Sequence[Mapping[str, Any]]
    fee: int = 0  # wei; only told of our own
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        _require(seal)


def check_header(raw: Any, *, height: int | None = None, recompute: bool = True) -> Link | Distrusted:
    """Check a header's height and, unless the registry says otherwise, its hash."""
    if not isinstance(raw, dict):
        return Distrusted(reason=f"no block {'' if height is None else height}")
    try:
        link = Link(
            height=quantity(raw["number"]),
            hash=digest(raw["hash"]),
            parent=digest(raw["parentHash"]),
            time=quantity(raw["timestamp"]),
        )
        if link.time > LATEST:
            return Distrusted(reason=f"block {link.height} comes from a far future")
        if height is not None and link.height != height:
            return Distrusted(reason=f"block {link.height} for block {height}")
        if recompute and not hashes_to(raw, link.hash):
            unknown = ", ".join(unknown_fields(raw))
            hint = f"; its fields {unknown} are not known here: update, or see checked_headers" if unknown else ""
            return Distrusted(reason=f"block {link.height} does not hash to {link.hash}{hint}")
    except MALFORMED as error:
        return Distrusted(reason=f"a block without a proper header ({error!r})")
    return link


def check_block(raw: Any, *, height: int | None = None, recompute: bool = True) -> CheckedBlock | Distrusted:
    """Check a block with whole transactions: its header, and that no transaction was left out in the middle or all."""
    link = check_header(raw, height=height, recompute=recompute)
    if isinstance(link, Distrusted):
        return link
    try:
        transactions = raw["transactions"]
        if raw["transactionsRoot"] == NO_TRANSACTIONS:
            if not all(_uncommitted(transaction) for transaction in transactions):
                return Distrusted(reason=f"block {link.height} comes with transactions that it denies")
        elif not transactions:
            return Distrusted(reason=f"block {link.height} comes without its transactions")
        if transactions and quantity(transactions[-1]["transactionIndex"]) != len(transactions) - 1:
            return Distrusted(reason=f"block {link.height} comes without some of its transactions")
        return CheckedBlock(link=link, bloom=bloom_of(raw), transactions=transactions, seal=_SEAL)
    except MALFORMED as error:
        return Distrusted(reason=f"block {link.height} has another shape ({error!r})")


def native_candidates(block: CheckedBlock, ours: Ours) -> list[str] | Distrusted:
    """Return the hashes of the transactions that send us value, if they succeeded, and of our own."""
    if _surely_foreign(block, ours):
        return []
    addresses = ours.addresses
    try:
        return [
            digest(transaction["hash"])
            for transaction in block.transactions
            if transaction["from"].lower() in addresses
            or (
                (to := transaction.get("to")) is not None and to.lower() in addresses and quantity(transaction["value"])
            )
        ]
    except MALFORMED as error:
        return Distrusted(reason=f"a transaction in block {block.link.height} has another shape ({error!r})")


def _surely_foreign(block: CheckedBlock, ours: Ours) -> bool:
    """Whether no receiver and no sender is ours, at two glances: nearly every block's whole cost."""
    try:
        foreign = ours.receivers.isdisjoint
        return foreign(map(_TO, block.transactions)) and foreign(map(_FROM, block.transactions))
    except (KeyError, TypeError):  # creations without `to`, or another shape: to be looked at one by one
        return False


def token_candidates(block: CheckedBlock, logs: Sequence[Any], ours: Ours) -> list[tuple[str, str]] | Distrusted:
    """Return the transactions that hold transfers to us, going by the block's `eth_getLogs`: (hash, destination)."""
    try:
        if any(log["blockHash"] != block.link.hash for log in logs):
            return Distrusted(reason=f"logs of another block {block.link.height}")
        return [
            (digest(log["transactionHash"]), transfer.destination)
            for log in logs
            if (transfer := transfer_in(log, ours)) is not None
        ]
    except MALFORMED as error:
        return Distrusted(reason=f"a log in block {block.link.height} has another shape ({error!r})")


def check_execution(block: CheckedBlock, txid: str, receipt: Any, ours: Ours) -> Execution | Distrusted:
    """Join a transaction of the block with its receipt; our logs in it must be in the block's bloom."""
    if not isinstance(receipt, dict):
        return Distrusted(reason=f"no receipt of {txid}")
    try:
        place = quantity(receipt["transactionIndex"])
        if receipt["blockHash"] != block.link.hash or receipt["transactionHash"] != txid:
            return Distrusted(reason=f"the receipt of {txid} is another one's")
        transaction = block.transactions[place]
        if transaction["hash"] != txid:
            return Distrusted(reason=f"{txid} is not in block {block.link.height}")
        logs = receipt["logs"]
        if not all(_in_bloom(log, block.bloom) for log in logs if transfer_in(log, ours) is not None):
            if not _uncommitted(transaction):
                return Distrusted(reason=f"block {block.link.height} denies the logs of {txid}")
            logs = ()  # nobody can prove them
        succeeded = quantity(receipt["status"]) == 1  # EIP-658
        fee = _fee(transaction, receipt) if transaction["from"].lower() in ours.addresses else 0
        return Execution(transaction=transaction, place=place, succeeded=succeeded, logs=logs, fee=fee, seal=_SEAL)
    except MALFORMED as error:
        return Distrusted(reason=f"the receipt of {txid} has another shape ({error!r})")


def presume_success(block: CheckedBlock) -> tuple[Execution, ...]:
    """Return every transaction as if it had succeeded without logs: to look at a block, never to take its money."""
    return tuple(
        Execution(transaction=transaction, place=place, succeeded=True, logs=(), seal=_SEAL)
        for place, transaction in enumerate(block.transactions)
    )


def payments_in(block: CheckedBlock, executions: Sequence[Execution], ours: Ours) -> tuple[Payment, ...] | Distrusted:
    """Return the payments to us in order of their place in the block."""
    if not executions:
        return ()
    stands = Block(height=block.link.height, hash=block.link.hash, time=moment(block.link.time))
    try:
        return tuple(
            payment
            for execution in sorted(executions, key=lambda execution: execution.place)
            if execution.succeeded
            for payment in _payments_of(execution, stands, ours)
        )
    except MALFORMED as error:
        return Distrusted(reason=f"a transaction in block {block.link.height} has another shape ({error!r})")


def payments_alone(transaction: Any, receipt: Any, ours: Ours) -> tuple[Payment, ...] | Distrusted:
    """Return what a transaction pays us by itself, in no block: to look at it, never to take its money.

    Without a receipt (None) it counts as successful and has no logs.
    """
    try:
        txid = digest(transaction["hash"])
        if receipt is not None and receipt["transactionHash"] != txid:
            return Distrusted(reason=f"the receipt of {txid} is another one's")
        succeeded = receipt is None or quantity(receipt["status"]) == 1  # EIP-658
        logs = () if receipt is None else receipt["logs"]
        execution = Execution(transaction=transaction, place=0, succeeded=succeeded, logs=logs, seal=_SEAL)
        return tuple(_payments_of(execution, None, ours)) if succeeded else ()
    except MALFORMED as error:
        return Distrusted(reason=f"the transaction or its receipt has another shape ({error!r})")


def spent_in(
    block: CheckedBlock, executions: Sequence[Execution], ours: Ours
) -> tuple[tuple[str, int], ...] | Distrusted:
    """Return what left our addresses (lower case) by their own transactions: value and fees, in wei."""
    spent: Counter[str] = Counter()
    try:
        for execution in executions:
            if (sender := execution.transaction["from"].lower()) in ours.addresses:
                value = quantity(execution.transaction["value"]) if execution.succeeded else 0
                spent[sender] += value + execution.fee
    except MALFORMED as error:
        return Distrusted(reason=f"a transaction in block {block.link.height} has another shape ({error!r})")
    return tuple(sorted(spent.items()))


def _fee(transaction: Mapping[str, Any], receipt: Mapping[str, Any]) -> int:
    """Return what a transaction cost (EIP-1559; EIP-4844 for blobs); nodes of old tell no effective price."""
    price = receipt.get("effectiveGasPrice") or transaction["gasPrice"]
    blobs = quantity(receipt.get("blobGasUsed") or NOTHING) * quantity(receipt.get("blobGasPrice") or NOTHING)
    return quantity(receipt["gasUsed"]) * quantity(price) + blobs


def _payments_of(execution: Execution, stands: Block | None, ours: Ours) -> Iterator[Payment]:
    transaction = execution.transaction
    to, sender, calldata = transaction.get("to"), transaction["from"].lower(), transaction["input"]
    own = sender in ours.addresses
    value = quantity(transaction["value"])
    if to is not None and to.lower() in ours.addresses and value:
        yield Payment(
            key=PaymentKey(chain=ours.chain, txid=transaction["hash"], index=NATIVE_INDEX),
            asset=ours.native.id,
            amount=value,
            destination=ours.addresses[to.lower()],
            sender=spelled(sender),
            memos=_memo(calldata[2:]),
            block=stands,
            internal=own,
        )
    for ordinal, log in enumerate(execution.logs):
        if (transfer := transfer_in(log, ours)) is None:
            continue
        contract = log["address"].lower()
        calls_token = to is not None and to.lower() == contract and calldata.startswith(TRANSFER_CALL)
        yield Payment(
            key=PaymentKey(chain=ours.chain, txid=transaction["hash"], index=str(ordinal)),
            asset=ours.tokens[contract],
            amount=transfer.amount,
            destination=ours.addresses[transfer.destination],
            sender=spelled(transfer.sender),
            memos=_memo(calldata[MEMO_AT:]) if calls_token else (),
            block=stands,
            internal=own or transfer.sender in ours.addresses,
        )


def _uncommitted(transaction: Mapping[str, Any]) -> bool:
    """Whether this may be a state-sync of Polygon, to which its headers did not commit before PIP-74."""
    sender: str = transaction["from"]
    return sender == NOBODY


def _in_bloom(log: Mapping[str, Any], bloom: int) -> bool:
    mask = bloom_mask(*(bytes.fromhex(item[2:]) for item in (log["address"], *log["topics"])))
    return bloom & mask == mask


def _memo(digits: str) -> tuple[str, ...]:
    text = text_of(bytes.fromhex(digits)) if digits else None
    return () if text is None else (text,)


def _require(seal: object) -> None:
    if seal is not _SEAL:
        raise TypeError("checked values are made by checking: check_block, check_execution")
