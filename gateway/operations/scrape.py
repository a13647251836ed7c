"""What Prometheus is answered: this process's own metrics, and what the database knows of chains and payments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from aiohttp import web
from sqlalchemy import Connection, Row, func, select

from chains.progress import Progress, Status, status_of
from config.clock import Clock
from gateway.operations.metrics import MetricsHub
from store.engine import Store
from store.errors import StoreUnavailableError
from tickets.schema import payments

log = structlog.get_logger(__name__)

_PAYMENTS = select(payments.c.chain, payments.c.state, payments.c.outcome, func.count().label("payments")).group_by(
    payments.c.chain, payments.c.state, payments.c.outcome
)


def build_metrics_app(hub: MetricsHub, store: Store, clock: Clock) -> web.Application:
    """Return the application for a listener that the public does not reach. Gate and watcher each may have one."""

    async def scrape(_request: web.Request) -> web.Response:
        try:
            followed, counts = await store.read(_look)
        except StoreUnavailableError as away:
            log.warning("store_unavailable", reason=away.detail)
        else:
            _enter(hub, followed, counts, now=clock())
        return web.Response(body=hub.render(), headers={"Content-Type": hub.content_type})

    app = web.Application()
    app.router.add_get("/metrics", scrape)
    return app


def _look(conn: Connection) -> tuple[tuple[Progress, ...], Sequence[Row[Any]]]:
    return status_of(conn), conn.execute(_PAYMENTS).all()


def _enter(hub: MetricsHub, followed: Sequence[Progress], counts: Sequence[Row[Any]], *, now: datetime) -> None:
    for one in followed:
        hub.chain(
            one.chain,
            tip_height=one.tip_height,
            tip_time=one.tip_time,
            final_height=one.final_height,
            polled_at=one.polled_at,
            stopped=one.status is Status.STOPPED,
            now=now,
        )
    hub.payments({(row.chain, row.state, row.outcome): row.payments for row in counts})
