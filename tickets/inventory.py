"""Places: every change of a tier's counts is one conditional write, so that two buyers never share a seat.

A tier's `held` is the sum over its held orders, `sold` the sum over its sold ones and the granted tickets.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy import Connection, Integer, Update, bindparam, select, update

from tickets.batches import batches
from tickets.errors import CountsError
from tickets.order import HOLDS, Hold, Order
from tickets.schema import tiers

_n = bindparam("n", type_=Integer)
_of_held = bindparam("of_held", type_=Integer)
_tier = tiers.c.id == bindparam("tier")
_room = tiers.c.capacity.is_(None) | (tiers.c.held + tiers.c.sold + _n <= tiers.c.capacity)

_HOLD = update(tiers).where(_tier, _room).values(held=tiers.c.held + _n)
_DROP_HOLD = update(tiers).where(_tier, tiers.c.held >= _n).values(held=tiers.c.held - _n)
_SELL = (
    update(tiers)
    .where(_tier, _room, tiers.c.held >= _of_held)
    .values(held=tiers.c.held - _of_held, sold=tiers.c.sold + _of_held + _n)
)
_GIVE_BACK = update(tiers).where(_tier, tiers.c.sold >= _n).values(sold=tiers.c.sold - _n)
_LOCKED = (
    select(tiers.c.id, tiers.c.capacity, tiers.c.held, tiers.c.sold)
    .where(tiers.c.id.in_(bindparam("of_tiers", expanding=True)))
    .order_by(tiers.c.id)
    .with_for_update(key_share=True)  # others may go on writing orders that name these tiers
)


class Places:
    """The places of locked tiers: who gets one is counted here, order by order, and written once per tier."""

    def __init__(self, left: Mapping[int, int | None]) -> None:
        self._left = dict(left)  # None: no end to them
        self._free: Counter[int] = Counter()  # sold from what was free
        self._held: Counter[int] = Counter()  # sold from what was held

    def sell(self, order: Order) -> Order | None:
        """Return the order with all its places sold, from its hold or from what is free; None if one is missing.

        Selling what is sold already changes nothing.
        """
        if order.hold is Hold.SOLD:
            return order
        HOLDS.check(order.hold, Hold.SOLD)
        if order.hold is Hold.HELD:
            self._held.update(order.places)
        elif all(self._fits(tier_id, n) for tier_id, n in order.places.items()):
            self._take(order.places)
        else:
            return None
        return replace(order, hold=Hold.SOLD)

    def save(self, conn: Connection) -> None:
        """Write what was sold; raises CountsError if a tier does not have it."""
        changed = sorted({*self._free, *self._held})
        rows = [{"tier": tier_id, "n": self._free[tier_id], "of_held": self._held[tier_id]} for tier_id in changed]
        if rows and conn.execute(_SELL, rows).rowcount != len(rows):
            raise CountsError(f"one of the tiers {changed}")

    def _fits(self, tier_id: int, n: int) -> bool:
        left = self._left[tier_id]
        return left is None or n <= left

    def _take(self, places: Mapping[int, int]) -> None:
        self._free.update(places)
        for tier_id, n in places.items():
            if (left := self._left[tier_id]) is not None:
                self._left[tier_id] = left - n


def lock(conn: Connection, tier_ids: Iterable[int]) -> Places:
    """Let nobody else take places of these tiers until the transaction ends, and return what is left of them.

    The caller has locked the orders that want them. Tiers are taken in the order of their ids, so that nobody waits in
    a circle.
    """
    rows = (row for some in batches(tier_ids) for row in conn.execute(_LOCKED, {"of_tiers": some}))
    return Places({row.id: None if row.capacity is None else row.capacity - row.held - row.sold for row in rows})


def hold(conn: Connection, tier_id: int, n: int) -> bool:
    """Keep `n` free places aside; False, with nothing changed, if there are not that many."""
    return _write(conn, _HOLD, tier_id, n)


def drop_hold(conn: Connection, tier_id: int, n: int) -> None:
    """Make `n` held places free again."""
    _must(conn, _DROP_HOLD, tier_id, n)


def sell(conn: Connection, tier_id: int, n: int) -> bool:
    """Sell `n` free places; False, with nothing changed, if there are not that many."""
    return conn.execute(_SELL, {"tier": tier_id, "n": n, "of_held": 0}).rowcount == 1


def give_back(conn: Connection, tier_id: int, n: int) -> None:
    """Make `n` sold places free again."""
    _must(conn, _GIVE_BACK, tier_id, n)


def give_up(conn: Connection, ended: Iterable[Order]) -> None:
    """Make the places that orders kept, held or sold, free again. Their rows say so already."""
    kept: defaultdict[Hold, Counter[int]] = defaultdict(Counter)
    for order in ended:
        kept[order.hold].update(order.places)
    for tier_id in sorted({*kept[Hold.HELD], *kept[Hold.SOLD]}):
        if n := kept[Hold.HELD][tier_id]:
            drop_hold(conn, tier_id, n)
        if n := kept[Hold.SOLD][tier_id]:
            give_back(conn, tier_id, n)


def _write(conn: Connection, statement: Update, tier_id: int, n: int) -> bool:
    return conn.execute(statement, {"tier": tier_id, "n": n}).rowcount == 1


def _must(conn: Connection, statement: Update, tier_id: int, n: int) -> None:
    if not _write(conn, statement, tier_id, n):
        raise CountsError(f"tier {tier_id}, {n} places")
