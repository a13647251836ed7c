"""Sessions as they are kept: opened, reopened after a reload, and read to see who still stands. No token is made here.

A session has an id and a generation. Opening or reopening raises the generation of its ticket (without one: of the
holder at the event), and only the newest one may authenticate or renew; what an older generation still holds is worth
nothing, and the door list has every gate close it.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, func, select, update

from config.registry import Network
from gateway.gate import checks
from gateway.gate.audit import Action, Entry
from gateway.gate.checks import Role, Standing
from gateway.gate.standing import BANNED, EVENT_COLUMNS, TICKET_COLUMNS, event_of, role_of, ticket_of
from gateway.http.problems import Code
from gateway.schema import bans, sessions
from store.batch import Batch
from tickets import attendance, door
from tickets.door import DoorAction
from tickets.schema import events, tickets

SUPERSEDED = "superseded"
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
class Opening:
    """A session to be opened. Its random parts are made by the caller, so that the work can be run again."""

    id: str
    holder: str
    standing: Standing
    resume_digest: bytes
    signers: frozenset[bytes] = frozenset()  # the keys that opened it, where a chain must go on naming them


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


def resume_digest(secret: str) -> bytes:
    """Return what is stored of a resume secret."""
    return hashlib.sha256(secret.encode()).digest()


# --- opening -------------------------------------------------------------------------------------------------

_ENTER = (
    update(tickets)
    .where(tickets.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        generation=tickets.c.generation + 1,
        first_access=func.coalesce(tickets.c.first_access, bindparam("now", type_=tickets.c.first_access.type)),
        last_access=bindparam("now", type_=tickets.c.last_access.type),
    )
    .returning(tickets.c.id, tickets.c.generation)
)
_CLOSED = {"closed_at": bindparam("now", type_=sessions.c.closed_at.type), "closed_reason": SUPERSEDED}
_SUPERSEDE_TICKETS = (
    update(sessions)
    .where(sessions.c.ticket_id.in_(bindparam("ids", expanding=True)), sessions.c.closed_at.is_(None))
    .values(**_CLOSED)
    .returning(sessions.c.id, sessions.c.event_id, sessions.c.ticket_id, sessions.c.holder)
)
_OF_HOLDER = (
    sessions.c.event_id == bindparam("event"),
    sessions.c.holder == bindparam("who"),
    sessions.c.ticket_id.is_(None),
)
_ONE_HOST_AT_A_TIME = select(events.c.id).where(events.c.id == bindparam("event")).with_for_update(key_share=True)
"""Without a ticket there is no row whose lock keeps two openings apart. It holds up no ticket's session."""
_SUPERSEDE_HOLDER = (
    update(sessions)
    .where(*_OF_HOLDER, sessions.c.closed_at.is_(None))
    .values(**_CLOSED)
    .returning(sessions.c.id, sessions.c.event_id, sessions.c.ticket_id, sessions.c.holder)
)
_NEWEST_OF_HOLDER = select(func.coalesce(func.max(sessions.c.generation), 0)).where(*_OF_HOLDER)
_OPEN = Batch(
    table=sessions,
    columns=(
        "id",
        "event_id",
        "ticket_id",
        "holder",
        "role",
        "generation",
        "opened_at",
        "renewed_at",
        "resume_digest",
        "signers",
        "named_at",
    ),
)


def open_all(conn: Connection, openings: Sequence[Opening], *, now: datetime) -> list[Session]:
    """Open the sessions, each for another ticket or holder; older ones of theirs are closed and kicked."""
    if not openings:
        return []
    ids = sorted(opening.standing.ticket.id for opening in openings if opening.standing.ticket)
    generations: dict[str, int] = {}
    if ids:
        generations = {row.id: row.generation for row in conn.execute(_ENTER, {"ids": ids, "now": now})}
    _supersede(conn, openings, generations, now)
    opened = [_session(conn, opening, generations) for opening in openings]
    _OPEN.insert(
        conn,
        [_row(session, opening, now) for session, opening in zip(opened, openings, strict=True)],
    )
    return opened


def _supersede(conn: Connection, openings: Sequence[Opening], generations: Mapping[str, int], now: datetime) -> None:
    entered_before = sorted(ticket for ticket, generation in generations.items() if generation > 1)
    closed: list[Row[Any]] = []
    if entered_before:
        closed += conn.execute(_SUPERSEDE_TICKETS, {"ids": entered_before, "now": now})
    for opening in openings:
        if opening.standing.ticket is None:
            event_id = opening.standing.event.id
            conn.execute(_ONE_HOST_AT_A_TIME, {"event": event_id})
            closed += conn.execute(_SUPERSEDE_HOLDER, {"event": event_id, "who": opening.holder, "now": now})
    let_go(conn, closed, now)


def let_go(conn: Connection, closed: Sequence[Row[Any]], now: datetime) -> None:
    """Have every gate close sessions that were just closed here."""
    attendance.leave_all(conn, [row.id for row in closed], now=now)  # its gate may be gone
    for row in closed:
        _announce(conn, event_id=row.event_id, ticket_id=row.ticket_id, holder=row.holder, now=now)


def _announce(conn: Connection, *, event_id: int, ticket_id: str | None, holder: str, now: datetime) -> None:
    door.announce(
        conn,
        event_id=event_id,
        ticket_id=ticket_id,
        holder=holder,
        action=DoorAction.SUPERSEDED,
        reason=SUPERSEDED,
        now=now,
    )


def _row(session: Session, opening: Opening, now: datetime) -> tuple[object, ...]:
    whose = (session.event_id, session.ticket_id, session.holder)
    signers = (b"".join(sorted(opening.signers)), now) if opening.signers else (None, None)
    return (session.id, *whose, session.role.value, session.generation, now, now, opening.resume_digest, *signers)


def _session(conn: Connection, opening: Opening, generations: Mapping[str, int]) -> Session:
    ticket = opening.standing.ticket
    return Session(
        id=opening.id,
        event_id=opening.standing.event.id,
        holder=opening.holder,
        ticket_id=ticket.id if ticket else None,
        role=opening.standing.role,
        generation=generations[ticket.id] if ticket else _next_of_holder(conn, opening),
    )


def _next_of_holder(conn: Connection, opening: Opening) -> int:
    newest = conn.execute(_NEWEST_OF_HOLDER, {"event": opening.standing.event.id, "who": opening.holder})
    return int(newest.scalar_one()) + 1


# --- reading -------------------------------------------------------------------------------------------------

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


def _signers(holder: str, stored: bytes, named_at: datetime) -> Signers:
    keys = frozenset(stored[start : start + KEY_BYTES] for start in range(0, len(stored), KEY_BYTES))
    return Signers(holder=holder, keys=keys, named_at=named_at)


# --- reopening -----------------------------------------------------------------------------------------------

_NEXT_OF_TICKET = (
    update(tickets)
    .where(tickets.c.id == bindparam("ticket"), tickets.c.generation == bindparam("seen"))
    .values(generation=tickets.c.generation + 1, last_access=bindparam("now", type_=tickets.c.last_access.type))
)
_NEXT_OF_SESSION = (
    update(sessions)
    .where(
        sessions.c.id == bindparam("session"),
        sessions.c.generation == bindparam("seen"),
        sessions.c.closed_at.is_(None),
    )
    .values(
        generation=sessions.c.generation + 1,
        resume_digest=bindparam("digest"),
        renewed_at=bindparam("now", type_=sessions.c.renewed_at.type),
    )
)


def to_reopen(conn: Connection, *, event_id: int, secret_digest: bytes, network: Network, now: datetime) -> Kept | Code:
    """Return the session that a resume secret belongs to, if it may go on."""
    row = conn.execute(_BY_RESUME, {"digest": secret_digest}).one_or_none()
    if row is None or row.event_id != event_id:
        return Code.RESUME_INVALID
    kept = _kept(row, network)
    return refusal(kept, generation=kept.session.generation, now=now) or kept


def reopen(conn: Connection, kept: Kept, *, next_digest: bytes, now: datetime) -> Kept | Code:
    """Take up a session under the next generation and with the next secret.

    Of two that try with one secret, one succeeds: both writes ask for the generation that was read.
    """
    seen, event_id = kept.session.generation, kept.session.event_id
    ticket = kept.session.ticket_id
    if ticket and conn.execute(_NEXT_OF_TICKET, {"ticket": ticket, "seen": seen, "now": now}).rowcount != 1:
        return Code.SESSION_CLOSED
    following = {"session": kept.session.id, "seen": seen, "digest": next_digest, "now": now}
    if conn.execute(_NEXT_OF_SESSION, following).rowcount != 1:
        return Code.SESSION_CLOSED
    _announce(conn, event_id=event_id, ticket_id=ticket, holder=kept.session.holder, now=now)  # the page before
    return replace(kept, session=replace(kept.session, generation=seen + 1))


_RENEWED = (
    update(sessions)
    .where(sessions.c.id.in_(bindparam("ids", expanding=True)))
    .values(renewed_at=bindparam("now", type_=sessions.c.renewed_at.type))
)


def note_renewals(conn: Connection, ids: Collection[str], *, now: datetime) -> None:
    """Remember when sessions were renewed last."""
    if ids:
        conn.execute(_RENEWED, {"ids": sorted(ids), "now": now})
