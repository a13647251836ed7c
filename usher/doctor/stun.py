"""Whether coturn is there: a STUN binding request (RFC 8489), which needs no credential, and its answer."""

import asyncio
import re
import secrets
import ssl
import struct
from dataclasses import dataclass

from config.settings import TurnSettings
from usher.doctor.finding import Finding, failed, ok

MAGIC = 0x2112A442
REQUEST, SUCCESS = 0x0001, 0x0101
HEADER = struct.Struct("!HHI12s")  # type, length, magic cookie, transaction id
SECONDS = 2.0
_URI = re.compile(r"(turns?):(\[[^\]]+\]|[^:?]+)(?::(\d+))?(?:\?transport=(udp|tcp))?")
_PORT = {"turn": 3478, "turns": 5349}


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """Where a TURN URI leads to (RFC 7065)."""

    host: str
    port: int
    tcp: bool
    tls: bool


def parse(uri: str) -> Server:
    """Read a TURN URI. Raises ValueError where it is none."""
    match = _URI.fullmatch(uri)
    if match is None:
        raise ValueError(f"{uri} is no TURN URI")
    scheme, host, port, transport = match.groups()
    return Server(
        host=host.strip("[]"),
        port=int(port or _PORT[scheme]),
        tcp=transport == "tcp" or scheme == "turns",
        tls=scheme == "turns",
    )


def binding_request(transaction: bytes) -> bytes:
    """Return a binding request without attributes."""
    return HEADER.pack(REQUEST, 0, MAGIC, transaction)


def answers(datagram: bytes, transaction: bytes) -> bool:
    """Whether this is the success response to our request."""
    if len(datagram) < HEADER.size:
        return False
    kind, _, magic, echoed = HEADER.unpack_from(datagram)
    return (kind, magic, echoed) == (SUCCESS, MAGIC, transaction)


async def examine(settings: TurnSettings) -> list[Finding]:
    """Ask each of the servers; a line for each."""
    return list(await asyncio.gather(*(_examine(uri) for uri in settings.uris)))


async def _examine(uri: str) -> Finding:
    server = parse(uri)
    transaction = secrets.token_bytes(12)
    try:
        async with asyncio.timeout(SECONDS):
            answered = await (_over_tcp if server.tcp else _over_udp)(server, transaction)
    except TimeoutError:
        return failed("turn", f"{uri} does not answer: is coturn running, and its port open to the world?")
    except OSError as error:
        return failed("turn", f"{uri} cannot be reached: {error.strerror or type(error).__name__}")
    return ok("turn", f"{uri} answers") if answered else failed("turn", f"{uri} answers something that is no STUN")


async def _over_tcp(server: Server, transaction: bytes) -> bool:
    context = ssl.create_default_context() if server.tls else None
    reader, writer = await asyncio.open_connection(server.host, server.port, ssl=context)
    try:
        writer.write(binding_request(transaction))
        return answers(await reader.readexactly(HEADER.size), transaction)
    except asyncio.IncompleteReadError:
        return False
    finally:
        writer.close()


async def _over_udp(server: Server, transaction: bytes) -> bool:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(_Client, remote_addr=(server.host, server.port))
    try:
        transport.sendto(binding_request(transaction))
        return answers(await protocol.answer, transaction)
    finally:
        transport.close()


class _Client(asyncio.DatagramProtocol):
    """Waits for one datagram, or for the news that nobody listens."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _addr: object) -> None:
        if not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)
