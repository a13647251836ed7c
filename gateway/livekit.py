"""LiveKit: a token that joins one room, and the removal of whoever was kicked. It is imported on first use only."""

from dataclasses import dataclass
from datetime import timedelta

from config.settings import LiveKitSettings

JOIN_WITHIN = timedelta(minutes=2)
"""LiveKit checks the token when a participant connects; from then on the connection itself is what lasts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomToken:
    """Where to connect, and the right to."""

    url: str
    token: str


def room_of(event_id: int) -> str:
    """Return the name of an event's room."""
    return f"event-{event_id}"


def room_token(settings: LiveKitSettings, *, event_id: int, identity: str) -> RoomToken:
    """Return the right to be in one room under this identity: speak and listen there, and administer nothing."""
    from livekit.api import AccessToken, VideoGrants  # noqa: PLC0415  protobuf; gates without LiveKit go without it

    grants = VideoGrants(room_join=True, room=room_of(event_id), can_update_own_metadata=False)
    token = AccessToken(settings.api_key, settings.api_secret.get_secret_value())
    signed: str = token.with_identity(identity).with_grants(grants).with_ttl(JOIN_WITHIN).to_jwt()
    return RoomToken(url=settings.url, token=signed)


async def remove_participant(settings: LiveKitSettings, *, event_id: int, identity: str) -> bool:
    """Drop somebody from a room; False where they are not in it. Raises TwirpError or ClientError on other failures."""
    from livekit.api import LiveKitAPI, RoomParticipantIdentity, TwirpError  # noqa: PLC0415  as above

    async with LiveKitAPI(settings.url, settings.api_key, settings.api_secret.get_secret_value()) as api:
        try:
            await api.room.remove_participant(RoomParticipantIdentity(room=room_of(event_id), identity=identity))
        except TwirpError as error:
            if error.code == "not_found":
                return False
            raise
    return True
