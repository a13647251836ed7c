"""Runs the parts of Usher that a process was asked for until it is told to stop, and keeps systemd informed."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from chains.errors import ChainError
from chains.port import Sweep
from config import systemd
from gateway.app import build_app
from gateway.scrape import build_metrics_app
from monitor.settlement import Settlement
from store.errors import StoreError
from usher import compose
from usher.compose import House
from usher.listening import listening

log = structlog.get_logger(__name__)

SILENT_SECONDS = 600
"""A watcher that began no turn for so long hangs: the service manager's watchdog is no longer told that all is well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What this process does."""

    watch: bool
    gate: bool


class Pulse:
    """Hooks of the watchers: remembers when each last began a turn."""

    def __init__(self) -> None:
        self._turns: dict[str, float] = {}

    def beats(self) -> bool:
        """Whether every watcher began a turn lately."""
        now = asyncio.get_running_loop().time()
        return all(now - turn < SILENT_SECONDS for turn in self._turns.values())

    def alive(self, chain: str) -> None:
        """Remember that a turn begins."""
        self._turns[chain] = asyncio.get_running_loop().time()

    def swept(self, chain: str, sweep: Sweep, settlement: Settlement) -> None:
        """Nothing: the scrape reads what is stored."""

    def failed(self, chain: str, error: ChainError | StoreError) -> None:
        """Nothing: the watcher logs it, endpoints are counted where they are asked."""

    def stopped(self, chain: str, reason: str) -> None:
        """Tell the service manager's status line."""
        systemd.notify(systemd.status(f"{chain} stopped: {reason}"))


async def serve(house: House, parts: Parts) -> None:
    """Run until SIGTERM or SIGINT. What is under way is finished first; raises what a part raised."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, stop.set)
    pulse = Pulse()
    async with contextlib.AsyncExitStack() as stack:
        work: list[Coroutine[Any, Any, None]] = [_watchdog(pulse)]
        if parts.watch:
            watchers = await stack.enter_async_context(compose.watchers(house, pulse))
            work += [watcher.run(stop) for watcher in watchers]
            work.append(compose.housekeeping(house).run(stop))
        if parts.gate:
            deps = await stack.enter_async_context(compose.gate(house))
            settings = house.settings.gate
            await stack.enter_async_context(listening(build_app(deps), settings.host, settings.port))
        metrics = house.settings.metrics
        scrape = build_metrics_app(house.metrics, house.store, house.clock)
        await stack.enter_async_context(listening(scrape, metrics.host, metrics.port))
        systemd.notify(systemd.READY)
        log.info("running", watch=parts.watch, gate=parts.gate, chains=list(house.registry.chains))
        await _until(stop, work)
        systemd.notify(systemd.STOPPING)
        log.info("stopping")


async def _until(stop: asyncio.Event, work: list[Coroutine[Any, Any, None]]) -> None:
    """Run everything until asked to stop or until one fails; then let the others finish what they hold."""
    waiting = asyncio.create_task(stop.wait())
    watchdog, *parts = [asyncio.create_task(part) for part in work]
    try:
        await asyncio.wait({waiting, watchdog, *parts}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        if parts:
            await asyncio.wait(parts)
    finally:
        for task in (waiting, watchdog, *parts):
            task.cancel()
    for task in parts:
        task.result()


async def _watchdog(pulse: Pulse) -> None:
    """Tell the service manager that this process's loop runs and its watchers do their turns."""
    interval = systemd.watchdog_interval()
    if interval is None:
        await asyncio.Event().wait()  # nobody listens
        return
    while True:
        if pulse.beats():
            systemd.notify(systemd.WATCHDOG)
        await asyncio.sleep(interval.total_seconds())
