"""An order as its buyer sees it: what to pay, what was seen, what became of it. Reads; never changes anything.

Where an order fell apart, another takes its place for what is paid later; its buyer goes on seeing one order.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from chains.port import Note
from config.registry import Explorer
from gateway.api.bill import Desk, OrderBill, bill_of
from gateway.http.models import Answer, DecimalText
from tickets import events, heirs, notes, orders, till
from tickets import schema as tables
from tickets import tickets as ticket_office
from tickets.event import Event
from tickets.heirs import Fallen
from tickets.order import Order, OrderState
from tickets.tickets import Ticket, TicketState
from tickets.till import Outcome, PaymentRecord, PaymentState

_TRANSACTION = re.compile(r"0x[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{64}|[1-9A-HJ-NP-Za-km-z]{64,90}")
"""A transaction's id on any chain. Value inside EVM calls and Hive's virtual operations have keys of our own."""


class Line(Answer):
    """Some tickets of one tier."""

    tier: str
    quantity: int
    unit_price: DecimalText
    account: str  # CAIP-10


class Noted(Answer):
    """A transaction in which a node's trace saw a payment's value move: to look it up, no part of what is counted."""

    txid: str
    explorer_url: str | None


class PaymentSeen(Answer):
    """A payment that reached this order."""

    id: str
    txid: str
    amount: DecimalText
    currency: str
    asset: str  # CAIP-19
    state: PaymentState
    confirmations: int
    confirmations_required: int | None
    outcome: Outcome
    first_seen: datetime
    height: int | None
    explorer_url: str | None
    noted: list[Noted]  # of what came inside contract calls, where a node tells


class Owed(Answer):
    """Money that goes back, and why."""

    payment_id: str
    amount: DecimalText
    currency: str
    asset: str  # CAIP-19
    reason: str | None
    text: str | None


class TicketView(Answer):
    """A ticket of this order; its token is the signed form, for a QR code or a scanner."""

    id: str
    tier: str
    account: str  # CAIP-10
    state: TicketState
    token: str
    issued_at: datetime
    expires_at: datetime


class OrderView(OrderBill):
    """An order with everything that happened to it."""

    state: OrderState
    event_id: int
    event: str  # slug, or the id as text
    event_title: str
    lines: list[Line]
    paid: DecimalText  # seen so far in the order's asset, without what goes back
    payments: list[PaymentSeen]
    tickets: list[TicketView]
    owed: list[Owed]
    created_at: datetime
    server_time: datetime
    version: str  # changes with every change of anything above; the stream's event id


def find_view(conn: Connection, order_id: str, desk: Desk, *, now: datetime) -> OrderView | None:
    """Return an order as its buyer sees it."""
    order = orders.by_id(conn, order_id)
    return None if order is None else view_of(conn, order, desk, now=now)


def view_of(conn: Connection, order: Order, desk: Desk, *, now: datetime) -> OrderView:
    """Return an order that was read in this transaction as its buyer sees it."""
    version = versions(conn, (order.id,))[order.id]  # first: what is read after it is as new or newer
    event = events.by_ids(conn, (order.event_id,))[order.event_id]
    line = heirs.succession(conn, order)
    payments = [one for each in line for one in till.of_order(conn, each.id)]
    noted = notes.of_payments(conn, [one.id for one in payments if not one.direct])
    minted = [one for each in line for one in ticket_office.of_order(conn, each.id)]
    now_counts = replace(order, state=line[-1].state, hold=line[-1].hold, expires_at=line[-1].expires_at)
    kept = sum(one.amount - one.owed for one in payments if one.standing and one.asset == order.asset)
    return OrderView(
        **dict(bill_of(now_counts, event, desk)),
        state=now_counts.state,
        event_id=event.id,
        event=event.ref,
        event_title=event.title,
        lines=[
            Line(
                tier=_tier_name(event, line.tier_id),
                quantity=line.quantity,
                unit_price=desk.text(line.unit_price, order.asset),
                account=line.account,
            )
            for line in order.lines
        ],
        paid=desk.text(kept, order.asset),
        payments=[payment_seen(one, desk, noted.get(one.id, ())) for one in payments],
        tickets=[_ticket(one, event) for one in minted],
        owed=[_owed(one, desk) for one in payments if one.owed and one.standing],
        created_at=order.created_at,
        server_time=now,
        version=version,
    )


_VERSIONS = (
    select(
        tables.orders.c.id,
        tables.orders.c.event_id,
        tables.orders.c.asset,
        tables.orders.c.state,
        tables.orders.c.version,
        func.max(tables.payments.c.updated_at).label("paid_at"),
        func.max(tables.tickets.c.updated_at).label("minted_at"),
    )
    .outerjoin(tables.payments, tables.payments.c.order_id == tables.orders.c.id)
    .outerjoin(tables.tickets, tables.tickets.c.order_id == tables.orders.c.id)
    .where(tables.orders.c.id.in_(bindparam("ids", expanding=True)))
    .group_by(tables.orders.c.id)
)


def versions(conn: Connection, order_ids: Sequence[str]) -> dict[str, str]:
    """Return for each order a text that changes with the order, its payments and its tickets, and with its heir's."""
    rows = conn.execute(_VERSIONS, {"ids": list(order_ids)}).all()
    own = {row.id: f"{row.version}.{_stamp(row.paid_at)}.{_stamp(row.minted_at)}" for row in rows}
    fallen = [
        Fallen(id=row.id, event_id=row.event_id, asset=row.asset)
        for row in rows
        if row.state == OrderState.EXPIRED and row.minted_at is not None
    ]
    heir_of = heirs.heirs_of(conn, fallen)
    theirs = versions(conn, [*heir_of.values()]) if heir_of else {}
    return {
        order_id: "-".join(filter(None, (text, theirs.get(heir_of.get(order_id, "")))))
        for order_id, text in own.items()
    }


def _stamp(moment: datetime | None) -> str:
    return format(int(moment.timestamp() * 1000), "x") if moment else "0"


def payment_seen(payment: PaymentRecord, desk: Desk, noted: Sequence[Note] = ()) -> PaymentSeen:
    """Return a payment as anybody may see it: everything here stands on its chain, or is ours to tell."""
    chain = desk.registry.chain(payment.key.chain)
    explorer = chain.explorer if chain else None
    return PaymentSeen(
        id=payment.id,
        txid=payment.key.txid,
        amount=desk.text(payment.amount, payment.asset),
        currency=desk.ticker(payment.asset),
        asset=payment.asset,
        state=payment.state,
        confirmations=payment.confirmations,
        confirmations_required=desk.depth(payment.key.chain, payment.asset, payment.amount),
        outcome=payment.outcome,
        first_seen=payment.first_seen,
        height=payment.height,
        explorer_url=_explained_at(payment, explorer) if explorer else None,
        noted=[
            Noted(txid=txid, explorer_url=explorer.transaction.replace("{}", txid) if explorer else None)
            for txid in dict.fromkeys(note.txid for note in noted)
        ],
    )


def _explained_at(payment: PaymentRecord, explorer: Explorer) -> str:
    """Return where a payment can be looked up: what came without a transaction of its own, at its address."""
    if _TRANSACTION.fullmatch(payment.key.txid):
        return explorer.transaction.replace("{}", payment.key.txid)
    return explorer.address.replace("{}", payment.destination)


def _ticket(ticket: Ticket, event: Event) -> TicketView:
    return TicketView(
        id=ticket.id,
        tier=_tier_name(event, ticket.tier_id),
        account=ticket.account,
        state=ticket.state,
        token=ticket.token,
        issued_at=ticket.issued_at,
        expires_at=ticket.expires_at,
    )


def _owed(payment: PaymentRecord, desk: Desk) -> Owed:
    return Owed(
        payment_id=payment.id,
        amount=desk.text(payment.owed, payment.asset),
        currency=desk.ticker(payment.asset),
        asset=payment.asset,
        reason=payment.reason,
        text=payment.reason and payment.reason.sentence,
    )


def _tier_name(event: Event, tier_id: int) -> str:
    tier = event.tier_by_id(tier_id)
    return tier.name if tier else str(tier_id)
