"""An order's changes as server-sent events. One poller per process reads versions for all streams; none asks alone."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import structlog
from aiohttp import web

from gateway.api.bill import desk_of
from gateway.api.order_view import OrderView, find_view, versions
from gateway.deps import DEPS
from gateway.http.client import client_of
from gateway.http.codes import Code
from gateway.http.limits import Budget
from gateway.http.problems import Problem
from gateway.http.routing import Route, json_bytes
from store.engine import Store
from store.errors import StoreError, StoreUnavailableError

log = structlog.get_logger(__name__)

EVENT_STREAM = "text/event-stream"
POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 15
"""Below the idle limits of common proxies."""
HEARTBEAT = b":\n\n"
LIFE_SECONDS = 3600
"""Browsers come back by themselves; a stream that never ends would outlive its reader."""
STREAMS_TOTAL = 2_000
STREAMS_PER_CLIENT = 16
AT_ONCE = 500
"""Orders named in one statement."""


class OrderFeed:
    """Wakes whoever follows an order when it, its payments or its tickets changed."""

    def __init__(self, store: Store, gauge: Callable[[int], None]) -> None:
        self._store = store
        self._gauge = gauge  # told how many streams are open
        self._followers: dict[str, set[asyncio.Event]] = {}
        self._known: dict[str, str] = {}
        self._clients: Counter[str] = Counter()
        self._poller: asyncio.Task[None] | None = None
        self.closing = False

    @contextmanager
    def follow(self, order_id: str, client: str) -> Iterator[asyncio.Event | None]:
        """Give an event that is set on every change; None where too many streams are open already."""
        if self._clients.total() >= STREAMS_TOTAL or self._clients[client] >= STREAMS_PER_CLIENT:
            yield None
            return
        changed = asyncio.Event()
        self._followers.setdefault(order_id, set()).add(changed)
        self._clients[client] += 1
        self._gauge(self._clients.total())
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll())
        try:
            yield changed
        finally:
            self._leave(order_id, client, changed)

    async def refresh(self) -> None:
        """Read the followed orders' versions once, and wake the followers of those that changed."""
        followed = list(self._followers)
        for start in range(0, len(followed), AT_ONCE):
            some = followed[start : start + AT_ONCE]
            for order_id, version in (await self._store.read(partial(versions, order_ids=some))).items():
                if self._known.get(order_id) != version and order_id in self._followers:
                    self._known[order_id] = version
                    for changed in self._followers[order_id]:
                        changed.set()

    async def aclose(self) -> None:
        """Let every stream end."""
        self.closing = True
        for followers in self._followers.values():
            for changed in followers:
                changed.set()
        if self._poller is not None:
            self._poller.cancel()
            with suppress(asyncio.CancelledError):
                await self._poller

    async def _poll(self) -> None:
        try:
            while self._followers:
                try:
                    await self.refresh()
                except StoreError as error:
                    log.warning("store_unavailable", reason=error.detail)
                await asyncio.sleep(POLL_SECONDS)
        finally:
            self._poller = None

    def _leave(self, order_id: str, client: str, changed: asyncio.Event) -> None:
        followers = self._followers[order_id]
        followers.discard(changed)
        if not followers:
            del self._followers[order_id]
            self._known.pop(order_id, None)
        self._clients[client] -= 1
        self._clients += Counter()  # drops the clients that have none left
        self._gauge(self._clients.total())


FEED: web.AppKey[OrderFeed] = web.AppKey("order_feed", OrderFeed)


async def end_streams(app: web.Application) -> None:
    """Let go of every reader (an on_shutdown signal)."""
    await app[FEED].aclose()


async def follow(request: web.Request, _: None) -> web.StreamResponse | Problem:
    """Tell how an order stands, and again after every change (HTML Living Standard, section 9.2)."""
    deps, feed = request.app[DEPS], request.app[FEED]
    order_id, seen = request.match_info["order_id"], request.headers.get("Last-Event-ID")

    async def look() -> OrderView | None:
        return await deps.store.read(partial(find_view, order_id=order_id, desk=desk_of(deps), now=deps.clock()))

    with feed.follow(order_id, client_of(request)) as changed:
        if changed is None:
            return Problem(code=Code.TOO_MANY_STREAMS, retry_after=HEARTBEAT_SECONDS)
        if not await deps.store.read(partial(versions, order_ids=[order_id])):
            return Problem(code=Code.UNKNOWN_ORDER)
        headers = {"Content-Type": EVENT_STREAM, "X-Accel-Buffering": "no"}
        if request.method == "HEAD":
            return web.Response(headers=headers)
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        with suppress(TimeoutError, ConnectionResetError, StoreUnavailableError):  # the reader comes back by itself
            async with asyncio.timeout(LIFE_SECONDS):
                async for view in _states(feed, changed, look, seen=seen):
                    await response.write(written(view) if view else HEARTBEAT)
        return response


async def _states(
    feed: OrderFeed, changed: asyncio.Event, look: Callable[[], Awaitable[OrderView | None]], *, seen: str | None
) -> AsyncIterator[OrderView | None]:
    """Yield an order's state unless it was seen, and again after every change; None where silence lasts too long."""
    while not feed.closing and (view := await look()) is not None:
        if view.version != seen:
            seen = view.version
            yield view
        while not await _happens(changed, within=HEARTBEAT_SECONDS):
            yield None
        changed.clear()


def written(view: OrderView) -> bytes:
    """Return an order's state as one event; JSON has no line ends of its own."""
    return b"id: %b\nevent: order\ndata: %b\n\n" % (view.version.encode(), json_bytes(view))


async def _happens(event: asyncio.Event, *, within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            return await event.wait()
    except TimeoutError:
        return False


ROUTES = (
    Route(
        method="GET",
        path="/api/orders/{order_id}/stream",
        handler=follow,
        summary="An order's state now and after every change, as server-sent events",
        media=EVENT_STREAM,
        budget=Budget.ORDERS,
        problems=(Code.UNKNOWN_ORDER, Code.TOO_MANY_STREAMS),
    ),
)
