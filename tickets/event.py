"""What an event is, and what a draft must satisfy to become one. Pure; keeping events is the work of `events`."""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum

GENERAL = "general"
"""The tier of an event whose creator named none."""
SLUG = re.compile(r"(?=[^a-z]*[a-z])[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?", re.ASCII)
"""RFC 3986 unreserved characters, a letter among them: never taken for a number, never cut by a memo's colon."""
RESERVED = frozenset({"create", "purchase"})
"""Slugs that would hide a route under /api/events/."""
TIER_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,48}[a-z0-9])?", re.ASCII)
ORIGIN = re.compile(r"https?://[a-z0-9.-]{1,253}(?::[0-9]{1,5})?", re.ASCII)
"""RFC 6454 §6.2: scheme, host, port; no path."""
CAIP19 = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}/[-a-z0-9]{3,8}:[-.%a-zA-Z0-9]{1,128}", re.ASCII)
COUNT_LIMIT = 2**31 - 1  # the column's
AMOUNT_LIMIT = 2**256 - 1
AGE_LIMIT = 99
WHOLE = 10_000
"""Basis points of the whole."""


class EventStatus(StrEnum):
    """Whether an event still takes place."""

    ACTIVE = "active"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class SpaceType(StrEnum):
    """What kind of VR space an event opens."""

    POST = "post"
    DOCUMENT = "document"
    CUSTOM = "custom"


class Sale(StrEnum):
    """Whether tickets are sold at a moment."""

    OPEN = "open"
    NOT_YET = "not_yet"
    OVER = "over"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tier:
    """One kind of ticket, its places and its prices."""

    id: int
    name: str
    capacity: int | None  # None: as many as come
    held: int
    sold: int
    prices: Mapping[str, int]  # CAIP-19 -> smallest unit

    @property
    def left(self) -> int | None:
        """How many places are neither held nor sold; None: no end to them."""
        return None if self.capacity is None else self.capacity - self.held - self.sold


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """An event as it is stored."""

    id: int
    slug: str | None
    creator: str
    title: str
    description: str
    space_type: SpaceType
    space_id: str
    category: str | None
    require_camera: bool
    require_microphone: bool
    age_restriction: int | None  # years
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    sales_start: datetime
    sales_end: datetime
    status: EventStatus
    commission_bps: int
    purchase_limit: int | None  # tickets a proved wallet may hold
    page_origins: tuple[str, ...]
    relay_only: bool
    created_at: datetime
    updated_at: datetime
    tiers: tuple[Tier, ...]  # in the creator's order

    @property
    def ref(self) -> str:
        """How links and memos name it."""
        return self.slug or str(self.id)

    def tier(self, name: str | None = None) -> Tier | None:
        """Return the tier with this name (any case), the first one where none is named."""
        if name is None:
            return self.tiers[0]
        return next((tier for tier in self.tiers if tier.name == name.lower()), None)

    def tier_by_id(self, tier_id: int) -> Tier | None:
        """Return the tier with this id if it is this event's."""
        return next((tier for tier in self.tiers if tier.id == tier_id), None)

    def sale(self, at: datetime) -> Sale:
        """Return whether tickets are sold at this moment: up to `sales_end`, and as long as the event is not over."""
        if self.status is EventStatus.CANCELLED:
            return Sale.CANCELLED
        if at < self.sales_start:
            return Sale.NOT_YET
        return Sale.OPEN if at <= self.sales_end and not self.over(at) else Sale.OVER

    def over(self, at: datetime) -> bool:
        """Whether it has taken place by this moment."""
        return at >= self.ends_at or self.status is EventStatus.COMPLETED


@dataclass(frozen=True, kw_only=True, slots=True)
class TierDraft:
    """A tier as its creator wishes it."""

    prices: Mapping[str, int]  # CAIP-19 -> smallest unit
    capacity: int | None = None
    name: str = GENERAL


@dataclass(frozen=True, kw_only=True, slots=True)
class EventDraft:
    """An event as its creator wishes it. Times left out: doors at the start, sale from now to the end."""

    creator: str
    title: str
    space_type: str
    space_id: str
    starts_at: datetime
    ends_at: datetime
    tiers: tuple[TierDraft, ...]
    slug: str | None = None
    description: str = ""
    category: str | None = None
    require_camera: bool = False
    require_microphone: bool = False
    age_restriction: int | None = None
    doors_at: datetime | None = None
    sales_start: datetime | None = None
    sales_end: datetime | None = None
    commission_bps: int = 2000
    purchase_limit: int | None = None
    page_origins: tuple[str, ...] = field(default=())
    relay_only: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What is wrong with one field."""

    field: str  # as the draft spells it, e.g. tiers.0.capacity
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftRefused:
    """A draft that cannot become an event, with everything that is wrong with it."""

    faults: tuple[Fault, ...]


def faults(draft: EventDraft, *, assets: Container[str] | None, now: datetime) -> tuple[Fault, ...]:
    """Return everything that is wrong with a draft; none means it may be stored.

    `assets`: the CAIP-19 ids this deployment takes; None where the caller read the prices from the registry itself.
    """
    return (*_texts(draft), *_times(draft, now), *_numbers(draft), *_origins(draft), *_tiers(draft.tiers, assets))


def _texts(draft: EventDraft) -> Iterator[Fault]:
    for name, limit in (("title", 255), ("creator", 160), ("space_id", 255), ("category", 50)):
        text = getattr(draft, name)
        if text is not None and not 0 < len(text.strip()) <= len(text) <= limit:
            yield Fault(field=name, reason=f"must have 1 to {limit} characters")
    for column in fields(draft):
        text = getattr(draft, column.name)
        if isinstance(text, str) and "\0" in text:
            yield Fault(field=column.name, reason="must not contain U+0000")
    if draft.space_type not in set(SpaceType):
        yield Fault(field="space_type", reason=f"must be one of {', '.join(SpaceType)}")
    if draft.slug is not None and (not SLUG.fullmatch(draft.slug) or draft.slug in RESERVED):
        yield Fault(
            field="slug",
            reason="must have lower-case letters, digits, '.', '_' or '-', at least one letter, at most 100 characters",
        )


def _times(draft: EventDraft, now: datetime) -> Iterator[Fault]:
    named = {name: getattr(draft, name) for name in ("doors_at", "starts_at", "ends_at", "sales_start", "sales_end")}
    naive = [name for name, moment in named.items() if moment is not None and moment.tzinfo is None]
    yield from (Fault(field=name, reason="must have a time zone") for name in naive)
    if naive:
        return
    if draft.ends_at <= draft.starts_at:
        yield Fault(field="ends_at", reason="must be after starts_at")
    if draft.ends_at <= now:
        yield Fault(field="ends_at", reason="must be in the future")
    if draft.doors_at is not None and draft.doors_at > draft.starts_at:
        yield Fault(field="doors_at", reason="must not be after starts_at")
    if draft.sales_end is not None and draft.sales_end > draft.ends_at:
        yield Fault(field="sales_end", reason="must not be after ends_at")
    if (draft.sales_start or now) >= (draft.sales_end or draft.ends_at):
        yield Fault(field="sales_start", reason="must be before sales_end")


def _numbers(draft: EventDraft) -> Iterator[Fault]:
    if draft.age_restriction is not None and not 0 <= draft.age_restriction <= AGE_LIMIT:
        yield Fault(field="age_restriction", reason=f"must be 0 to {AGE_LIMIT} years")
    if not 0 <= draft.commission_bps <= WHOLE:
        yield Fault(field="commission_bps", reason=f"must be 0 to {WHOLE} basis points")
    if draft.purchase_limit is not None and not 1 <= draft.purchase_limit <= COUNT_LIMIT:
        yield Fault(field="purchase_limit", reason="must be at least 1")


def _origins(draft: EventDraft) -> Iterator[Fault]:
    for index, origin in enumerate(draft.page_origins):
        if not ORIGIN.fullmatch(origin):
            yield Fault(field=f"page_origins.{index}", reason="must be an origin such as https://example.org")


def _tiers(tiers: tuple[TierDraft, ...], assets: Container[str] | None) -> Iterator[Fault]:
    if not tiers:
        yield Fault(field="tiers", reason="an event needs at least one")
    if len({tier.name for tier in tiers}) < len(tiers):
        yield Fault(field="tiers", reason="names must differ")
    for index, tier in enumerate(tiers):
        at = f"tiers.{index}"
        if not TIER_NAME.fullmatch(tier.name):
            yield Fault(field=f"{at}.name", reason="must have lower-case letters, digits, '.', '_' or '-', at most 50")
        if tier.capacity is not None and not 1 <= tier.capacity <= COUNT_LIMIT:
            yield Fault(field=f"{at}.capacity", reason="must be at least 1")
        if not tier.prices:
            yield Fault(field=f"{at}.prices", reason="a tier needs at least one price")
        yield from _prices(at, tier.prices, assets)


def _prices(at: str, prices: Mapping[str, int], assets: Container[str] | None) -> Iterator[Fault]:
    for asset, amount in prices.items():
        if not CAIP19.fullmatch(asset) or (assets is not None and asset not in assets):
            yield Fault(field=f"{at}.prices", reason=f"{asset!r} is no asset this platform takes")
        if not 0 < amount <= AMOUNT_LIMIT:
            yield Fault(field=f"{at}.prices.{asset}", reason="must be above zero")
