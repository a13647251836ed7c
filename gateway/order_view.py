"""An order as its buyer sees it: what to pay, what was seen, what became of it. Reads; never changes anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from chains.account import NotAnAccount
from chains.accounts import parse_caip10
from config.amounts import to_text
from config.registry import Asset, Chain, Registry
from config.settings import Settings
from gateway.deps import Deps
from gateway.links import Bill, PaymentLink, payment_link
from gateway.models import Answer, DecimalText
from memo.forms import MemoForms
from memo.grammar import EventMemo, write
from tickets import events, orders, till
from tickets import schema as tables
from tickets import tickets as ticket_office
from tickets.event import Event
from tickets.order import Hold, Order, OrderState
from tickets.tickets import Ticket, TicketState
from tickets.till import Outcome, PaymentRecord, PaymentState


class Line(Answer):
    """Some tickets of one tier."""

    tier: str
    quantity: int
    unit_price: DecimalText
    account: str  # CAIP-10


class PaymentSeen(Answer):
    """A payment that reached this order."""

    id: str
    txid: str
    amount: DecimalText
    currency: str
    asset: str  # CAIP-19
    state: PaymentState
    confirmations: int
    confirmations_required: int
    outcome: Outcome
    first_seen: datetime
    height: int | None
    explorer_url: str | None


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


class OrderBill(Answer):
    """What is to be paid, and how."""

    order_id: str
    payment_address: str
    address: str  # the same, as other pages call it
    amount: DecimalText
    currency: str
    asset: str  # CAIP-19
    chain: str  # CAIP-2
    memo: str  # event:<id>:wallet:<address>…
    code: str  # of the order
    memo_short: str  # o:<code>: links no wallet to an event in public
    payment_uri: str | None  # None where a link cannot carry the memo and there is no own address
    transaction: dict[str, str] | None  # for eth_sendTransaction, memo in `data`
    expires_at: datetime
    hold: bool  # whether places are kept until then
    status_url: str
    qr_url: str | None
    confirmations_required: int


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What is needed to write a bill: what there is to pay with, and how this deployment is reached."""

    registry: Registry
    settings: Settings

    def chain(self, chain_id: str) -> Chain:
        """Return a chain that orders were placed on."""
        return self.registry.chains[chain_id]

    def asset(self, asset_id: str) -> Asset | None:
        """Return an asset, None where the deployment has dropped it since."""
        return self.registry.asset(asset_id)

    def text(self, amount: int, asset_id: str) -> str:
        """Return an amount as decimal text, in the smallest unit where the asset is not known any more."""
        asset = self.asset(asset_id)
        return to_text(amount, asset.decimals if asset else 0)

    def ticker(self, asset_id: str) -> str:
        """Return what people call an asset."""
        asset = self.asset(asset_id)
        return asset.ticker if asset else asset_id


def desk_of(deps: Deps) -> Desk:
    """Return what bills are written with."""
    return Desk(registry=deps.registry, settings=deps.settings)


def bill_of(order: Order, event: Event, desk: Desk) -> OrderBill:
    """Return what is to be paid for an order."""
    chain = desk.chain(order.chain)
    forms = memo_forms(order, event, desk)
    link = _link(order, forms, desk)
    address = order.address or desk.settings.chains[chain.id].receive
    status_url = f"{desk.settings.gate.public_url}/api/orders/{order.id}"
    return OrderBill(
        order_id=order.id,
        payment_address=address,
        address=address,
        amount=desk.text(order.amount, order.asset),
        currency=desk.ticker(order.asset),
        asset=order.asset,
        chain=chain.id,
        memo=forms.full,
        code=order.code,
        memo_short=forms.short,
        payment_uri=link.uri if order.address else None,
        transaction=dict(link.transaction) if link.transaction else None,
        expires_at=order.expires_at,
        hold=order.hold in (Hold.HELD, Hold.SOLD),
        status_url=status_url,
        qr_url=f"{status_url}/qr.svg" if order.address else None,
        confirmations_required=confirmations_required(chain, order.asset, order.amount),
    )


def payment_link_of(order: Order, event: Event, desk: Desk) -> PaymentLink | None:
    """Return an order's link; None where it could not be told from other payments without its memo."""
    return _link(order, memo_forms(order, event, desk), desk) if order.address else None


def memo_forms(order: Order, event: Event, desk: Desk) -> MemoForms:
    """Return both memos of an order. The full one says tier and quantity where a bare memo would mean another."""
    line = order.lines[0]
    account = parse_caip10(line.account, desk.settings.network)
    if isinstance(account, NotAnAccount):
        raise TypeError(f"order {order.id} holds tickets for {line.account!r}, which is no account")
    tier = event.tier_by_id(line.tier_id)
    extras = {
        **({"tier": tier.name} if tier is not None and tier is not event.tiers[0] else {}),
        **({"qty": str(line.quantity)} if line.quantity > 1 else {}),
    }
    memo = EventMemo(event=event.ref, wallet=account.address, holder=account.holder, extras=extras)
    return MemoForms(short=f"o:{order.code}", full=write(memo))


def confirmations_required(chain: Chain, asset_id: str, amount: int) -> int:
    """Return how deep a payment of this amount must be before it mints, the blocks of finality at most."""
    steps = chain.steps_for(asset_id)
    depth = next((step.confirmations for step in steps if step.up_to is None or amount <= step.up_to), None)
    return chain.finality.blocks if depth is None else min(depth, chain.finality.blocks)


def find_view(conn: Connection, order_id: str, desk: Desk, *, now: datetime) -> OrderView | None:
    """Return an order as its buyer sees it."""
    order = orders.by_id(conn, order_id)
    return None if order is None else view_of(conn, order, desk, now=now)


def view_of(conn: Connection, order: Order, desk: Desk, *, now: datetime) -> OrderView:
    """Return an order that was read in this transaction as its buyer sees it."""
    event = events.by_ids(conn, (order.event_id,))[order.event_id]
    payments = till.of_order(conn, order.id)
    minted = ticket_office.of_order(conn, order.id)
    kept = sum(one.amount - one.owed for one in payments if one.standing and one.asset == order.asset)
    return OrderView(
        **dict(bill_of(order, event, desk)),
        state=order.state,
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
        payments=[_payment(one, desk) for one in payments],
        tickets=[_ticket(one, event) for one in minted],
        owed=[_owed(one, desk) for one in payments if one.owed and one.standing],
        created_at=order.created_at,
        server_time=now,
        version=versions(conn, (order.id,))[order.id],
    )


_VERSIONS = (
    select(
        tables.orders.c.id,
        tables.orders.c.version,
        func.max(tables.payments.c.updated_at).label("paid_at"),
        func.max(tables.tickets.c.updated_at).label("minted_at"),
    )
    .outerjoin(tables.payments, tables.payments.c.order_id == tables.orders.c.id)
    .outerjoin(tables.tickets, tables.tickets.c.order_id == tables.orders.c.id)
    .where(tables.orders.c.id.in_(bindparam("ids", expanding=True)))
    .group_by(tables.orders.c.id, tables.orders.c.version)
)


def versions(conn: Connection, order_ids: Sequence[str]) -> dict[str, str]:
    """Return for each order a text that changes with the order, its payments and its tickets."""
    return {
        row.id: f"{row.version}.{_stamp(row.paid_at)}.{_stamp(row.minted_at)}"
        for row in conn.execute(_VERSIONS, {"ids": list(order_ids)})
    }


def _stamp(moment: datetime | None) -> str:
    return format(int(moment.timestamp() * 1000), "x") if moment else "0"


def _link(order: Order, forms: MemoForms, desk: Desk) -> PaymentLink:
    chain = desk.chain(order.chain)
    asset = chain.asset(order.asset)
    if asset is None:
        raise LookupError(f"{order.asset} is no asset of {chain.id} any more, but order {order.id} is to be paid in it")
    address = order.address or desk.settings.chains[chain.id].receive
    return payment_link(Bill(chain=chain, asset=asset, amount=order.amount, address=address, memo=forms.short))


def _payment(payment: PaymentRecord, desk: Desk) -> PaymentSeen:
    chain = desk.chain(payment.key.chain)
    return PaymentSeen(
        id=payment.id,
        txid=payment.key.txid,
        amount=desk.text(payment.amount, payment.asset),
        currency=desk.ticker(payment.asset),
        asset=payment.asset,
        state=payment.state,
        confirmations=payment.confirmations,
        confirmations_required=confirmations_required(chain, payment.asset, payment.amount),
        outcome=payment.outcome,
        first_seen=payment.first_seen,
        height=payment.height,
        explorer_url=chain.explorer.transaction.replace("{}", payment.key.txid) if chain.explorer else None,
    )


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
