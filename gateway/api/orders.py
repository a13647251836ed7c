"""An order once it is placed: show it, let go of it, draw its link. Following its changes is in `stream`."""

import asyncio
from datetime import datetime
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from gateway.api.bill import Desk, desk_of, payment_link_of
from gateway.api.links import qr_svg
from gateway.api.order_view import OrderView, find_view
from gateway.deps import DEPS
from gateway.http.codes import Code
from gateway.http.limits import Budget
from gateway.http.problems import Problem
from gateway.http.routing import Route
from tickets import events, orders, till
from tickets.order import OrderState

SVG = "image/svg+xml"


async def show(request: web.Request, _: None) -> OrderView | Problem:
    """Show an order. Whoever has its id, 128 random bits, is its buyer."""
    deps = request.app[DEPS]
    found = await deps.store.read(
        partial(find_view, order_id=request.match_info["order_id"], desk=desk_of(deps), now=deps.clock())
    )
    return found or Problem(code=Code.UNKNOWN_ORDER)


async def let_go(request: web.Request, _: None) -> OrderView | Problem:
    """Release an order that is not wanted any more, and the places it keeps."""
    deps = request.app[DEPS]
    return await deps.store.transact(partial(_release, request.match_info["order_id"], desk_of(deps), deps.clock()))


async def qr(request: web.Request, _: None) -> web.Response | Problem:
    """Draw an order's payment link."""
    deps = request.app[DEPS]
    uri = await deps.store.read(partial(_payment_uri, request.match_info["order_id"], desk_of(deps)))
    if isinstance(uri, Problem):
        return uri
    drawn = await asyncio.to_thread(qr_svg, uri)
    return web.Response(body=drawn, content_type=SVG, headers={"Cache-Control": "private, max-age=3600, immutable"})


def _release(order_id: str, desk: Desk, now: datetime, conn: Connection) -> OrderView | Problem:
    order = orders.by_id(conn, order_id, lock=True)
    if order is None:
        return Problem(code=Code.UNKNOWN_ORDER)
    if order.state not in (OrderState.OPEN, OrderState.RELEASED):
        return Problem(code=Code.ORDER_NOT_OPEN, extra={"state": order.state})
    if any(payment.standing for payment in till.of_order(conn, order_id)):
        return Problem(code=Code.ORDER_HAS_PAYMENT)
    orders.release(conn, order_id, now=now)  # once released it stays so: asking again is no mistake
    return find_view(conn, order_id, desk, now=now) or Problem(code=Code.UNKNOWN_ORDER)


def _payment_uri(order_id: str, desk: Desk, conn: Connection) -> str | Problem:
    order = orders.by_id(conn, order_id)
    if order is None:
        return Problem(code=Code.UNKNOWN_ORDER)
    event = events.by_ids(conn, (order.event_id,))[order.event_id]
    link = payment_link_of(order, event, desk)
    return link.uri if link else Problem(code=Code.NO_PAYMENT_LINK)


ROUTES = (
    Route(
        method="GET",
        path="/api/orders/{order_id}",
        handler=show,
        summary="An order with its payments, tickets and what is owed back",
        answer=OrderView,
        budget=Budget.ORDERS,
        problems=(Code.UNKNOWN_ORDER,),
    ),
    Route(
        method="DELETE",
        path="/api/orders/{order_id}",
        handler=let_go,
        summary="Let go of an unpaid order and the places it keeps",
        answer=OrderView,
        budget=Budget.ORDERS,
        problems=(Code.UNKNOWN_ORDER, Code.ORDER_NOT_OPEN, Code.ORDER_HAS_PAYMENT),
    ),
    Route(
        method="GET",
        path="/api/orders/{order_id}/qr.svg",
        handler=qr,
        summary="The payment link as a QR code",
        media=SVG,
        budget=Budget.ORDERS,
        problems=(Code.UNKNOWN_ORDER, Code.NO_PAYMENT_LINK),
    ),
)
