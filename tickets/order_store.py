"""Orders as rows: find, lock, change, release, extend, expire. Whether an order may be placed is decided in `orders`.

Locks are taken in one order everywhere: event, order, tier (by id).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, insert, select, update

from chains.account import HolderKey
from store.upsert import insert_into
from tickets import inventory
from tickets.errors import IllegalMoveError
from tickets.ids import is_id
from tickets.order import TRANSITIONS, Hold, Line, Order, OrderState
from tickets.schema import order_lines, orders

STEP = timedelta(minutes=15)
"""By how much a pending payment extends an order at a time."""
BATCH = 500
ENDS = frozenset({OrderState.EXPIRED, OrderState.RELEASED, OrderState.REFUSED})
"""States in which an order keeps no places."""


def by_id(conn: Connection, order_id: str, *, lock: bool = False) -> Order | None:
    """Return an order; with `lock` nobody else changes it until the transaction ends."""
    if not is_id(order_id):
        return None
    return one(conn, orders.c.id == order_id, lock=lock)


def by_code(conn: Connection, code: str, *, lock: bool = False) -> Order | None:
    """Return the order with this code, as `memo.code.normalise` spells it."""
    return one(conn, orders.c.code == code, lock=lock)


def by_address(conn: Connection, chain_id: str, address: str, *, lock: bool = False) -> Order | None:
    """Return the order whose own address on this chain this is."""
    return one(conn, (orders.c.chain == chain_id) & (orders.c.address == address), lock=lock)


def one(conn: Connection, condition: ColumnElement[bool], *, lock: bool) -> Order | None:
    """Return the one order of a condition that names one at most."""
    wanted = select(orders).where(condition)
    row = conn.execute(wanted.with_for_update() if lock else wanted).one_or_none()
    return None if row is None else _orders(conn, [row])[0]


def add(conn: Connection, order: Order) -> None:
    """Store a new order with its lines."""
    conn.execute(insert(orders).values(_row(order)))
    _add_lines(conn, order)


def add_purse(conn: Connection, order: Order, key: str) -> bool:
    """Store the order in which payments with this top-up key add up; False if there is an open one already."""
    row = insert_into(conn, orders).values(**_row(order), topup_key=key).on_conflict_do_nothing()
    if conn.execute(row.returning(orders.c.id)).one_or_none() is None:
        return False
    _add_lines(conn, order)
    return True


def change(
    conn: Connection, order: Order, state: OrderState, *, now: datetime, grace_until: datetime | None = None
) -> Order:
    """Move a locked order to another state and return it as it stands then.

    Ending it gives back the places it keeps; a paid order must have sold its places before (`inventory.sell_order`).
    Raises IllegalMoveError for a move that is not in TRANSITIONS, or if the order is no longer what the caller read.
    """
    TRANSITIONS.check(order.state, state)
    if state in ENDS:
        inventory.give_up(conn, order)
    moved = update(orders).where(orders.c.id == order.id, orders.c.state == order.state)
    if state is OrderState.PAID:
        moved = moved.where(orders.c.hold == Hold.SOLD)
    values = {"state": state, "grace_until": grace_until, "version": orders.c.version + 1, "updated_at": now}
    if conn.execute(moved.values(**values)).rowcount != 1:
        raise IllegalMoveError(f"order {order.id} is no longer {order.state}, or its places are not sold")
    changed = by_id(conn, order.id)
    if changed is None:
        raise IllegalMoveError(f"order {order.id} is gone")
    return changed


def release(conn: Connection, order_id: str, *, now: datetime) -> bool:
    """Let go of an open order at its buyer's wish; False if it is not open."""
    order = by_id(conn, order_id, lock=True)
    if order is None or order.state is not OrderState.OPEN:
        return False
    _end_open(conn, [order], OrderState.RELEASED, now)
    return True


def release_open(conn: Connection, event_id: int, *, now: datetime) -> int:
    """Let go of every open order of an event; return how many."""
    released = 0
    while batch := _open_of(conn, event_id):
        released += _end_open(conn, batch, OrderState.RELEASED, now)
    return released


def expire_due(conn: Connection, *, now: datetime, limit: int = BATCH) -> int:
    """Expire open orders whose time ran out, the oldest first, at most `limit`; return how many. Safe to repeat."""
    due = (
        select(orders)
        .where(orders.c.state == OrderState.OPEN, orders.c.expires_at < now)
        .order_by(orders.c.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)  # one being settled right now is not due
    )
    return _end_open(conn, _orders(conn, conn.execute(due).all()), OrderState.EXPIRED, now)


def extend(conn: Connection, order: Order, *, now: datetime, step: timedelta = STEP) -> Order:
    """Give an open order time while a pending payment covers it: always a step ahead, never beyond its cap.

    Writes once per step at most, so it may be called on every poll.
    """
    if order.state is not OrderState.OPEN or order.expires_at - now >= step:
        return order
    expires_at = min(max(order.expires_at, now) + step, order.expires_cap)
    if expires_at <= order.expires_at:
        return order
    longer = (
        update(orders)
        .where(orders.c.id == order.id, orders.c.state == OrderState.OPEN, orders.c.expires_at < expires_at)
        .values(expires_at=expires_at, version=orders.c.version + 1, updated_at=now)
    )
    conn.execute(longer)
    return by_id(conn, order.id) or order


def _row(order: Order) -> dict[str, Any]:
    return {column.name: getattr(order, column.name) for column in orders.c if column.name != "topup_key"}


def _add_lines(conn: Connection, order: Order) -> None:
    conn.execute(
        insert(order_lines),
        [
            {
                "order_id": order.id,
                "line": number,
                "tier_id": line.tier_id,
                "quantity": line.quantity,
                "holder": str(line.holder),
                "account": line.account,
                "unit_price": line.unit_price,
            }
            for number, line in enumerate(order.lines)
        ],
    )


def _open_of(conn: Connection, event_id: int) -> list[Order]:
    """Return some of an event's open orders, locked."""
    some = (
        select(orders)
        .where(orders.c.event_id == event_id, orders.c.state == OrderState.OPEN)
        .order_by(orders.c.id)
        .limit(BATCH)
        .with_for_update()
    )
    return _orders(conn, conn.execute(some).all())


def _end_open(conn: Connection, ending: Sequence[Order], state: OrderState, now: datetime) -> int:
    """End locked open orders together: one write per tier, in the order of their ids, and one for the orders."""
    if not ending:
        return 0
    freed: dict[int, int] = {}
    for order in ending:
        if order.hold is Hold.HELD:
            for tier_id, n in order.places.items():
                freed[tier_id] = freed.get(tier_id, 0) + n
    ended = (
        update(orders)
        .where(orders.c.id.in_([order.id for order in ending]), orders.c.state == OrderState.OPEN)
        .values(
            state=state,
            hold=case((orders.c.hold == Hold.HELD, Hold.LAPSED.value), else_=orders.c.hold),
            expires_at=case((orders.c.expires_at > now, now), else_=orders.c.expires_at),
            version=orders.c.version + 1,
            updated_at=now,
        )
    )
    count = conn.execute(ended).rowcount
    for tier_id in sorted(freed):
        inventory.drop_hold(conn, tier_id, freed[tier_id])
    return count


def _orders(conn: Connection, rows: Sequence[Row[Any]]) -> list[Order]:
    """Put their lines to the rows of `orders`, keeping their order."""
    if not rows:
        return []
    lines: dict[str, list[Line]] = {row.id: [] for row in rows}
    wanted = (
        select(order_lines)
        .where(order_lines.c.order_id.in_(list(lines)))
        .order_by(order_lines.c.order_id, order_lines.c.line)
    )
    for row in conn.execute(wanted):
        lines[row.order_id].append(
            Line(
                tier_id=row.tier_id,
                quantity=row.quantity,
                holder=HolderKey.parse(row.holder),
                account=row.account,
                unit_price=row.unit_price,
            )
        )
    return [_order(row, tuple(lines[row.id])) for row in rows]


def _order(row: Row[Any], lines: tuple[Line, ...]) -> Order:
    values = {name: value for name, value in row._mapping.items() if name != "topup_key"}  # noqa: SLF001  public name
    values["state"] = OrderState(row.state)
    values["hold"] = Hold(row.hold)
    return Order(**values, lines=lines)
