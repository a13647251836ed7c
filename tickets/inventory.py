"""Places: every change of a tier's counts is one conditional write, so that two buyers never share a seat.

A tier's `held` is the sum over its held orders, `sold` the sum over its sold ones and the granted tickets.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, Integer, Update, bindparam, update

from tickets.errors import CountsError, IllegalMoveError
from tickets.order import HOLDS, Hold, Order
from tickets.schema import orders, tiers

_n = bindparam("n", type_=Integer)
_tier = tiers.c.id == bindparam("tier")
_room = tiers.c.capacity.is_(None) | (tiers.c.held + tiers.c.sold + _n <= tiers.c.capacity)

_HOLD = update(tiers).where(_tier, _room).values(held=tiers.c.held + _n)
_DROP_HOLD = update(tiers).where(_tier, tiers.c.held >= _n).values(held=tiers.c.held - _n)
_SELL = update(tiers).where(_tier, _room).values(sold=tiers.c.sold + _n)
_SELL_HELD = update(tiers).where(_tier, tiers.c.held >= _n).values(held=tiers.c.held - _n, sold=tiers.c.sold + _n)
_GIVE_BACK = update(tiers).where(_tier, tiers.c.sold >= _n).values(sold=tiers.c.sold - _n)


def hold(conn: Connection, tier_id: int, n: int) -> bool:
    """Keep `n` free places aside; False, with nothing changed, if there are not that many."""
    return _write(conn, _HOLD, tier_id, n)


def drop_hold(conn: Connection, tier_id: int, n: int) -> None:
    """Make `n` held places free again."""
    _must(conn, _DROP_HOLD, tier_id, n)


def sell(conn: Connection, tier_id: int, n: int, *, from_hold: bool) -> bool:
    """Sell `n` places: held ones, which are always there, or free ones; False if there are not that many."""
    if from_hold:
        _must(conn, _SELL_HELD, tier_id, n)
        return True
    return _write(conn, _SELL, tier_id, n)


def give_back(conn: Connection, tier_id: int, n: int) -> None:
    """Make `n` sold places free again."""
    _must(conn, _GIVE_BACK, tier_id, n)


def sell_order(conn: Connection, order: Order) -> bool:
    """Sell all places of an order, from its hold or from what is free; False, with nothing changed, if one is missing.

    The caller has locked the order's row. Tiers are taken in the order of their ids, so that two orders never wait for
    each other. Selling what is sold already changes nothing.
    """
    if order.hold is Hold.SOLD:
        return True
    if order.hold is Hold.HELD:
        _mark(conn, order, Hold.SOLD)  # first, so that a stale view of the order touches no count
        for tier_id, n in order.places.items():
            sell(conn, tier_id, n, from_hold=True)
        return True
    if not _sell_free(conn, order.places):
        return False
    _mark(conn, order, Hold.SOLD)
    return True


def give_up(conn: Connection, order: Order) -> None:
    """Make the places that an order keeps, held or sold, free again. The caller has locked the order's row."""
    give = {Hold.HELD: drop_hold, Hold.SOLD: give_back}.get(order.hold)
    if give is None:
        return
    _mark(conn, order, Hold.LAPSED)
    for tier_id, n in order.places.items():
        give(conn, tier_id, n)


def _sell_free(conn: Connection, places: Mapping[int, int]) -> bool:
    taken: list[int] = []
    for tier_id, n in places.items():
        if not sell(conn, tier_id, n, from_hold=False):
            for earlier in taken:
                give_back(conn, earlier, places[earlier])
            return False
        taken.append(tier_id)
    return True


def _mark(conn: Connection, order: Order, new: Hold) -> None:
    """Write beside the order how its places are counted now; the counts and this word never part."""
    HOLDS.check(order.hold, new)
    stated = update(orders).where(orders.c.id == order.id, orders.c.hold == order.hold).values(hold=new)
    if conn.execute(stated).rowcount != 1:
        raise IllegalMoveError(f"the places of order {order.id} were moved by somebody else")


def _write(conn: Connection, statement: Update, tier_id: int, n: int) -> bool:
    return conn.execute(statement, {"tier": tier_id, "n": n}).rowcount == 1


def _must(conn: Connection, statement: Update, tier_id: int, n: int) -> None:
    if not _write(conn, statement, tier_id, n):
        raise CountsError(f"tier {tier_id}, {n} places")
