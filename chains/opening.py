"""From a chain's settings to its endpoints, whatever family speaks to them. Nothing is connected here."""

from collections.abc import Awaitable, Callable

from aiolimiter import AsyncLimiter

from chains.failover import Endpoints
from chains.rpc import Endpoint, Observer, Transport
from config.registry import Chain
from config.settings import ChainSettings, EndpointSettings


def endpoints_of(
    chain: Chain,
    settings: ChainSettings,
    *,
    transport: Callable[[str], Transport],
    identify: Callable[[Transport], Awaitable[str]],
    observer: Observer,
) -> Endpoints:
    """Return a chain's endpoints in the operator's order, each at its own rate. `transport` is made from a URL."""
    return Endpoints(
        [
            Endpoint(
                chain=chain.id,
                index=index,
                transport=transport(endpoint.url.get_secret_value()),
                identify=identify,
                observer=observer,
                limiter=limiter_of(endpoint),
            )
            for index, endpoint in enumerate(settings.endpoints)
        ]
    )


def limiter_of(endpoint: EndpointSettings) -> AsyncLimiter | None:
    """Return what holds an endpoint's rate; None where it may be asked as fast as it answers."""
    return None if endpoint.requests_per_second is None else AsyncLimiter(endpoint.requests_per_second, 1)
