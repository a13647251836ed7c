"""The request and answer types of the gate's doors. What they mean is decided in the modules named after the doors."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, BeforeValidator, Field

from gateway.gate.checks import EventAtDoor, Role, Standing
from gateway.gate.grants import Grant
from gateway.gate.turn import TurnCredential
from gateway.http.models import Answer, Given, WalletAddress
from verifier.texts.purpose import Purpose

MAX_SIGNATURE = 32_770
"""Characters: 16,384 bytes in hex, what a wrapped smart-wallet signature may have."""
MAX_BYTES = 512
BYTE = range(256)
MAX_MESSAGE = 4_096


def _hex_of_integers(value: Any) -> Any:
    """Take a signature as Solana wallets hand it to a page: `[12, 255, …]`, or the same as an object by index."""
    if isinstance(value, dict) and [*value] == [str(index) for index in range(len(value))]:
        value = list(value.values())
    if isinstance(value, list) and len(value) <= MAX_BYTES and all(type(one) is int and one in BYTE for one in value):
        return f"0x{bytes(value).hex()}"
    return value


Signature = Annotated[
    str,
    BeforeValidator(_hex_of_integers, json_schema_input_type=str | list[int]),
    Field(min_length=1, max_length=MAX_SIGNATURE, description="Text, or the bytes as an array of integers"),
]


class ChallengeGiven(Given):
    """Who wants to sign, and for what."""

    wallet_address: WalletAddress
    purpose: Literal[Purpose.JOIN, Purpose.PURCHASE] = Purpose.JOIN
    uri: AnyHttpUrl | None = Field(None, description="The page that asks; its origin must be on the list")


class ChallengeAnswer(Answer):
    """The text to sign, to be sent back with its signature exactly as it stands, however it was signed."""

    message: str
    typed_data: dict[str, Any] | None = Field(
        description="The same for eth_signTypedData_v4 (EIP-712), which shows its fields; for EVM wallets alone"
    )
    nonce: str
    domain: str
    issued_at: datetime
    expires_at: datetime


class ProofGiven(Given):
    """A wallet's proof: the challenge's `message`, or the `timestamp` in `Access event <id> at <timestamp>`."""

    wallet_address: WalletAddress
    signature: Signature | None = None
    message: Annotated[str, Field(max_length=MAX_MESSAGE)] | None = None
    timestamp: int | None = Field(None, description="The signed milliseconds since 1970")


class ResumeGiven(Given):
    """The secret that the session was handed last."""

    resume: Annotated[str, Field(min_length=1, max_length=128)]


class TurnAnswer(Answer):
    """A TURN credential (coturn's REST form). `password` and `credential` are one: both names are in use."""

    username: str
    credential: str
    password: str
    ttl: int
    uris: tuple[str, ...]

    @classmethod
    def of(cls, credential: TurnCredential) -> "TurnAnswer":
        """Return a credential as it is sent."""
        return cls(
            username=credential.username,
            credential=credential.password,
            password=credential.password,
            ttl=int(credential.ttl.total_seconds()),
            uris=credential.uris,
        )


class IceAnswer(TurnAnswer):
    """The same, with what `new RTCPeerConnection()` takes."""

    ice_servers: list[dict[str, Any]] = Field(serialization_alias="iceServers")
    relay_only: bool

    @classmethod
    def for_event(cls, credential: TurnCredential, event: EventAtDoor) -> "IceAnswer":
        """Return a credential for an event's room as it is sent."""
        plain = TurnAnswer.of(credential).model_dump()
        return cls(**plain, ice_servers=credential.ice_servers, relay_only=event.relay_only)


class LiveKitAnswer(Answer):
    """Where the room's voices are, and the right to join it within two minutes."""

    url: str
    token: str


class TicketAnswer(Answer):
    """The ticket that opened the door."""

    id: str
    token: str


class GrantAnswer(Answer):
    """The door is open."""

    access_granted: Literal[True] = True
    role: Role
    websocket_url: str
    session_token: str
    expires_at: datetime
    resume: str
    turn_credentials: TurnAnswer | None
    ice_servers: list[dict[str, Any]] = Field(serialization_alias="iceServers")
    relay_only: bool
    livekit: LiveKitAnswer | None
    ticket: TicketAnswer | None
    server_time: datetime

    @classmethod
    def of(cls, grant: Grant, standing: Standing, *, websocket_url: str, resume: str, now: datetime) -> "GrantAnswer":
        """Return what a session was granted as it is sent."""
        ticket, livekit = standing.ticket, grant.livekit
        return cls(
            role=standing.role,
            websocket_url=websocket_url,
            session_token=grant.session_token,
            expires_at=grant.expires_at,
            resume=resume,
            turn_credentials=TurnAnswer.of(grant.turn) if grant.turn else None,
            ice_servers=grant.turn.ice_servers if grant.turn else [],
            relay_only=standing.event.relay_only,
            livekit=LiveKitAnswer(url=livekit.url, token=livekit.token) if livekit else None,
            ticket=TicketAnswer(id=ticket.id, token=ticket.token) if ticket else None,
            server_time=now,
        )


class VerifyAnswer(Answer):
    """Whether the door would open now, and if not, why. `hasAccess` is the name existing pages read."""

    access: bool
    has_access: bool = Field(serialization_alias="hasAccess")
    code: str | None
    error: str | None
    server_time: datetime
