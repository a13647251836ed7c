"""What became of a payment, for whoever sent it: they know the transaction, and perhaps nothing else.

Anybody can ask, so it says nothing of an order, a ticket or a holder, and names the event only where the payment's own
memo names it in the open.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated

from aiohttp import web
from pydantic import Field
from sqlalchemy import Connection

from chains.port import Note
from config.registry import Network
from gateway.api.bill import Desk, desk_of
from gateway.api.order_view import PaymentSeen, payment_seen
from gateway.deps import DEPS
from gateway.http.codes import Code
from gateway.http.limits import Budget
from gateway.http.models import Answer, DecimalText, Given
from gateway.http.problems import Problem
from gateway.http.routing import Route
from memo.grammar import EventMemo, parse
from tickets import notes, till
from tickets.ids import is_id
from tickets.reasons import Reason
from tickets.till import PaymentRecord

MAX_SHOWN = 100
"""Payments of one transaction; a batch of more is somebody's payroll, whose members have ids."""

Found = tuple[PaymentRecord, Sequence[Note]]


class TransactionGiven(Given):
    """Which transaction."""

    chain: Annotated[str, Field(min_length=1, max_length=64, description="CAIP-2, e.g. eip155:1")]
    txid: Annotated[str, Field(min_length=1, max_length=128, description="The transaction's id or hash")]


class PaymentView(PaymentSeen):
    """A payment and what became of it."""

    chain: str  # CAIP-2
    owed: DecimalText  # what goes back
    reason: Reason | None  # why
    text: str | None  # the same in words
    event: str | None  # as the payment's memo names it
    server_time: datetime


class PaymentsView(Answer):
    """The payments to us in one transaction."""

    payments: list[PaymentView]


async def show(request: web.Request, _: None) -> PaymentView | Problem:
    """Show what became of a payment, by its public id."""
    deps = request.app[DEPS]
    payment_id = request.match_info["payment_id"]
    if not is_id(payment_id):
        return Problem(code=Code.UNKNOWN_PAYMENT)
    found = await deps.store.read(partial(_by_id, payment_id=payment_id))
    return view_of(*found, desk_of(deps), now=deps.clock()) if found else Problem(code=Code.UNKNOWN_PAYMENT)


async def search(request: web.Request, given: TransactionGiven) -> PaymentsView | Problem:
    """Show what became of each payment in a transaction, those among them that name none and were seen in it."""
    deps = request.app[DEPS]
    found = await deps.store.read(partial(_of_transaction, chain=given.chain, txid=given.txid))
    if not found:
        return Problem(code=Code.UNKNOWN_PAYMENT)
    desk, now = desk_of(deps), deps.clock()
    return PaymentsView(payments=[view_of(*one, desk, now=now) for one in found])


def view_of(payment: PaymentRecord, noted: Sequence[Note], desk: Desk, *, now: datetime) -> PaymentView:
    """Return a payment as its sender may see it."""
    return PaymentView(
        **dict(payment_seen(payment, desk, noted)),
        chain=payment.key.chain,
        owed=desk.text(payment.owed, payment.asset),
        reason=payment.reason,
        text=payment.reason and payment.reason.sentence,
        event=_named(payment, desk.settings.network),
        server_time=now,
    )


def _named(payment: PaymentRecord, network: Network) -> str | None:
    read = (parse(text, network=network) for text in payment.memos)
    return next((memo.event for memo in read if isinstance(memo, EventMemo)), None)


def _by_id(conn: Connection, payment_id: str) -> Found | None:
    payment = till.by_id(conn, payment_id)
    return None if payment is None else (payment, notes.of_payments(conn, [payment_id]).get(payment_id, ()))


def _of_transaction(conn: Connection, chain: str, txid: str) -> list[Found]:
    ids = notes.in_transaction(conn, txid, chain=chain, limit=MAX_SHOWN)
    found, noted = till.by_ids(conn, ids), notes.of_payments(conn, ids)
    return [(found[payment_id], noted.get(payment_id, ())) for payment_id in ids]


ROUTES = (
    Route(
        method="GET",
        path="/api/payments",
        handler=search,
        summary="The payments to us in one transaction, and what became of each",
        query=TransactionGiven,
        answer=PaymentsView,
        budget=Budget.ORDERS,
        problems=(Code.UNKNOWN_PAYMENT,),
    ),
    Route(
        method="GET",
        path="/api/payments/{payment_id}",
        handler=show,
        summary="What became of a payment, and what of it is owed back and why",
        answer=PaymentView,
        budget=Budget.ORDERS,
        problems=(Code.UNKNOWN_PAYMENT,),
    ),
)
