"""Which order or event each payment speaks of, looked up for all at once; what follows is decided in `decide`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import BindParameter, Connection, Select, bindparam, select

from memo.grammar import EventMemo
from monitor.reading import Reading
from monitor.sitting import Terms
from tickets import events, order_store
from tickets.batches import batches
from tickets.event import Event
from tickets.order import topup_key
from tickets.schema import orders
from tickets.till import PaymentRecord

_wanted: BindParameter[str] = bindparam("wanted", expanding=True)
_BY_ADDRESS = select(orders.c.address, orders.c.id).where(
    orders.c.chain == bindparam("on_chain"), orders.c.address.in_(_wanted)
)
_BY_CODE = select(orders.c.code, orders.c.id).where(orders.c.code.in_(_wanted))


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The tickets that a bare memo asks for, where there are such tickets."""

    tier_id: int
    key: str  # of the order in which such payments add up


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What a payment is about, as far as it was looked up for all of a sweep at once."""

    reading: Reading
    purse: str  # the same for all payments towards one purchase
    order_id: str | None = None  # named by its address or its code
    event_id: int | None = None  # of the event that a bare memo names
    asked: Asked | None = None
    beside: tuple[str, ...] = ()  # orders that a bare memo may add to or replace the payment of


def match(conn: Connection, terms: Terms, records: Iterable[PaymentRecord]) -> dict[str, Subject]:
    """Return what each payment is about, by payment id, in a few statements for all of them.

    Nothing is locked yet: what an event or order is worth by now must be read again under the locks.
    """
    read = [(record, terms.read(record.memos)) for record in records]
    by_address = _ids(conn, _BY_ADDRESS, {record.destination for record, _ in read}, on_chain=terms.chain.id)
    by_code = _ids(conn, _BY_CODE, {code for _, reading in read if (code := _code(reading))})
    named = events.by_refs(conn, {reading.event.event for _, reading in read if reading.event})
    subjects = {}
    for record, reading in read:
        order_id = by_address.get(record.destination) or by_code.get(_code(reading) or "")
        subjects[record.id] = _named(order_id, reading) if order_id else _bare(record, reading, named)
    return _with_purses(conn, subjects)


def _code(reading: Reading) -> str | None:
    return reading.codes[0] if len(reading.codes) == 1 else None


def _named(order_id: str, reading: Reading) -> Subject:
    return Subject(reading=reading, purse=order_id, order_id=order_id)


def _bare(record: PaymentRecord, reading: Reading, named: Mapping[str, Event]) -> Subject:
    memo = reading.event
    if memo is None:
        return Subject(reading=reading, purse=record.id)
    event = named.get(memo.event)
    return Subject(
        reading=reading,
        purse=f"{record.sender}|{memo.holder}|{memo.event}",
        event_id=event.id if event else None,
        asked=_asked(record, memo, event) if event else None,
    )


def _asked(record: PaymentRecord, memo: EventMemo, event: Event) -> Asked | None:
    tier = event.tier(memo.tier)
    if tier is None:
        return None
    key = topup_key(payer_of(record), event.id, record.asset, [(tier.id, memo.qty, memo.holder)])
    return Asked(tier_id=tier.id, key=key)


def payer_of(record: PaymentRecord) -> str:
    """Return whose payments add up with this one; to what comes from nobody we know, nothing adds."""
    return record.sender or f"payment:{record.id}"


def _with_purses(conn: Connection, subjects: Mapping[str, Subject]) -> dict[str, Subject]:
    found = order_store.by_topup_keys(conn, {subject.asked.key for subject in subjects.values() if subject.asked})
    return {
        payment_id: replace(subject, beside=found[subject.asked.key])
        if subject.asked and subject.asked.key in found
        else subject
        for payment_id, subject in subjects.items()
    }


def _ids(conn: Connection, statement: Select[str, str], values: Iterable[str], **more: str) -> dict[str, str]:
    """Return the ids of orders by what they are looked up with."""
    found: dict[str, str] = {}
    for some in batches(values):
        found.update((value, order_id) for value, order_id in conn.execute(statement, {"wanted": some, **more}))
    return found
