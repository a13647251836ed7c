"""One transaction's working set: what a sweep or a tick touches, read in bulk, changed in memory, written once."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from chains import progress
from chains.port import PaymentKey
from config.registry import Chain, Family, Network
from monitor.reading import Reading, read
from tickets import events, inventory, order_store, tickets, till
from tickets.event import Event
from tickets.inventory import Places
from tickets.keys import Signer
from tickets.order import Order, OrderState
from tickets.tickets import Sale
from tickets.till import PaymentRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What settling on one chain goes by."""

    chain: Chain
    network: Network
    signer: Signer  # of tickets
    grace: timedelta  # how long the place of an undone payment is kept
    families: frozenset[Family] = frozenset(Family)  # of the chains that this deployment can ask

    def dust(self, asset: str) -> int:
        """Return the smallest amount of an asset that is worth sending back."""
        accepted = self.chain.asset(asset)
        return 0 if accepted is None else accepted.dust

    def read(self, texts: tuple[str, ...]) -> Reading:
        """Return what a payment's texts say."""
        return read(texts, network=self.network)


class Sitting:
    """The payments, orders, events and places at hand.

    A chain has one sitting at a time: its checkpoint is locked first, for a sweep and a chore write the same payments.
    Then locks are taken in the house's order: `take` the orders, then `lock_tiers`. `put`, `put_order` and `sell` keep
    what changes; `save` writes it.
    """

    def __init__(self, conn: Connection, terms: Terms, now: datetime) -> None:
        self.progress = progress.lock(conn, terms.chain.id)
        self.conn = conn
        self.terms = terms
        self.now = now
        self.places = Places({})
        self._stored: dict[str, PaymentRecord] = {}
        self._records: dict[str, PaymentRecord] = {}
        self._in_order: defaultdict[str, set[str]] = defaultdict(set)
        self._held: defaultdict[str, int] = defaultdict(int)
        self._stored_orders: dict[str, Order] = {}
        self._orders: dict[str, Order] = {}
        self._purses: defaultdict[str, list[str]] = defaultdict(list)
        self._events: dict[int, Event] = {}
        self._sales: list[Sale] = []

    def learn(self, payment_ids: Iterable[str]) -> dict[PaymentKey, PaymentRecord]:
        """Read those payments that the till knows."""
        known = till.by_ids(self.conn, payment_ids)
        for record in known.values():
            self._learn(record)
        return {record.key: record for record in known.values()}

    def take(self, order_ids: Iterable[str | None]) -> None:
        """Lock orders and read all about them: their payments, their events."""
        wanted = {order_id for order_id in order_ids if order_id is not None} - self._orders.keys()
        taken = order_store.by_ids(self.conn, wanted, lock=True)
        for order in taken.values():
            self._stored_orders[order.id] = order
            self._keep(order)
        for records in till.of_orders(self.conn, wanted).values():
            for record in records:
                if record.id not in self._records:
                    self._learn(record)
        self.read_events(order.event_id for order in taken.values())

    def read_events(self, event_ids: Iterable[int]) -> None:
        """Read events that were not read yet."""
        self._events.update(events.by_ids(self.conn, set(event_ids) - self._events.keys()))

    def lock_tiers(self, tier_ids: Iterable[int]) -> None:
        """Let nobody else sell places of these tiers. All orders that may want them are taken by now."""
        self.places = inventory.lock(self.conn, tier_ids)

    def payment(self, payment_id: str) -> PaymentRecord:
        """Return a payment as it stands now."""
        return self._records[payment_id]

    def order(self, order_id: str) -> Order:
        """Return an order as it stands now."""
        if order_id not in self._orders:
            self.take([order_id])
        return self._orders[order_id]

    def event(self, event_id: int) -> Event:
        """Return an event as it stood when it was read, under the locks of its orders."""
        return self._events[event_id]

    def purse(self, key: str, state: OrderState) -> Order | None:
        """Return the oldest order at hand in which payments with this top-up key add up, if one is in this state."""
        its = (self._orders[order_id] for order_id in self._purses[key])
        return min((order for order in its if order.state is state), key=_age, default=None)

    @property
    def orders(self) -> Iterator[tuple[Order | None, Order]]:
        """Every order at hand, as it is stored (None: new) and as it stands now."""
        return ((self._stored_orders.get(order.id), order) for order in self._orders.values())

    def of_order(self, order_id: str) -> tuple[PaymentRecord, ...]:
        """Return all payments of an order at hand as they stand now, in the order of the chain."""
        return tuple(sorted((self._records[known] for known in self._in_order[order_id]), key=till.chain_order))

    def held(self, order_id: str) -> int:
        """Return what stands towards an order at hand on its chain."""
        return self._held[order_id]

    def put(self, record: PaymentRecord) -> None:
        """Keep a new or changed payment until the end."""
        before = self._records.get(record.id)
        if before is not None and before.order_id is not None:
            self._in_order[before.order_id].discard(record.id)
            self._held[before.order_id] -= before.applied if before.standing else 0
        if record.order_id is not None:
            self._in_order[record.order_id].add(record.id)
            self._held[record.order_id] += record.applied if record.standing else 0
        self._records[record.id] = record

    def put_order(self, order: Order) -> None:
        """Keep a new or changed order until the end."""
        self._keep(order)

    def sell(self, sale: Sale) -> None:
        """Keep a paid order until the end, when its tickets are made."""
        self._keep(sale.order)
        self._sales.append(sale)

    @property
    def changed(self) -> list[PaymentRecord]:
        """Every payment that differs from what is stored, in the order of the chain."""
        differing = (record for record in self._records.values() if self._stored.get(record.id) != record)
        return sorted(differing, key=till.chain_order)

    def save(self) -> None:
        """Write everything that changed, once, at the end.

        What was there before is written first: an order that is full no longer stands in the way of the next open one
        of its top-up key. Nothing moves back to open, so nothing stored can take the place of a new one.
        """
        stored = self._stored_orders
        moved = ((stored[order.id], order) for order in self._orders.values() if order.id in stored)
        order_store.save(self.conn, [(before, after) for before, after in moved if before != after])
        order_store.add(self.conn, [order for order in self._orders.values() if order.id not in stored])
        self.places.save(self.conn)
        changed = self.changed
        amended = [record for record in changed if record.id in self._stored]
        till.record(self.conn, [record for record in changed if record.id not in self._stored], now=self.now)
        till.restate(self.conn, [record for record in amended if record.facts != self._stored[record.id].facts])
        till.amend(self.conn, amended, now=self.now)
        tickets.mint(self.conn, self._sales, signer=self.terms.signer, now=self.now)

    def _learn(self, record: PaymentRecord) -> None:
        self._stored[record.id] = record
        self.put(record)

    def _keep(self, order: Order) -> None:
        if order.id not in self._orders and (key := order.topup_key) is not None:
            self._purses[key].append(order.id)
        self._orders[order.id] = order


def _age(order: Order) -> tuple[datetime, str]:
    return order.created_at, order.id
