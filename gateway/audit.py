"""The door's log: a row for every grant and every refusal behind a valid signature; earlier refusals are counted."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, delete, update

from gateway.problems import Code
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
    """A refusal of somebody who proved nothing yet."""

    at: datetime
    action: Action
    refusal: Code
    client: str  # keyed hash

    @property
    def row_id(self) -> str:
        """Return the id of the row that counts it: one per client, action, code and minute."""
        minute = self.at.replace(second=0, microsecond=0).isoformat()
        return hashlib.sha256(f"{self.client}|{self.action}|{self.refusal}|{minute}".encode()).hexdigest()[:32]


_RECORD = Batch(
    table=audit,
    columns=("id", "at", "action", "outcome", "event_id", "ticket_id", "holder", "client", "count"),
)
_COUNT = update(audit).where(audit.c.id == bindparam("row")).values(count=audit.c.count + bindparam("more"))


def record(conn: Connection, entries: Sequence[Entry]) -> None:
    """Write a row for each entry."""
    _RECORD.insert(conn, [_row(entry) for entry in entries])


def count(conn: Connection, strangers: Sequence[Stranger]) -> Sequence[None]:
    """Count refusals before a valid signature: however many there are, one row per client, code and minute."""
    by_row = {stranger.row_id: stranger for stranger in strangers}
    rows = [_empty_row(row_id, by_row[row_id]) for row_id in sorted(by_row)]  # gates wait in one order
    insert_ignore(conn, audit, rows)
    times = Counter(stranger.row_id for stranger in strangers)
    conn.execute(_COUNT, [{"row": row_id, "more": times[row_id]} for row_id in sorted(times)])
    return [None] * len(strangers)


def prune(conn: Connection, *, before: datetime) -> int:
    """Forget what is older; returns how many rows went."""
    return conn.execute(delete(audit).where(audit.c.at < before)).rowcount


def _empty_row(row_id: str, stranger: Stranger) -> dict[str, object]:
    return {
        "id": row_id,
        "at": stranger.at.replace(second=0, microsecond=0),
        "action": stranger.action.value,
        "outcome": stranger.refusal.value,
        "event_id": None,
        "ticket_id": None,
        "holder": None,
        "client": stranger.client,
        "count": 0,
    }


def _row(entry: Entry) -> tuple[object, ...]:
    outcome = entry.refusal.value if entry.refusal else GRANTED
    whose = (entry.event_id, entry.ticket_id, entry.holder, entry.client)
    return (entry.id, entry.at, entry.action.value, outcome, *whose, 1)
