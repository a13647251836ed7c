"""LiveKit's server API as far as we call it: the one stub (DESIGN section 11), for the real one cannot be had here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer
from livekit.api import (
    DeleteRoomRequest,
    DeleteRoomResponse,
    RemoveParticipantResponse,
    RoomParticipantIdentity,
    TokenVerifier,
    VideoGrants,
)

API_KEY, API_SECRET = "house", "a secret of at least thirty-two bytes"
REMOVE = "/twirp/livekit.RoomService/RemoveParticipant"
CLOSE = "/twirp/livekit.RoomService/DeleteRoom"


@dataclass
class LiveKit:
    """Rooms that everybody is in, and who was removed from them with what right."""

    url: str = ""
    failing: bool = False
    absent: bool = False  # nobody is in any room
    removed: "asyncio.Queue[tuple[str, str, VideoGrants]]" = field(default_factory=asyncio.Queue)
    closed: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)
    may_return: dict[str, bool] = field(default_factory=dict)  # whether tokens of this identity are good still

    @property
    def settings(self) -> str:
        """The operator's table."""
        return f'[livekit]\nurl = "{self.url}"\napi_key = "{API_KEY}"\napi_secret = "{API_SECRET}"\n'

    async def remove(self, request: web.Request) -> web.Response:
        """RemoveParticipant in Twirp's protobuf form, its errors in JSON (Twirp's wire protocol, version 7)."""
        asked = RoomParticipantIdentity.FromString(await request.read())
        token = request.headers["Authorization"].removeprefix("Bearer ")
        right = TokenVerifier(API_KEY, API_SECRET).verify(token).video
        assert right is not None
        self.may_return[asked.identity] = asked.revoke_token_ts == 1
        self.removed.put_nowait((asked.room, asked.identity, right))
        if self.failing:
            return web.json_response({"code": "internal", "msg": "out of order"}, status=500)
        if self.absent:
            return web.json_response({"code": "not_found", "msg": "participant does not exist"}, status=404)
        return web.Response(body=RemoveParticipantResponse().SerializeToString(), content_type="application/protobuf")

    async def close(self, request: web.Request) -> web.Response:
        """DeleteRoom."""
        self.closed.put_nowait(DeleteRoomRequest.FromString(await request.read()).room)
        return web.Response(body=DeleteRoomResponse().SerializeToString(), content_type="application/protobuf")


@asynccontextmanager
async def livekit_server() -> AsyncIterator[LiveKit]:
    """A running stub."""
    stub, app = LiveKit(), web.Application()
    app.router.add_post(REMOVE, stub.remove)
    app.router.add_post(CLOSE, stub.close)
    async with TestServer(app) as server:
        stub.url = f"ws://127.0.0.1:{server.port}"
        yield stub
