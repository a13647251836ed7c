"""A line between a source and its node that can be cut and mended. It passes bytes and knows no protocol."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

AT_ONCE = 2**16


@dataclass(slots=True, eq=False)
class Line:
    """A port of the loopback interface that leads to a node, as long as the line is whole."""

    port: int  # of the node; it may move while the line is cut
    url: str = ""
    _own: int = 0
    _server: asyncio.Server | None = None
    _ends: set[asyncio.StreamWriter] = field(default_factory=set)
    _passing: "set[asyncio.Future[None]]" = field(default_factory=set)

    async def mend(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self._own)
        self._own = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Refuse connections, and break those there are as a dead node's kernel does."""
        if self._server is not None:
            self._server.close()
            for end in tuple(self._ends):
                end.transport.abort()
            await asyncio.gather(*self._passing)
            self._server = None

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._passing.add(passing)
        self._ends.add(writer)
        try:
            from_node, to_node = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.transport.abort()
        else:
            self._ends.add(to_node)
            await asyncio.gather(_pass(reader, to_node), _pass(from_node, writer))
            self._ends.discard(to_node)
        self._ends.discard(writer)
        self._passing.discard(passing)
        passing.set_result(None)

    def through(self, url: str) -> str:
        """Return a node's URL with this line in front of the node, user and password kept."""
        parts = urlsplit(url)
        user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        return urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{self._own}"))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until one end is gone, then close the other."""
    with contextlib.suppress(OSError):
        while data := await reader.read(AT_ONCE):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    """Put a line in front of the node at a URL of the loopback interface."""
    port = urlsplit(url).port
    assert port is not None
    line = Line(port)
    await line.mend()
    line.url = line.through(url)
    try:
        yield line
    finally:
        await line.cut()
