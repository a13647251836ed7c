"""The gateway put together: one application out of all tables of routes."""

from aiohttp import web

from gateway.api import events, orders, payments, purchase, stream, wellknown
from gateway.api.stream import FEED, OrderFeed, end_streams
from gateway.background import BACKGROUND, Background, care_for
from gateway.deps import DEPS, Deps
from gateway.gate import routes as gate
from gateway.gate import voices
from gateway.housekeeping import keep_house
from gateway.http import openapi
from gateway.http.client import CLIENTS, Clients
from gateway.http.cors import ORIGINS, Origins
from gateway.http.idempotency import IN_FLIGHT
from gateway.http.limits import LIMITS, Limits
from gateway.http.middleware import finish_headers, frame
from gateway.http.openapi import publish
from gateway.http.routing import register
from gateway.http.server_log import keep_words_out
from gateway.operations import health
from gateway.operations.health import LOOK, Look

TABLES = (
    gate.ROUTES,  # first: of the patterns under one path the router tries one after the other
    (openapi.ROUTE,),
    events.ROUTES,
    purchase.ROUTES,
    orders.ROUTES,
    payments.ROUTES,
    stream.ROUTES,
    wellknown.ROUTES,
    health.ROUTES,
)


def build_app(deps: Deps) -> web.Application:
    """Return the public application. It opens nothing before it is started."""
    keep_words_out()
    settings = deps.settings.gate
    app = web.Application(middlewares=[frame], client_max_size=settings.limits.body_bytes)
    app[DEPS] = deps
    app[CLIENTS] = Clients(trusted=settings.trusted_proxies, secret=deps.secret)
    app[LIMITS] = Limits(settings.limits, deps.clock)
    app[ORIGINS] = Origins(listed=(settings.public_url, *settings.origins), store=deps.store, clock=deps.clock)
    app[FEED] = OrderFeed(deps.store, deps.metrics.streams)
    app[IN_FLIGHT] = {}
    app[BACKGROUND] = Background()
    app[LOOK] = Look()
    gate.equip(app)
    care_for(gate.WATCH, app)
    voices.equip(app)
    if deps.settings.redis is not None:
        from gateway.neighbours.equip import meet_neighbours  # noqa: PLC0415  a gate that is alone needs no Redis client

        meet_neighbours(app, deps.settings.redis)
    for table in TABLES:
        register(app, table)
    publish(app, title=deps.settings.platform.name, server=settings.public_url)
    app.on_response_prepare.append(finish_headers)
    app.on_shutdown.append(end_streams)
    app.cleanup_ctx.append(keep_house)
    return app
