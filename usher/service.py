"""Runs the parts of Usher that a process was asked for until it is told to stop, and keeps systemd informed."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from chains.errors import ChainError
from chains.port import Sweep
from config import systemd
from gateway.app import build_app
from gateway.background import BACKGROUND
from gateway.operations.scrape import build_metrics_app
from gateway.presence.socket import ROOMS
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
    """Hooks of the watchers: remembers when each last began a turn, and asks the other parts."""

    def __init__(self) -> None:
        self._turns: dict[str, float] = {}
        self._others: list[Callable[[], bool]] = []

    def listen(self, beats: Callable[[], bool]) -> None:
        """Ask another part, too, whether it goes on."""
        self._others.append(beats)

    def beats(self) -> bool:
        """Whether every watcher began a turn lately, and the other parts go on."""
        now = asyncio.get_running_loop().time()
        return all(now - turn < SILENT_SECONDS for turn in self._turns.values()) and all(
            beats() for beats in self._others
        )

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
        work: list[Coroutine[Any, Any, None]] = []
        beside: list[Coroutine[Any, Any, None]] = [_watchdog(pulse)]
        if parts.watch:
            watchers = await stack.enter_async_context(compose.watchers(house, pulse))
            work += [watcher.run(stop) for watcher in watchers]
            work.append(compose.housekeeping(house).run(stop))
        if parts.gate:
            deps = await stack.enter_async_context(compose.gate(house))
            settings = house.settings.gate
            app = build_app(deps)
            await stack.enter_async_context(listening(app, settings.host, settings.port))
            beside.append(app[BACKGROUND].failure())
            pulse.listen(app[ROOMS].door_list.beats)
        metrics = house.settings.metrics
        scrape = build_metrics_app(house.metrics, house.store, house.clock)
        await stack.enter_async_context(listening(scrape, metrics.host, metrics.port))
        systemd.notify(systemd.READY)
        log.info("running", watch=parts.watch, gate=parts.gate, chains=list(house.registry.chains))
        await until(stop, work, beside)
        systemd.notify(systemd.STOPPING)
        log.info("stopping")


async def until(
    stop: asyncio.Event, work: list[Coroutine[Any, Any, None]], beside: list[Coroutine[Any, Any, None]]
) -> None:
    """Run everything until asked to stop or until one fails; then let the work finish what it holds.

    What runs beside the work holds nothing: it is cancelled. Raises what any of them raised.
    """
    waiting = asyncio.create_task(stop.wait())
    parts, others = [asyncio.create_task(part) for part in work], [asyncio.create_task(part) for part in beside]
    try:
        await asyncio.wait({waiting, *parts, *others}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        if parts:
            await asyncio.wait(parts)
    finally:
        for task in (waiting, *parts, *others):
            task.cancel()
    await asyncio.wait({waiting, *parts, *others})
    for task in (*parts, *others):
        if not task.cancelled():
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
