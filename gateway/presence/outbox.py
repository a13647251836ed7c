"""What one socket still has to be told: a bounded queue and the task that empties it. Who falls behind is dropped."""

import asyncio
from contextlib import suppress

from aiohttp import ClientConnectionResetError, web

from gateway.presence.messages import Closing

SIZE = 256
"""Messages a client may be behind."""
LAST_WORDS_SECONDS = 2
"""How long a closed client has for the close handshake before it is cut. To the room it is gone at once."""


class Outbox:
    """Sends in order, never waits for the client, and ends with the socket."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._socket = socket
        self._request = request
        self._queue: asyncio.Queue[str | Closing] = asyncio.Queue(SIZE + 1)  # one place is the closing's
        self._task = asyncio.create_task(self._empty())

    def put(self, text: str) -> bool:
        """Take a message; False where the client is too far behind."""
        if self._queue.qsize() >= SIZE:
            return False
        self._queue.put_nowait(text)
        return True

    def close(self, closing: Closing) -> None:
        """End the socket behind what is waiting; a client that does not read is cut off."""
        self._queue.put_nowait(closing)
        cut = asyncio.get_running_loop().call_later(LAST_WORDS_SECONDS, self.drop)
        self._task.add_done_callback(lambda _: cut.cancel())

    def drop(self) -> None:
        """Cut the connection without a word."""
        self._task.cancel()
        if self._request.transport is not None:
            self._request.transport.abort()

    async def finish(self) -> None:
        """Return once everything was sent or nothing more can be."""
        await asyncio.wait([self._task])

    async def _empty(self) -> None:
        with suppress(ClientConnectionResetError):  # the client went away; its handler notices by itself
            while True:
                match await self._queue.get():
                    case Closing() as closing:
                        await self._socket.close(code=closing.code, message=closing.reason.encode())
                        return
                    case text:
                        await self._socket.send_str(text)
