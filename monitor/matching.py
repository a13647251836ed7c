"""Which order or event each payment speaks of, looked up for all at once; what follows is decided in `decide`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, Select, bindparam, select

from memo.grammar import EventMemo
from monitor import heirs
from monitor.reading import Reading
from monitor.sitting import Terms
from tickets import events, order_store
from tickets.batches import batches
from tickets.event import Event
from tickets.order import topup_key
from tickets.schema import orders
from tickets.till import PaymentRecord

_wanted: BindParameter[str] = bindparam("wanted", expanding=True)
_NAMED = select(orders.c.id, orders.c.payer, orders.c.topup_key)
_BY_ADDRESS = _NAMED.add_columns(orders.c.address.label("found_by")).where(
    orders.c.chain == bindparam("on_chain"), orders.c.address.in_(_wanted)
)
_BY_CODE = _NAMED.add_columns(orders.c.code.label("found_by")).where(orders.c.code.in_(_wanted))


class Named(NamedTuple):
    """An order that payments name."""

    id: str
    purse: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The tickets that a bare memo asks for, where there are such tickets."""

    tier_id: int
    key: str  # of the order in which such payments add up


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What a payment is about, as far as it was looked up for all of a sweep at once."""

    reading: Reading
    purse: str  # the same for all payments towards one purchase, however they name it
    order_id: str | None = None  # named by its address or its code
    event_id: int | None = None  # of the event that a bare memo names
    asked: Asked | None = None
    beside: tuple[str, ...] = ()  # orders that a bare memo may add to or replace the payment of


def match(conn: Connection, terms: Terms, records: Iterable[PaymentRecord]) -> dict[str, Subject]:
    """Return what each payment is about, by payment id, in a few statements for all of them.

    Nothing is locked yet: what an event or order is worth by now must be read again under the locks.
    """
    read = [(record, terms.read(record.memos)) for record in records]
    places = {place for record, _ in read for place in record.locators}
    by_address = _named(conn, _BY_ADDRESS, places, on_chain=terms.chain.id)
    by_code = _named(conn, _BY_CODE, {code for _, reading in read if (code := _code(reading))})
    named = events.by_refs(conn, {reading.event.event for _, reading in read if reading.event})
    subjects = {}
    for record, reading in read:
        located = _located(record, by_address)
        if len(located) > 1:
            subjects[record.id] = Subject(reading=replace(reading, contested=True), purse=record.id)
            continue
        order = next(iter(located), None) or by_code.get(_code(reading) or "")
        subjects[record.id] = (
            Subject(reading=reading, purse=order.purse, order_id=order.id) if order else _bare(record, reading, named)
        )
    return _with_purses(conn, subjects)


def _located(record: PaymentRecord, found: Mapping[str, Named]) -> set[Named]:
    """Return the orders that a payment's address and references are of; those of several decide nothing."""
    return {named for place in record.locators if (named := found.get(place)) is not None}


def _code(reading: Reading) -> str | None:
    return reading.codes[0] if len(reading.codes) == 1 else None


def _bare(record: PaymentRecord, reading: Reading, named: Mapping[str, Event]) -> Subject:
    memo = reading.event
    event = None if memo is None else named.get(memo.event)
    if memo is None or event is None:
        return Subject(reading=reading, purse=record.id)
    asked = _asked(record, memo, event)
    return Subject(reading=reading, purse=asked.key if asked else record.id, event_id=event.id, asked=asked)


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


def _named(conn: Connection, statement: Select[Any], values: Iterable[str], **more: str) -> dict[str, Named]:
    """Return orders by what they are looked up with."""
    found: dict[str, Named] = {}
    for some in batches(values):
        for row in conn.execute(statement, {"wanted": some, **more}):
            purse = heirs.fallen(row.payer) or row.topup_key or row.id
            found[row.found_by] = Named(id=row.id, purse=purse)
    return found
