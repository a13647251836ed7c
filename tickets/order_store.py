"""Orders as rows: find, lock, change, release, expire. Whether an order may be placed is decided in `orders`.

Locks are taken in one order everywhere: event, order, tier (by id).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, case, literal, or_, select, update

from chains.account import HolderKey
from store.batch import Batch
from tickets import inventory
from tickets.batches import batches, insert_all
from tickets.errors import IllegalMoveError
from tickets.ids import is_id
from tickets.order import Hold, Line, Order, OrderState, moved
from tickets.schema import order_lines, orders

BATCH = 500

_CHANGEABLE = ("state", "hold", "expires_at", "grace_until", "version", "updated_at")
_SAVE = (
    update(orders)
    .where(orders.c.id == bindparam("of_order"), orders.c.version == bindparam("as_read"))
    .values({name: bindparam(f"new_{name}", type_=orders.c[name].type) for name in _CHANGEABLE})
)
_ADD = Batch(table=orders, columns=tuple(column.name for column in orders.c))
_added = attrgetter(*_ADD.columns)
_ADD_LINES = Batch(table=order_lines, columns=tuple(column.name for column in order_lines.c))
_BY_IDS = select(orders).where(orders.c.id.in_(bindparam("ids", expanding=True))).order_by(orders.c.id)
_BY_IDS_LOCKED = _BY_IDS.with_for_update()
_LINES = (
    select(order_lines)
    .where(order_lines.c.order_id.in_(bindparam("of_orders", expanding=True)))
    .order_by(order_lines.c.order_id, order_lines.c.line)
)

_HAS_SIGNED = (
    select(orders.c.id)
    .join(order_lines, order_lines.c.order_id == orders.c.id)
    .where(order_lines.c.holder == bindparam("of_holder"), order_lines.c.account == bindparam("of_account"))
    .where(orders.c.proved, ~orders.c.implicit)
    .limit(1)
)


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


def by_ids(conn: Connection, order_ids: Iterable[str], *, lock: bool = False) -> dict[str, Order]:
    """Return these orders by id; they are locked in the order of their ids, so that nobody waits in a circle."""
    found: dict[str, Order] = {}
    for some in batches(order_ids):
        rows = conn.execute(_BY_IDS_LOCKED if lock else _BY_IDS, {"ids": some}).all()
        found.update((order.id, order) for order in _orders(conn, rows))
    return found


def by_topup_keys(conn: Connection, keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the ids of the orders that payments with these top-up keys may add to or replace: open or suspended."""
    found: dict[str, tuple[str, ...]] = {}
    for some in batches(keys):
        for statement in (_OPEN_PURSES, _SUSPENDED_PURSES):
            for row in conn.execute(statement, {"of_keys": some}):
                found[row.topup_key] = (*found.get(row.topup_key, ()), row.id)
    return found


def has_signed(conn: Connection, holder: HolderKey, account: str) -> bool:
    """Whether a holder's account (CAIP-10, on this very chain) ever signed for an order of its own."""
    return conn.execute(_HAS_SIGNED, {"of_holder": str(holder), "of_account": account}).first() is not None


def add(conn: Connection, added: Sequence[Order]) -> None:
    """Store new orders with their lines."""
    insert_all(conn, _ADD, map(_added, added))
    lines = ((order.id, number, line) for order in added for number, line in enumerate(order.lines))
    insert_all(conn, _ADD_LINES, ((order_id, number, *_added_line(line)) for order_id, number, line in lines))


def save(conn: Connection, changed: Sequence[tuple[Order, Order]]) -> None:
    """Store changed orders, each given as it was read and as it is now, and give back the places that lapsed.

    The caller has locked them. Raises IllegalMoveError if one is no longer as it was read; then no count was touched.
    """
    rows = [
        {
            "of_order": after.id,
            "as_read": before.version,
            **{f"new_{name}": getattr(after, name) for name in _CHANGEABLE},
        }
        for before, after in changed
    ]
    if rows and conn.execute(_SAVE, rows).rowcount != len(rows):
        raise IllegalMoveError(f"one of {len(rows)} orders is no longer what was read")
    inventory.give_up(conn, [before for before, after in changed if after.hold is Hold.LAPSED])


def change(
    conn: Connection, order: Order, state: OrderState, *, now: datetime, grace_until: datetime | None = None
) -> Order:
    """Move a locked order to another state and return it as it stands then; ending it gives back its places.

    Raises IllegalMoveError as `moved` and `save` do.
    """
    after = moved(order, state, now=now, grace_until=grace_until)
    save(conn, [(order, after)])
    return after


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """Up to which moments a chain is known; what was paid later may still come to light."""

    read: datetime  # every payment up to then was seen
    decided: datetime  # and every one that was seen up to then was decided about


def expire_due(conn: Connection, *, now: datetime, known: Mapping[str, Known], limit: int = BATCH) -> int:
    """Expire open orders whose time ran out, the oldest first, at most `limit`; return how many. Safe to repeat.

    `known`, by chain: an order ends only once its chain was read past its time, since what was paid in time counts,
    whenever we get to read it. A buyer's order waits so up to its cap. What bare memos opened keeps no place and has no
    cap: it waits until nothing that would add to it is undecided.
    """
    capped = orders.c.implicit.is_(False) & (orders.c.expires_cap < now)
    due = (
        select(orders)
        .where(
            orders.c.state == OrderState.OPEN,
            orders.c.expires_at < now,
            or_(capped, *(_past(chain, until) for chain, until in known.items())),
        )
        .order_by(orders.c.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)  # one being settled right now is not due
    )
    return _end_open(conn, _orders(conn, conn.execute(due).all()), OrderState.EXPIRED, now)


def _past(chain: str, until: Known) -> ColumnElement[bool]:
    """Return the condition that a chain is known past an order's time."""
    decided = orders.c.implicit.is_(False) | (orders.c.expires_at < until.decided)
    return (orders.c.chain == chain) & (orders.c.expires_at < until.read) & decided


def _purses(state: OrderState) -> Select[str, str]:
    """Return the query by top-up key among the orders of one state, written into it for the sake of a partial index."""
    written = literal(state.value, orders.c.state.type, literal_execute=True)
    return select(orders.c.topup_key, orders.c.id).where(
        orders.c.state == written, orders.c.topup_key.in_(bindparam("of_keys", expanding=True))
    )


_OPEN_PURSES, _SUSPENDED_PURSES = _purses(OrderState.OPEN), _purses(OrderState.SUSPENDED)


def _added_line(line: Line) -> tuple[int, int, str, str, int]:
    return line.tier_id, line.quantity, str(line.holder), line.account, line.unit_price


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
    inventory.give_up(conn, ending)
    return count


def _orders(conn: Connection, rows: Sequence[Row[Any]]) -> list[Order]:
    """Put their lines to the rows of `orders`, keeping their order."""
    if not rows:
        return []
    lines: dict[str, list[Line]] = {row.id: [] for row in rows}
    for row in conn.execute(_LINES, {"of_orders": list(lines)}):
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
