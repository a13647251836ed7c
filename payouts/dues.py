"""What is owed back, part by part, once it is final. Sending it is not this module's work."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select

from payouts import bookings
from payouts.journal import Posting
from payouts.schema import dues
from tickets.reasons import Reason


class DueState(StrEnum):
    """How far a due has come; money out adds its own states."""

    DUE = "due"
    DUST = "dust"  # worth less than sending it


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """One part of one payment that goes back."""

    payment_id: str
    part: int  # from 1: a payment may owe its rest, and later all of it
    asset: str  # CAIP-19
    amount: int  # smallest unit
    reason: Reason
    event_id: int | None
    order_id: str | None
    state: DueState
    recipient: str | None  # CAIP-10; None: somebody has to be asked
    at: datetime


def recipient(
    *, chain: str, sender: str | None, memo_wallet: str | None, memo_signed: bool, ticket_wallets: Collection[str]
) -> str | None:
    """Return the account (CAIP-10) that a refund may go to without asking anybody, or None (DESIGN section 5).

    The sender, where it is the wallet of the memo or one the tickets were for: exchanges and contracts send from
    addresses that are nobody's. Else the memo's wallet, but only if this very account, chain included, has signed for
    an order of its own (`memo_signed`): a contract wallet lives on the chains where it was made, and what comes to its
    address on another one is lost.
    """
    source = f"{chain}:{sender}"
    if sender is not None and (source == memo_wallet or source in ticket_wallets):
        return source
    return memo_wallet if memo_signed else None


def posting(due: Due) -> Posting | None:
    """Return what a due adds to the journal; None where the payment's receipt has booked it as owed already."""
    if due.order_id is None and due.state is DueState.DUE:
        return None
    return bookings.owed(
        payment_id=due.payment_id,
        part=due.part,
        asset=due.asset,
        amount=due.amount,
        dust=due.state is DueState.DUST,
        order_id=due.order_id,
        event_id=due.event_id,
        at=due.at,
    )


def enter(conn: Connection, entered: Sequence[Due]) -> None:
    """Store new dues."""
    if entered:
        conn.execute(insert(dues), [{column.name: getattr(due, column.name) for column in dues.c} for due in entered])


def of_payments(conn: Connection, payment_ids: Iterable[str]) -> dict[str, tuple[Due, ...]]:
    """Return the dues of some payments, each payment's in the order of their parts."""
    query = select(dues).where(dues.c.payment_id.in_(list(payment_ids))).order_by(dues.c.payment_id, dues.c.part)
    found: dict[str, tuple[Due, ...]] = {}
    for row in conn.execute(query).mappings():
        due = Due(**{**row, "reason": Reason(row["reason"]), "state": DueState(row["state"])})
        found[due.payment_id] = (*found.get(due.payment_id, ()), due)
    return found
