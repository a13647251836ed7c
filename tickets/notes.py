"""What was noted on payments: transactions in which a trace saw their value move. People find payments by them.

Nothing is ever decided by a note, and no payment changes by one.
"""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, Integer, String, bindparam, select

from chains.port import Note, Payment
from store.upsert import insert_ignore
from tickets.batches import batches
from tickets.schema import payment_notes, payments


def keep(conn: Connection, payments: Iterable[Payment]) -> None:
    """Keep the notes on payments that the till knows; those that are kept already stay."""
    rows = [
        {"payment_id": payment.key.payment_id, "txid": note.txid, "sender": note.sender}
        for payment in payments
        for note in payment.noted
    ]
    insert_ignore(conn, payment_notes, rows)


def of_payments(conn: Connection, payment_ids: Iterable[str]) -> dict[str, tuple[Note, ...]]:
    """Return the notes on payments, by public id; those without any are left out."""
    found: defaultdict[str, list[Note]] = defaultdict(list)
    for some in batches(payment_ids):
        for row in conn.execute(_OF_PAYMENTS, {"payments": some}):
            found[row.payment_id].append(Note(txid=row.txid, sender=row.sender))
    return {payment_id: tuple(noted) for payment_id, noted in found.items()}


def in_transaction(conn: Connection, txid: str, *, chain: str | None = None, limit: int) -> list[str]:
    """Return the ids of payments in a transaction, and of those on which it is noted: on a chain (CAIP-2), or on any.

    Hexadecimal ids are ours in lower case; base58 knows both cases. Without a chain all payments are looked through.
    """
    asked = {"spellings": sorted({txid, txid.lower()}), "chain": chain, "limit": limit}
    its = conn.execute(_IN_TRANSACTION if chain is None else _IN_TRANSACTION_ON, asked).scalars().all()
    noted = [row.id for row in conn.execute(_NOTED, asked) if chain in {None, row.chain}]
    return [*dict.fromkeys((*its, *noted))][:limit]


_SPELLINGS = bindparam("spellings", type_=String, expanding=True)
_LIMIT = bindparam("limit", type_=Integer)
_IN_TRANSACTION = (
    select(payments.c.id).where(payments.c.txid.in_(_SPELLINGS)).order_by(payments.c.position).limit(_LIMIT)
)
_IN_TRANSACTION_ON = _IN_TRANSACTION.where(payments.c.chain == bindparam("chain"))
_NOTED = (  # on which chain is looked at afterwards: asked for it here, SQLite would go through all payments on it
    select(payments.c.id, payments.c.chain)
    .join(payment_notes)
    .where(payment_notes.c.txid.in_(_SPELLINGS))
    .order_by(payments.c.id)
    .limit(_LIMIT)
)
_OF_PAYMENTS = (
    select(payment_notes)
    .where(payment_notes.c.payment_id.in_(bindparam("payments", expanding=True)))
    .order_by(payment_notes.c.txid, payment_notes.c.sender)
)
