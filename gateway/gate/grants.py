"""What an open session is handed: its own token, a TURN credential, a LiveKit token. Others decide whether it may."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from config.settings import Settings
from gateway.gate import livekit, turn
from gateway.gate.livekit import RoomToken
from gateway.gate.sessions import Session
from gateway.gate.turn import TurnCredential
from gateway.http.codes import Code
from tickets.keys import KeyKind, Keyring, Refused, TokenFault

TOKEN_LIFE = timedelta(minutes=5)
RENEW_EVERY = TOKEN_LIFE / 2
"""Sockets are handed fresh credentials this often, so that one missed renewal costs nobody the room."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionClaims:
    """What a session token says. Whether the session still stands is read from the database."""

    session_id: str
    event_id: int
    generation: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """Everything that a session is handed at once."""

    session_token: str
    expires_at: datetime  # of the session token
    turn: TurnCredential | None
    livekit: RoomToken | None


def issue(session: Session, *, settings: Settings, keyring: Keyring, now: datetime) -> Grant:
    """Return fresh credentials for a session that was just admitted, reopened or renewed."""
    expires_at = datetime.fromtimestamp(int((now + TOKEN_LIFE).timestamp()), UTC)
    return Grant(
        session_token=sign_session(session, keyring=keyring, expires_at=expires_at, now=now),
        expires_at=expires_at,
        turn=turn_credential(session.id, settings=settings, now=now),
        livekit=None
        if settings.livekit is None
        else livekit.room_token(
            settings.livekit,
            event_id=session.event_id,
            identity=media_identity(session.id, session.generation),
        ),
    )


def sign_session(session: Session, *, keyring: Keyring, expires_at: datetime, now: datetime) -> str:
    """Return the session token: a JWS of its own kind, which opens this session's socket and nothing else."""
    return keyring.signer(KeyKind.SESSION).sign(
        {
            "sub": session.id,
            "evt": session.event_id,
            "gen": session.generation,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
    )


def read_session(token: str, *, keyring: Keyring, now: datetime) -> SessionClaims | Code:
    """Read a session token, or say why it is worth nothing."""
    match keyring.verify(KeyKind.SESSION, token, now=now):
        case Refused(fault=TokenFault.EXPIRED):
            return Code.SESSION_EXPIRED
        case {"sub": str(session_id), "evt": int(event_id), "gen": int(generation), "exp": int()}:
            return SessionClaims(session_id=session_id, event_id=event_id, generation=generation)
        case _:
            return Code.SESSION_INVALID


def turn_credential(session_id: str, *, settings: Settings, now: datetime) -> TurnCredential | None:
    """Return a TURN credential for a session, None where no TURN server is configured."""
    if settings.turn is None:
        return None
    return turn.issue(
        settings.turn.secret.get_secret_value(),
        session_id=session_id,
        uris=settings.turn.uris,
        ttl=timedelta(seconds=settings.turn.ttl_seconds),
        now=now,
    )


def media_identity(session_id: str, generation: int) -> str:
    """Return the name under which a session's voice is heard: as random as the session's id, and not the id itself.

    Each generation has its own, so that the voice of a page that was left can be removed from the room alone.
    """
    return hashlib.sha256(f"media|{session_id}|{generation}".encode()).hexdigest()[:16]
