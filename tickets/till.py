"""The till: every payment that ever reached us, and what became of it. What it should become is decided in monitor/."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Update, and_, bindparam, func, or_, select, update

from chains.port import PaymentKey
from store.batch import Batch
from tickets.batches import batches, insert_all
from tickets.reasons import Reason
from tickets.schema import payments
from tickets.states import StateTable


class PaymentState(StrEnum):
    """How firmly a payment stands on its chain."""

    PENDING = "pending"
    GONE = "gone"
    FINAL = "final"
    LOST = "lost"  # was final; a reorg below finality took it


PAYMENT_STATES: StateTable[PaymentState] = StateTable(
    name="payment",
    initial=(PaymentState.PENDING, PaymentState.FINAL),
    moves={
        PaymentState.PENDING: {
            PaymentState.FINAL: "no reorg reaches it any more",
            PaymentState.GONE: "proved replaced in a reorg",
        },
        PaymentState.GONE: {
            PaymentState.PENDING: "the chain shows it again",
            PaymentState.FINAL: "the chain shows it again, out of every reorg's reach",
        },
        PaymentState.FINAL: {PaymentState.LOST: "not found again when the chain was read anew"},
        PaymentState.LOST: {PaymentState.FINAL: "found again, final"},
    },
)


class Outcome(StrEnum):
    """What a payment became."""

    WAITING = "waiting"  # not deep enough yet, or undone by its chain
    MINTED = "minted"  # paid for tickets, alone or together with others
    TOPPED_UP = "topped_up"  # kept towards an order that still lacks money
    OWED = "owed"  # all of it goes back
    INTERNAL = "internal"  # moved between our own accounts


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentRecord:
    """A payment as the till keeps it."""

    key: PaymentKey
    asset: str  # CAIP-19
    amount: int  # smallest unit
    destination: str
    sender: str | None
    direct: bool
    memos: tuple[str, ...]
    internal: bool
    state: PaymentState
    confirmations: int
    height: int | None
    block_hash: str | None
    block_time: datetime | None
    first_seen: datetime  # earlier of our first sighting and the block's time: what lateness is judged by
    references: tuple[str, ...] = ()  # watched keys that travelled along to name an order
    outcome: Outcome = Outcome.WAITING
    reason: Reason | None = None  # why `owed` goes back
    applied: int = 0  # part that pays for tickets
    owed: int = 0  # part that goes back
    order_id: str | None = None
    purse: str | None = None  # the same for all payments towards one purchase; kept when it settles
    booked: bool = False  # final and in the journal
    id: str = field(init=False)  # public; a hash of the key, which is asked for often

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", self.key.payment_id)

    @property
    def standing(self) -> bool:
        """Whether the chain still shows it."""
        return self.state is not PaymentState.GONE

    @property
    def locators(self) -> tuple[str, ...]:
        """By what an order of its own is found: where the money went, and what travelled along to name it."""
        return (self.destination, *self.references)

    @property
    def facts(self) -> tuple[object, ...]:
        """What the chain tells of it, wherever it stands. With other facts it is another payment."""
        return facts_of(self)


def by_id(conn: Connection, payment_id: str) -> PaymentRecord | None:
    """Return the payment with this public id."""
    return by_ids(conn, (payment_id,)).get(payment_id)


def by_ids(conn: Connection, payment_ids: Iterable[str]) -> dict[str, PaymentRecord]:
    """Return those payments that the till knows, by public id."""
    return {record.id: record for record in _select(conn, _BY_ID, payment_ids)}


def of_order(conn: Connection, order_id: str) -> tuple[PaymentRecord, ...]:
    """Return an order's payments in the order of the chain, those in no block last."""
    return of_orders(conn, (order_id,)).get(order_id, ())


def of_orders(conn: Connection, order_ids: Iterable[str]) -> dict[str, tuple[PaymentRecord, ...]]:
    """Return the payments of several orders, each in the order of the chain."""
    found: dict[str, list[PaymentRecord]] = {}
    for record in _select(conn, _BY_ORDER, order_ids):
        found.setdefault(str(record.order_id), []).append(record)
    return {order_id: tuple(sorted(records, key=chain_order)) for order_id, records in found.items()}


def chain_order(record: PaymentRecord) -> tuple[float, str, str, str]:
    """Return what sorts payments as their chain does; those in no block come last."""
    key = record.key
    return (math.inf if record.height is None else record.height, key.chain, key.txid, key.index)


def search(
    conn: Connection,
    *,
    chain: str | None = None,
    state: PaymentState | None = None,
    outcome: Outcome | None = None,
    reason: Reason | None = None,
    order_id: str | None = None,
    among: Collection[str] | None = None,
    limit: int = 100,
    offset: int = 0,
) -> tuple[PaymentRecord, ...]:
    """Return payments that fit, the newest sighting first. `among`: those with these public ids."""
    wanted: Mapping[ColumnElement[Any], object] = {
        payments.c.chain: chain,
        payments.c.state: state,
        payments.c.outcome: outcome,
        payments.c.reason: reason,
        payments.c.order_id: order_id,
    }
    query = _ALL.order_by(payments.c.first_seen.desc(), payments.c.id).limit(limit).offset(offset)
    query = query.where(*(column == value for column, value in wanted.items() if value is not None))
    if among is not None:
        query = query.where(payments.c.id.in_(among))
    return tuple(_record(row) for row in conn.execute(query))


def lost_by_chain(conn: Connection) -> dict[str, int]:
    """Return how many payments each chain has lost, where it has."""
    lost = select(payments.c.chain, func.count().label("lost")).where(payments.c.state == PaymentState.LOST)
    return {row.chain: row.lost for row in conn.execute(lost.group_by(payments.c.chain))}


def record(conn: Connection, records: Sequence[PaymentRecord], *, now: datetime) -> None:
    """Enter payments that the till does not know yet."""
    insert_all(conn, _ENTER, ((*_entered(record), now) for record in records))


def amend(conn: Connection, records: Sequence[PaymentRecord], *, now: datetime) -> None:
    """Store what changed about payments that the till knows: their place on the chain and what they became."""
    if records:
        conn.execute(_AMEND, [_changeable(amended, now) for amended in records])


def restate(conn: Connection, records: Sequence[PaymentRecord]) -> None:
    """Store what the chain tells otherwise now than when these payments were entered."""
    if records:
        conn.execute(_RESTATE, [_bound(restated, _FACTS) for restated in records])


def to_be_shown(conn: Connection, chain: str, *, since: int, until: int) -> tuple[str, ...]:
    """Return the payments that a sweep which is final up to `until` has to show, if they are on the chain.

    These are all that were to become final by then, and those that did so already above `since`, which is to say that
    there the chain is being read again.
    """
    return tuple(conn.execute(_TO_BE_SHOWN, {"on_chain": chain, "since": since, "until": until}).scalars())


_ALL: Select[Any] = select(payments)
_BY_ID = _ALL.where(payments.c.id.in_(bindparam("keys", expanding=True)))
_BY_ORDER = _ALL.where(payments.c.order_id.in_(bindparam("keys", expanding=True)))
_ENTER = Batch(table=payments, columns=tuple(column.name for column in payments.c))
_KEY = {"chain": "key.chain", "txid": "key.txid", "position": "key.index"}
_entered = attrgetter(*(_KEY.get(name, name) for name in _ENTER.columns if name != "updated_at"))
_CHANGEABLE = (
    "state", "confirmations", "height", "block_hash", "block_time", "first_seen",
    "outcome", "reason", "applied", "owed", "order_id", "purse", "booked", "updated_at",
)  # fmt: skip
_FACTS = ("asset", "amount", "destination", "sender", "direct", "memos", "internal", "references")
facts_of = attrgetter(*_FACTS)
"""Returns the facts of a payment, be it the chain's or the till's."""


def _rewriting(names: Iterable[str]) -> Update:
    """Return the statement that stores these columns of a payment."""
    values = {name: bindparam(f"new_{name}", type_=payments.c[name].type) for name in names}
    return update(payments).where(payments.c.id == bindparam("payment_id")).values(values)


_AMEND, _RESTATE = _rewriting(_CHANGEABLE), _rewriting(_FACTS)
_TO_BE_SHOWN = select(payments.c.id).where(
    payments.c.chain == bindparam("on_chain"),
    payments.c.height <= bindparam("until"),
    or_(
        payments.c.state == PaymentState.PENDING,
        and_(payments.c.state == PaymentState.FINAL, payments.c.height > bindparam("since")),
    ),
)


def _select(conn: Connection, statement: Select[Any], keys: Iterable[str]) -> Iterable[PaymentRecord]:
    for some in batches(keys):
        yield from (_record(row) for row in conn.execute(statement, {"keys": some}))


def _record(row: Row[Any]) -> PaymentRecord:
    return PaymentRecord(
        key=PaymentKey(chain=row.chain, txid=row.txid, index=row.position),
        asset=row.asset,
        amount=row.amount,
        destination=row.destination,
        sender=row.sender,
        direct=row.direct,
        memos=tuple(row.memos),
        internal=row.internal,
        references=tuple(row.references),
        state=PaymentState(row.state),
        confirmations=row.confirmations,
        height=row.height,
        block_hash=row.block_hash,
        block_time=row.block_time,
        first_seen=row.first_seen,
        outcome=Outcome(row.outcome),
        reason=None if row.reason is None else Reason(row.reason),
        applied=row.applied,
        owed=row.owed,
        order_id=row.order_id,
        purse=row.purse,
        booked=row.booked,
    )


def _changeable(amended: PaymentRecord, now: datetime) -> dict[str, object]:
    return {**_bound(amended, _CHANGEABLE[:-1]), "new_updated_at": now}


def _bound(kept: PaymentRecord, names: Iterable[str]) -> dict[str, object]:
    return {"payment_id": kept.id, **{f"new_{name}": getattr(kept, name) for name in names}}
