"""Which site a signed text may name: the operator's domains and the event's own pages. Host is never believed."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from config.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A site that may ask wallets for signatures."""

    domain: str  # host[:port], as it stands in the text
    origin: str  # scheme and domain


class Pages:
    """The sites of one event, the operator's own first."""

    def __init__(self, settings: Settings, page_origins: Iterable[str]) -> None:
        listed = (settings.gate.public_url, *settings.gate.origins)
        origins = {domain_of(origin): origin.rstrip("/") for origin in listed}
        own = [Page(domain=name, origin=origins.get(name, f"https://{name}")) for name in settings.platform.domains]
        others = [Page(domain=domain_of(origin), origin=origin) for origin in page_origins]
        self._pages = {page.domain: page for page in (*others, *own)}
        self._first = own[0]

    @property
    def domains(self) -> frozenset[str]:
        """Return every domain that a text may name."""
        return frozenset(self._pages)

    def choose(self, *, uri: str | None, origin: str | None) -> Page | None:
        """Return the page that asks, by its own word or by its Origin; the operator's where neither is given.

        A page can only choose from the list: naming another one gets it None.
        """
        named = uri or origin
        if named is None:
            return self._first
        return self._pages.get(domain_of(named))


def domain_of(url: str) -> str:
    """Return host[:port] of a URL, in lower case and without credentials."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def spoken(url: str) -> str:
    """Return a page's URL as it stands in a text: without query and fragment, which may hold anything."""
    return urlsplit(url)._replace(query="", fragment="").geturl()
