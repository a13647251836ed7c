"""Whatever buyers, payments, reorgs and operators do, in any order, a tier counts exactly the places that are kept.

Kept are those of its held and sold orders and of its granted tickets; they are never more than the tier has.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from tests.support.tickets_box import HOLD_FOR, counted_places, draft, kept_places, pay, read_to, request, tier, wallet
from tickets import events, inventory, order_store, orders, tickets
from tickets.event import Event
from tickets.keys import KeyKind, Keyring, Signer
from tickets.order import TRANSITIONS, Order, OrderState

TIERS = ("a", "b")


class Undone(Exception):  # noqa: N818  no error: it undoes an example, so that the next one finds an empty house
    """The example is over."""


@dataclass
class House:
    """One event, its orders and guests so far, and the time of day."""

    conn: Connection
    event: Event
    signer: Signer
    now: datetime
    orders: list[str] = field(default_factory=list)
    guests: list[str] = field(default_factory=list)

    def order(self, number: int) -> Order | None:
        return orders.by_id(self.conn, self.orders[number % len(self.orders)], lock=True) if self.orders else None


def place(house: House, number: int) -> None:
    wish = request(
        house.event,
        number,
        tier=TIERS[number % 2],
        quantity=1 + number % 3,
        proved=number % 5 > 1,
        want_hold=number % 7 > 0,
    )
    placed = orders.place(house.conn, wish, now=house.now, hold_for=HOLD_FOR)
    if isinstance(placed, Order):
        house.orders.append(placed.id)


def place_several(house: House, number: int) -> None:
    placed = orders.place(house.conn, request(house.event, number, want_hold=False), now=house.now, hold_for=HOLD_FOR)
    if isinstance(placed, Order):
        first = placed.lines[0]
        other = type(first)(
            tier_id=house.event.tiers[1].id, quantity=1 + number % 2, holder=first.holder, account=first.account,
            unit_price=first.unit_price,
        )  # fmt: skip
        house.conn.execute(order_store.order_lines.insert().values(
            order_id=placed.id, line=1, tier_id=other.tier_id, quantity=other.quantity, holder=str(other.holder),
            account=other.account, unit_price=other.unit_price,
        ))  # fmt: skip
        house.orders.append(placed.id)


def settle(house: House, number: int) -> None:
    order = house.order(number)
    if order and (order.state is OrderState.PAID or TRANSITIONS.allows(order.state, OrderState.PAID)):
        pay(house.conn, order, house.event, house.signer, house.now)


def refuse(house: House, number: int) -> None:
    move(house, number, OrderState.REFUSED)


def suspend(house: House, number: int) -> None:
    order = move(house, number, OrderState.SUSPENDED)
    if order:
        tickets.suspend(house.conn, order.id, reason="reorg", now=house.now)


def end_grace(house: House, number: int) -> None:
    order = house.order(number)
    if order and order.state is OrderState.SUSPENDED:
        orders.change(house.conn, order, OrderState.EXPIRED, now=house.now)


def move(house: House, number: int, state: OrderState) -> Order | None:
    order = house.order(number)
    if order and TRANSITIONS.allows(order.state, state):
        return orders.change(house.conn, order, state, now=house.now)
    return None


def release(house: House, number: int) -> None:
    order = house.order(number)
    if order:
        orders.release(house.conn, order.id, now=house.now)


def expire(house: House, number: int) -> None:
    house.now += timedelta(minutes=number % 20)
    orders.expire_due(house.conn, now=house.now, known=read_to(house.now), limit=1 + number % 3)


def invite(house: House, number: int) -> None:
    chosen = house.event.tiers[number % 2]
    guest = tickets.grant(house.conn, house.event, wallet(number), chosen, signer=house.signer, now=house.now)
    if guest:
        house.guests.append(guest.id)


def disinvite(house: House, number: int) -> None:
    if house.guests:
        tickets.revoke(house.conn, house.guests[number % len(house.guests)], reason="guest", now=house.now)


def cancel(house: House, number: int) -> None:
    if number % 10 == 0:
        events.cancel(house.conn, house.event.id, reason="rain", now=house.now)


DEEDS: tuple[Callable[[House, int], None], ...] = (
    place, place, place_several, settle, settle, refuse, suspend, end_grace, release, expire, invite, disinvite, cancel,
)  # fmt: skip


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    moment = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
    return Keyring.create(Path(tmp_path_factory.mktemp("ring")) / "keys", now=moment).signer(KeyKind.TICKET)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 99)), max_size=40))
async def test_a_tier_counts_exactly_what_is_kept(store, now, signer, deeds):
    with pytest.raises(Undone):
        await store.transact(lambda conn: live(conn, now, signer, deeds))


def live(
    conn: Connection, now: datetime, signer: Signer, deeds: list[tuple[Callable[[House, int], None], int]]
) -> None:
    event = events.create(conn, draft(now, tiers=(tier("a", 4), tier("b", 3))), now=now)
    assert isinstance(event, Event)
    house = House(conn, event, signer, now)
    for deed, number in deeds:
        deed(house, number)
        counted = counted_places(conn)
        assert counted == kept_places(conn), deed.__name__
        for one in event.tiers:
            held, sold = counted[one.id]
            assert 0 <= held + sold <= (one.capacity or 0)
    raise Undone


async def test_without_the_counts_beside_the_orders_word_nobody_could_tell_who_keeps_what(
    store, now, signer, monkeypatch
):
    """Negative control: the order says that its places lapsed, but the counts do not move."""
    monkeypatch.setattr(inventory, "give_up", lambda *_: None)
    deeds = [(place, 2), (refuse, 0)]
    with pytest.raises(AssertionError):
        await store.transact(lambda conn: live(conn, now, signer, deeds))
