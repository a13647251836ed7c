"""`usher events`: create, list, show and cancel events. A thin shell over the box office."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from config.clock import utc_now
from config.registry import Registry
from tickets import events, listing
from tickets.event import GENERAL, DraftRefused, Event, EventDraft, EventStatus, SpaceType, Tier, TierDraft
from usher.cli.context import read, settings_of, transact
from usher.cli.exits import CommandError, Exit
from usher.cli.output import AsJson, show_json, show_record, show_rows
from usher.cli.words import moment, money, pairs, price

app = typer.Typer(help="The events that tickets are sold for.", no_args_is_help=True, rich_markup_mode=None)

EventRef = Annotated[str, typer.Argument(metavar="EVENT", help="An event's number or slug.")]
Prices = Annotated[
    list[str] | None,
    typer.Option(
        "--price", metavar="CURRENCY=AMOUNT", help="eth=0.05, usdc:polygon=25, or a CAIP-19 id; one for each currency."
    ),
]
Tiers = Annotated[
    list[str] | None,
    typer.Option(
        "--tier",
        metavar="NAME,…",
        help="Instead of --price: a kind of ticket, e.g. vip,capacity=20,eth=0.2; repeatable, the usual one first.",
    ),
]
Origins = Annotated[
    list[str] | None,
    typer.Option("--page-origin", metavar="ORIGIN", help="A site whose pages may open the door; repeatable."),
]


def _time(told: str | None = None) -> Any:
    return typer.Option(parser=moment, metavar="TIME", help=told)


@app.command()
def create(
    context: typer.Context,
    *,
    title: Annotated[str, typer.Option(help="As it stands on tickets and pages.")],
    space_id: Annotated[str, typer.Option(help="Which post, document or custom space is the room.")],
    starts_at: Annotated[datetime, _time("RFC 3339, like all times here.")],
    ends_at: Annotated[datetime, _time()],
    prices: Prices = None,
    capacity: Annotated[
        int | None, typer.Option(help="How many tickets there are; as many as come by default.")
    ] = None,
    tiers: Tiers = None,
    slug: Annotated[str | None, typer.Option(help="A name for links and memos; it can never be changed.")] = None,
    creator: Annotated[str | None, typer.Option(help="CAIP-10 account or name; this platform by default.")] = None,
    description: str = "",
    category: str | None = None,
    space_type: SpaceType = SpaceType.CUSTOM,
    doors_at: Annotated[datetime | None, _time("When the room opens; at the start by default.")] = None,
    sales_start: Annotated[datetime | None, _time("Now by default.")] = None,
    sales_end: Annotated[datetime | None, _time("The event's end by default.")] = None,
    age_restriction: Annotated[int | None, typer.Option(help="Years.")] = None,
    require_camera: Annotated[bool, typer.Option("--require-camera")] = False,
    require_microphone: Annotated[bool, typer.Option("--require-microphone")] = False,
    relay_only: Annotated[bool, typer.Option("--relay-only", help="Hide visitors' addresses from each other.")] = False,
    purchase_limit: Annotated[int | None, typer.Option(help="Tickets that one proved wallet may hold.")] = None,
    commission_bps: Annotated[int | None, typer.Option(help="In basis points; 2000 is 20 %.")] = None,
    page_origins: Origins = None,
    as_json: AsJson = False,
) -> None:
    """Create an event; its tickets are on sale from --sales-start."""
    settings = settings_of(context)
    registry = settings.registry()
    draft = EventDraft(
        creator=creator or settings.platform.name,
        title=title,
        description=description,
        category=category,
        slug=slug,
        space_type=space_type,
        space_id=space_id,
        starts_at=starts_at,
        ends_at=ends_at,
        doors_at=doors_at,
        sales_start=sales_start,
        sales_end=sales_end,
        tiers=_tiers(registry, prices or (), capacity, tiers or ()),
        age_restriction=age_restriction,
        require_camera=require_camera,
        require_microphone=require_microphone,
        relay_only=relay_only,
        purchase_limit=purchase_limit,
        commission_bps=settings.platform.commission_bps if commission_bps is None else commission_bps,
        page_origins=tuple(page_origins or ()),
    )
    now = utc_now()
    created = transact(settings, lambda conn: events.create(conn, draft, now=now))
    if isinstance(created, DraftRefused):
        raise CommandError("\n".join(f"{fault.field} {fault.reason}" for fault in created.faults))
    show_record(_described(registry, created), as_json=as_json)


@app.command("list")
def list_events(
    context: typer.Context,
    *,
    q: Annotated[str | None, typer.Option(help="A part of title, description or slug.")] = None,
    category: str | None = None,
    creator: str | None = None,
    status: Annotated[EventStatus | None, typer.Option(help="Any status by default.")] = None,
    upcoming: Annotated[bool, typer.Option("--upcoming", help="Only those that are not over.")] = False,
    sort: listing.EventSort = listing.EventSort.STARTS,
    limit: Annotated[int, typer.Option(min=1, max=listing.PAGE_LIMIT)] = listing.PAGE_LIMIT,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """List events."""
    settings = settings_of(context)
    query = listing.EventQuery(
        q=q,
        category=category,
        creator=creator,
        status=status,
        upcoming=utc_now() if upcoming else None,
        sort=sort,
        limit=limit,
        offset=offset,
    )
    found = read(settings, lambda conn: listing.search(conn, query)).events
    registry = settings.registry()
    if as_json:
        show_json([_described(registry, event) for event in found])
    else:
        show_rows([_row(registry, event) for event in found], as_json=False)


@app.command()
def show(context: typer.Context, event: EventRef, *, as_json: AsJson = False) -> None:
    """Show everything about an event."""
    settings = settings_of(context)
    found = read(settings, lambda conn: events.find(conn, event))
    show_record(_described(settings.registry(), _existing(found, event)), as_json=as_json)


@app.command()
def cancel(
    context: typer.Context,
    event: EventRef,
    *,
    reason: Annotated[str, typer.Option(help="Told to everybody in the room.")] = "cancelled",
    as_json: AsJson = False,
) -> None:
    """Cancel an event: its doors close, its open orders are let go, and payments for it are owed back."""
    settings = settings_of(context)
    found = _existing(read(settings, lambda conn: events.find(conn, event)), event)
    now = utc_now()
    if not transact(settings, lambda conn: events.cancel(conn, found.id, reason=reason, now=now)):
        raise CommandError(f"event {event} is not active any more")
    show_record({"event": found.id, "status": EventStatus.CANCELLED, "reason": reason}, as_json=as_json)


def _tiers(
    registry: Registry, prices: Sequence[str], capacity: int | None, tiers: Sequence[str]
) -> tuple[TierDraft, ...]:
    if bool(prices) is bool(tiers) or (tiers and capacity is not None):
        raise CommandError("give either --price (and --capacity) or --tier", Exit.USAGE)
    if prices:
        return (_tier(registry, GENERAL, prices, capacity, "--price"),)
    return tuple(_spoken_tier(registry, words) for words in tiers)


def _spoken_tier(registry: Registry, words: str) -> TierDraft:
    """Read `vip,capacity=20,eth=0.2`."""
    name, *given = words.split(",")
    counts = [word.partition("=")[2] for word in given if word.startswith("capacity=")]
    if len(counts) > 1 or not all(count.isascii() and count.isdigit() for count in counts):
        raise CommandError(f"--tier {name}: capacity is one whole number", Exit.USAGE)
    prices = [word for word in given if not word.startswith("capacity=")]
    return _tier(registry, name, prices, int(counts[0]) if counts else None, f"--tier {name}")


def _tier(registry: Registry, name: str, prices: Sequence[str], capacity: int | None, option: str) -> TierDraft:
    priced = [price(registry, named, amount, option=option) for named, amount in pairs(prices, option=option).items()]
    if len({asset.id for asset, _ in priced}) < len(priced):
        raise CommandError(f"{option}: two of these currencies are the same", Exit.USAGE)
    return TierDraft(name=name, capacity=capacity, prices={asset.id: units for asset, units in priced})


def _existing(event: Event | None, ref: str) -> Event:
    if event is None:
        raise CommandError(f"there is no event {ref!r}; `usher events list` shows them")
    return event


def _row(registry: Registry, event: Event) -> dict[str, Any]:
    """Return an event as one line for a person."""
    return {
        "id": event.id,
        "slug": event.slug,
        "title": event.title,
        "status": event.status,
        "starts_at": event.starts_at,
        "tickets": ", ".join(_told(registry, tier) for tier in event.tiers),
    }


def _told(registry: Registry, tier: Tier) -> str:
    """Return a tier in a few words: `general 3/10 0.05 ETH`."""
    costs = (money(registry, asset, units) for asset, units in tier.prices.items())
    prices = " or ".join(f"{cost['amount']} {cost['currency']}" for cost in costs)
    return f"{tier.name} {tier.sold}/{'∞' if tier.capacity is None else tier.capacity} {prices}"


def _described(registry: Registry, event: Event) -> dict[str, Any]:
    """Return an event with its prices as decimal texts."""
    tiers = [
        {
            "name": tier.name,
            "capacity": tier.capacity,
            "held": tier.held,
            "sold": tier.sold,
            "left": tier.left,
            "prices": [money(registry, asset, units) for asset, units in tier.prices.items()],
        }
        for tier in event.tiers
    ]
    return {name: getattr(event, name) for name in Event.__slots__ if name != "tiers"} | {"tiers": tiers}
