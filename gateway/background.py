"""What runs beside the requests for as long as the application does. One that ends by itself ends the service."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import structlog
from aiohttp import web

log = structlog.get_logger(__name__)


class BackgroundEndedError(Exception):
    """A task that a gate cannot be without has ended; the service has to be started anew."""


class Background:
    """The tasks of one application, and the first of them that died. A task that is cancelled was told to end."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._ended = asyncio.Event()
        self._why: BaseException | None = None

    def watch(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        """Take care of tasks that somebody else started and will cancel."""
        for task in tasks:
            self._running.add(task)
            task.add_done_callback(self._done)

    async def failure(self) -> None:
        """Wait until a task ends by itself. Raises BackgroundEndedError from whatever it raised."""
        await self._ended.wait()
        raise BackgroundEndedError(self.failed) from self._why

    @property
    def failed(self) -> str | None:
        """What ended, by the name of its failure; None while everything runs."""
        return self._name() if self._ended.is_set() else None

    def _name(self) -> str:
        return "ended without a reason" if self._why is None else type(self._why).__qualname__

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if task.cancelled() or self._ended.is_set():
            return
        self._why = task.exception()
        self._ended.set()
        where = task.get_coro()
        log.critical("background_ended", task=getattr(where, "__qualname__", ""), error=self._name())


BACKGROUND: web.AppKey[Background] = web.AppKey("background", Background)


def care_for(key: web.AppKey[list[asyncio.Task[None]]], app: web.Application) -> None:
    """Watch the tasks that the cleanup context before this one put into the application's list."""

    async def keep(app: web.Application) -> AsyncIterator[None]:
        tasks: list[asyncio.Task[None]] = app[key]
        app[BACKGROUND].watch(tasks)
        yield

    app.cleanup_ctx.append(keep)
