"""Own addresses: of orders, committed -> watched -> shown -> retired, only ever forwards; and those of the platform.

None is shown before a poll has watched for it, none is shown twice, and none is ever forgotten. No key is here.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, func, select, update

from store.upsert import insert_ignore
from tickets.errors import AddressMismatchError
from tickets.order import OrderState
from tickets.schema import order_addresses, orders, receive_addresses
from tickets.states import StateTable


class AddressState(StrEnum):
    """How far an address has come."""

    COMMITTED = "committed"  # stored; the next poll will watch it
    WATCHED = "watched"  # a poll that watched it is stored
    SHOWN = "shown"  # a buyer has it
    RETIRED = "retired"  # its order is over; still watched


ADDRESS_STATES: StateTable[AddressState] = StateTable(
    name="address",
    initial=(AddressState.COMMITTED,),
    moves={
        AddressState.COMMITTED: {
            AddressState.WATCHED: "a poll that watched it is stored",
            AddressState.RETIRED: "the index jumped past it",
        },
        AddressState.WATCHED: {
            AddressState.SHOWN: "an order took it",
            AddressState.RETIRED: "the index jumped past it",
        },
        AddressState.SHOWN: {AddressState.RETIRED: "its order is over"},
        AddressState.RETIRED: {},
    },
)


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchedSet:
    """All addresses of a chain, as a poll needs them."""

    active: frozenset[str]
    retired: frozenset[str]
    committed: tuple[int, ...]  # positions to acknowledge once the poll's effects are stored
    stamp: tuple[int, ...]  # tells whether another reading would find the same addresses


Derive = Callable[[int, int], Sequence[str]]
"""Gives a chain's own addresses from a child index on, that many of them."""

_COLUMNS = order_addresses.c
_NEXT = (
    select(_COLUMNS.position)
    .where(_COLUMNS.chain == bindparam("of_chain"), _COLUMNS.state == AddressState.WATCHED)
    .order_by(_COLUMNS.position)
    .limit(1)
    .with_for_update(skip_locked=True)  # buyers do not queue for the same address
    .scalar_subquery()
)
_TAKE = (
    update(order_addresses)
    .where(_COLUMNS.chain == bindparam("of_chain"), _COLUMNS.position == _NEXT)
    .values(state=AddressState.SHOWN, order_id=bindparam("taker"))
    .returning(_COLUMNS.address)
)

_READY = (
    select(_COLUMNS.position)
    .where(_COLUMNS.chain == bindparam("of_chain"), _COLUMNS.state == AddressState.WATCHED)
    .limit(1)
)
_STAMP = select(
    select(func.coalesce(func.max(_COLUMNS.position), -1))
    .where(_COLUMNS.chain == bindparam("of_chain"))
    .scalar_subquery()
    .label("highest"),
    select(func.count())
    .where(_COLUMNS.chain == bindparam("of_chain"), _COLUMNS.state == AddressState.RETIRED)
    .scalar_subquery()
    .label("retired"),
    select(func.count()).where(receive_addresses.c.chain == bindparam("of_chain")).scalar_subquery().label("platform"),
)


def next_position(conn: Connection, chain_id: str) -> int:
    """Return the first child index that was never committed."""
    highest = select(func.max(_COLUMNS.position)).where(_COLUMNS.chain == chain_id)
    last: int | None = conn.execute(highest).scalar_one()
    return 0 if last is None else last + 1


def ready(conn: Connection, chain_id: str) -> bool:
    """Whether there is an address that an order may take."""
    return conn.execute(_READY, {"of_chain": chain_id}).first() is not None


def unused(conn: Connection, chain_id: str) -> int:
    """Return how many addresses no buyer has seen yet, watched or about to be."""
    waiting = select(func.count()).where(
        _COLUMNS.chain == chain_id, _COLUMNS.state.in_((AddressState.COMMITTED, AddressState.WATCHED))
    )
    count: int = conn.execute(waiting).scalar_one()
    return count


def extend(conn: Connection, chain_id: str, addresses: Sequence[str], *, start: int) -> int:
    """Commit `addresses` as the children from index `start` on; return how many were new."""
    rows = [
        {"chain": chain_id, "position": start + offset, "address": address, "state": AddressState.COMMITTED}
        for offset, address in enumerate(addresses)
    ]
    added = insert_ignore(conn, order_addresses, rows)
    stored = (
        select(_COLUMNS.address)
        .where(_COLUMNS.chain == chain_id, _COLUMNS.position.between(start, start + len(rows) - 1))
        .order_by(_COLUMNS.position)
    )
    if conn.execute(stored).scalars().all() != list(addresses):
        raise AddressMismatchError(f"{chain_id}, index {start} to {start + len(rows) - 1}")
    return added


def receive_at(conn: Connection, chain_id: str, addresses: Collection[str]) -> int:
    """Watch the platform's own addresses from the next poll on, for ever: settings change, payers' links do not."""
    rows = [{"chain": chain_id, "address": address} for address in addresses]
    return insert_ignore(conn, receive_addresses, rows)


def watched_set(conn: Connection, chain_id: str, *, known: WatchedSet | None = None) -> WatchedSet:
    """Return every address of a chain: what the next poll must watch. Of what is `known` only the news are read."""
    highest, retired, platform = conn.execute(_STAMP, {"of_chain": chain_id}).one()
    stamp = (highest, retired, platform)
    if known is None or known.stamp != stamp:
        return _read_anew(conn, chain_id, stamp)
    waiting = select(_COLUMNS.position).where(
        _COLUMNS.chain == chain_id, _COLUMNS.state == AddressState.COMMITTED, _COLUMNS.position <= highest
    )  # what is above came after the stamp, and is not in the watch
    return replace(known, committed=tuple(conn.execute(waiting.order_by(_COLUMNS.position)).scalars()))


def acknowledge(conn: Connection, chain_id: str, positions: Sequence[int]) -> int:
    """Let orders take what was committed when a poll began, now that its effects are stored with this transaction."""
    if not positions:
        return 0
    watched = (
        update(order_addresses)
        .where(
            _COLUMNS.chain == chain_id,
            _COLUMNS.position.in_(list(positions)),
            _COLUMNS.state == AddressState.COMMITTED,
        )
        .values(state=AddressState.WATCHED)
    )
    return conn.execute(watched).rowcount


def take(conn: Connection, chain_id: str, order_id: str) -> str | None:
    """Give the lowest watched address to an order; None if none is ready."""
    address: str | None = conn.execute(_TAKE, {"of_chain": chain_id, "taker": order_id}).scalar_one_or_none()
    return address


def retire(conn: Connection, order_id: str) -> None:
    """Look at an order's address slowly from now on."""
    over = update(order_addresses).where(_COLUMNS.order_id == order_id, _COLUMNS.state == AddressState.SHOWN)
    conn.execute(over.values(state=AddressState.RETIRED))


def retire_ended(conn: Connection, *, before: datetime) -> int:
    """Retire the addresses of orders that are not open and did not change since `before`; return how many."""
    ended = select(orders.c.id).where(orders.c.state != OrderState.OPEN, orders.c.updated_at < before)
    over = update(order_addresses).where(_COLUMNS.state == AddressState.SHOWN, _COLUMNS.order_id.in_(ended))
    return conn.execute(over.values(state=AddressState.RETIRED)).rowcount


def jump(conn: Connection, chain_id: str, past: int) -> int:
    """After a restore from backup: never show an address up to index `past`; return how many were given up.

    What the lost time has shown may still be paid to, so extend the range beyond `past` first: all stay watched.
    """
    unsure = update(order_addresses).where(
        _COLUMNS.chain == chain_id,
        _COLUMNS.position <= past,
        _COLUMNS.state.in_((AddressState.COMMITTED, AddressState.WATCHED)),
    )
    return conn.execute(unsure.values(state=AddressState.RETIRED)).rowcount


def restored(conn: Connection, chain_id: str, derive: Derive, *, gap: int) -> int:
    """After a restore from backup: watch the next `gap` addresses and show none of them; return the first free index.

    Only the lost time knows which of them it has shown. Money that comes there is recorded and owed back.
    """
    start = next_position(conn, chain_id)
    extend(conn, chain_id, derive(start, gap), start=start)
    jump(conn, chain_id, start + gap - 1)
    return start + gap


def _read_anew(conn: Connection, chain_id: str, stamp: tuple[int, ...]) -> WatchedSet:
    rows = conn.execute(
        select(_COLUMNS.position, _COLUMNS.address, _COLUMNS.state).where(_COLUMNS.chain == chain_id)
    ).all()
    retired = frozenset(row.address for row in rows if row.state == AddressState.RETIRED)
    platform = select(receive_addresses.c.address).where(receive_addresses.c.chain == chain_id)
    return WatchedSet(
        active=frozenset(row.address for row in rows).union(conn.execute(platform).scalars()) - retired,
        retired=retired,
        committed=tuple(sorted(row.position for row in rows if row.state == AddressState.COMMITTED)),
        stamp=stamp,
    )
