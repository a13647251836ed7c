"""A floor under the time of a refusal: the clock does not tell what was looked at before it was decided."""

import asyncio
from collections.abc import Awaitable, Callable
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


def evenly(handler: Callable[[web.Request, G], Awaitable[R]]) -> Callable[[web.Request, G], Awaitable[R]]:
    """Answer refusals no earlier than FLOOR_SECONDS after the request; a grant goes out at once."""

    @wraps(handler)
    async def handle(request: web.Request, given: G) -> R:
        clock = asyncio.get_running_loop().time
        due = clock() + FLOOR_SECONDS
        result = await handler(request, given)
        if isinstance(result, Problem) or (isinstance(result, VerifyAnswer) and not result.access):
            await asyncio.sleep(max(0, due - clock()))
        return result

    return handle
