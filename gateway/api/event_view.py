"""An event as visitors see it, amounts in the money people know. Pure: whatever is read was read before."""

from datetime import datetime

from config.amounts import to_text
from config.registry import Asset, Registry
from gateway.http.models import Answer, DecimalText
from tickets.event import Event, EventStatus, Sale, SpaceType, Tier


class Price(Answer):
    """What a ticket costs in one asset."""

    amount: DecimalText
    currency: str
    asset: str  # CAIP-19
    chain: str  # CAIP-2
    chain_name: str
    payment_method: str  # what `purchase` takes


class TierView(Answer):
    """One kind of ticket."""

    name: str
    capacity: int | None  # None: as many as come
    left: int | None
    sold: int
    prices: list[Price]


class EventView(Answer):
    """An event. The last group are the names that existing pages read."""

    id: int
    slug: str | None
    ref: str  # how links and memos name it
    title: str
    description: str
    creator: str
    space_type: SpaceType
    space_id: str
    category: str | None
    require_camera: bool
    require_microphone: bool
    age_restriction: int | None
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    sales_start: datetime
    sales_end: datetime
    status: EventStatus
    sale: Sale
    purchase_limit: int | None
    relay_only: bool
    tiers: list[TierView]

    event_start: datetime
    event_end: datetime
    max_attendees: int | None
    tickets_sold: int
    ticket_price: DecimalText | None
    ticket_currency: str | None
    supported_crypto: list[str]


class Availability(Answer):
    """How many places are left."""

    event_id: int
    status: EventStatus
    sale: Sale
    available: bool  # whether a ticket could be bought now
    left: int | None  # None: no end to them
    tiers: list[TierView]
    server_time: datetime


def event_view(event: Event, registry: Registry, *, now: datetime) -> EventView:
    """Return an event as visitors see it."""
    tiers = [tier_view(tier, registry) for tier in event.tiers]
    first = tiers[0].prices[0] if tiers[0].prices else None
    return EventView(
        id=event.id,
        slug=event.slug,
        ref=event.ref,
        title=event.title,
        description=event.description,
        creator=event.creator,
        space_type=event.space_type,
        space_id=event.space_id,
        category=event.category,
        require_camera=event.require_camera,
        require_microphone=event.require_microphone,
        age_restriction=event.age_restriction,
        doors_at=event.doors_at,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        sales_start=event.sales_start,
        sales_end=event.sales_end,
        status=event.status,
        sale=event.sale(now),
        purchase_limit=event.purchase_limit,
        relay_only=event.relay_only,
        tiers=tiers,
        event_start=event.starts_at,
        event_end=event.ends_at,
        max_attendees=_total([tier.capacity for tier in event.tiers]),
        tickets_sold=sum(tier.sold for tier in event.tiers),
        ticket_price=first.amount if first else None,
        ticket_currency=first.currency if first else None,
        supported_crypto=list(dict.fromkeys(price.currency for tier in tiers for price in tier.prices)),
    )


def availability(event: Event, registry: Registry, *, now: datetime) -> Availability:
    """Return how many places an event has left."""
    sale = event.sale(now)
    return Availability(
        event_id=event.id,
        status=event.status,
        sale=sale,
        available=sale is Sale.OPEN and any(tier.left is None or tier.left > 0 for tier in event.tiers),
        left=_total([tier.left for tier in event.tiers]),
        tiers=[tier_view(tier, registry) for tier in event.tiers],
        server_time=now,
    )


def tier_view(tier: Tier, registry: Registry) -> TierView:
    """Return a tier with its prices in those assets that the deployment takes at present."""
    assets = ((registry.asset(asset_id), amount) for asset_id, amount in tier.prices.items())
    return TierView(
        name=tier.name,
        capacity=tier.capacity,
        left=tier.left,
        sold=tier.sold,
        prices=[_price(asset, amount, registry) for asset, amount in assets if asset is not None],
    )


def _price(asset: Asset, amount: int, registry: Registry) -> Price:
    chain = registry.chains[asset.chain]
    spoken = [name for name in chain.payment_methods if registry.by_payment_method(name) is asset]
    return Price(
        amount=to_text(amount, asset.decimals),
        currency=asset.ticker,
        asset=asset.id,
        chain=chain.id,
        chain_name=chain.name,
        payment_method=min(spoken, key=len, default=asset.id),
    )


def _total(numbers: list[int | None]) -> int | None:
    """Return the sum; None where one of them has no end."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None
