"""From a stored session to its seat in a room: what is read for it, what it is told, how a refusal closes it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from chains.account import HolderKey
from config.registry import Network
from config.settings import GateLimits
from gateway.gate import grants, sessions, signers
from gateway.gate.checks import Standing
from gateway.gate.grants import Grant
from gateway.gate.models import TurnAnswer
from gateway.gate.sessions import Kept
from gateway.http.codes import Code
from gateway.presence.effects import Seat
from gateway.presence.limits import Limits
from gateway.presence.messages import Closing, Message
from tickets import attendance, door
from verifier.verdict import Verdict

AUTHENTICATE_WITHIN = timedelta(seconds=5)
STRANGERS_PER_CLIENT = 64
"""Wide enough for a whole audience behind one address, who are seated as soon as they say whose they are."""
SIGNALS_FOR_A_MESSAGE = 3
"""Beside its messages a socket may say so many times as many signals."""
BYTES_PER_SECOND, BYTES_AT_ONCE = 64 * 1024, 512 * 1024
"""What one socket may say: offers for a room of some thirty, then all the messages it may send."""

ENDINGS = frozenset({Code.EVENT_OVER, Code.EVENT_CANCELLED})
STRANGERS = frozenset({Code.SESSION_INVALID, Code.SESSION_EXPIRED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """Somebody came into a room or left it."""

    seat: Seat
    arrived: bool
    at: datetime


def limits_of(settings: GateLimits) -> Limits:
    """Return the hub's limits as the operator set them."""
    return Limits(
        sockets=settings.sockets_total,
        sockets_per_ticket=settings.sockets_per_ticket,
        strangers_per_client=STRANGERS_PER_CLIENT,
        messages_per_second=settings.messages_per_second,
        signals_per_second=settings.messages_per_second * SIGNALS_FOR_A_MESSAGE,
        bytes_per_second=BYTES_PER_SECOND,
        bytes_at_once=BYTES_AT_ONCE,
        authenticate_within=AUTHENTICATE_WITHIN,
        silence=timedelta(seconds=settings.silence_seconds),
        renew_every=grants.RENEW_EVERY,
    )


def seat_of(kept: Kept) -> Seat:
    """Return a session's seat in its room."""
    session = kept.session
    return Seat(
        session_id=session.id,
        event_id=session.event_id,
        holder=session.holder,
        ticket_id=session.ticket_id,
        role=session.role,
        generation=session.generation,
        until=kept.standing.event.ends_at,
        media=grants.media_identity(session.id, session.generation),
    )


def closing_of(code: Code) -> Closing:
    """Return how a socket is closed for a refusal."""
    if code in ENDINGS:
        return Closing.ENDED
    if code in STRANGERS:
        return Closing.UNAUTHENTICATED
    return {Code.GATE_BLIND: Closing.BLIND, Code.SESSION_CLOSED: Closing.SUPERSEDED}.get(code, Closing.KICKED)


def welcome(kept: Kept, seat: Seat, *, silence: timedelta, now: datetime) -> Message:
    """Return what somebody is told on coming in, beside who is there."""
    return {
        "role": seat.role,
        "media": seat.media,
        "relay_only": kept.standing.event.relay_only,
        "heartbeat_seconds": int(silence.total_seconds()) // 3,
        "server_time": now,
    }


def fresh(grant: Grant, standing: Standing) -> Message:
    """Return renewed credentials as they are sent: the same names as in the answer to a join."""
    return {
        "session_token": grant.session_token,
        "expires_at": grant.expires_at,
        "turn_credentials": TurnAnswer.of(grant.turn).model_dump() if grant.turn else None,
        "iceServers": grant.turn.ice_servers if grant.turn else [],
        "relay_only": standing.event.relay_only,
    }


def read(session_id: str, network: Network, conn: Connection) -> tuple[Kept | None, int]:
    """Return a session, and a door notice's number that it is at least as new as: hence the number is read first."""
    sequence = door.latest(conn)
    return sessions.read(conn, [session_id], network=network).get(session_id), sequence


def renew(ids: Collection[str], network: Network, now: datetime, conn: Connection) -> dict[str, Kept]:
    """Read sessions again, and note that it was done for those about whose keys no chain is asked."""
    kept = sessions.read(conn, ids, network=network)
    sessions.note_renewals(conn, [session_id for session_id, one in kept.items() if one.signers is None], now=now)
    return kept


def renew_heard(
    heard: Mapping[str, Verdict], network: Network, asked_at: datetime, now: datetime, conn: Connection
) -> dict[str, Kept]:
    """Read sessions again of whose keys something was heard, and store what it was; they are told as they were."""
    kept = sessions.read(conn, heard, network=network)
    signers.note(conn, heard, asked_at=asked_at, now=now)
    renewed = [one for one, its in kept.items() if signers.refusal(its.signers, heard[one], now=now) is None]
    sessions.note_renewals(conn, renewed, now=now)
    return kept


def attend(conn: Connection, moves: Sequence[Move]) -> Sequence[None]:
    """Write who came and left, in the order it happened."""
    for move in moves:
        seat = move.seat
        if move.arrived:
            attendance.arrive(
                conn,
                session_id=seat.session_id,
                event_id=seat.event_id,
                ticket_id=seat.ticket_id,
                holder=HolderKey.parse(seat.holder),
                now=move.at,
            )
        else:
            attendance.leave(conn, session_id=seat.session_id, now=move.at)
    return [None] * len(moves)
