"""The signed forms that leave the house: a ticket's token, and the list of tickets that are worth nothing any more."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select

from tickets import door
from tickets.keys import KeyKind, Keyring, Refused, Signer, TokenFault
from tickets.schema import tickets
from tickets.ticket import TicketState

PAYMENTS_TOLD = 3
"""Payments named in a token at most: a ticket paid in many parts must still fit a QR code."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEXT_UPDATE = timedelta(minutes=15)
"""How long a scanner may rely on a revocation list."""

_REVOKED = (
    select(tickets.c.id, tickets.c.state)
    .where(tickets.c.state != TicketState.VALID, tickets.c.expires_at > bindparam("at"))
    .order_by(tickets.c.id)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketClaims:
    """What a ticket's token says. It alone never opens the room: the wallet must prove itself."""

    account: str  # CAIP-10
    event_id: int
    ticket_id: str
    tier: str
    issued_at: datetime
    expires_at: datetime
    payments: tuple[str, ...]  # payment ids, the first PAYMENTS_TOLD


def sign_ticket(signer: Signer, claims: TicketClaims) -> str:
    """Return the token of a ticket."""
    return signer.sign(
        {
            "sub": claims.account,
            "evt": claims.event_id,
            "tid": claims.ticket_id,
            "tier": claims.tier,
            "iat": int(claims.issued_at.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
            "pay": list(claims.payments[:PAYMENTS_TOLD]),
        }
    )


def read_ticket(token: str, keyring: Keyring, *, now: datetime) -> TicketClaims | Refused:
    """Return what a ticket's token says if it is one of ours and not over."""
    claims = keyring.verify(KeyKind.TICKET, token, now=now)
    if isinstance(claims, Refused):
        return claims
    try:
        return TicketClaims(
            account=_typed(claims["sub"], str),
            event_id=_typed(claims["evt"], int),
            ticket_id=_typed(claims["tid"], str),
            tier=_typed(claims["tier"], str),
            issued_at=_moment(claims["iat"]),
            expires_at=_moment(claims["exp"]),
            payments=tuple(_typed(payment, str) for payment in _typed(claims["pay"], list)),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return Refused(fault=TokenFault.BAD_CLAIMS)


def revocation_list(conn: Connection, keyring: Keyring, *, now: datetime) -> str:
    """Return the signed list of tickets that are not over and not valid, each with its state.

    `sequence` is the number of the last door notice: it never falls, and the list is at least as new as it says. After
    `next_update` (seconds since the epoch, as `iat`) a scanner must treat the list as stale.
    """
    sequence = door.latest(conn)  # read first: what commits in between is in the list already
    revoked = {row.id: row.state for row in conn.execute(_REVOKED, {"at": now})}
    return keyring.signer(KeyKind.REVOCATIONS).sign(
        {
            "sequence": sequence,
            "iat": int(now.timestamp()),
            "next_update": int((now + NEXT_UPDATE).timestamp()),
            "tickets": revoked,
        }
    )


def _moment(seconds: Any) -> datetime:
    return EPOCH + timedelta(seconds=_typed(seconds, int))


def _typed(value: Any, kind: type[Any]) -> Any:
    if type(value) is not kind:
        raise TypeError(f"a claim is no {kind.__name__}")
    return value
