"""Events as they are kept: create, find, cancel, complete. What makes one sound is in `event`, lists in `listing`."""

from collections.abc import Container, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from store.upsert import insert_into
from tickets import door, order_store
from tickets.batches import batches
from tickets.door import DoorAction
from tickets.event import (
    COUNT_LIMIT,
    SLUG,
    DraftRefused,
    Event,
    EventDraft,
    EventStatus,
    Fault,
    Sale,
    Tier,
    TierDraft,
    faults,
)
from tickets.event_store import assemble
from tickets.listing import Cursor, EventPage, EventQuery, EventSort, PriceRange, search
from tickets.schema import events, prices, tiers

__all__ = [
    "Cursor",
    "DraftRefused",
    "Event",
    "EventDraft",
    "EventPage",
    "EventQuery",
    "EventSort",
    "EventStatus",
    "Fault",
    "PriceRange",
    "Sale",
    "Tier",
    "TierDraft",
    "by_ids",
    "cancel",
    "complete_due",
    "create",
    "find",
    "search",
]

_BY_ID = select(events).where(events.c.id == bindparam("ref"))
_BY_SLUG = select(events).where(events.c.slug == bindparam("ref"))
_BY_IDS = select(events).where(events.c.id.in_(bindparam("ids", expanding=True)))
_IDS_BY_SLUG = select(events.c.slug, events.c.id).where(events.c.slug.in_(bindparam("slugs", expanding=True)))


def create(
    conn: Connection, draft: EventDraft, *, now: datetime, assets: Container[str] | None = None
) -> Event | DraftRefused:
    """Store a draft as an active event, or say everything that is wrong with it.

    `assets`: the CAIP-19 ids this deployment takes; None where the caller read the prices from the registry itself.
    A slug once used stays used: events are cancelled, never deleted.
    """
    if wrong := faults(draft, assets=assets, now=now):
        return DraftRefused(faults=wrong)
    event_id = conn.execute(
        insert_into(conn, events).values(_row(draft, now)).on_conflict_do_nothing().returning(events.c.id)
    ).scalar_one_or_none()
    if event_id is None:
        return DraftRefused(faults=(Fault(field="slug", reason="is taken, or was once"),))
    for position, tier in enumerate(draft.tiers):
        row = {"event_id": event_id, "name": tier.name, "position": position, "capacity": tier.capacity}
        tier_id = conn.execute(insert(tiers).values(**row, held=0, sold=0).returning(tiers.c.id)).scalar_one()
        conn.execute(
            insert(prices), [{"tier_id": tier_id, "asset": asset, "amount": n} for asset, n in tier.prices.items()]
        )
    return _one(conn, event_id)


def find(conn: Connection, ref: str | int, *, lock: bool = False) -> Event | None:
    """Return the event that a link or memo names, by number or by slug (any case).

    With `lock` nobody else changes it, or places an order for it, until the transaction ends; tickets are still minted.
    """
    statement, value = _lookup(ref)
    if value is None:
        return None
    if lock:
        statement = statement.with_for_update(key_share=True)
    row = conn.execute(statement, {"ref": value}).one_or_none()
    return None if row is None else assemble(conn, [row])[0]


def by_ids(conn: Connection, event_ids: Iterable[int]) -> dict[int, Event]:
    """Return these events by id; an unknown id is left out."""
    found: dict[int, Event] = {}
    for some in batches(event_ids):
        rows = conn.execute(_BY_IDS, {"ids": some}).all()
        found.update((event.id, event) for event in assemble(conn, rows))
    return found


def by_refs(conn: Connection, refs: Iterable[str]) -> dict[str, Event]:
    """Return the events that these links or memos name, as `find` does; an unknown name is left out."""
    asked = {ref: value for ref in refs if (value := _lookup(ref)[1]) is not None}
    ids: dict[int | str, int] = {value: value for value in asked.values() if isinstance(value, int)}
    for some in batches(value for value in asked.values() if isinstance(value, str)):
        ids |= {row.slug: row.id for row in conn.execute(_IDS_BY_SLUG, {"slugs": some})}
    found = by_ids(conn, ids.values())
    return {ref: found[ids[value]] for ref, value in asked.items() if ids.get(value) in found}


def cancel(conn: Connection, event_id: int, *, reason: str, now: datetime) -> bool:
    """Cancel an active event, close its doors and let go of its open orders; False if it was not active.

    Money that came for it is owed back by settlement, which reads the event's status.
    """
    if not _close(conn, event_id, EventStatus.CANCELLED, now):
        return False
    order_store.release_open(conn, event_id, now=now)
    door.announce(conn, event_id=event_id, action=DoorAction.ENDED, reason=reason, now=now)
    return True


def complete_due(conn: Connection, *, now: datetime, limit: int = 100) -> int:
    """Mark events that are over as completed and close their doors; return how many."""
    over = (
        select(events.c.id)
        .where(events.c.status == EventStatus.ACTIVE, events.c.ends_at <= now)
        .order_by(events.c.id)
        .limit(limit)
    )
    done = [
        event_id
        for event_id in conn.execute(over).scalars().all()
        if _close(conn, event_id, EventStatus.COMPLETED, now)
    ]
    for event_id in done:
        door.announce(conn, event_id=event_id, action=DoorAction.ENDED, reason="over", now=now)
    return len(done)


def _close(conn: Connection, event_id: int, status: EventStatus, now: datetime) -> bool:
    """Move an event out of `active`; whoever comes second changes nothing."""
    closed = (
        update(events)
        .where(events.c.id == event_id, events.c.status == EventStatus.ACTIVE)
        .values(status=status, updated_at=now)
    )
    return conn.execute(closed).rowcount == 1


def _lookup(ref: str | int) -> tuple[Any, str | int | None]:
    """Return the statement and its argument; None for what can name no event, so that the database is not asked."""
    text = str(ref).lower()
    if text.isascii() and text.isdigit():
        number = int(text[:11])  # one digit more than the column holds
        return _BY_ID, number if 0 < number <= COUNT_LIMIT else None
    return _BY_SLUG, text if SLUG.fullmatch(text) else None


def _one(conn: Connection, event_id: int) -> Event:
    return assemble(conn, [conn.execute(_BY_ID, {"ref": event_id}).one()])[0]


def _row(draft: EventDraft, now: datetime) -> dict[str, Any]:
    return {
        "slug": draft.slug,
        "creator": draft.creator.strip(),
        "title": draft.title.strip(),
        "description": draft.description,
        "space_type": draft.space_type,
        "space_id": draft.space_id,
        "category": draft.category,
        "require_camera": draft.require_camera,
        "require_microphone": draft.require_microphone,
        "age_restriction": draft.age_restriction,
        "doors_at": draft.doors_at or draft.starts_at,
        "starts_at": draft.starts_at,
        "ends_at": draft.ends_at,
        "sales_start": draft.sales_start or now,
        "sales_end": draft.sales_end or draft.ends_at,
        "status": EventStatus.ACTIVE,
        "commission_bps": draft.commission_bps,
        "purchase_limit": draft.purchase_limit,
        "page_origins": list(draft.page_origins),
        "relay_only": draft.relay_only,
        "created_at": now,
        "updated_at": now,
    }
