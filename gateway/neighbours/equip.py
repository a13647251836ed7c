"""Gives a gate's limits and rooms what they share with its neighbours. Imported only where [redis] is set."""

from collections.abc import AsyncIterator

from aiohttp import web

from config.settings import RedisSettings
from gateway.background import BACKGROUND
from gateway.deps import DEPS
from gateway.http.limits import LIMITS, Limits
from gateway.neighbours.mirror import Overheard
from gateway.neighbours.relay import Relay
from gateway.neighbours.window import SharedWindow
from gateway.presence.socket import ROOMS


def meet_neighbours(app: web.Application, settings: RedisSettings) -> None:
    """Let an application count and meet together with the other gates of its house, for as long as it runs."""
    deps, rooms = app[DEPS], app[ROOMS]

    def pass_on(heard: Overheard) -> None:
        rooms.carry_out(rooms.hub.overhear(heard.event_id, heard.message, to=heard.to))

    relay = Relay(settings, clock=deps.clock, pass_on=pass_on)
    window = SharedWindow(settings.url, clock=deps.clock, secret=deps.secret)
    rooms.elsewhere = relay
    app[LIMITS] = Limits(deps.settings.gate.limits, deps.clock, window)

    async def keep_the_line(app: web.Application) -> AsyncIterator[None]:
        async with relay.running() as tasks:
            app[BACKGROUND].watch(tasks)
            yield
        await window.aclose()

    app.cleanup_ctx.append(keep_the_line)
