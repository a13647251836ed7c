"""From a node's raw answers to payments: nothing is believed unchecked, nothing foreign is looked into. Pure.

A block's header must have the id it claims, and each transaction that pays us the id it is listed under; where all of
the block's transactions can be written, they must have the root that the header commits to. Not payments: movements
into savings, powering up, escrows, zero, assets that are not on the list.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chains.blocks import Link
from chains.distrust import Distrusted
from chains.hive import amounts, binary, digest, memo
from chains.hive.operations import opened
from chains.hive.ours import Ours
from chains.port import Block, Payment, PaymentKey
from chains.position import moment
from memo.carriers import text_of

MALFORMED = digest.SHAPES
"""What looking into an answer of another shape raises."""
LATEST = 2**32 - 1
"""Seconds since 1970 that a block can carry."""
UPDATE = "update, or see checked_headers"

_TRANSFER = frozenset({"transfer", "transfer_operation"})
_TXID = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedBlock:
    """A block whose header has the id it claims. Only `check_block` makes one."""

    link: Link
    witness: str
    root: str
    transactions: Sequence[Mapping[str, Any]]
    txids: Sequence[str]

    @property
    def stands(self) -> Block:
        """Where it stands on its chain."""
        return Block(height=self.link.height, hash=self.link.hash, time=moment(self.link.time))


def check_block(raw: Any, *, height: int | None = None, recompute: bool = True) -> CheckedBlock | Distrusted:
    """Check a block's height and, unless the registry says otherwise, its id; and that no transaction was left out."""
    if not isinstance(raw, dict):
        return Distrusted(reason=f"no block {'' if height is None else height}")
    try:
        link = Link(
            height=digest.height_of(raw["previous"]) + 1,
            hash=raw["block_id"],
            parent=raw["previous"],
            time=binary.seconds(raw["timestamp"]),
        )
        block = CheckedBlock(
            link=link,
            witness=raw["witness"],
            root=raw["transaction_merkle_root"],
            transactions=raw["transactions"],
            txids=raw["transaction_ids"],
        )
        reason = _misplaced(link, height) or _incomplete(block) or (_wrong_id(raw, link) if recompute else None)
    except MALFORMED as error:
        return Distrusted(reason=f"a block without a proper header ({error!r})")
    return block if reason is None else Distrusted(reason=reason)


def payments_in(block: CheckedBlock, ours: Ours, *, recompute: bool = True) -> tuple[Payment, ...] | Distrusted:
    """Return the transfers to us in a block's transactions, in order."""
    try:
        paying = [place for place, one in enumerate(block.transactions) if _pays(one, ours)]
        if not paying:
            return ()
        if not all(_TXID.fullmatch(block.txids[place]) for place in paying):
            return Distrusted(reason=f"a transaction in block {block.link.height} has no id")
        if recompute and (reason := _unproved(block, paying)):
            return Distrusted(reason=reason)
        return tuple(
            payment
            for place in paying
            for payment in transfers(block.transactions[place], block.txids[place], ours, block.stands)
        )
    except MALFORMED as error:
        return Distrusted(reason=f"a transaction in block {block.link.height} has another shape ({error!r})")


def transfers(transaction: Mapping[str, Any], txid: str, ours: Ours, stands: Block | None) -> Iterator[Payment]:
    """Yield a transaction's transfers to us. Raises one of MALFORMED where it has another shape."""
    for place, raw in enumerate(transaction["operations"]):
        operation = opened(raw)
        if operation is None or operation.name != "transfer":
            continue
        payment = received(
            operation.value, PaymentKey(chain=ours.chain, txid=txid, index=str(place)), ours=ours, stands=stands
        )
        if payment is not None:
            yield payment


def received(value: Mapping[str, Any], key: PaymentKey, *, ours: Ours, stands: Block | None) -> Payment | None:
    """Return what an operation with `from`, `to`, `amount` and `memo` brought us, if anything.

    Raises one of MALFORMED where one that is to us has another shape.
    """
    if value["to"] not in ours.watch:
        return None
    amount = amounts.parse(value["amount"])
    if amount is None:
        raise ValueError("an amount has another shape")
    asset = ours.assets.get(amount.nai)
    if asset is None or not amount.units:
        return None
    sender, text = value["from"], value["memo"]
    if not isinstance(sender, str) or not isinstance(text, str):
        raise TypeError("no text")
    if not sender.isascii():
        raise ValueError("no account's name")
    return Payment(
        key=key,
        asset=asset,
        amount=amount.units,
        destination=value["to"],
        sender=sender,
        memos=_memos(text, ours),
        block=stands,
        internal=sender in ours.watch,
    )


def _memos(text: str, ours: Ours) -> tuple[str, ...]:
    """Return what a memo says: decrypted where our key can, else as it stands."""
    read = None if ours.memo_key is None else memo.read(text, ours.memo_key)
    if read is not None:
        return read
    plain = text_of(text.encode())
    return () if plain is None else (plain,)


def _pays(transaction: Mapping[str, Any], ours: Ours) -> bool:
    """Whether one of its operations is a transfer to us: nearly every block's whole cost."""
    for raw in transaction["operations"]:
        kind, value = (raw["type"], raw["value"]) if isinstance(raw, dict) else raw
        if kind in _TRANSFER and value["to"] in ours.watch:
            return True
    return False


def _misplaced(link: Link, height: int | None) -> str | None:
    if digest.height_of(link.hash) != link.height or (height is not None and link.height != height):
        return f"block {link.height} for block {link.hash if height is None else height}"
    return None if 0 <= link.time <= LATEST else f"block {link.height} comes from no time that a block can carry"


def _incomplete(block: CheckedBlock) -> str | None:
    if not isinstance(block.witness, str) or not all(isinstance(txid, str) for txid in block.txids):
        return f"block {block.link.height} has another shape"
    empty = len(block.transactions) == 0
    if len(block.transactions) != len(block.txids) or empty is not (block.root == digest.NO_TRANSACTIONS):
        return f"block {block.link.height} comes without some of its transactions"
    return None


def _wrong_id(raw: Mapping[str, Any], link: Link) -> str | None:
    identity = digest.block_id(raw)
    if identity is None:
        return f"the header of block {link.height} holds what is not known here: {UPDATE}"
    return None if identity == link.hash else f"block {link.height} does not hash to {link.hash}"


def _unproved(block: CheckedBlock, paying: Sequence[int]) -> str | None:
    """Return why a block's transactions that pay us are not believed to be in it; None where they are.

    The root is known only where every transaction can be written: an operation that a later hardfork brought, in a
    transaction of somebody else's, leaves it open.
    """
    hashed = [digest.hashed(one, txid) for one, txid in zip(block.transactions, block.txids, strict=True)]
    for place in paying:
        if hashed[place] is None:
            return f"{block.txids[place]} is not the id of that transaction, or holds what is not known here: {UPDATE}"
    leaves = [one.leaf for one in hashed if one is not None]
    if len(leaves) == len(hashed) and digest.merkle_root(leaves) != block.root:
        return f"block {block.link.height} does not commit to its transactions"
    return None
