"""Who is asking, as a network behind the operator's proxies, and only ever as a keyed hash. No limits stand here."""

import hmac
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import web

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNKNOWN = IPv4Address("0.0.0.0")  # noqa: S104  not bound to: stands for a peer without an IP address
HASH_HEX = 32
REMEMBERED = 16_384


class Clients:
    """Tells clients apart without keeping their addresses."""

    def __init__(self, *, trusted: Sequence[Network], secret: bytes) -> None:
        self._trusted = tuple(trusted)
        self._key = lru_cache(REMEMBERED)(lambda address: network_key(address, secret))
        self._read = lru_cache(REMEMBERED)(read_address)

    def key(self, request: web.Request) -> str:
        """Return the keyed hash of the client's network."""
        peer = self._read(request.remote or "") or UNKNOWN
        if not self._trusted:
            return self._key(peer)
        forwarded_for = request.headers.getall("X-Forwarded-For", ())
        forwarded = request.headers.getall("Forwarded", ())
        return self._key(client_address(peer, forwarded_for, forwarded, self._trusted))


CLIENTS: web.AppKey[Clients] = web.AppKey("clients", Clients)


def client_of(request: web.Request) -> str:
    """Return the keyed hash of the client's network, as limits, holds and the audit log know it."""
    return request.app[CLIENTS].key(request)


def network_key(address: Address, secret: bytes) -> str:
    """Return 128 bits of HMAC-SHA256 over the address's /32 or /64, in hex: only the secret makes it tryable."""
    prefix = address.packed[:8]  # all 4 bytes of an IPv4 address, the /64 of an IPv6 one
    return hmac.digest(secret, b"client|" + prefix, "sha256").hex()[:HASH_HEX]


def client_address(
    peer: Address, forwarded_for: Sequence[str], forwarded: Sequence[str], trusted: Sequence[Network]
) -> Address:
    """Return the right-most hop that is not one of our proxies.

    A proxy writes one of the two fields and passes the other one on as the client sent it. Where both are there
    and disagree, one is forged and we cannot know which: the proxy itself stands for all such clients.
    """
    if not _is_trusted(peer, trusted):
        return peer
    chains = [hops for hops in (hops_of_x_forwarded_for(forwarded_for), hops_of_forwarded(forwarded)) if hops]
    candidates = {_outermost(peer, hops, trusted) for hops in chains}
    return candidates.pop() if len(candidates) == 1 else peer


def hops_of_x_forwarded_for(fields: Sequence[str]) -> list[str]:
    """Return the hops in the order of the fields, nearest last."""
    return [hop.strip() for line in fields for hop in line.split(",") if hop.strip()]


def hops_of_forwarded(fields: Sequence[str]) -> list[str]:
    """Return each element's `for=` parameter (RFC 7239 section 4), nearest last; "" where it has none."""
    elements = [element for line in fields for element in line.split(",") if element.strip()]
    return [_for_parameter(element) for element in elements]


def read_address(text: str) -> Address | None:
    """Read an address as peers and proxies write it, a port allowed (`[2001:db8::1]:80`)."""
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _for_parameter(element: str) -> str:
    pairs = (pair.partition("=") for pair in element.split(";"))
    return next((value.strip() for name, _, value in pairs if name.strip().lower() == "for"), "")


def _outermost(nearest: Address, hops: Sequence[str], trusted: Sequence[Network]) -> Address:
    """Walk from the nearest hop outwards as far as our own proxies vouch for the next one."""
    vouched = nearest
    for hop in reversed(hops):
        address = read_address(hop)
        if address is None:  # obfuscated or nonsense: the last proxy of ours stands for it
            return vouched
        if not _is_trusted(address, trusted):
            return address
        vouched = address
    return vouched


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)
