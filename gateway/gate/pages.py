"""Which site a signed text may name: the operator's domains and the event's own pages. Host is never believed."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from config.settings import Settings

SECURE, PLAIN = "https", "http"
USUAL_PORTS = {SECURE: 443, PLAIN: 80}


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A site that may ask wallets for signatures."""

    domain: str  # host[:port], as it stands in the text
    origin: str  # scheme and domain


class Pages:
    """The sites of one event, the operator's own first."""

    def __init__(self, settings: Settings, page_origins: Iterable[str]) -> None:
        own = settings.platform.domains
        listed = [page for url in (settings.gate.public_url, *settings.gate.origins) if (page := page_of(url))]
        pages = [page for page in listed if page.domain in own]
        for domain in own:
            pages += [Page(domain=domain, origin=f"{scheme}://{domain}") for scheme in schemes_of(domain)]
        pages += [page for origin in page_origins if (page := page_of(origin))]
        self._pages = {page.origin: page for page in pages}
        self._first = next(page for page in pages if page.domain == own[0])

    @property
    def domains(self) -> frozenset[str]:
        """Return every domain that a text may name."""
        return frozenset(page.domain for page in self._pages.values())

    def choose(self, *, uri: str | None, origin: str | None) -> Page | None:
        """Return the page that asks, by its own word or by its Origin; the operator's where neither is given.

        A page can only choose from the list: naming another one gets it None.
        """
        named = uri or origin
        if named is None:
            return self._first
        page = page_of(named)
        return self._pages.get(page.origin) if page else None


@lru_cache(1024)  # every proof is held against the list
def page_of(url: str) -> Page | None:
    """Return the site of a URL or an Origin, scheme and all; None for what is neither, as "null" is."""
    parts = _split(url)
    if parts is None or parts.scheme not in USUAL_PORTS or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = parts.port in (None, USUAL_PORTS[parts.scheme])
    domain = host if usual else f"{host}:{parts.port}"
    return Page(domain=domain, origin=f"{parts.scheme}://{domain}")


@lru_cache(1024)
def schemes_of(domain: str) -> tuple[str, ...]:
    """Return how the pages of a domain are reached: never in plain text, but on the developer's own machine."""
    host = urlsplit(f"//{domain}").hostname or ""
    return (SECURE, PLAIN) if _is_loopback(host) else (SECURE,)


def address_of(page: Page, url: str) -> str:
    """Return a page's URL as it stands in a text: the path alone, for the rest may hold anything."""
    return f"{page.origin}{urlsplit(url).path}"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:  # a bracket that is not closed, a letter that turns into `/` (NFKC), a port that is none
        return None
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 section 6.3
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
