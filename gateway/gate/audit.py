"""The door's log: a row for every grant and every refusal behind a valid signature; earlier refusals are counted."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, delete, update

from gateway.http.codes import Code
from gateway.schema import audit
from store.batch import Batch
from store.upsert import insert_ignore

GRANTED = "granted"


class Action(StrEnum):
    """What was asked for."""

    JOIN = "join"
    VERIFY = "verify"
    RESUME = "resume"
    PURCHASE = "purchase"
    SOCKET = "socket"
    RENEW = "renew"
    TURN = "turn"
    REQUEST = "request"  # anything at all, refused before it was looked at


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A grant, or a refusal of somebody who proved a wallet or a session."""

    id: str  # 128 random bits in hex, made by the caller: the work may be run again
    at: datetime
    action: Action
    refusal: Code | None  # None: granted
    event_id: int
    ticket_id: str | None
    holder: str
    client: str | None  # keyed hash


@dataclass(frozen=True, kw_only=True, slots=True)
class Stranger:
    """What became of somebody who proved nothing yet."""

    at: datetime
    action: Action
    refusal: Code | None  # None: granted, as an order is without a proof
    client: str  # keyed hash
    event_id: int | None = None  # where it is known

    @property
    def row_id(self) -> str:
        """Return the id of the row that counts it: one per client, action, event, code and minute."""
        minute = self.at.replace(second=0, microsecond=0).isoformat()
        counted = f"{self.client}|{self.action}|{self.event_id}|{self.refusal}|{minute}"
        return hashlib.sha256(counted.encode()).hexdigest()[:32]


_RECORD = Batch(
    table=audit,
    columns=("id", "at", "action", "outcome", "event_id", "ticket_id", "holder", "client", "count"),
)
_COUNT = update(audit).where(audit.c.id == bindparam("row")).values(count=audit.c.count + bindparam("more"))


def record(conn: Connection, entries: Sequence[Entry]) -> None:
    """Write a row for each entry."""
    _RECORD.insert(conn, [_row(entry) for entry in entries])


def count(conn: Connection, strangers: Sequence[Stranger]) -> Sequence[None]:
    """Count what came before a valid signature: however much there is, one row per client, code and minute."""
    by_row = {stranger.row_id: stranger for stranger in strangers}
    times = Counter(stranger.row_id for stranger in strangers)
    count_times(conn, [(by_row[row_id], times[row_id]) for row_id in by_row])
    return [None] * len(strangers)


def count_times(conn: Connection, strangers: Sequence[tuple[Stranger, int]]) -> None:
    """Count each so many times. They must differ in their rows."""
    by_row = {stranger.row_id: (stranger, times) for stranger, times in strangers}
    in_order = sorted(by_row)  # gates wait for each other in one order
    insert_ignore(conn, audit, [_empty_row(row_id, by_row[row_id][0]) for row_id in in_order])
    conn.execute(_COUNT, [{"row": row_id, "more": by_row[row_id][1]} for row_id in in_order])


def prune(conn: Connection, *, before: datetime) -> int:
    """Forget what is older; returns how many rows went."""
    return conn.execute(delete(audit).where(audit.c.at < before)).rowcount


def _empty_row(row_id: str, stranger: Stranger) -> dict[str, object]:
    return {
        "id": row_id,
        "at": stranger.at.replace(second=0, microsecond=0),
        "action": stranger.action.value,
        "outcome": _outcome(stranger.refusal),
        "event_id": stranger.event_id,
        "ticket_id": None,
        "holder": None,
        "client": stranger.client,
        "count": 0,
    }


def _row(entry: Entry) -> tuple[object, ...]:
    whose = (entry.event_id, entry.ticket_id, entry.holder, entry.client)
    return (entry.id, entry.at, entry.action.value, _outcome(entry.refusal), *whose, 1)


def _outcome(refusal: Code | None) -> str:
    return refusal.value if refusal else GRANTED
