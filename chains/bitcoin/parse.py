"""From transactions to payments: what goes to us, from whom, with which texts. Pure; what is no payment is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chains.bitcoin.block import CheckedBlock
from chains.bitcoin.ours import Ours
from chains.bitcoin.script import address_of, carried
from chains.bitcoin.transaction import Transaction
from chains.distrust import Distrusted
from chains.port import Block, Payment, PaymentKey
from chains.position import moment
from memo.carriers import texts_of

MOST = 2**63
"""No chain of the family has as many units."""

Origins = Mapping[str, Sequence[bytes]]
"""By transaction id, the scripts of the outputs that it spends, as far as a node tells them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a transaction's money came from."""

    sender: str | None  # the one address that all inputs share
    internal: bool  # some of it was ours: only our keys could make this transaction


UNKNOWN = Origin(sender=None, internal=False)


def payments_in(block: CheckedBlock, origins: Origins, ours: Ours) -> tuple[Payment, ...] | Distrusted:
    """Return the payments to us in a block, in order of their place in it."""
    stands = Block(height=block.link.height, hash=block.link.hash, time=moment(block.link.time))
    found: list[Payment] = []
    for placed in block.transactions:
        transaction = placed.transaction
        if any(output.amount >= MOST for output in transaction.outputs):
            return Distrusted(reason=f"{transaction.txid} pays more than there is")
        origin = origin_of(origins.get(transaction.txid), ours)
        found += payments_of(transaction, origin, ours, stands)
    return tuple(found)


def payments_of(transaction: Transaction, origin: Origin, ours: Ours, block: Block | None) -> tuple[Payment, ...]:
    """Return the payments to us in a transaction, in order of its outputs; every text in it travels with each."""
    memos = texts_of(data for output in transaction.outputs if (data := carried(output.script)) is not None)
    return tuple(
        Payment(
            key=PaymentKey(chain=ours.chain, txid=transaction.txid, index=str(vout)),
            asset=ours.asset,
            amount=output.amount,
            destination=ours.scripts[output.script],
            sender=origin.sender,
            memos=memos,
            block=block,
            direct=origin.sender is not None,
            internal=origin.internal,
        )
        for vout, output in enumerate(transaction.outputs)
        if output.script in ours.scripts and 0 < output.amount < MOST
    )


def origin_of(spent: Sequence[bytes] | None, ours: Ours) -> Origin:
    """Return where money came from by the scripts it was locked with; None where no node tells."""
    if not spent:
        return UNKNOWN
    shared = spent[0] if len(set(spent)) == 1 else None
    sender = None if shared is None else address_of(shared, ours.prefixes)
    return Origin(sender=sender, internal=any(script in ours.scripts for script in spent))


def paid_times(transaction: Transaction, ours: Ours) -> int:
    """Return how many of its outputs go to us."""
    return sum(output.script in ours.scripts and output.amount > 0 for output in transaction.outputs)
