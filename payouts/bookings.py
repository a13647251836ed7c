"""What is booked for which occasion. Pure makers of postings; nothing is stored here.

Signs: debit above zero, credit below. Money that came in stands as a debit of `chain:`, what we owe as credits.
"""

from datetime import datetime

from payouts.journal import Entry, Posting
from payouts.split import split

COMMISSION = "commission"
DUST = "dust"


def chain_account(chain: str) -> str:
    """Return the account of all that a chain (CAIP-2) brought us."""
    return f"chain:{chain}"


def buyer_account(order_id: str) -> str:
    """Return the account of what a buyer paid towards an order and has not yet had for it."""
    return f"buyer:{order_id}"


def creator_account(event_id: int) -> str:
    """Return the account of an event's creator."""
    return f"creator:{event_id}"


def owed_account(payment_id: str) -> str:
    """Return the account of what is owed back of a payment."""
    return f"owed:{payment_id}"


def receipt(
    *, payment_id: str, chain: str, asset: str, amount: int, order_id: str | None, event_id: int | None, at: datetime
) -> Posting:
    """Book a final payment: towards its order, or owed back whole where it belongs to none."""
    creditor = owed_account(payment_id) if order_id is None else buyer_account(order_id)
    return Posting(
        reference=f"receipt:{payment_id}",
        kind="receipt",
        at=at,
        entries=(
            Entry(account=chain_account(chain), asset=asset, amount=amount),
            Entry(account=creditor, asset=asset, amount=-amount),
        ),
        event_id=event_id,
        order_id=order_id,
        payment_id=payment_id,
    )


def sale(*, order_id: str, event_id: int, asset: str, paid: int, commission_bps: int, at: datetime) -> Posting:
    """Book what a buyer paid for tickets to platform and creator, once all of it is final."""
    shares = split(paid, commission_bps)
    return Posting(
        reference=f"sale:{order_id}",
        kind="sale",
        at=at,
        entries=(
            Entry(account=buyer_account(order_id), asset=asset, amount=paid),
            Entry(account=COMMISSION, asset=asset, amount=-shares.commission),
            Entry(account=creator_account(event_id), asset=asset, amount=-shares.creator),
        ),
        event_id=event_id,
        order_id=order_id,
    )


def owed(
    *,
    payment_id: str,
    part: int,
    asset: str,
    amount: int,
    dust: bool,
    order_id: str | None,
    event_id: int | None,
    at: datetime,
) -> Posting:
    """Book a part of a payment that goes back: from its order to the payer, or to `dust` where nobody sends so little.

    What belongs to no order was owed by its receipt already: then only dust is left to be booked.
    """
    debtor = owed_account(payment_id) if order_id is None else buyer_account(order_id)
    creditor = DUST if dust else owed_account(payment_id)
    return Posting(
        reference=f"owed:{payment_id}:{part}",
        kind="owed",
        at=at,
        entries=(
            Entry(account=debtor, asset=asset, amount=amount),
            Entry(account=creditor, asset=asset, amount=-amount),
        ),
        event_id=event_id,
        order_id=order_id,
        payment_id=payment_id,
    )
