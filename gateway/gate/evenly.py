"""A floor under the time of a refusal: the clock does not tell what was looked at before it was decided."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel

from gateway.gate.models import VerifyAnswer
from gateway.http.codes import Code
from gateway.http.problems import Problem

G = TypeVar("G", bound=BaseModel)
R = TypeVar("R")

FLOOR_SECONDS = 0.02
"""Longer than any refusal takes that asks no node, on a machine that is not overloaded."""
LOOK_UP_SECONDS = 2.2
"""Longer than a look-up may take (2 s) with what is around it."""
LOOKED_UP = frozenset({Code.SIGNATURE_INVALID, Code.SIGNATURE_INCONCLUSIVE})
"""Told of ticket holders after a look-up and of everybody else without one; see docs/adr/0005."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """The event loop's own time (seconds, monotonic) and waiting on it."""

    time: Callable[[], float] = field(default=lambda: asyncio.get_running_loop().time())
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep


PACE: web.AppKey[Pace] = web.AppKey("pace", Pace)


def evenly(handler: Callable[[web.Request, G], Awaitable[R]]) -> Callable[[web.Request, G], Awaitable[R]]:
    """Answer refusals no earlier than their floor after the request; a grant goes out at once."""

    @wraps(handler)
    async def handle(request: web.Request, given: G) -> R:
        pace = request.app[PACE]
        began = pace.time()
        result = await handler(request, given)
        if (code := _refusal(result)) is not None:
            floor = LOOK_UP_SECONDS if code in LOOKED_UP else FLOOR_SECONDS
            await pace.wait(max(0, began + floor - pace.time()))
        return result

    return handle


def _refusal(result: object) -> str | None:
    match result:
        case Problem(code=code):
            return code
        case VerifyAnswer(access=False, code=code):
            return code
        case _:
            return None
