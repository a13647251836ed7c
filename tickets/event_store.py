"""Events as rows: how an event is put together from its row, its tiers and their prices."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from tickets.event import Event, EventStatus, SpaceType, Tier
from tickets.schema import prices, tiers

_TIERS = (
    select(tiers, prices.c.asset, prices.c.amount)
    .outerjoin(prices, prices.c.tier_id == tiers.c.id)
    .where(tiers.c.event_id.in_(bindparam("event_ids", expanding=True)))
    .order_by(tiers.c.event_id, tiers.c.position, prices.c.asset)
)


def assemble(conn: Connection, rows: Iterable[Row[Any]]) -> list[Event]:
    """Put tiers and prices to the rows of `events`, keeping their order."""
    wanted = list(rows)
    if not wanted:
        return []
    found: dict[int, dict[int, tuple[Row[Any], dict[str, int]]]] = {row.id: {} for row in wanted}
    for row in conn.execute(_TIERS, {"event_ids": list(found)}):
        _, priced = found[row.event_id].setdefault(row.id, (row, {}))
        if row.asset is not None:
            priced[row.asset] = row.amount
    return [_event(row, tuple(_tier(tier, priced) for tier, priced in found[row.id].values())) for row in wanted]


def _event(row: Row[Any], its_tiers: tuple[Tier, ...]) -> Event:
    values = dict(row._mapping)  # noqa: SLF001  SQLAlchemy's public name for it
    values["space_type"] = SpaceType(row.space_type)
    values["status"] = EventStatus(row.status)
    values["page_origins"] = tuple(row.page_origins)
    return Event(**values, tiers=its_tiers)


def _tier(row: Row[Any], priced: dict[str, int]) -> Tier:
    return Tier(id=row.id, name=row.name, capacity=row.capacity, held=row.held, sold=row.sold, prices=priced)
