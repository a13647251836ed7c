"""LiveKit: a token that joins one room, and how people are put out of it. It is imported on first use only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from config.settings import LiveKitSettings

JOIN_WITHIN = timedelta(minutes=2)
"""LiveKit checks the token when a participant connects; from then on the connection itself is what lasts."""

ANSWER_WITHIN_SECONDS = 5


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


class LiveKitError(Exception):
    """LiveKit did not do what it was asked."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{(type(self).__doc__ or '').strip()} ({reason})")


async def remove_participant(
    settings: LiveKitSettings, *, event_id: int, identity: str, may_return: bool = False
) -> bool:
    """Drop somebody from a room; False where they are not in it. Raises LiveKitError.

    LiveKit refuses their tokens of before then, where it can (1.9 on). `may_return`: it does not.
    """
    from livekit.api import RoomParticipantIdentity  # noqa: PLC0415  as above

    who = RoomParticipantIdentity(room=room_of(event_id), identity=identity)
    if may_return:
        who.revoke_token_ts = 1  # no token is from before that; empty would mean a minute from now
    async with _asked(settings) as room, _found() as found:
        await room.remove_participant(who)
    return found.yes


async def close_room(settings: LiveKitSettings, *, event_id: int) -> bool:
    """Put everybody out of a room; False where there is none. Raises LiveKitError."""
    from livekit.api import DeleteRoomRequest  # noqa: PLC0415  as above

    async with _asked(settings) as room, _found() as found:
        await room.delete_room(DeleteRoomRequest(room=room_of(event_id)))
    return found.yes


@dataclass(slots=True)
class _Found:
    yes: bool = True


@asynccontextmanager
async def _found() -> AsyncIterator[_Found]:
    """Note where what was asked for was not there."""
    from livekit.api import TwirpError  # noqa: PLC0415  as above

    found = _Found()
    try:
        yield found
    except TwirpError as error:
        if error.code != "not_found":
            raise
        found.yes = False


@asynccontextmanager
async def _asked(settings: LiveKitSettings) -> AsyncIterator[Any]:
    """Give LiveKit's room service; whatever goes wrong with it is a LiveKitError."""
    from aiohttp import ClientError  # noqa: PLC0415  as above
    from livekit.api import LiveKitAPI, TwirpError  # noqa: PLC0415  as above

    try:
        async with (
            asyncio.timeout(ANSWER_WITHIN_SECONDS),
            LiveKitAPI(settings.url, settings.api_key, settings.api_secret.get_secret_value()) as api,
        ):
            yield api.room
    except TwirpError as error:
        raise LiveKitError(str(error.code)) from error
    except (ClientError, OSError) as error:  # TimeoutError is an OSError
        raise LiveKitError(type(error).__qualname__) from error
