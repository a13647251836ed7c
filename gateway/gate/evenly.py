"""A floor under the time of a refusal: the clock does not tell what was looked at before it was decided."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel

from gateway.gate.models import VerifyAnswer
from gateway.problems import Problem

G = TypeVar("G", bound=BaseModel)
R = TypeVar("R")

FLOOR_SECONDS = 0.02
"""Longer than any refusal takes that asks no node, on a machine that is not overloaded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """The event loop's own time (seconds, monotonic) and waiting on it."""

    time: Callable[[], float] = field(default=lambda: asyncio.get_running_loop().time())
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep


PACE: web.AppKey[Pace] = web.AppKey("pace", Pace)


def evenly(handler: Callable[[web.Request, G], Awaitable[R]]) -> Callable[[web.Request, G], Awaitable[R]]:
    """Answer refusals no earlier than FLOOR_SECONDS after the request; a grant goes out at once."""

    @wraps(handler)
    async def handle(request: web.Request, given: G) -> R:
        pace = request.app[PACE]
        due = pace.time() + FLOOR_SECONDS
        result = await handler(request, given)
        if isinstance(result, Problem) or (isinstance(result, VerifyAnswer) and not result.access):
            await pace.wait(max(0, due - pace.time()))
        return result

    return handle
