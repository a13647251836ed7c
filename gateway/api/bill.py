"""What a buyer is asked to pay for an order, and every way to say it. Nothing is read or stored here."""

from dataclasses import dataclass
from datetime import datetime

from chains.account import NotAnAccount
from chains.accounts import family_at, parse_caip10
from chains.catalogue import finds_by_reference
from config.amounts import to_text
from config.registry import Chain, Registry
from config.settings import Settings
from gateway.api.links import Bill, PaymentLink, payment_link
from gateway.deps import Deps
from gateway.http.models import Answer, DecimalText
from memo.forms import MemoForms
from memo.grammar import EventMemo, write
from tickets.event import Event
from tickets.order import Hold, Order


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
    reference: str | None  # Solana Pay: a key that must travel along in the payment's accounts
    transaction: dict[str, str] | None  # for eth_sendTransaction, memo in `data`
    expires_at: datetime
    hold: bool  # whether places are kept until then
    status_url: str
    qr_url: str | None
    confirmations_required: int | None  # None where the chain is not sold on any more


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What is needed to write a bill: what there is to pay with, and how this deployment is reached.

    An order may outlive the chain or the asset it is paid in: the operator may have dropped either since.
    """

    registry: Registry
    settings: Settings

    def text(self, amount: int, asset_id: str) -> str:
        """Return an amount as decimal text, in the smallest unit where the asset is not known any more."""
        asset = self.registry.asset(asset_id)
        return to_text(amount, asset.decimals if asset else 0)

    def ticker(self, asset_id: str) -> str:
        """Return what people call an asset."""
        asset = self.registry.asset(asset_id)
        return asset.ticker if asset else asset_id

    def depth(self, chain_id: str, asset_id: str, amount: int) -> int | None:
        """Return how deep a payment must be before it mints."""
        chain = self.registry.chain(chain_id)
        return confirmations_required(chain, asset_id, amount) if chain else None

    def address(self, order: Order) -> str:
        """Return where an order is paid to: its own address, else the platform's, where memo or reference tell it."""
        chain = self.settings.chains.get(order.chain)
        platform = chain.receive if chain else ""
        return platform if _referenced(order) else order.address or platform


def desk_of(deps: Deps) -> Desk:
    """Return what bills are written with."""
    return Desk(registry=deps.registry, settings=deps.settings)


def bill_of(order: Order, event: Event, desk: Desk) -> OrderBill:
    """Return what is to be paid for an order."""
    forms = memo_forms(order, event, desk)
    link = _link(order, forms, desk)
    own_link = link if link and link.identifies else None
    status_url = f"{desk.settings.gate.public_url}/api/orders/{order.id}"
    return OrderBill(
        order_id=order.id,
        payment_address=desk.address(order),
        address=desk.address(order),
        amount=desk.text(order.amount, order.asset),
        currency=desk.ticker(order.asset),
        asset=order.asset,
        chain=order.chain,
        memo=forms.full,
        code=order.code,
        memo_short=forms.short,
        payment_uri=own_link.uri if own_link else None,
        reference=order.address if _referenced(order) else None,
        transaction=dict(link.transaction) if link and link.transaction else None,
        expires_at=order.expires_at,
        hold=order.hold in (Hold.HELD, Hold.SOLD),
        status_url=status_url,
        qr_url=f"{status_url}/qr.svg" if own_link else None,
        confirmations_required=desk.depth(order.chain, order.asset, order.amount),
    )


def payment_link_of(order: Order, event: Event, desk: Desk) -> PaymentLink | None:
    """Return an order's link; None where it could not be told from other payments without its memo."""
    link = _link(order, memo_forms(order, event, desk), desk)
    return link if link and link.identifies else None


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


def _link(order: Order, forms: MemoForms, desk: Desk) -> PaymentLink | None:
    chain, asset = desk.registry.chain(order.chain), desk.registry.asset(order.asset)
    if chain is None or asset is None:
        return None
    bill = Bill(
        chain=chain,
        asset=asset,
        amount=order.amount,
        address=desk.address(order),
        memo=forms.short,
        own_address=order.address is not None and not _referenced(order),
        reference=order.address if _referenced(order) else None,
    )
    return payment_link(bill)


def _referenced(order: Order) -> bool:
    return finds_by_reference(family_at(order.chain))
