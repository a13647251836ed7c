"""GET /event/{event}: one presence websocket, from its handshake to its end. Nothing in its URL is secret."""

from aiohttp import WSMsgType, web

from gateway.deps import DEPS
from gateway.gate.desk import DESK, told
from gateway.http.client import client_of
from gateway.http.codes import Code
from gateway.http.cors import ORIGINS
from gateway.http.problems import Problem
from gateway.presence.messages import MAX_SIGNAL_BYTES
from gateway.presence.outbox import Outbox
from gateway.presence.rooms import Rooms

ROOMS: web.AppKey[Rooms] = web.AppKey("rooms", Rooms)


async def presence(request: web.Request, _: None) -> web.StreamResponse | Problem:
    """Open a socket to an event's room; its first message must be `{"type":"auth","token":…}`."""
    now, rooms, client = request.app[DEPS].clock(), request.app[ROOMS], client_of(request)
    event = await request.app[DESK].book.find(request.match_info["event"])
    if event is None:
        return Problem(code=Code.UNKNOWN_EVENT)
    if (origin := request.headers.get("Origin")) and not await request.app[ORIGINS].allow(origin):
        return Problem(code=Code.ORIGIN_NOT_ALLOWED)  # browsers send cookies and open sockets across origins
    if rooms.door_list.blind(now):
        return told(Code.GATE_BLIND, now=now)
    if not rooms.hub.admits(client):
        return told(Code.TOO_MANY_SOCKETS, now=now)
    socket = web.WebSocketResponse(max_msg_size=MAX_SIGNAL_BYTES, compress=False)
    if not socket.can_prepare(request):
        return Problem(code=Code.NOT_A_WEBSOCKET, headers={"Upgrade": "websocket"})
    await socket.prepare(request)
    connection, outbox = rooms.enter(lambda: Outbox(socket, request), client=client, event_id=event.id)
    try:
        async for message in socket:
            await rooms.hear(connection, message.data if message.type is WSMsgType.TEXT else None)
    finally:
        if rooms.leave(connection):
            outbox.drop()
        await outbox.finish()
    return socket
