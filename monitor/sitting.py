"""One transaction's working set: what a sweep or a tick touches, read in bulk, changed in memory, written once."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Connection

from config.registry import Chain, Network
from monitor.reading import Reading, read
from tickets import events, till
from tickets.event import Event
from tickets.keys import Signer
from tickets.till import PaymentRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What settling on one chain goes by."""

    chain: Chain
    network: Network
    signer: Signer  # of tickets
    grace: timedelta  # how long the place of an undone payment is kept

    def dust(self, asset: str) -> int:
        """Return the smallest amount of an asset that is worth sending back."""
        accepted = self.chain.asset(asset)
        return 0 if accepted is None else accepted.dust

    def read(self, texts: tuple[str, ...]) -> Reading:
        """Return what a payment's texts say."""
        return read(texts, network=self.network)


class Sitting:
    """The payments and events at hand. `put` keeps a change; `save` writes every changed payment."""

    def __init__(self, conn: Connection, terms: Terms, now: datetime, known: Iterable[PaymentRecord] = ()) -> None:
        self.conn = conn
        self.terms = terms
        self.now = now
        self.event = cache(self._event)
        self._stored: dict[str, PaymentRecord] = {}
        self._records: dict[str, PaymentRecord] = {}
        self._in_order: defaultdict[str, set[str]] = defaultdict(set)
        self._read: set[str] = set()  # orders whose payments were all read
        for record in known:
            self._learn(record)

    def put(self, record: PaymentRecord) -> PaymentRecord:
        """Keep a new or changed payment until the end."""
        before = self._records.get(record.id)
        if before is not None and before.order_id is not None:
            self._in_order[before.order_id].discard(record.id)
        if record.order_id is not None:
            self._in_order[record.order_id].add(record.id)
        self._records[record.id] = record
        return record

    def payment(self, payment_id: str) -> PaymentRecord:
        """Return a payment as it stands now."""
        return self._records[payment_id]

    def of_order(self, order_id: str) -> tuple[PaymentRecord, ...]:
        """Return all payments of an order as they stand now, in the order of the chain."""
        if order_id not in self._read:
            self._read.add(order_id)
            for record in till.of_order(self.conn, order_id):
                if record.id not in self._records:
                    self._learn(record)
        return tuple(sorted((self._records[known] for known in self._in_order[order_id]), key=till.chain_order))

    @property
    def changed(self) -> list[PaymentRecord]:
        """Every payment that differs from what is stored, in the order of the chain."""
        differing = (record for record in self._records.values() if self._stored.get(record.id) != record)
        return sorted(differing, key=till.chain_order)

    def save(self) -> None:
        """Write every changed payment."""
        changed = self.changed
        till.record(self.conn, [record for record in changed if record.id not in self._stored], now=self.now)
        till.amend(self.conn, [record for record in changed if record.id in self._stored], now=self.now)
        self._stored.update((record.id, record) for record in changed)

    def _learn(self, record: PaymentRecord) -> None:
        self._stored[record.id] = record
        self.put(record)

    def _event(self, ref: str | int) -> Event | None:
        return events.find(self.conn, ref)
