"""Sessions as they are kept, and read to see who still stands. No token is made here; how they open, `openings` says.

A session has an id and a generation. Only the newest one of its ticket (without one: of the holder at the event) may
authenticate or renew; what an older generation still holds is worth nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, select, update

from config.registry import Network
from gateway.gate import checks
from gateway.gate.audit import Action, Entry
from gateway.gate.checks import Role, Standing
from gateway.gate.standing import BANNED, EVENT_COLUMNS, TICKET_COLUMNS, event_of, role_of, ticket_of
from gateway.http.codes import Code
from gateway.schema import bans, sessions
from tickets.schema import events, tickets

KEY_BYTES = 33
"""Of a compressed public key (SEC 1 §2.3.3)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A holder's stay in an event's room."""

    id: str
    event_id: int
    holder: str
    ticket_id: str | None
    role: Role
    generation: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Signers:
    """The keys that opened a session, where its holder's chain must go on naming them; see `signers`."""

    holder: str
    keys: frozenset[bytes]  # compressed, 33 bytes each
    named_at: datetime  # when the chain was asked that named them last


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A session as it is stored, beside how its holder stands now."""

    session: Session
    standing: Standing
    closed: bool
    signers: Signers | None  # None: the key that opened it is its holder for ever


_KEPT: Select[Any] = (
    select(
        sessions.c.id.label("session_id"),
        sessions.c.holder,
        sessions.c.role,
        sessions.c.generation.label("session_generation"),
        sessions.c.ticket_id.label("its_ticket"),
        sessions.c.closed_at,
        sessions.c.signers,
        sessions.c.named_at,
        *EVENT_COLUMNS,
        *TICKET_COLUMNS,
        BANNED,
    )
    .join_from(sessions, events, events.c.id == sessions.c.event_id)
    .outerjoin(tickets, tickets.c.id == sessions.c.ticket_id)
    .outerjoin(bans, and_(bans.c.event_id == sessions.c.event_id, bans.c.holder == sessions.c.holder))
)
_BY_IDS = _KEPT.where(sessions.c.id.in_(bindparam("ids", expanding=True)))
_BY_RESUME = _KEPT.where(sessions.c.resume_digest == bindparam("digest"))


def read(conn: Connection, ids: Collection[str], *, network: Network) -> dict[str, Kept]:
    """Return the sessions with these ids and how their holders stand now; an unknown id is left out."""
    if not ids:
        return {}
    return {row.session_id: _kept(row, network) for row in conn.execute(_BY_IDS, {"ids": sorted(ids)})}


def of_resume(conn: Connection, digest: bytes, *, network: Network) -> Kept | None:
    """Return the session that a resume secret belongs to, and how its holder stands now."""
    row = conn.execute(_BY_RESUME, {"digest": digest}).one_or_none()
    return None if row is None else _kept(row, network)


def audited(kept: Kept, *, entry_id: str, action: Action, refusal: Code | None, client: str, now: datetime) -> Entry:
    """Return what the log says of something that a session asked for."""
    return Entry(
        id=entry_id,
        at=now,
        action=action,
        refusal=refusal,
        event_id=kept.session.event_id,
        ticket_id=kept.session.ticket_id,
        holder=kept.session.holder,
        client=client,
    )


def refusal(kept: Kept | None, *, generation: int, now: datetime) -> Code | None:
    """Return why a session of this generation may not go on, or None."""
    if kept is None:
        return Code.SESSION_INVALID
    ticket = kept.standing.ticket
    newest = ticket.generation if ticket else kept.session.generation
    if kept.closed or not generation == kept.session.generation == newest:
        return Code.SESSION_CLOSED
    if kept.session.role is not kept.standing.role and kept.session.role is not Role.STAFF:
        return Code.SESSION_CLOSED  # the event has another creator now
    return checks.refusal(kept.standing, now=now)


SessionAt = tuple[str, int]
"""A session's id, and the generation under which somebody is here with it."""
_STATE = select(sessions.c.id, sessions.c.generation, sessions.c.closed_at).where(
    sessions.c.id.in_(bindparam("ids", expanding=True))
)


def superseded_among(conn: Connection, here: Collection[SessionAt]) -> frozenset[SessionAt]:
    """Return those that a newer session, or a newer generation of the same one, took the place of."""
    if not here:
        return frozenset()
    rows = conn.execute(_STATE, {"ids": sorted({session_id for session_id, _ in here})})
    stored = {row.id: (row.generation, row.closed_at is not None) for row in rows}
    return frozenset(one for one in here if _is_superseded(one[1], *stored.get(one[0], (0, True))))


def _is_superseded(generation: int, newest: int, closed: bool) -> bool:  # noqa: FBT001  a column of the row
    return closed or generation < newest


def _kept(row: Row[Any], network: Network) -> Kept:
    role = Role(row.role)
    standing = Standing(
        event=event_of(row),
        role=role if role is Role.STAFF else role_of(row.creator, row.holder, network),
        tickets=(ticket_of(row),) if row.its_ticket is not None else (),
        banned=row.banned,
    )
    session = Session(
        id=row.session_id,
        event_id=row.event_id,
        holder=row.holder,
        ticket_id=row.its_ticket,
        role=role,
        generation=row.session_generation,
    )
    signers = None if row.signers is None else _signers(row.holder, bytes(row.signers), row.named_at)
    return Kept(session=session, standing=standing, closed=row.closed_at is not None, signers=signers)


def packed(keys: Collection[bytes]) -> bytes:
    """Return the keys that opened a session as they are stored: one behind the other."""
    return b"".join(sorted(keys))


def _signers(holder: str, stored: bytes, named_at: datetime) -> Signers:
    keys = frozenset(stored[start : start + KEY_BYTES] for start in range(0, len(stored), KEY_BYTES))
    return Signers(holder=holder, keys=keys, named_at=named_at)


_RENEWED = (
    update(sessions)
    .where(sessions.c.id.in_(bindparam("ids", expanding=True)))
    .values(renewed_at=bindparam("now", type_=sessions.c.renewed_at.type))
)


def note_renewals(conn: Connection, ids: Collection[str], *, now: datetime) -> None:
    """Remember when sessions were renewed last."""
    if ids:
        conn.execute(_RENEWED, {"ids": sorted(ids), "now": now})
