"""Whether this gate lives, and whether it and the watchers behind it can do their work. Repairing is not done here."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from aiohttp import web
from sqlalchemy import Connection

from chains.progress import Progress, Status, load, status_of
from config.registry import Chain, Network
from gateway.background import BACKGROUND
from gateway.deps import DEPS
from gateway.http.codes import Code
from gateway.http.limits import Budget
from gateway.http.models import Answer
from gateway.http.problems import Problem
from gateway.http.routing import JSON, Route, json_bytes
from gateway.presence.socket import ROOMS
from store.errors import StoreError

POLL_LIMIT = timedelta(seconds=60)
"""A watcher that has not polled for longer lags: a poll takes seconds, and back-off between failures stays below."""
RETRY_SECONDS = 30
FRESH = timedelta(seconds=1)
NOT_READY = 503
TIP_BLOCKS = 20
TIP_LIMIT = timedelta(minutes=3)
"""A main network's newest block is not older than this or 20 block times; play-money chains may stand still."""


class Alive(Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ChainReadiness(Answer):
    """How one chain's watcher does."""

    chain: str
    name: str
    ready: bool
    reasons: list[str]
    tip_height: int | None
    final_height: int | None
    tip_time: datetime | None
    polled_at: datetime | None


class Readiness(Answer):
    """Whether everything that a sale and a door need is there."""

    ready: bool
    database: bool
    door: bool  # whether the gate knows whom to let in: it reads its door list, and all that runs beside it goes on
    chains: list[ChainReadiness]
    server_time: datetime

    def to_response(self) -> web.Response:
        """Return it with the status that load balancers read."""
        if self.ready:
            return web.Response(body=json_bytes(self), content_type=JSON)
        headers = {"Retry-After": str(RETRY_SECONDS)}
        return web.Response(body=json_bytes(self), status=NOT_READY, headers=headers, content_type=JSON)


class Look:
    """The last look at everything. However many ask, the database is asked once in FRESH."""

    def __init__(self) -> None:
        self._seen: Readiness | None = None
        self._looking = asyncio.Lock()

    async def take(self, app: web.Application) -> Readiness:
        """Return what was seen no more than FRESH ago."""
        async with self._looking:
            now = app[DEPS].clock()
            if self._seen is None or not timedelta() <= now - self._seen.server_time < FRESH:
                self._seen = await look(app, now=now)
            return self._seen


LOOK: web.AppKey[Look] = web.AppKey("look", Look)


def chain_readiness(chain: Chain, progress: Progress | None, *, now: datetime) -> ChainReadiness:
    """Return how a chain's watcher does. A stop's own reason stays in the log: it may name an endpoint."""
    reasons = list(lags(chain, progress, now=now))
    return ChainReadiness(
        chain=chain.id,
        name=chain.name,
        ready=not reasons,
        reasons=reasons,
        tip_height=progress.tip_height if progress else None,
        final_height=progress.final_height if progress else None,
        tip_time=progress.tip_time if progress else None,
        polled_at=progress.polled_at if progress else None,
    )


def lags(chain: Chain, progress: Progress | None, *, now: datetime) -> Iterable[str]:
    """Yield what is wrong with a chain's watcher."""
    if progress is None:
        yield "never polled"
        return
    if progress.status is Status.STOPPED:
        yield "stopped: the operator has to look at it"
    if (silent := now - progress.polled_at) > POLL_LIMIT:
        yield f"no successful poll for {silent.total_seconds():.0f} s"
    if chain.network is Network.MAIN and (age := now - progress.tip_time) > max(
        TIP_LIMIT, TIP_BLOCKS * chain.block_time
    ):
        yield f"newest block is {age.total_seconds():.0f} s old"


def selling(conn: Connection, chain: str) -> Problem | None:
    """Return why nothing is sold in a chain's assets right now, None where it is."""
    progress = load(conn, chain)
    if progress is None:
        return Problem(code=Code.CHAIN_NOT_READY, retry_after=RETRY_SECONDS)
    if progress.status is Status.STOPPED:
        return Problem(code=Code.CHAIN_STOPPED)
    return None


async def healthz(_request: web.Request, _: None) -> Alive:
    """Say that the process answers; touches nothing else."""
    return Alive()


async def look(app: web.Application, *, now: datetime) -> Readiness:
    """Return whether database, door and watchers do their work."""
    deps, rooms = app[DEPS], app[ROOMS]
    door = not rooms.door_list.blind(now) and app[BACKGROUND].failed is None
    try:
        known = {progress.chain: progress for progress in await deps.store.read(status_of)}
    except StoreError:
        return Readiness(ready=False, database=False, door=door, chains=[], server_time=now)
    chains = [chain_readiness(chain, known.get(chain.id), now=now) for chain in deps.registry.chains.values()]
    ready = door and all(chain.ready for chain in chains)
    return Readiness(ready=ready, database=True, door=door, chains=chains, server_time=now)


async def readyz(request: web.Request, _: None) -> web.Response:
    """Say whether database, door and watchers do their work, and if not, why."""
    return (await request.app[LOOK].take(request.app)).to_response()


ROUTES = (
    Route(method="GET", path="/healthz", handler=healthz, summary="Whether the process answers", answer=Alive),
    Route(
        method="GET",
        path="/readyz",
        handler=readyz,
        summary="Whether database, door and watchers do their work; 503 with the reasons where not",
        answer=Readiness,
        also=(NOT_READY,),
        budget=Budget.READS,
    ),
)
