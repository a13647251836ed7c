"""The gate's doors as a table, and what a gate keeps running behind them."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from gateway.deps import DEPS
from gateway.gate.audit_log import AUDIT
from gateway.gate.challenge import challenge
from gateway.gate.credentials import turn_credentials
from gateway.gate.desk import DESK, Desk
from gateway.gate.evenly import PACE, Pace
from gateway.gate.join import join
from gateway.gate.models import (
    ChallengeAnswer,
    ChallengeGiven,
    GrantAnswer,
    IceAnswer,
    ProofGiven,
    ResumeGiven,
    VerifyAnswer,
)
from gateway.gate.proofs import PROOF_PROBLEMS
from gateway.gate.resume import resume
from gateway.gate.verify_access import verify_access
from gateway.http.codes import Code
from gateway.http.limits import Budget
from gateway.http.routing import Route
from gateway.presence.rooms import Rooms
from gateway.presence.socket import ROOMS, presence

JOIN_PROBLEMS = (
    Code.UNKNOWN_EVENT,
    Code.INVALID_ACCOUNT,
    Code.WALLET_NOT_SUPPORTED,
    Code.PROOF_REQUIRED,
    Code.TIMESTAMP_FORM_OFF,
    *PROOF_PROBLEMS,
)
STANDING_PROBLEMS = (
    Code.NO_TICKET,
    Code.TICKET_SUSPENDED,
    Code.TICKET_REVOKED,
    Code.TICKET_REFUNDED,
    Code.TICKET_TRANSFERRED,
    Code.BANNED,
    Code.DOORS_CLOSED,
    Code.EVENT_CANCELLED,
    Code.EVENT_OVER,
    Code.GATE_BLIND,
)
SESSION_PROBLEMS = (Code.SESSION_REQUIRED, Code.SESSION_INVALID, Code.SESSION_EXPIRED, Code.SESSION_CLOSED)
TURN_PATHS = ("/api/turn-credentials", "/api/webrtc/turn-config", "/api/presence/turn-credentials")

ROUTES = (
    Route(
        method="POST",
        path="/api/events/{event}/join",
        handler=join,
        summary="Open the door with a wallet's proof",
        body=ProofGiven,
        answer=GrantAnswer,
        budget=Budget.JOINS,
        problems=JOIN_PROBLEMS + STANDING_PROBLEMS,
    ),
    Route(
        method="POST",
        path="/api/events/{event}/challenge",
        handler=challenge,
        summary="A text for a wallet to sign",
        body=ChallengeGiven,
        answer=ChallengeAnswer,
        budget=Budget.CHALLENGES,
        problems=(Code.UNKNOWN_EVENT, Code.INVALID_ACCOUNT, Code.WALLET_NOT_SUPPORTED, Code.ORIGIN_NOT_ALLOWED),
    ),
    Route(
        method="POST",
        path="/api/events/{event}/verify-access",
        handler=verify_access,
        summary="Whether a wallet's proof would open the door now",
        body=ProofGiven,
        answer=VerifyAnswer,
        budget=Budget.JOINS,
        problems=(Code.UNKNOWN_EVENT, Code.INVALID_ACCOUNT, Code.WALLET_NOT_SUPPORTED, Code.SIGNATURE_INCONCLUSIVE),
    ),
    Route(
        method="POST",
        path="/api/events/{event}/resume",
        handler=resume,
        summary="Go on with a session after a reload",
        body=ResumeGiven,
        answer=GrantAnswer,
        budget=Budget.JOINS,
        problems=(
            Code.UNKNOWN_EVENT,
            Code.RESUME_INVALID,
            Code.SESSION_CLOSED,
            Code.SIGNATURE_INCONCLUSIVE,
            *STANDING_PROBLEMS,
        ),
    ),
    *(
        Route(
            method="GET",
            path=path,
            handler=turn_credentials,
            summary="A fresh TURN credential for an open session",
            answer=IceAnswer,
            budget=Budget.READS,
            session=True,
            problems=(*SESSION_PROBLEMS, *STANDING_PROBLEMS, Code.NO_TURN),
        )
        for path in TURN_PATHS
    ),
    Route(
        method="GET",
        path="/event/{event}",
        handler=presence,
        summary="The presence websocket of an event's room",
        status=101,
        media="application/json",
        budget=Budget.READS,
        problems=(
            Code.UNKNOWN_EVENT,
            Code.ORIGIN_NOT_ALLOWED,
            Code.NOT_A_WEBSOCKET,
            Code.TOO_MANY_SOCKETS,
            Code.GATE_BLIND,
        ),
    ),
)


WATCH: web.AppKey[list[asyncio.Task[None]]] = web.AppKey("watch", list)
"""What runs beside the requests: the reader of the door list and the rooms' clock."""


def equip(app: web.Application) -> None:
    """Give an application what the gate's doors need, and let it run while the application does."""
    deps = app[DEPS]
    rooms = app[ROOMS] = Rooms(deps)
    app[AUDIT] = rooms.audit
    app.setdefault(PACE, Pace())
    app[DESK] = Desk.of(deps, rooms.door_list)
    app[WATCH] = []
    app.cleanup_ctx.append(keep_watch)
    app.on_shutdown.append(send_everybody_away)


async def keep_watch(app: web.Application) -> AsyncIterator[None]:
    """Read the door list and keep the rooms' time for as long as the application runs (a cleanup context)."""
    rooms, running = app[ROOMS], app[WATCH]
    await rooms.door_list.start()
    running += [asyncio.create_task(rooms.door_list.run()), asyncio.create_task(rooms.run())]
    yield
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await app[AUDIT].settled()


async def send_everybody_away(app: web.Application) -> None:
    """Close every socket before the server stops, and finish writing who was here."""
    await app[ROOMS].close()
