"""Sessions opened, and reopened after a reload. What is read of them, and who still stands, is in `sessions`.

Both raise the generation of the ticket (without one: of the holder at the event), and the door list has every gate
close what older generations still hold.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from config.registry import Network
from gateway.gate.checks import Standing
from gateway.gate.sessions import Kept, Session, of_resume, packed, refusal
from gateway.http.codes import Code
from gateway.schema import sessions
from store.batch import Batch
from tickets import attendance, door
from tickets.door import DoorAction
from tickets.schema import events, tickets

SUPERSEDED = "superseded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """A session to be opened. Its random parts are made by the caller, so that the work can be run again."""

    id: str
    holder: str
    standing: Standing
    resume_digest: bytes
    signers: frozenset[bytes] = frozenset()  # the keys that opened it, where a chain must go on naming them


def resume_digest(secret: str) -> bytes:
    """Return what is stored of a resume secret."""
    return hashlib.sha256(secret.encode()).digest()


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
    signers = (packed(opening.signers), now) if opening.signers else (None, None)
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
    kept = of_resume(conn, secret_digest, network=network)
    if kept is None or kept.session.event_id != event_id:
        return Code.RESUME_INVALID
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
