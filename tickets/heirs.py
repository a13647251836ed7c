"""Which order took the place of one that fell apart: what its buyer pays after that settles there. It makes none."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from tickets import order_store
from tickets.order import Order, OrderState
from tickets.schema import orders

MARK = "heir:"
"""What the payer of an heir begins with; the id of its fallen order follows."""

_HEIRS = select(
    orders.c.id, orders.c.payer
).where(  # by the three columns that the index of implicit orders begins with
    orders.c.event_id.in_(bindparam("events", expanding=True)),
    orders.c.asset.in_(bindparam("assets", expanding=True)),
    orders.c.payer.in_(bindparam("marks", expanding=True)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fallen:
    """An order whose tickets were revoked, as far as it takes to find what took its place."""

    id: str
    event_id: int
    asset: str  # CAIP-19


def heirs_of(conn: Connection, fallen: Collection[Fallen]) -> dict[str, str]:
    """Return the ids of the orders that took the place of these, by theirs; an order without an heir is left out."""
    if not fallen:
        return {}
    wanted = {
        "events": sorted({one.event_id for one in fallen}),
        "assets": sorted({one.asset for one in fallen}),
        "marks": sorted({f"{MARK}{one.id}" for one in fallen}),
    }
    return {row.payer.removeprefix(MARK): row.id for row in conn.execute(_HEIRS, wanted)}


def succession(conn: Connection, order: Order) -> tuple[Order, ...]:
    """Return an order and, one after the other, those that took its place; the last one is what counts now."""
    found = [order]
    while found[-1].state is OrderState.EXPIRED:
        last = found[-1]
        heirs = heirs_of(conn, [Fallen(id=last.id, event_id=last.event_id, asset=last.asset)])
        heir = order_store.by_id(conn, heirs[last.id]) if heirs else None
        if heir is None:
            break
        found.append(heir)
    return tuple(found)
